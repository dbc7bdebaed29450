"""`inpaint sync`: log what the project holds and MLflow lacks."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from inpaint.errors import InputError, StageError
from inpaint.experiments import Experiment, all_experiments, check_out_results, summary_of, tree_of
from inpaint.paths import Paths
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import PROBLEMS, connect, describe_problem
from inpaint.tracking.sync import complete


def run(root: Path, names: Sequence[str]) -> int:
    console = Console(highlight=False)
    experiments = _chosen(root, names)
    runs = Runs(root)
    failed = False
    if not names:
        if Paths(root).train_summary.exists():
            console.print(f"workspace: {_log(console, root, root)}")
        else:
            console.print("workspace: no training has left its results; `dvc repro` makes some")
    for experiment in experiments:
        summary = summary_of(root, experiment.revision)
        if summary is None:
            outcome = "no results that name their run, left alone"
        elif runs.is_complete(summary["run_id"], summary["test_ssim_unit"]):
            outcome = "complete"
        else:
            try:
                with tree_of(root, experiment.revision) as tree:
                    check_out_results(tree, root)
                    outcome = _log(console, root, tree)
            except StageError:
                failed = True
                outcome = (
                    "its files are not in DVC's cache, so it was not logged; "
                    f"`dvc exp pull REMOTE {experiment.name}` gets them"
                )
        console.print(f"{experiment.name}: {outcome}")
    for lost in Runs(root).without_files():
        console.print(
            f"run {lost.run_id[:8]} {lost.name}: its files are not there any more: {lost.artifacts}"
        )
    return int(failed)


def _chosen(root: Path, names: Sequence[str]) -> list[Experiment]:
    experiments = all_experiments(root)
    unknown = sorted(set(names) - {experiment.name for experiment in experiments})
    if unknown:
        raise InputError(
            f"experiment: received {', '.join(unknown)}, allowed: "
            f"{', '.join(experiment.name for experiment in experiments) or 'none, there is none'}"
        )
    return [experiment for experiment in experiments if not names or experiment.name in names]


def _log(console: Console, root: Path, tree: Path) -> str:
    """Log what a tree holds to the project's store; say what was done."""
    record = read_record(Paths(tree))
    with console.status(f"{record.name}: comparing with MLflow"):
        try:
            synced = complete(connect(root, record.experiment), record)
        except PROBLEMS as error:
            raise InputError(describe_problem(root, error)) from None
    if synced.is_deleted:
        return f"run {synced.run_id[:8]} was deleted in MLflow, left alone"
    if not synced.added:
        return f"run {synced.run_id[:8]} is complete"
    return f"run {synced.run_id[:8]}: logged {', '.join(synced.added)}"
