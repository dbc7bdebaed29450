"""Running a logged model by itself, as a server would."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from inpaint.base.errors import StageError
from inpaint.tracking.model import model_files


def restore(uri: str, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Restore images by a model, in a process of its own, with the code that it came with.

    Args:
        uri: of the model.
        images: uint8 (N, H, W, C).
        holes: bool (N, H, W), True = missing.

    Returns:
        int64 (N, H, W, C), as JSON has it.

    Raises:
        InputError: the model's files are not where they were.
        StageError: the model does not run.
    """
    with model_files(uri) as folder, TemporaryDirectory() as exchange:
        request, response = Path(exchange, "request.json"), Path(exchange, "response.json")
        inputs = {"images": images.tolist(), "holes": holes.tolist()}
        request.write_text(json.dumps({"inputs": inputs}), encoding="utf-8")
        files = ("-m", str(folder), "-i", str(request), "-o", str(response))
        command = ("mlflow", "models", "predict", "--env-manager", "local", *files)
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=exchange, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            reason = next(reversed(done.stderr.strip().splitlines()), "")
            raise StageError(f"the model does not run by itself: {reason}")
        return np.array(json.loads(response.read_text(encoding="utf-8"))["predictions"])
