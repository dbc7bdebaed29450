"""One trial: the whole pipeline, in a tree of its own, on whichever node."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint.base.checked import read_checked
from inpaint.base.files import write_json
from inpaint.base.origin import ORIGIN, Origin
from inpaint.base.paths import Paths
from inpaint.base.processes import OWNER, on_threads
from inpaint.commands.sweep.outcome import Outcome

_OF_IMAGES, _OF_SETTING = ("prepare", "mask"), ("train", "evaluate", "plot")
_START = (
    "import sys; from pathlib import Path; from inpaint.commands.launch import launch; "
    "sys.exit(launch(sys.argv[1], root=Path.cwd()))"
)
_LOOK_S = 0.3
_LAST_WORDS_S = 30.0
_SCORE = "valid_ssim_unit"  # column of history.csv


@dataclass(frozen=True)
class Job:
    """What all trials of a sweep have in common.

    Attributes:
        root: the project, which a node may know or not: then runs are logged where
            MLFLOW_TRACKING_URI says, and a trial that has lost its node begins anew.
        folder: where trees of trials lie, if the node knows the project.
        origin: of the sweep's code, and its run.
        cores: of each trial.
        trials: the whole content of params.yaml for each trial.
        done: of an earlier process, what came of the trials that had ended.
    """

    root: Path
    folder: Path
    origin: Origin
    cores: int
    trials: tuple[dict[str, Any], ...]
    done: dict[int, Outcome]


class StageFailedError(Exception):
    """A stage has failed; the message is what it told."""


def run_trial(job: Job, trial: int, files: Path, on_epoch: Callable[[int, float], None]) -> Outcome:
    """Train and score one setting.

    Args:
        job: what the trials have in common.
        trial: its number.
        files: a folder with what all trials begin with: images and holes, if they are the same.
        on_epoch: called with the number of an epoch and its score. What it raises ends the trial.
    """
    with _tree(job, trial, files) as tree:
        environment = _environment(job, trial, tree)
        try:
            for stage in _OF_IMAGES * (not (files / "data").is_dir()) + _OF_SETTING:
                _run_stage(stage, tree, environment, on_epoch)
        except StageFailedError as error:
            # A network that has learned nothing has scores all the same.
            if not Paths(tree).metrics.exists():
                return Outcome(trial, curve=_curve(tree), failure=str(error))
        return _outcome(Paths(tree), trial)


def prepare(job: Job, tree: Path) -> None:
    """Make images and holes that all trials share.

    Raises:
        StageFailedError: a stage has failed.
    """
    _furnish(tree, job, 0)
    environment = _environment(job, 0, tree)
    for stage in _OF_IMAGES:
        _run_stage(stage, tree, environment, lambda *_: None)


@contextmanager
def _tree(job: Job, trial: int, files: Path) -> Iterator[Path]:
    """A project tree that goes when the block ends."""
    parent = job.folder if job.folder.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"trial-{trial:03}-") as folder:
        tree = Path(folder)
        if (files / "data").is_dir():
            shutil.copytree(files / "data", tree / "data")
            write_json(tree / "params.yaml", job.trials[trial])
        else:
            _furnish(tree, job, trial)
        yield tree


def _furnish(tree: Path, job: Job, trial: int) -> None:
    """Give a tree what its images come from."""
    params = job.trials[trial]
    write_json(tree / "params.yaml", params)  # which YAML includes
    own = Path(params["data"]["path"])
    if not own.is_absolute() and (job.root / own).is_dir():
        (tree / own).parent.mkdir(parents=True, exist_ok=True)
        (tree / own).symlink_to(job.root / own)


def _environment(job: Job, trial: int, tree: Path) -> dict[str, str]:
    origin = tree / "origin.json"
    origin.write_text(json.dumps(job.origin | {"trial": trial}), encoding="utf-8")
    return (
        dict(os.environ)
        | on_threads(job.cores)
        | {
            ORIGIN: str(origin),
            OWNER: str(os.getpid()),
            # Where runs and checkpoints are kept.
            "DVC_ROOT": str(job.root if job.folder.is_dir() else tree),
        }
    )


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
        lines = told.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = next(filter(None, reversed(lines)), f"exit code {process.returncode}")
        raise StageFailedError(
            f"{stage}: {reason.removeprefix('failed: ').removeprefix('error: ')}"
        )


def _end(process: subprocess.Popen) -> None:
    """End a stage as Ctrl-C does, which ends its run."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _curve(tree: Path) -> list[float]:
    """The score after each epoch that there was."""
    try:
        text = Paths(tree).history.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [float(row[_SCORE]) for row in csv.DictReader(text.splitlines())]


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
