"""Images and their holes, as the stages prepare and mask left them."""

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.files import read_array
from inpaint.base.paths import Paths


def load_split(paths: Paths, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Memory-map the images of a split, uint8 (N, H, W, C), and their holes, bool (N, H, W).

    Raises:
        InputError: they are not there, or do not belong together because a stage was run alone.
    """
    images, holes = read_array(paths.images(split)), read_array(paths.holes(split))
    if holes.shape != images.shape[:3]:
        raise InputError(
            f"{paths.holes(split)} has holes of shape {holes.shape}, its images have "
            f"{images.shape[:3]}: run `dvc repro`"
        )
    return images, holes
