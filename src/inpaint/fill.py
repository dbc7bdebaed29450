"""Classical fills: they need no training. The baselines, and the networks' input.

Every fill takes ``images``, uint8 (N, H, W, C) in [0, 255], and ``holes``, bool (N, H, W), True =
missing, and returns new images of the same shape and type. What an image has under its hole is
never looked at; its known pixels come back bit for bit. A hole may be empty, but not the whole
image: that is a ValueError.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import cv2
import numpy as np
from scipy.sparse import csr_array, dia_array, diags_array, kronsum
from scipy.sparse.linalg import SuperLU, splu

_RADIUS = 2  # pixels; the biharmonic equations reach this far
_OPENCV_RADIUS = 3  # pixels; the neighbourhood of OpenCV's two methods
_KEPT_OPERATORS = 2048  # about 10 kB each for holes of a sixth of a small image


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
    the image's known pixels. Here the equations of a hole shape are factorised once, kept, and
    solved for all images that have it. Also takes float images, in any range.
    """
    check_holes(images, holes)
    filled = images.copy()
    for hole, members in _by_hole(holes):
        if hole.any():
            filled[members] = _biharmonic_one_hole(images[members], hole)
    return filled


Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def baselines(training_images: np.ndarray) -> dict[str, Fill]:
    """The methods that every model is measured against, by name.

    Args:
        training_images: uint8 (N, H, W, C); their mean image is what the method `mean` fills with.
    """
    mean = np.rint(np.mean(training_images, axis=0, dtype=np.float64)).astype(np.uint8)
    return {
        "masked": constant,
        "mean": partial(constant, value=mean),
        "telea": telea,
        "navier_stokes": navier_stokes,
        "biharmonic": biharmonic,
    }


def _biharmonic_one_hole(images: np.ndarray, hole: np.ndarray) -> np.ndarray:
    num, _, _, channels = images.shape
    rows, columns = _window(hole)
    missing = hole[rows, columns]
    equations, right_side, ring = _operator(missing.shape, np.packbits(missing).tobytes())
    # (ring, N * C): solved for all images and channels at once
    nearby = images[:, rows, columns][:, ring].astype(np.float64)
    nearby = nearby.transpose(1, 0, 2).reshape(-1, num * channels)
    values = equations.solve(right_side @ nearby).reshape(-1, num, channels).transpose(1, 0, 2)
    known = images[:, ~hole]
    values = np.clip(values, known.min(1, keepdims=True), known.max(1, keepdims=True))
    filled = images.copy()
    filled[:, hole] = _to_dtype(values, images.dtype)
    return filled


def _window(hole: np.ndarray) -> tuple[slice, slice]:
    """The hole's bounding box and the pixels that the stencil reaches around it."""
    slices = []
    for axis, size in enumerate(hole.shape):
        places = np.flatnonzero(hole.any(axis=1 - axis))
        slices.append(slice(max(places[0] - _RADIUS, 0), min(places[-1] + _RADIUS + 1, size)))
    return slices[0], slices[1]


@lru_cache(maxsize=_KEPT_OPERATORS)
def _operator(shape: tuple[int, int], packed: bytes) -> tuple[SuperLU, csr_array, np.ndarray]:
    """The linear map from known to missing pixels, as equations to solve.

    A window cut two pixels around the hole sees the image's border exactly where the hole is
    nearer to it than that, so the window alone decides the map, wherever it lies.

    Args:
        shape: of the window, in pixels.
        packed: ``np.packbits`` of the hole in the window.

    Returns:
        The factorised equations of the missing pixels, what the known pixels of the ring around
        them contribute, float64 (missing, ring), and where that ring is, bool (H, W). Pixels are
        in row-major order.
    """
    height, width = shape
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    missing = bits.astype(bool)
    rows = _bilaplacian(height, width)[missing]
    # Symmetric and positive definite, as a part of the square of a symmetric matrix is.
    equations = splu(
        rows[:, missing].tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    ring = (rows.count_nonzero(axis=0) > 0) & ~missing
    return equations, -rows[:, ring], ring.reshape(shape)


@lru_cache(maxsize=64)
def _bilaplacian(height: int, width: int) -> csr_array:
    """The square of the grid's Laplacian, whose neighbours beyond the border are left out."""
    rows, columns = (_second_difference(size) for size in (height, width))
    laplacian = kronsum(columns, rows, format="csr")
    return csr_array(laplacian @ laplacian)


def _second_difference(size: int) -> dia_array:
    num_neighbours = np.full(size, 2.0)
    num_neighbours[0] -= 1
    num_neighbours[-1] -= 1
    ones = np.ones(size - 1)
    return diags_array([ones, -num_neighbours, ones], offsets=[-1, 0, 1])


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
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for k, i in enumerate(first):
        yield holes[i], np.flatnonzero(inverse.reshape(-1) == k)


def _to_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    rounded = np.rint(values) if np.issubdtype(dtype, np.integer) else values
    return rounded.astype(dtype)
