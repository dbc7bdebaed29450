"""A picture before, its mask, and after, side by side, to look at."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from inpaint.base.files import atomic
from inpaint.data.holes import painted
from inpaint.data.pictures.reading import in_8_bits

_LARGEST, _GAP = 900, 8  # pixels, of a panel's longer side and between two
_TINT = 0.7  # of 1, so that the damage is seen through it


def write(path: Path, before: np.ndarray, hole: np.ndarray, after: np.ndarray) -> None:
    """Write the sheet of a picture, as PNG; arguments as `side_by_side` has them, or of 16 bits."""
    panels = side_by_side(in_8_bits(before), hole, in_8_bits(after))
    with atomic(path) as temporary:
        Image.fromarray(panels).save(temporary)


def side_by_side(before: np.ndarray, hole: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Three panels on white: before with the hole tinted, the mask, after.

    Args:
        before, after: uint8 (H, W, C).
        hole: bool (H, W), True = missing.

    Returns:
        uint8 (h, w, 3); pictures of more than 900 pixels a side are made smaller.
    """
    mask = np.where(hole[..., np.newaxis], 255, 0).astype(np.uint8)
    [before] = painted(before[np.newaxis], hole[np.newaxis], _TINT)
    panels = [_smaller(_in_colour(each)) for each in (before, mask, after)]
    gap = np.full((len(panels[0]), _GAP, 3), 255, np.uint8)
    return np.hstack([panels[0], gap, panels[1], gap, panels[2]])


def _in_colour(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def _smaller(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = min(1.0, _LARGEST / max(height, width))
    if scale == 1:
        return image
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
