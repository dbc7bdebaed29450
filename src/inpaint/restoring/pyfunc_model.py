"""What MLflow runs of a logged model: images and holes in, restored images out.

This file and the modules that it needs are copied into the model, and imported from there when the
model is loaded, also where this project is not installed. Nothing is unpickled.
"""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException

from inpaint.restoring import serving
from inpaint.restoring.inputs import check_inputs


class RefusedInput(MlflowException):
    """Something else than images and holes was received; a server answers with 400."""

    def serialize_as_json(self) -> Any:
        # MLflow's server has put every pixel that it received before the message.
        self.message = self.args[0]
        return super().serialize_as_json()  # type: ignore[no-untyped-call]


class RestoringModel:
    """Fills holes as the stage evaluate does: scaling, classical fill, network, known pixels.

    Args:
        folder: holds the saved network, and reports/train.json of its training.
    """

    def __init__(self, folder: Path) -> None:
        training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        self._largest_hole = training["largest_hole"]
        self._inpainter = serving.load(folder / "inpainter.keras")
        # A server answers in several threads; Keras compiles a network when it is first used.
        self._one_at_a_time = threading.Lock()

    def predict(self, model_input: object) -> np.ndarray:
        """Restore images.

        Args:
            model_input: `images`, uint8 (N, H, W, C), and `holes`, bool (N, H, W), True = missing,
                in a dictionary; or the same numbers out of JSON.

        Returns:
            uint8 (N, H, W, C): the known pixels bit for bit, the others filled.

        Raises:
            RefusedInput: something else was received.
        """
        try:
            images, holes = check_inputs(model_input, self._inpainter.channels, self._largest_hole)
        except ValueError as error:
            raise RefusedInput.invalid_parameter_value(str(error)) from None
        with self._one_at_a_time:
            return self._inpainter.restore(images, holes)


def _load_pyfunc(folder: str) -> RestoringModel:
    """Called by MLflow, which looks for this name."""
    return RestoringModel(Path(folder))
