"""Classical fills: they need no training. The networks' input, and what they are measured against.

Every fill takes ``images``, uint8 (N, H, W, C) in [0, 255], and ``holes``, bool (N, H, W), True =
missing, and returns new images of the same shape and type. What an image has under its hole is
never looked at; its known pixels come back bit for bit. A hole may be empty, but not the whole
image: that is a ValueError.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from inpaint.restoring.fill.equations import RADIUS, LinearMap, linear_map
from inpaint.restoring.fill.lapack import one_thread
from inpaint.restoring.fill.parts import LARGEST_PART
from inpaint.restoring.fill.regions import Region, by_hole, regions, window_around

_OPENCV_RADIUS = 3  # pixels; the neighbourhood of OpenCV's two methods
_KEPT_MAPS = 1024  # different holes, mostly less than 100 kB each, at most 0.6 MB
_LARGEST_KEPT = 1024  # pixels of a window whose map is kept
_HALF = 0.5 + 2.0**-20  # so that halves are rounded up whatever a solver's last digits are
_FEW = 16  # rows of a picture for one that is looked at first
_MANY = 50  # columns that OpenBLAS multiplies the map of a small hole with, before it takes threads
_PART = 1000  # images filled together, so that the numbers stay in the processor's cache
_NUMBERS = 20_000_000  # values in and around their holes, which take up to 40 bytes each


def check_holes(images: np.ndarray, holes: np.ndarray) -> None:
    """Refuse holes that are not one per image, or that leave nothing known.

    No images are fine; images without a pixel have nothing known.

    Raises:
        ValueError: ``holes`` is not bool of the images' shape (N, H, W), or hides a whole image, or
            the images have no rows or no columns.
    """
    if 0 in images.shape[1:3]:
        raise ValueError(
            f"images: received {images.dtype} {images.shape}, allowed: at least one row and one "
            "column"
        )
    if holes.dtype != np.bool_ or holes.shape != images.shape[:3]:
        raise ValueError(
            f"holes: received {holes.dtype} {holes.shape}, allowed: bool {images.shape[:3]}"
        )
    if holes.all(axis=(1, 2)).any():
        raise ValueError("holes: received a whole image, allowed: at least one known pixel")


def constant(images: np.ndarray, holes: np.ndarray, value: np.ndarray | int = 0) -> np.ndarray:
    """Fill with a value: a number, per channel (C,), or per pixel (H, W, C). 0 is black."""
    check_holes(images, holes)
    return np.where(holes[..., np.newaxis], np.asarray(value, images.dtype), images)


def telea(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Fast marching (Telea, 2004, doi 10.1080/10867651.2004.10487596), by OpenCV."""
    return _opencv(images, holes, cv2.INPAINT_TELEA)


