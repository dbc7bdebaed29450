"""One cell of the grid: the pipeline's own stages in a temporary project, and what came out."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.task import write_params
from inpaint.base.checked import read_checked
from inpaint.base.errors import StageError
from inpaint.base.paths import Paths
from inpaint.commands.launch import launch

Settings = dict[str, dict[str, Any]]  # section of the parameters -> what differs from params.yaml
Result = dict[str, Any]
_STAGES = ("prepare", "mask", "train", "evaluate")


def start_worker(folder: str) -> None:
    """Let this process keep the MLflow runs of all its cells in a store of its own in ``folder``.

    One store for each cell would not do: MLflow goes on using the first that a process opens.
    """
    home = Path(folder, str(os.getpid()))
    home.mkdir()
    os.environ["DVC_ROOT"] = str(home)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def run(settings: Settings) -> Result:
    """Run the stages in a project that is gone afterwards.

    Raises:
        StageError: a stage failed; it has told why on standard error.
    """
    with tempfile.TemporaryDirectory(dir=os.environ["DVC_ROOT"]) as folder:
        write_params(Path(folder), **settings)
        for stage in _STAGES:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
                exit_code = launch(stage, root=Path(folder))
            if exit_code != 0:
                raise StageError(f"the stage {stage} ended with exit code {exit_code}")
        import keras  # the stages have done so, without its greetings

        keras.utils.clear_session()  # otherwise the networks of all cells would be kept
        return collect(Paths(Path(folder)))


def collect(paths: Paths) -> Result:
    """What the grid keeps of a finished cell."""
    metrics, trained = read_checked(paths.metrics), read_checked(paths.train_summary)
    return {
        "best_baseline": metrics["test"]["best_baseline"],
        "valid": _scores(metrics["valid"]),
        "test": _scores(metrics["test"]),
        **{key: trained[key] for key in ("seconds", "epochs", "collapsed")},
        "learned_nothing": metrics["learned_nothing"],
    }


def _scores(of_split: Mapping[str, Any]) -> dict[str, Any]:
    by_method = {
        "model": of_split["model"]["composite"],
        "best_baseline": of_split["baselines"][of_split["best_baseline"]],
    }
    scores = {
        method: {key: values[key] for key in ("ssim_unit", "hole_psnr_db")}
        for method, values in by_method.items()
    }
    return {**scores, "gain": of_split["gain"]}
