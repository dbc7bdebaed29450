"""`inpaint sweep sweep.yaml`: search for settings, by Ray Tune, and choose by validation scores."""

import csv
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.table import Table

from inpaint.base import checkpoints, origin
from inpaint.base.cluster import connected, require_ray
from inpaint.base.errors import InputError, StageError
from inpaint.base.files import atomic, write_text
from inpaint.base.paths import Paths, project_root
from inpaint.commands.sweep import pictures, trial
from inpaint.commands.sweep.outcome import Outcome, ranked, read_outcomes, write_outcome
from inpaint.commands.sweep.plan import Plan, read_plan
from inpaint.commands.sweep.search import search
from inpaint.params import load_params
from inpaint.scoring import plots
from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.terminal.progress import ProgressBar
from inpaint.tracking.sweeps import SweepRun, sweep_run


def run(root: Path, file: Path) -> int:
    require_ray("inpaint sweep")
    params = load_params(Paths(root).params)
    plan = read_plan(file, params)
    key = plan.key(origin.code_version())
    folder = project_root(root) / "models" / "sweeps" / key
    reports = root / "reports" / "sweeps" / plan.name
    with _alone(root, key, file) as lock:
        folder.mkdir(parents=True, exist_ok=True)
        told = {"search": plan.search, "trials": str(len(plan.trials)), "cores": str(plan.cores)}
        told |= {"early_stopping": str(plan.early_stopping)}
        told |= {f"sweep.{name}": _values_of(plan, name) for name in plan.keys}
        name = f"sweep-{plan.name}"
        with sweep_run(root, params.tracking.experiment, key, name, told, lock) as logged:
            found = read_outcomes(folder, len(plan.trials))
            # What has failed is tried again.
            done = {number: each for number, each in found.items() if not each.failure}
            if len(done) < len(plan.trials):
                _search(plan, root, folder, logged, done)
            _clean(folder)
            outcomes = [_with_run(done[number], logged) for number in range(len(plan.trials))]
            _report(plan, file, outcomes, reports, logged)
    failed = [each for each in outcomes if each.failure]
    for each in failed:
        console().print(
            f"{_setting(plan, each)} failed, and is tried again next time: {each.failure}"
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


def _search(
    plan: Plan, root: Path, folder: Path, logged: SweepRun, done: dict[int, Outcome]
) -> None:
    """Run the trials that are left; ``done`` is added to."""
    told = origin.capture(root)
    told["sweep"], told["experiment"] = logged.run_id, None
    job = trial.Job(project_root(root), folder, told, plan.cores, plan.trials, dict(done))
    if done:
        print(f"goes on: {len(done)} of {len(plan.trials)} trials have ended already", flush=True)
    epochs: Counter[int] = Counter()
    total = sum(plan.epochs(number) for number in range(len(plan.trials)))
    with (
        tempfile.TemporaryDirectory() as files,
        ProgressBar("Epoch of all trials", total, lines=20) as bar,
    ):
        if plan.shares_images:
            try:
                trial.prepare(job, Path(files))
            except trial.StageFailedError as error:
                raise StageError(str(error)) from None

        def on_epoch(number: int, epoch: int) -> None:
            epochs[number] = max(epoch, epochs[number])
            show()

        def on_outcome(outcome: Outcome) -> None:
            number = outcome.trial
            epochs[number] = plan.epochs(number)  # what is not trained is not to be waited for
            if number not in done:
                write_outcome(folder, outcome)
                done[number] = outcome
            show()

        def show() -> None:
            best = max((each.score["mean"] for each in done.values() if each.score), default=0.0)
            note = f"best {best:.4f}" if best else ""
            bar.update(epochs.total(), f"{len(done)}/{len(plan.trials)} trials ended  {note}")

        with connected("inpaint sweep", Path(files)) as ray:
            if ray.cluster_resources().get("CPU", 0) < plan.cores:
                most = int(ray.cluster_resources().get("CPU", 0))
                raise InputError(
                    f"{plan.name}: cores: received {plan.cores}, allowed: up to the {most} here"
                )
            search(plan, job, on_epoch, on_outcome)


def _with_run(outcome: Outcome, logged: SweepRun) -> Outcome:
    """A trial without results does not know its run; if it was given up, that is told there."""
    if outcome.run_id:
        logged.forget_others(outcome.trial, outcome.run_id)
        return outcome
    reason = f"given up early by the sweep, after epoch {len(outcome.curve)}"
    run_id = logged.run_of(outcome.trial, reason if outcome.is_given_up else None)
    return replace(outcome, run_id=run_id)


def _clean(folder: Path) -> None:
    """Remove the trees of trials that were killed."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def _values_of(plan: Plan, key: str) -> str:
    """Of all trials, each once."""
    values = list(dict.fromkeys(str(setting[key]) for setting in plan.settings))
    return ", ".join(values)[:500]


def _report(
    plan: Plan, file: Path, outcomes: list[Outcome], folder: Path, logged: SweepRun
) -> None:
    """Print a table, write it and the pictures, and log all that."""
    out = console()
    groups = ranked(outcomes)
    for group in groups:
        out.print(_table(plan, group))
    given_up = [each for each in outcomes if each.is_given_up]
    trained = sum(len(each.curve) for each in outcomes)
    most = sum(plan.epochs(each.trial) for each in outcomes)
    told = f"{len(outcomes)} trials, {trained} of {most} epochs trained"
    out.print(f"{told}, {len(given_up)} given up early." if given_up else f"{told}.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "trials.csv", _as_csv(plan, outcomes))
    for name, figure in (
        ("coordinates.png", pictures.parallel_coordinates(plan, outcomes)),
        ("progress.png", pictures.progress(outcomes)),
    ):
        with atomic(folder / name) as temporary:
            plots.save(figure, temporary)
    choices = [_choice(plan, group) for group in groups]
    for choice in choices:
        out.print(choice)
    if len(groups) > 1:
        out.print("Trials with other validation images or holes are not compared with each other.")
    out.print(f"Table and pictures are in {folder}.")
    metrics = {"sweep/best_valid_ssim_unit": groups[0][0].score["mean"]} if groups else {}
    metrics |= {"sweep/epochs": float(trained)}
    made = [folder / name for name in ("trials.csv", "coordinates.png", "progress.png")]
    logged.log([file, *made], metrics, "\n\n".join([f"{told}.", *choices]))


def _setting(plan: Plan, outcome: Outcome) -> str:
    return ", ".join(f"{key}={plan.settings[outcome.trial][key]}" for key in plan.keys)


def _choice(plan: Plan, group: list[Outcome]) -> str:
    """The best, and which others may be as good."""
    best, *others = group
    alike = [each for each in others if each.score["high"] >= best.score["low"]]
    told = f"{len(alike)} others are" if len(alike) > 1 else "1 other is"
    near = f" {told} within its interval, or near it." if alike else ""
    return (
        f"Best on the validation images: {_setting(plan, best)}, "
        f"{interval(best.score, '.4f')}.{near} `inpaint reproduce {best.run_id[:8]}` makes it an "
        "experiment."
    )


def _table(plan: Plan, group: list[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("run", no_wrap=True)
    for header in ("ssim_unit, validation", "gain", "time"):
        table.add_column(header, justify="right", no_wrap=True)
    for key in plan.keys:
        table.add_column(key, overflow="fold")
    for rank, each in enumerate(group, 1):
        trouble = "".join(f", {told}" for told in each.troubles)
        table.add_row(
            str(rank),
            each.run_id[:8],
            interval(each.score, ".4f") + trouble,
            f"{each.gain['mean']:+.4f}",
            f"{each.seconds:.0f} s",
            *(str(plan.settings[each.trial][key]) for key in plan.keys),
        )
    return table


def _as_csv(plan: Plan, outcomes: list[Outcome]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = ("mean", "low", "high")
    scores = [f"{name}_{end}" for name in ("valid_ssim_unit", "gain") for end in ends]
    writer.writerow(["trial", "run_id", "ended", "epochs", "seconds", *scores, *plan.keys])
    for each in outcomes:
        ended = "given up" if each.is_given_up else f"failed: {each.failure}"
        values = [found.get(end, "") for found in (each.score, each.gain) for end in ends]
        writer.writerow(
            [
                *(each.trial, each.run_id, "scored" if each.score else ended, len(each.curve)),
                *(each.seconds, *values, *(plan.settings[each.trial][key] for key in plan.keys)),
            ]
        )
    return text.getvalue()
