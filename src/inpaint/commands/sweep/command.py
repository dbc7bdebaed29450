"""What `inpaint sweep` does: plan, search, and report."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inpaint.base import checkpoints, origin
from inpaint.base.cluster import cluster_address, connected, require_ray
from inpaint.base.errors import InputError
from inpaint.base.files import write_text
from inpaint.base.paths import Paths, project_root
from inpaint.commands.sweep.outcome import Outcome, ranked, read_outcomes, write_outcome
from inpaint.commands.sweep.plan import Plan, read_plan
from inpaint.commands.sweep.report import report, values_of
from inpaint.commands.sweep.search import search
from inpaint.commands.sweep.trial import Job, make_images
from inpaint.params import load_params
from inpaint.terminal.console import console
from inpaint.terminal.progress import ProgressBar
from inpaint.tracking.sweeps import SweepRun, sweep_run

_SEARCHED = 20  # values that the sweep's run tells of a key


def sweep(root: Path, file: Path) -> int:
    require_ray("inpaint sweep")
    params = load_params(Paths(root).params)
    plan = read_plan(file, params, root)
    key = plan.key(origin.code_version())
    folder = project_root(root) / "models" / "sweeps" / key
    with _alone(root, key, file) as lock:
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "run"  # where its runs are: another clone's sweep is another one
        earlier = known.read_text().strip() if known.exists() else ""
        experiment, told = params.tracking.experiment, _parameters(plan)
        with sweep_run(root, experiment, key, plan.name, told, lock, earlier) as logged:
            write_text(known, logged.run_id)
            try:
                outcomes = _outcomes(plan, root, folder, logged)
            finally:
                _clean(folder)
            report(plan, outcomes, root / "reports" / "sweeps" / f"{plan.name}-{key[:6]}", logged)
    failed = [each for each in outcomes if each.failure]
    for each in failed:
        console().print(
            f"{values_of(plan, each)} failed, and is tried again next time: {each.failure}"
        )
    return 1 if failed else 0


@contextmanager
def _alone(root: Path, key: str, file: Path) -> Iterator[Path]:
    """The lock of the sweep.

    Raises:
        InputError: another process runs it.
    """
    with checkpoints.claimed(root, key) as slot:
        if not slot.path.stem.endswith("-1"):
            raise InputError(f"{file}: another process runs this sweep")
        yield slot.lock


def _parameters(plan: Plan) -> dict[str, str]:
    """Of the sweep's run."""
    told = {"search": plan.search, "trials": str(len(plan.trials)), "cores": str(plan.cores)}
    told |= {"early_stopping": str(plan.early_stopping)}
    for key in plan.keys:
        values = list(dict.fromkeys(str(setting[key]) for setting in plan.settings))
        more = ", ..." * (len(values) > _SEARCHED)
        told[f"sweep.{key}"] = ", ".join(values[:_SEARCHED])[:500] + more
    return told


def _outcomes(plan: Plan, root: Path, folder: Path, logged: SweepRun) -> list[Outcome]:
    """What came of all trials, those that had ended before included."""
    found = read_outcomes(folder, len(plan.trials))
    # What has failed is tried again, and what the store has lost, too.
    done = {
        number: each
        for number, each in found.items()
        if each.is_given_up or (each.score and logged.has_scores(each.run_id))
    }
    if len(done) < len(plan.trials):
        told = origin.capture(root)
        told["sweep"], told["experiment"] = logged.run_id, None
        job = Job(project_root(root), folder, told, plan, dict(done))
        if done:
            print(f"goes on: {len(done)} of {len(plan.trials)} trials have ended already")
        _search(job, done)
    checkpoints.discard_trials(root, logged.run_id, range(len(plan.trials)))
    outcomes = [_settled(done[number], logged) for number in range(len(plan.trials))]
    for outcome in outcomes:
        write_outcome(folder, outcome)
    return outcomes


def _search(job: Job, done: dict[int, Outcome]) -> None:
    """Run the trials that are left; ``done`` is added to."""
    plan = job.plan
    epochs = Counter({number: plan.epochs(number) for number in done})
    total = sum(plan.epochs(number) for number in range(len(plan.trials)))

    def on_epoch(number: int, epoch: int) -> None:
        epochs[number] = max(epoch, epochs[number])
        show()

    def on_outcome(outcome: Outcome) -> None:
        epochs[outcome.trial] = plan.epochs(outcome.trial)  # no more are to be waited for
        write_outcome(job.folder, outcome)
        done[outcome.trial] = outcome
        if outcome.is_given_up:
            checkpoints.discard_trials(job.root, job.origin["sweep"], _given_up(done))
        show()

    def show() -> None:
        groups = ranked(list(done.values()))
        best = f"best {groups[0][0].score['mean']:.4f}" if groups else ""
        bar.update(epochs.total(), f"{len(done)}/{len(plan.trials)} trials ended  {best}")

    has_nodes = cluster_address() is not None
    with (
        ProgressBar("Epoch of all trials", total, lines=20) as bar,
        # What Ray sends to other nodes lies outside of the project, whose .gitignore it heeds.
        _images(job, is_wanted=has_nodes, within=None) as sent,
        connected("inpaint sweep", sent) as ray,
        _images(job, is_wanted=not has_nodes, within=job.folder) as images,
    ):
        _check_cores(plan, ray.nodes())
        search(job, images, on_epoch, on_outcome)


@contextmanager
def _images(job: Job, *, is_wanted: bool, within: Path | None) -> Iterator[Path | None]:
    """A folder with the images and holes that all trials share; None if it is not wanted here, or
    they share none.

    Args:
        job: what the trials have in common.
        is_wanted: whether trials, or Ray, look for them in this folder.
        within: where it lies; None for a place of the system's.
    """
    if not (is_wanted and job.plan.shares_images):
        yield None
        return
    with tempfile.TemporaryDirectory(dir=within, prefix="images-") as folder:
        make_images(job, Path(folder))
        yield Path(folder)


def _check_cores(plan: Plan, nodes: list[dict]) -> None:
    """Refuse trials that fit on no node: they would wait for ever."""
    most = max((int(n["Resources"].get("CPU", 0)) for n in nodes if n["Alive"]), default=0)
    if plan.cores > most:
        raise InputError(f"cores: received {plan.cores}, allowed: up to the {most} of a node")


def _given_up(done: dict[int, Outcome]) -> set[int]:
    return {number for number, each in done.items() if each.is_given_up}


def _settled(outcome: Outcome, logged: SweepRun) -> Outcome:
    """With the run of the trial, which is the only one of it that is left."""
    if outcome.score:
        if not logged.has_scores(outcome.run_id):
            return Outcome(outcome.trial, outcome.curve, failure="its scores are not in MLflow")
        logged.keep(outcome.trial, outcome.run_id)
        return outcome
    reason = f"given up early by the sweep, after epoch {len(outcome.curve)}"
    run_id = logged.keep_newest(outcome.trial, reason if outcome.is_given_up else outcome.failure)
    return replace(outcome, run_id=run_id)


def _clean(folder: Path) -> None:
    """Remove the trees of trials that were ended."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