def navier_stokes(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Fluid dynamics (Bertalmio et al., 2001, doi 10.1109/CVPR.2001.990497), by OpenCV."""
    return _opencv(images, holes, cv2.INPAINT_NS)


def biharmonic(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Biharmonic interpolation (Damelin and Hoang, 2018, doi 10.1155/2018/3950312).

    The same result as ``skimage.restoration.inpaint_biharmonic``, which for a given hole is a
    linear map from the known pixels within two pixels of it, followed by a clip. Here that map is
    made once for each hole shape, and applied to all images that have it. Parts of a hole that
    have no equation in common are solved on their own, so that time and memory grow with the
    number of missing pixels, for images of any size.

    Images of integers are clipped, in each channel, to the range of the known pixels around the
    hole: those in the window of its region, see ``regions``. So what surrounds a hole decides its
    fill, the same in a small image and anywhere in a large one. Halves are rounded up. Images of
    floats, in any range, are clipped to the range of all known pixels of the image, as by
    scikit-image, so that the two can be compared.

    Other images change no bit of an image's result, if it is of bytes and the hole no larger than
    a box of 12x12 pixels.

    Raises:
        ValueError: also if an image has more than 2,000,000 missing pixels, or more than 500,000
            that hang together and are no thin stroke: it would take more than about 2 GB. Of such
            an image nothing is solved before.
    """
    check_holes(images, holes)
    filled = images.copy()
    with one_thread(len(images) * images.shape[3] > _MANY):
        for hole, members in by_hole(holes):
            if not hole.any():
                continue
            found = _linear_map_in_place(hole)
            values = (len(found.missing) + len(found.ring)) * images.shape[3]
            step = max(1, min(_PART, _NUMBERS // max(values, 1)))
            for part in np.split(members, range(step, len(members), step)):
                if part[-1] - part[0] + 1 == len(part):  # one after the other: no copy
                    _fill_one_hole(filled[part[0] : part[-1] + 1], hole, found)
                    continue
                together = filled[part]
                _fill_one_hole(together, hole, found)
                filled[part] = together
    return filled


Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def may_be_too_large(hole: np.ndarray) -> bool:
    """Whether a hole, bool (H, W), is so large that ``check_size`` has to look at it.

    If it is not, no part of it is, and neither is it at a smaller size.
    """
    return int(np.count_nonzero(hole)) > LARGEST_PART


def check_size(hole: np.ndarray) -> None:
    """Refuse a hole that ``biharmonic`` would refuse, without solving anything.

    Args:
        hole: bool (H, W), True = missing.

    Raises:
        ValueError: too many pixels are missing, or hang together; see ``biharmonic``.
    """
    if may_be_too_large(hole):
        _linear_map_in_place(hole)


def _fill_one_hole(images: np.ndarray, hole: np.ndarray, found: LinearMap) -> None:
    """Fill contiguous images, (N, H, W, C), in place, by the map of their hole, bool (H, W)."""
    num, height, width, channels = images.shape
    pixels = images.reshape(num, height * width, channels)
    missing, ring, apply = found
    # (ring, N * C): for all images and channels at once
    nearby = pixels.take(ring, axis=1).transpose(1, 0, 2)
    values = apply(nearby.reshape(len(nearby), -1).astype(np.float64))
    values = values.reshape(-1, num, channels).transpose(1, 0, 2)
    if np.issubdtype(images.dtype, np.integer):
        _clip_by_region(values, images, missing, ring, hole)
        np.floor(values + _HALF, out=values)
    else:
        _clip_by_image(values, images, missing, ring)
    pixels[:, missing] = values


def _clip_by_image(
    values: np.ndarray, images: np.ndarray, missing: np.ndarray, ring: np.ndarray
) -> None:
    """Clip values, (N, m, C), to the range of each image's known pixels, in place.

    Args:
        images: (N, H, W, C). What they have at missing pixels is overwritten.
        missing: their places, int (m,).
        ring: places of known pixels.
    """
    _hide(images, missing, ring)
    for extreme, back in ((np.minimum, np.maximum), (np.maximum, np.minimum)):
        farthest = extreme.reduce(values, axis=1, keepdims=True)
        for rows in (images[:, ::_FEW], images):  # a few may show that nothing is to be done
            limit = _over_pixels(extreme, rows)
            if np.array_equal(extreme(farthest, limit), limit):
                break
        else:
            back(values, limit, out=values)


def _clip_by_region(
    values: np.ndarray, images: np.ndarray, missing: np.ndarray, ring: np.ndarray, hole: np.ndarray
) -> None:
    """Clip values, (N, m, C), to the range of known pixels in their regions' windows, in place.

    Args:
        images: of integers, (N, H, W, C). What they have at missing pixels is overwritten.
        missing: their places, int (m,).
        ring: places of known pixels, not farther than REACH from the hole.
        hole: bool (H, W).
    """
    around = regions(hole)
    windows = [images[:, region.rows, region.columns] for region in around]
    if len(around) == 1:
        _hide(images, missing, ring)
        low, high = (_over_pixels(extreme, windows[0]) for extreme in (np.minimum, np.maximum))
        np.clip(values, low, high, out=values)
        return
    pixels, limits = images.reshape(len(images), -1, images.shape[-1]), np.iinfo(images.dtype)
    ranges = []
    for extreme, never_it in ((np.minimum, limits.max), (np.maximum, limits.min)):
        pixels[:, missing] = never_it
        ranges.append([_over_pixels(extreme, window) for window in windows])
    for region, low, high in zip(around, *ranges, strict=True):
        own = _own(region, missing, images.shape[2])
        values[:, own] = np.clip(values[:, own], low, high)


def _hide(images: np.ndarray, missing: np.ndarray, ring: np.ndarray) -> None:
    """Write a known value over what the images have under the hole."""
    pixels = images.reshape(len(images), -1, images.shape[-1])
    pixels[:, missing] = pixels[:, ring[:1]]


def _own(region: Region, missing: np.ndarray, width: int) -> np.ndarray:
    """Which of the missing pixels, by their places in the image, are the region's."""
    rows, columns = np.nonzero(region.hole)
    places = (rows + region.rows.start) * width + columns + region.columns.start
    return np.searchsorted(missing, places)


def _over_pixels(extreme: np.ufunc, images: np.ndarray) -> np.ndarray:
    """The smallest or largest value of each channel: (N, H, W, C) -> (N, 1, C).

    Of several images, halves are compared with each other, which may have a middle in common:
    NumPy's own reduction over inner axes takes up to 40 times as long for three channels.
    """
    if len(images) == 1:
        return np.asarray(extreme.reduce(extreme.reduce(images, axis=1), axis=1, keepdims=True))
    for _ in ("rows", "columns"):
        while (num := images.shape[1]) > 1:
            half = (num + 1) // 2
            images = extreme(images[:, :half], images[:, num - half :])
        images = images[:, 0]
    return images[:, np.newaxis]


def _linear_map_in_place(hole: np.ndarray) -> LinearMap:
    """The map of a hole, with the places in the image."""
    rows, columns = window_around(hole, RADIUS)
    window = hole[rows, columns]
    if window.size <= _LARGEST_KEPT:
        found = _kept_map(window.shape, np.packbits(window).tobytes())
    else:
        found = linear_map(window)
    first, width = rows.start * hole.shape[1] + columns.start, columns.stop - columns.start
    missing, ring = (
        each // width * hole.shape[1] + each % width + first for each in (found.missing, found.ring)
    )
    return LinearMap(missing, ring, found.apply)


@lru_cache(maxsize=_KEPT_MAPS)
def _kept_map(shape: tuple[int, int], packed: bytes) -> LinearMap:
    """Of a window with its hole as ``np.packbits`` has it."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=math.prod(shape))
    return linear_map(bits.astype(bool).reshape(shape))


def _opencv(images: np.ndarray, holes: np.ndarray, method: int) -> np.ndarray:
    check_holes(images, holes)
    filled = images.copy()
    for i, hole in enumerate(holes):
        if not hole.any():
            continue
        # OpenCV reads under the hole unless it is blank there.
        image = np.where(hole[..., np.newaxis], 0, images[i]).astype(np.uint8)
        restored = cv2.inpaint(image, hole.astype(np.uint8), _OPENCV_RADIUS, method)
        filled[i, hole] = restored.reshape(image.shape)[hole]
    return filled
