"""Classical fills: they need no training. The networks' input, and what they are measured against.

Every fill takes ``images``, uint8 (N, H, W, C) in [0, 255], and ``holes``, bool (N, H, W), True =
missing, and returns new images of the same shape and type. What an image has under its hole is
never looked at; its known pixels come back bit for bit. A hole may be empty, but not the whole
image: that is a ValueError.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import cv2
import numpy as np

_RADIUS = 2  # pixels; the biharmonic equations reach this far
_OPENCV_RADIUS = 3  # pixels; the neighbourhood of OpenCV's two methods
_KEPT_MAPS = 1024  # different holes, at most 170 kB each
_LARGEST_MATRIX = 21_000  # numbers: those of a 12x12 hole; larger holes keep sparse equations
_PART = 1000  # images filled together, so that the numbers stay in the processor's cache


def check_holes(images: np.ndarray, holes: np.ndarray) -> None:
    """Refuse holes that are not one per image, or that leave nothing known.

    Raises:
        ValueError: ``holes`` is not bool of the images' shape (N, H, W), or hides a whole image.
    """
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
    linear map from the known pixels within two pixels of it, followed by a clip to the range of
    the image's known pixels. Here that map is made once for each hole shape, kept, and applied to
    all images that have it. Other images change no bit of an image's result, if it is of bytes and
    the hole no larger than a box of 12x12 pixels. Also takes float images, in any range.
    """
    check_holes(images, holes)
    filled = images.copy()
    for hole, members in _by_hole(holes):
        for part in np.split(members, range(_PART, len(members), _PART)) if hole.any() else ():
            filled[part] = _biharmonic_one_hole(images[part], hole)
    return filled


Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _biharmonic_one_hole(images: np.ndarray, hole: np.ndarray) -> np.ndarray:
    num, height, width, channels = images.shape
    rows, columns = _window(hole)
    missing = hole[rows, columns]
    ring, apply = _linear_map(missing.shape, np.packbits(missing).tobytes())
    pixels = images.reshape(num, height * width, channels)
    place = np.arange(height * width).reshape(height, width)
    # (ring, N * C): for all images and channels at once
    nearby = pixels.take(place[rows, columns][ring], axis=1).transpose(1, 0, 2)
    values = apply(nearby.reshape(len(nearby), -1).astype(np.float64))
    values = values.reshape(-1, num, channels).transpose(1, 0, 2)
    hidden = np.flatnonzero(hole)
    filled = pixels.copy()
    filled[:, hidden] = pixels[:, np.flatnonzero(~hole)[:1]]  # so that only known values are left
    values = np.clip(values, _over_pixels(np.minimum, filled), _over_pixels(np.maximum, filled))
    filled[:, hidden] = np.rint(values) if np.issubdtype(images.dtype, np.integer) else values
    return filled.reshape(images.shape)


def _over_pixels(extreme: np.ufunc, pixels: np.ndarray) -> np.ndarray:
    """The smallest or largest value of each channel: (N, P, C) -> (N, 1, C).

    Halves are compared with each other: NumPy's own reduction over the middle axis takes 40 times
    as long for three channels.
    """
    while (num := pixels.shape[1]) % 2 == 0:
        pixels = extreme(pixels[:, : num // 2], pixels[:, num // 2 :])
    return extreme.reduce(pixels, axis=1, keepdims=True)


def _window(hole: np.ndarray) -> tuple[slice, slice]:
    """The hole's bounding box and the pixels that the stencil reaches around it."""
    slices = []
    for axis, size in enumerate(hole.shape):
        places = np.flatnonzero(hole.any(axis=1 - axis))
        slices.append(slice(max(places[0] - _RADIUS, 0), min(places[-1] + _RADIUS + 1, size)))
    return slices[0], slices[1]


@lru_cache(maxsize=_KEPT_MAPS)
def _linear_map(
    shape: tuple[int, int], packed: bytes
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """The linear map from known to missing pixels.

    A window cut two pixels around the hole sees the image's border exactly where the hole is
    nearer to it than that, so the window alone decides the map, wherever it lies.

    Args:
        shape: of the window, in pixels.
        packed: ``np.packbits`` of the hole in the window.

    Returns:
        Where the known pixels are that matter, a ring around the hole, bool (H, W), and the map
        from their values, float64 (ring, n), to those of the missing pixels, float64 (missing, n).
        Pixels are in row-major order.
    """
    from scipy.sparse.linalg import splu  # who only reads the networks' names needs no SciPy

    height, width = shape
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    missing = bits.astype(bool)
    rows = _bilaplacian(height, width)[missing]
    ring = np.bincount(rows.indices, minlength=len(missing)).astype(bool) & ~missing
    unknown, known = rows[:, missing], -rows[:, ring]
    if max(math.prod(unknown.shape), math.prod(known.shape)) <= _LARGEST_MATRIX:
        weights = np.linalg.solve(unknown.toarray(), known.toarray())
        return ring.reshape(shape), partial(np.matmul, _with_exact_sums(weights))
    # Symmetric and positive definite, as a part of the square of a symmetric matrix is.
    equations = splu(
        unknown.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return ring.reshape(shape), lambda values: equations.solve(known @ values)


def _with_exact_sums(weights: np.ndarray) -> np.ndarray:
    """Weights rounded so that sums of bytes that they weigh are exact: (missing, ring) -> the same.

    Exact sums are the same in any order, which changes with the number of images. About 12 decimal
    places are left.
    """
    largest_sum = 255 * np.abs(weights).sum(axis=1).max()
    steps_per_one = 2.0 ** (52 - np.ceil(np.log2(largest_sum)))  # a float64 has 53 bits
    return np.rint(weights * steps_per_one) / steps_per_one


@lru_cache(maxsize=64)
def _bilaplacian(height: int, width: int) -> Any:
    """The square of the grid's Laplacian, whose neighbours beyond the border are left out."""
    from scipy.sparse import csr_array, diags_array

    place = np.arange(height * width).reshape(height, width)
    pairs = [(place[:-1], place[1:]), (place[:, :-1], place[:, 1:])]
    first, second = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    neighbours = csr_array((np.ones(len(rows)), (rows, columns)), shape=(place.size, place.size))
    laplacian = neighbours - diags_array(neighbours.sum(axis=1))
    return csr_array(laplacian @ laplacian)


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


def _by_hole(holes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The different holes, each with the indices of the images that have it."""
    packed = np.packbits(holes.reshape(len(holes), math.prod(holes.shape[1:])), axis=1)
    members: dict[bytes, list[int]] = {}
    for i, row in enumerate(packed):
        members.setdefault(row.tobytes(), []).append(i)
    for indices in members.values():
        yield holes[indices[0]], np.array(indices)
