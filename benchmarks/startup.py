"""How long commands take until their first useful work."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.in_turn import Values, in_turn, seconds_of_process
from benchmarks.task import ROOT, write_params

_BIN = Path(sys.executable).parent
# What each stage cannot do without.
_LIBRARIES = {
    "prepare": "numpy, pydantic, rich.progress",
    "mask": "cv2, numpy, pydantic",
    "train": "keras, mlflow",
    "evaluate": "keras, mlflow, skimage.metrics",
    "plot": "matplotlib.figure, mlflow",
}


def help_text() -> Values:
    return in_turn(
        {
            "inpaint": lambda: seconds_of_process([_BIN / "inpaint", "--help"], ROOT),
            "imports": lambda: _importing("typer, rich, pydantic"),
        },
        rounds=15,
    )


def nothing_to_do() -> Values:
    """`dvc repro` in this checkout, after `make run`."""
    return in_turn({"inpaint": lambda: seconds_of_process([_BIN / "dvc", "repro"], ROOT)}, rounds=5)


def whole_pipeline() -> Values:
    """What `make run` does after its set-up, in a fresh clone."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        seconds_of_process(["git", "clone", "--quiet", ROOT, clone], ROOT)
        variables = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{clone / 'mlflow.db'}",  # no run to be kept
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",  # dvc.yaml calls `python`
        }
        return {"inpaint": [seconds_of_process([_BIN / "dvc", "repro"], clone, variables)]}


def stage(name: str) -> Callable[[], Values]:
    """Until a stage reads its input: where there is none, it ends there."""

    def measure() -> Values:
        with tempfile.TemporaryDirectory() as folder:
            write_params(Path(folder), data={"source": "official"})
            nowhere = {"INPAINT_DATA_MIRROR": folder}
            command = [sys.executable, str(ROOT / "src"), name]
            return in_turn(
                {
                    "inpaint": lambda: seconds_of_process(command, Path(folder), nowhere, 2),
                    "imports": lambda: _importing(_LIBRARIES[name]),
                },
                rounds=5,
            )

    return measure


def _importing(modules: str) -> float:
    return seconds_of_process([sys.executable, "-c", f"import {modules}"], ROOT)
