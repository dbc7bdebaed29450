"""Holes deeper than those of the training: their inside comes from the picture at half its size.

There a hole is half as deep, and what surrounds it reaches twice as far; where it is still too
deep, the same is done again. What is left is a band along the hole's border, with known pixels on
one side and the coarse ones on the other: an ordinary hole.
"""

import math
from functools import partial

import cv2
import numpy as np

from inpaint.restoring.fill import Fill as Restore
from inpaint.restoring.fill.regions import REACH, Region, by_hole, depth, regions
from inpaint.restoring.rivals import mixed

_SHALLOW = 4  # pixels: what is not deeper is filled at once, whatever a network is trained on


def without_deep_holes(
    images: np.ndarray,
    holes: np.ndarray,
    deepest: float,
    restore: Restore,
    rival: Restore | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill the inside of deep holes, coarsely.

    Args:
        images: uint8 (N, H, W, C).
        holes: bool (N, H, W), True = missing.
        deepest: pixels, see ``regions.depth``: up to here a hole is filled at once.
        restore: from images and holes to restored images; it calls this function, without a rival.
        rival: another way to fill holes, which is mixed in as far as it fills holes beside this
            one as well; see :mod:`inpaint.restoring.rivals`.

    Returns:
        New images and holes, none deeper than ``deepest``; or the given ones if none was.
    """
    deepest = max(deepest, _SHALLOW)
    deep = [
        (i, region, depths)
        for hole, members in by_hole(holes)
        for region in regions(hole)
        if (depths := depth(region.hole)).max() > deepest
        for i in members
    ]
    if not deep:
        return images, holes
    coarse = partial(_from_half_size, restore=restore)
    filled, left = images.copy(), holes.copy()
    for i, region, depths in deep:
        halvings = math.ceil(math.log2(float(depths.max()) / deepest))
        # What has a say at the smallest size, and what the rival is tried on.
        more = REACH * 2**halvings - REACH + (max(region.hole.shape) if rival else 0)
        window = _around(region, more, holes[i].shape)
        # What is left is a band; half as deep as can be, it is filled well from both sides.
        inside = np.zeros_like(holes[i])
        inside[region.rows, region.columns] = depths > deepest / 2
        inside = inside[window]
        image, hole = images[i][window], holes[i][window]
        content = mixed(image, hole, inside, coarse, rival) if rival else coarse(image, hole)
        filled[i][window][inside] = content[inside]
        left[i][window][inside] = False
    return filled, left


def _around(region: Region, more: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A region's window, and more pixels around it."""
    rows, columns = (
        slice(max(span.start - more, 0), min(span.stop + more, size))
        for span, size in zip((region.rows, region.columns), shape, strict=True)
    )
    return rows, columns


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
