"""Holes too deep to be filled at once: their inside comes from the picture at half its size.

There a hole is half as deep, and what surrounds it reaches twice as far; where it is still too
deep, the same is done again. What is left is a band along the hole's border, with known pixels on
one side and the coarse ones on the other: an ordinary hole. Missing pixels of one region, see
``regions.regions``, are as deep as its deepest.
"""

import math
from collections.abc import Iterable, Iterator
from functools import partial

import cv2
import numpy as np

from inpaint.restoring.coarse.rivals import BORDER, FillAlike, mixed
from inpaint.restoring.fill import Fill as Restore
from inpaint.restoring.fill import check_size, may_be_too_large
from inpaint.restoring.fill.regions import DEEPEST, REACH, Region, by_hole, depth, moved, regions
from inpaint.restoring.pixels import in_parts

# See `deepest_at_once`: in pixels, and a factor.
_SHALLOW, _DEEPEST_OF_CROPS = 4, 9
_DEEPER = 1.5

Window = tuple[slice, slice]  # rows and columns of a picture
Part = tuple[Window, np.ndarray]  # of a hole: where it is, and its inside, bool (h, w)


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
        rival: another way to fill holes, which is mixed in as far as it fills what is known beside
            them as well; see :mod:`inpaint.restoring.coarse.rivals`.

    Returns:
        New images and holes, none deeper than ``deepest``; or the given ones if none was.

    Raises:
        ValueError: what is left of a hole is too large, see ``fill.check_size``. If there are deep
            holes, it is raised before the first of them is begun.
    """
    # Deep parts are not kept: of slanted ones, the windows overlap, and together may be any number
    # of times as large as the picture.
    deep_parts = partial(_deep_parts, deepest=deepest, reserve=rival is not None)
    found = list(by_hole(holes))
    if not any(True for hole, _ in found for _ in deep_parts(hole)):
        return images, holes
    for hole, _ in found:  # before the first deep part is begun
        if may_be_too_large(hole):
            _refuse_too_large(hole, deepest, reserve=rival is not None)
    coarse: FillAlike = partial(_from_half_size, restore=restore)
    filled, left = images.copy(), holes.copy()
    for hole, members in found:
        for window, inside in deep_parts(hole):
            for some in in_parts(len(members), *inside.shape):
                seen, missing = images[(members[some], *window)], hole[window]
                content = (
                    mixed(seen, missing, inside, coarse, rival) if rival else coarse(seen, missing)
                )
                for i, each in zip(members[some], content, strict=True):
                    filled[i][window][inside] = each[inside]
                    left[i][window][inside] = False
    return filled, left


def with_true_inside(
    images: np.ndarray, holes: np.ndarray, deepest: float
) -> tuple[np.ndarray, np.ndarray]:
    """What training makes of :func:`without_deep_holes`: their inside is coarse, but it is right.

    Args:
        images: uint8 (N, H, W, C), with what is under the holes.
        holes: bool (N, H, W), True = missing.
        deepest: pixels.

    Returns:
        As :func:`without_deep_holes`.
    """
    images_left, left = images, holes
    for i, hole in enumerate(holes):
        if depth(hole).max() <= deepest:
            continue
        if left is holes:
            images_left, left = images.copy(), holes.copy()
        for window, inside in _deep_parts(hole, deepest, reserve=False):
            seen = images[i][window][np.newaxis]
            nothing = np.zeros_like(inside)
            [content] = _from_half_size(seen, nothing, restore=lambda halved, _: halved)
            images_left[i][window][inside] = content[inside]
            left[i][window][inside] = False
    return images_left, left


def deepest_at_once(holes: np.ndarray, *, crops: bool) -> float:
    """How deep a hole may be for a network to fill it at once: pixels, see ``regions.depth``.

    It is half as deep again as the holes of the training, but not deeper than a network sees. Of
    crops it is less: they are parts of larger pictures, where a smaller version of the picture
    tells more of a deep hole than a network that looks at the whole hole, even if it is trained on
    such. What is shallow is filled at once by any network.

    Args:
        holes: bool (N, H, W), True = missing: those of the training.
        crops: whether the network is trained on crops.
    """
    trained_on = max(
        float(depth(_left(hole, _deep_parts(hole, DEEPEST, reserve=False))).max())
        for hole, _ in by_hole(holes)
    )
    limit = _DEEPEST_OF_CROPS if crops else DEEPEST
    return max(min(_DEEPER * trained_on, limit), _SHALLOW)


def _deep_parts(hole: np.ndarray, deepest: float, *, reserve: bool) -> Iterator[Part]:
    """What is not filled at once: the inside of each deep region, in a window of the picture.

    Args:
        hole: bool (H, W), True = missing.
        deepest: pixels.
        reserve: whether there has to be room for a larger hole, on which a rival is tried.
    """
    for region in regions(hole):
        depths = depth(region.hole)
        if depths.max() <= deepest:
            continue
        halvings = math.ceil(math.log2(float(depths.max()) / deepest))
        # What has a say at the smallest size, and what the rival is tried on.
        more = REACH * 2**halvings - REACH + (BORDER if reserve else 0)
        window = _around(region, more, hole.shape)
        # What is left is a band; half as deep as can be, it is filled well from both sides.
        inside = np.zeros_like(hole[window])
        rows, columns = (
            moved(span, -seen.start)
            for span, seen in zip((region.rows, region.columns), window, strict=True)
        )
        inside[rows, columns] = depths > deepest / 2
        yield window, inside


def _refuse_too_large(hole: np.ndarray, deepest: float, *, reserve: bool) -> None:
    """Refuse a hole, bool (H, W), of which too much is left to be filled at once, at any size.

    Args:
        hole: True = missing.
        deepest: pixels.
        reserve: see `_deep_parts`.

    Raises:
        ValueError: see ``fill.check_size``.
    """
    for window, _ in _deep_parts(hole, deepest, reserve=reserve):
        _refuse_too_large(_at_half_size(hole[window]), deepest, reserve=False)
    check_size(_left(hole, _deep_parts(hole, deepest, reserve=reserve)))


def _left(hole: np.ndarray, parts: Iterable[Part]) -> np.ndarray:
    """What of a hole is filled at once: bool (H, W), True = missing."""
    left = hole.copy()
    for window, inside in parts:
        left[window][inside] = False
    return left


def _around(region: Region, more: int, shape: tuple[int, ...]) -> Window:
    """A region's window, and more pixels around it."""
    rows, columns = (
        slice(max(span.start - more, 0), min(span.stop + more, size))
        for span, size in zip((region.rows, region.columns), shape, strict=True)
    )
    return rows, columns


