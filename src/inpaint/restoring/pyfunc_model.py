"""What MLflow runs of a logged model: images and holes in, restored images out.

This file and the modules that it needs are copied into the model, and imported from there when the
model is loaded, also where this project is not installed. Nothing is unpickled.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException

from inpaint.restoring import serving
from inpaint.restoring.encoded import MOST_PIXELS, decode, encode, hole_of, image_of
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
        # A server answers in several threads. Keras compiles a network when it is first used; and
        # what one request needs of memory, a hundred would need a hundred times.
        self._one_at_a_time = threading.Lock()

    def predict(self, model_input: object) -> np.ndarray | list[str]:
        """Restore images.

        Args:
            model_input: `images`, uint8 (N, H, W, C), and `holes`, bool (N, H, W), True = missing,
                in a dictionary; or the same numbers out of JSON. Or `pictures` and `masks`, white =
                missing: texts, each a PNG or JPEG file in base64, of any size.

        Returns:
            uint8 (N, H, W, C): the known pixels bit for bit, the others filled. Or, of pictures,
            texts, each a PNG file in base64.

        Raises:
            RefusedInput: something else was received.
        """
        try:
            with self._one_at_a_time:
                if isinstance(model_input, Mapping) and set(model_input) == {"pictures", "masks"}:
                    return self._restore_files(model_input["pictures"], model_input["masks"])
                return self._restore(model_input)
        except ValueError as error:
            raise RefusedInput.invalid_parameter_value(str(error)) from None

    def _restore(self, received: object) -> np.ndarray:
        images, holes = check_inputs(received, self._inpainter.channels, self._largest_hole)
        return self._inpainter.restore(images, holes)

    def _restore_files(self, pictures: object, masks: object) -> list[str]:
        """Each by itself: they may be of several sizes."""
        read = decode("pictures", pictures)
        left = MOST_PIXELS - sum(picture.width * picture.height for picture in read)
        holes = decode("masks", masks, left)
        if len(read) != len(holes):
            raise ValueError(
                f"masks: received {len(holes)} for {len(read)} pictures, allowed: one for each"
            )
        restored = []
        for number, (picture, mask) in enumerate(zip(read, holes, strict=True)):
            image = image_of(number, picture, self._inpainter.channels)
            hole = hole_of(number, mask)
            try:
                restored.append(self._restore({"images": image[None], "holes": hole[None]})[0])
            except ValueError as error:
                raise ValueError(f"picture and mask, number {number}: {error}") from None
        return encode(restored)


def _load_pyfunc(folder: str) -> RestoringModel:
    """Called by MLflow, which looks for this name."""
    return RestoringModel(Path(folder))
