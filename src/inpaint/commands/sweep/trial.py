"""One trial: the whole pipeline, in a tree of its own, on whichever node."""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inpaint.base.checked import read_checked
from inpaint.base.errors import StageError
from inpaint.base.files import write_text
from inpaint.base.origin import ORIGIN, Origin
from inpaint.base.paths import Paths
from inpaint.base.processes import OWNER, on_threads
from inpaint.commands.sweep.outcome import Outcome
from inpaint.commands.sweep.plan import Plan

_MAKE_IMAGES, _USE_IMAGES = ("prepare", "mask"), ("train", "evaluate", "plot")
_START = (
    "import sys; from pathlib import Path; from inpaint.commands.launch import launch; "
    "sys.exit(launch(sys.argv[1], root=Path.cwd()))"
)
_LOOK_S = 0.3
_LAST_WORDS_S = 30.0


@dataclass(frozen=True)
class Job:
    """What all trials of a sweep have in common.

    Attributes:
        root: the project, which a node may know or not: then runs are logged where
            MLFLOW_TRACKING_URI says, and a trial that has lost its node begins anew.
        folder: where trees of trials lie, if the node knows the project.
        origin: of the sweep's code, and its run.
        plan: of the sweep.
        done: of an earlier process, what came of the trials that had ended.
    """

    root: Path
    folder: Path
    origin: Origin
    plan: Plan
    done: dict[int, Outcome]


def run_trial(
    job: Job, trial: int, images: Path, on_epoch: Callable[[int, float], None]
) -> Outcome:
    """Train and score one setting.

    Args:
        job: what the trials have in common.
        trial: its number.
        images: a folder with `data` of all trials, if they share it.
        on_epoch: called with the number of an epoch and its score. What it raises ends the trial.
    """
    if not job.folder.is_dir() and not _is_shared(os.environ.get("MLFLOW_TRACKING_URI", "")):
        return Outcome(
            trial,
            failure="a node without the project's folder needs MLFLOW_TRACKING_URI, a server's",
        )
    with _tree(job, trial) as tree:
        stages = _USE_IMAGES if job.plan.shares_images else (*_MAKE_IMAGES, *_USE_IMAGES)
        if job.plan.shares_images:
            (tree / "data").symlink_to(images / "data")
        environment = _environment(job, trial, tree)
        try:
            for stage in stages:
                _run_stage(stage, tree, environment, on_epoch)
        except StageError as error:
            # A network that has learned nothing has scores all the same.
            if not Paths(tree).metrics.exists():
                return Outcome(trial, curve=_curve(tree), failure=str(error))
        return _outcome(Paths(tree), trial)


def make_images(job: Job, tree: Path) -> None:
    """Make, in a tree, the images and holes that all trials share.

    Raises:
        StageError: a stage has failed.
    """
    _write_params(tree, job.plan.trials[0])
    environment = _environment(job, 0, tree)
    for stage in _MAKE_IMAGES:
        _run_stage(stage, tree, environment, lambda *_: None)


def _is_shared(uri: str) -> bool:
    """Whether an MLflow store is more than a file of one node."""
    return bool(uri) and not uri.startswith("sqlite")


@contextmanager
def _tree(job: Job, trial: int) -> Iterator[Path]:
    """A project tree that goes when the block ends."""
    parent = job.folder if job.folder.is_dir() else None
    with tempfile.TemporaryDirectory(
        dir=parent, prefix=f"trial-{trial:03}-", ignore_cleanup_errors=True
    ) as folder:
        _write_params(Path(folder), job.plan.trials[trial])
        yield Path(folder)


def _write_params(tree: Path, params: Mapping[str, Any]) -> None:
    write_text(tree / "params.yaml", yaml.safe_dump(dict(params), allow_unicode=True))


def _environment(job: Job, trial: int, tree: Path) -> dict[str, str]:
    origin = tree / "origin.json"
    origin.write_text(json.dumps(job.origin | {"trial": trial}), encoding="utf-8")
    own = {
        ORIGIN: str(origin),
        OWNER: str(os.getpid()),
        # Where runs and checkpoints are kept.
        "DVC_ROOT": str(job.root if job.folder.is_dir() else tree),
        # Trials share out cores; a GPU they would all take at once.
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    return dict(os.environ) | on_threads(job.plan.cores) | own


def _run_stage(
    stage: str, tree: Path, environment: dict[str, str], on_epoch: Callable[[int, float], None]
) -> None:
    command = [sys.executable, "-c", _START, stage]
    told = tree / f"{stage}.log"
    with told.open("wb") as log:
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=log, stderr=log)
    try:
        seen = 0
        while True:
            has_ended = process.poll() is not None  # before it is looked at for the last time
            if stage == "train":
                curve = _curve(tree)
                for epoch, score in enumerate(curve[seen:], 1 + seen):
                    on_epoch(epoch, score)
                seen = len(curve)
            if has_ended:
                break
            time.sleep(_LOOK_S)
    finally:
        _end(process)
    if process.returncode:
        raise StageError(f"{stage}: {_reason(process.returncode, told)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a stage as Ctrl-C does, which ends its run."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reason(code: int, told: Path) -> str:
    """Why a stage has failed."""
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines()
    last = next(filter(None, reversed(lines)), f"exit code {code}")
    return last.removeprefix("failed: ").removeprefix("error: ")


def _curve(tree: Path) -> list[float]:
    """The score after each epoch that there was."""
    try:
        text = Paths(tree).history.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [float(row["valid_ssim_unit"]) for row in csv.DictReader(text.splitlines())]


def _outcome(paths: Paths, trial: int) -> Outcome:
    trained, result = read_checked(paths.train_summary), read_checked(paths.metrics)
    valid = result["valid"]
    troubles = {"collapsed": trained["collapsed"], "learned nothing": result["learned_nothing"]}
    return Outcome(
        trial,
        curve=_curve(paths.root),
        run_id=trained["run_id"],
        score=_interval(valid["score"]["ssim_unit"]),
        gain=_interval(valid["gain"]["ssim_unit"]),
        task=[trained["digests"][f"valid_{what}"] for what in ("images", "holes")],
        seconds=trained["seconds"],
        troubles=[told for told, holds in troubles.items() if holds],
    )


def _interval(value: Mapping[str, float]) -> dict[str, float]:
    return {end: value[end] for end in ("mean", "low", "high")}