def _from_half_size(images: np.ndarray, hole: np.ndarray, restore: Restore) -> np.ndarray:
    """Pictures, (N, H, W, C), that all miss the same, bool (H, W), restored at half their size and
    brought back to their own."""
    height, width = hole.shape
    known = _by_fours(~hole[..., np.newaxis])[:, np.newaxis]
    num_known = known.sum(axis=0, dtype=np.uint16)
    total = (_by_fours(images) * known).sum(axis=0, dtype=np.uint16)
    # The mean of those of four pixels that are known, rounded.
    half = ((total + num_known // 2) // np.maximum(num_known, 1)).astype(np.uint8)
    halved = _at_half_size(hole)
    restored = restore(half, np.broadcast_to(halved, (len(half), *halved.shape)))
    size = (2 * halved.shape[1], 2 * halved.shape[0])
    large = [cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in restored]
    return np.stack(large).reshape(len(images), *size[::-1], -1)[:, :height, :width]


def _at_half_size(hole: np.ndarray) -> np.ndarray:
    """A pixel is missing where all four are: bool (H, W) -> (H / 2, W / 2), rounded up."""
    missing: np.ndarray = np.all(_by_fours(hole[..., np.newaxis]), axis=(0, -1))
    return missing


def _by_fours(pixels: np.ndarray) -> np.ndarray:
    """Each four pixels that become one: (..., H, W, C) -> (4, ..., H / 2, W / 2, C), rounded up."""
    height, width = pixels.shape[-3:-1]
    uneven = [(0, 0)] * (pixels.ndim - 3) + [(0, height % 2), (0, width % 2), (0, 0)]
    even = np.pad(pixels, uneven, mode="edge")
    return np.stack([even[..., i::2, j::2, :] for i in (0, 1) for j in (0, 1)])
