"""Scoring a model on validation images that it has not been scored on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.checked import array_digest
from inpaint.base.errors import InputError
from inpaint.data.holes import draw_split
from inpaint.data.images.selection import select
from inpaint.restoring import serving
from inpaint.scoring import metrics


def images_of(root: Path, training: Mapping[str, Any], split: str) -> np.ndarray:
    """The images of a split of a training, chosen anew.

    Args:
        root: the project tree, for official files.
        training: the content of its reports/train.json.
        split: `train`, `valid` or `test`.

    Returns:
        uint8 (N, H, W, C).

    Raises:
        InputError: the official files cannot be had, or other images come out than then.
    """
    images = select(training["params"]["data"], root)[split].images()
    _check_digest(images, training, f"{split}_images")
    return images


def holes_of(training: Mapping[str, Any], split: str, images: np.ndarray) -> np.ndarray:
    """The holes of these images, drawn anew: bool (N, H, W); errors as `images_of` has."""
    holes = draw_split(training["params"]["mask"], split, *images.shape[:3])
    _check_digest(holes, training, f"{split}_holes")
    return holes


def num_trained_on(images: np.ndarray, trained_on: np.ndarray) -> int:
    """How many of the images are among those of a training, pixel for pixel.

    An image of a single colour says nothing: crops of the sky are alike.
    """
    seen = {image.tobytes() for image in trained_on}
    return sum(image.tobytes() in seen for image in images if (image != image[0, 0]).any())


def score(network: Path, images: np.ndarray, holes: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of each image, as `metrics.score_images` gives them, by a saved network; a damaged one
    is an InputError."""
    try:
        restored = serving.load(network).restore(images, holes)
    except ValueError as error:
        raise InputError(str(error)) from None
    return metrics.score_images(images, restored, holes)


def _check_digest(array: np.ndarray, training: Mapping[str, Any], name: str) -> None:
    if array_digest(array) != training["digests"][name]:
        raise InputError(
            f"{name.replace('_', ' ')} of training {training['run_id'][:8]} cannot be made again: "
            "with the parameters it had, others come out today"
        )
