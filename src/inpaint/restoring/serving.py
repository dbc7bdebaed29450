"""The one way from images with holes to restored images."""

from pathlib import Path

import keras
import numpy as np

import inpaint.restoring.networks.blocks  # noqa: F401  tells Keras of the layers in saved networks
from inpaint.restoring.fill import check_holes
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import to_uint8

_BATCH = 250


class Inpainter:
    """A trained network with everything around it: scaling, filling, restoring known pixels."""

    def __init__(self, model: keras.Model) -> None:
        if model.name not in NETWORKS:
            raise ValueError(f"model: received {model.name!r}, allowed: {', '.join(NETWORKS)}")
        self._model = model

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that the network takes."""
        shape: tuple[int, int, int] = self._model.output_shape[1:]
        return shape

    @property
    def layers(self) -> str:
        """A table of the network's layers, for people."""
        lines: list[str] = []
        self._model.summary(print_fn=lines.append, line_length=100)
        return "\n".join(lines)

    def restore(self, images: np.ndarray, holes: np.ndarray, *, raw: bool = False) -> np.ndarray:
        """Fill the holes of images.

        Args:
            images: uint8 (N, H, W, C) in [0, 255]; what is under a hole is never looked at.
            holes: bool (N, H, W), True = missing.
            raw: give the network's whole output, known pixels as it predicts them, instead.

        Returns:
            uint8 (N, H, W, C); known pixels are those of ``images``, bit for bit, unless ``raw``.

        Raises:
            ValueError: another type or shape, or a hole that leaves nothing known.
        """
        self._check(images)
        check_holes(images, holes)
        restored = np.empty_like(images)
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            inputs = network_inputs(self._model.name, np.asarray(images[part]), holes[part])
            output = self._model.predict_on_batch(inputs)
            restored[part] = to_uint8(output)
        return restored if raw else np.where(holes[..., np.newaxis], restored, images)

    def _check(self, images: np.ndarray) -> None:
        expected = self.image_shape
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != expected:
            raise ValueError(
                f"images: received {images.dtype} {images.shape}, allowed: uint8 (N, "
                f"{', '.join(map(str, expected))})"
            )


def load(path: Path) -> Inpainter:
    """Load a saved network, in Keras's safe mode: no code is taken from the file.

    Raises:
        ValueError: there is no such file, or it is no Keras model.
    """
    try:
        return Inpainter(keras.saving.load_model(path, compile=False, safe_mode=True))
    except ValueError as error:
        reason = next(iter(str(error).splitlines()), "")
        raise ValueError(f"{path} is no model of this project: {reason}") from None
