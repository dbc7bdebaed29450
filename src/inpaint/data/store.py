"""Images and their holes, as the stages prepare and mask left them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inpaint.base.checked import read_array, read_checked
from inpaint.base.errors import InputError
from inpaint.base.paths import Paths


def load_images(paths: Paths, split: str) -> np.ndarray:
    """Memory-map the images of a split, uint8 (N, H, W, C).

    Raises:
        InputError: they are not there, or not those that the stage prepare wrote.
    """
    return _load(paths, split, read_checked(paths.images_manifest), what="images")


def load_split(paths: Paths, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Memory-map the images of a split, uint8 (N, H, W, C), and their holes, bool (N, H, W).

    Raises:
        InputError: they are not there, not those that the stages wrote, or do not belong together
            because a stage was run alone.
    """
    images = load_images(paths, split)
    holes = _load(paths, split, read_checked(paths.holes_manifest), what="holes")
    if holes.shape != images.shape[:3]:
        raise InputError(
            f"{paths.holes(split)} has holes of shape {holes.shape}, its images have "
            f"{images.shape[:3]}: run `dvc repro`"
        )
    return images, holes


def check_seen(paths: Paths, training: Mapping[str, Any]) -> None:
    """Refuse, by an InputError, other images and holes than those that a training had.

    Args:
        paths: of the project tree; `load_images` and `load_split` check what is there.
        training: the content of reports/train.json.
    """
    for what, file in (("images", paths.images_manifest), ("holes", paths.holes_manifest)):
        for split, entry in read_checked(file)["splits"].items():
            if entry["sha256"] != training["digests"][f"{split}_{what}"]:
                told = f"the {split} {what} are not those that the model was trained beside"
                raise InputError(f"{told}: run `dvc repro`")


def _load(paths: Paths, split: str, manifest: dict[str, Any], what: str) -> np.ndarray:
    path = {"images": paths.images, "holes": paths.holes}[what](split)
    return read_array(path, manifest["splits"][split]["sha256"])
