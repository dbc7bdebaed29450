"""Holes that are deeper than a network sees: their inside comes from the picture at half its size.

There a hole is half as deep, and what surrounds it reaches twice as far; where it is still too
deep, the same is done again. What is left is a band along the hole's border, with known pixels on
one side and the coarse ones on the other: an ordinary hole.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

from inpaint.restoring.regions import REACH, Region, regions

DEEPEST = 16  # pixels from the nearest known one: up to here a hole is filled at once
_BAND = 8  # pixels: of deeper holes, what is not taken from the coarse picture

Restore = Callable[[np.ndarray, np.ndarray], np.ndarray]


def without_deep_holes(
    images: np.ndarray, holes: np.ndarray, restore: Restore
) -> tuple[np.ndarray, np.ndarray]:
    """Fill the inside of deep holes, coarsely.

    Args:
        images: uint8 (N, H, W, C).
        holes: bool (N, H, W), True = missing.
        restore: from images and holes to restored images; it calls this function.

    Returns:
        New images and holes, none deeper than ``DEEPEST``; or the given ones if none was.
    """
    if min(holes.shape[1:]) <= DEEPEST:
        return images, holes
    deep = [
        (i, region)
        for i, hole in enumerate(holes)
        for region in regions(hole)
        if _depth(region.hole).max() > DEEPEST
    ]
    if not deep:
        return images, holes
    images, holes = images.copy(), holes.copy()
    for i, region in deep:
        rows, columns, inside = _inside(holes[i], region)
        coarse = _from_half_size(images[i, rows, columns], holes[i, rows, columns], restore)
        images[i, rows, columns][inside] = coarse[inside]
        holes[i, rows, columns][inside] = False
    return images, holes


def _depth(hole: np.ndarray) -> np.ndarray:
    """How many pixels it is from each pixel to the nearest known one: float32 (h, w)."""
    depth: np.ndarray = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return depth


def _inside(hole: np.ndarray, region: Region) -> tuple[slice, slice, np.ndarray]:
    """What is to be filled from half the size: of a window of the picture, bool (h, w).

    The window is as wide as the surroundings that have a say at the smallest size.
    """
    depth = _depth(region.hole)
    halvings = math.ceil(math.log2(float(depth.max()) / DEEPEST))
    more = REACH * 2**halvings - REACH
    rows, columns = (
        slice(max(span.start - more, 0), min(span.stop + more, size))
        for span, size in zip((region.rows, region.columns), hole.shape, strict=True)
    )
    inside = np.zeros_like(hole)
    inside[region.rows, region.columns] = depth > _BAND
    return rows, columns, inside[rows, columns]


def _from_half_size(image: np.ndarray, hole: np.ndarray, restore: Restore) -> np.ndarray:
    """A picture restored at half its size, and brought back to its own: uint8 (H, W, C)."""
    height, width, channels = image.shape
    even = ((0, height % 2), (0, width % 2))
    known = _by_fours(np.pad(~hole, even, mode="edge")[..., np.newaxis])
    values = _by_fours(np.pad(image, (*even, (0, 0)), mode="edge"))
    num_known = known.sum(axis=0, dtype=np.uint16)
    total = (values * known).sum(axis=0, dtype=np.uint16)
    # The mean of those of four pixels that are known, rounded.
    half = ((total + num_known // 2) // np.maximum(num_known, 1)).astype(np.uint8)
    restored = restore(half[np.newaxis], (num_known[..., 0] == 0)[np.newaxis])[0]
    size = (2 * restored.shape[1], 2 * restored.shape[0])
    large = cv2.resize(restored, size, interpolation=cv2.INTER_CUBIC)
    return large.reshape(*size[::-1], channels)[:height, :width]


def _by_fours(pixels: np.ndarray) -> np.ndarray:
    """Each four pixels that become one: (H, W, C) -> (4, H / 2, W / 2, C)."""
    return np.stack([pixels[i::2, j::2] for i in (0, 1) for j in (0, 1)])
