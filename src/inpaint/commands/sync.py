"""`inpaint sync`: log what the project holds and MLflow lacks."""

from collections.abc import Sequence
from pathlib import Path

from inpaint.base.checked import OlderVersionError
from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import Paths
from inpaint.terminal.console import console
from inpaint.tracking import experiments
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import telling_problems
from inpaint.tracking.sync import log


def run(root: Path, names: Sequence[str]) -> int:
    out = console()
    chosen = _chosen(root, names)
    runs = Runs(root)
    outcomes = []
    if not names:
        if Paths(root).train_summary.exists():
            outcomes.append(_log("workspace", root, root))
        else:
            out.print("workspace: no training has left its results; `dvc repro` makes some")
    for experiment in chosen:
        # One that is named is looked at file by file, the figures too.
        summary = None if names else experiments.summary_of(root, experiment.revision)
        if summary and runs.is_complete(summary["run_id"], summary["test_ssim_unit"]):
            out.print(f"{experiment.name}: complete")
            continue
        with out.status(f"{experiment.name}: getting its files"):
            outcomes.append(_log_experiment(experiment, root))
    for lost in Runs(root).without_files():
        out.print(
            f"run {lost.run_id[:8]} {lost.name}: its files are not there any more: {lost.artifacts}"
        )
    return 0 if all(outcomes) else 1


def _chosen(root: Path, names: Sequence[str]) -> list[experiments.Experiment]:
    there = experiments.all_experiments(root)
    unknown = sorted(set(names) - {experiment.name for experiment in there})
    if unknown:
        raise InputError(
            f"experiment: received {', '.join(unknown)}, allowed: "
            f"{', '.join(experiment.name for experiment in there) or 'none, there is none'}"
        )
    return [experiment for experiment in there if not names or experiment.name in names]


def _log_experiment(experiment: experiments.Experiment, root: Path) -> bool:
    with experiments.tree_of(root, experiment.revision) as tree:
        try:
            experiments.check_out_results(tree, root)
        except StageError as error:
            console().print(
                f"{experiment.name}: not logged, its files are not in DVC's cache ({error}); "
                f"`dvc exp pull REMOTE {experiment.name}` gets them"
            )
            return False
        return _log(experiment.name, root, tree)


def _log(holder: str, root: Path, tree: Path) -> bool:
    """Log what a tree holds to the project's store; say what was done, and whether it could be."""
    try:
        record = read_record(Paths(tree))
    except OlderVersionError:
        console().print(f"{holder}: left alone, an older version of inpaint made it")
        return True
    except InputError as error:
        console().print(f"{holder}: not logged: {error}")
        return False
    try:
        with telling_problems(root):
            synced = log(root, record)
    except StageError as error:
        console().print(f"{holder}: not logged: {error}")
        return False
    if synced.is_deleted:
        outcome = "was deleted in MLflow, left alone"
    else:
        outcome = f"logged {', '.join(synced.added)}" if synced.added else "complete"
    console().print(f"{holder}: run {synced.run_id[:8]}: {outcome}")
    return True
