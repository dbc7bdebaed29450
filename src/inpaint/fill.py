"""Classical fills: they need no training. The baselines, and the networks' input.

Every fill takes ``images``, uint8 (N, H, W, C) in [0, 255], and ``holes``, bool (N, H, W), True =
missing, and returns new images of the same shape and type. What an image has under its hole is
never looked at; its known pixels come back bit for bit.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import cv2
import numpy as np
from scipy.ndimage import laplace
from skimage.restoration import inpaint_biharmonic

_RADIUS = 2  # pixels; the biharmonic stencil reaches this far
_OPENCV_RADIUS = 3  # pixels; the neighbourhood of OpenCV's two methods
# Above this many missing pixels, solving for the dense operator costs more than scikit-image does.
_MAX_OPERATOR_PIXELS = 1500


def constant(images: np.ndarray, holes: np.ndarray, value: np.ndarray | int = 0) -> np.ndarray:
    """Fill with a value: a number, per channel (C,), or per pixel (H, W, C). 0 is black."""
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
    the image's known pixels. Here the map is solved for once per hole shape and applied to all
    images that have it. Also takes float images, in any range.
    """
    filled = images.copy()
    for hole, members in _by_hole(holes):
        if hole.all():
            raise ValueError("hole: received the whole image, allowed: at least one known pixel")
        if hole.sum() > _MAX_OPERATOR_PIXELS:
            for i in members:
                filled[i] = _to_dtype(_scikit_image(images[i], hole), images.dtype)
        elif hole.any():
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
    operator, ring = _operator(
        hole[rows, columns].shape, np.packbits(hole[rows, columns]).tobytes()
    )
    window = images[:, rows, columns].astype(np.float64)
    missing = hole[rows, columns]
    # (ring, N * C): one matrix product for all images and channels
    known = window[:, ring].transpose(1, 0, 2).reshape(operator.shape[1], num * channels)
    values = (operator @ known).reshape(-1, num, channels).transpose(1, 0, 2)
    whole = images[:, ~hole]
    values = np.clip(values, whole.min(1, keepdims=True), whole.max(1, keepdims=True))
    filled = images.copy()
    filled[:, rows, columns][:, missing] = _to_dtype(values, images.dtype)
    return filled


def _window(hole: np.ndarray) -> tuple[slice, slice]:
    """The hole's bounding box and the pixels that the stencil reaches around it."""
    slices = []
    for axis, size in enumerate(hole.shape):
        places = np.flatnonzero(hole.any(axis=1 - axis))
        slices.append(slice(max(places[0] - _RADIUS, 0), min(places[-1] + _RADIUS + 1, size)))
    return slices[0], slices[1]


@lru_cache(maxsize=1024)
def _operator(shape: tuple[int, int], packed: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The linear map from known to missing pixels.

    A window cut two pixels around the hole sees the image's border exactly where the hole is
    nearer to it than that, so the window alone decides the map, wherever it lies.

    Args:
        shape: of the window, in pixels.
        packed: ``np.packbits`` of the hole in the window.

    Returns:
        The map, float64 (missing pixels, ring pixels), and the ring, bool (H, W): the known
        pixels that it reads. Pixels are in row-major order.
    """
    height, width = shape
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    hole = bits.reshape(shape).astype(bool)
    equations = np.zeros((int(hole.sum()), height, width))
    for equation, (row, column) in zip(equations, np.argwhere(hole), strict=True):
        top, left = max(row - _RADIUS, 0), max(column - _RADIUS, 0)
        bottom, right = min(row + _RADIUS + 1, height), min(column + _RADIUS + 1, width)
        equation[top:bottom, left:right] = _stencil(
            (bottom - top, right - left), (row - top, column - left)
        )
    ring = equations.any(axis=0) & ~hole
    return -np.linalg.solve(equations[:, hole], equations[:, ring]), ring


@lru_cache(maxsize=32)
def _stencil(shape: tuple[int, int], center: tuple[int, int]) -> np.ndarray:
    """The biharmonic stencil, cut off at the image's border the way scikit-image does it."""
    impulse = np.zeros(shape)
    impulse[center] = 1
    return np.asarray(laplace(laplace(impulse)))


def _scikit_image(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.asarray(inpaint_biharmonic(image.astype(np.float64), hole, channel_axis=-1))


def _opencv(images: np.ndarray, holes: np.ndarray, method: int) -> np.ndarray:
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
    packed = np.packbits(holes.reshape(len(holes), -1), axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for k, i in enumerate(first):
        yield holes[i], np.flatnonzero(inverse.reshape(-1) == k)


def _to_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    rounded = np.rint(values) if np.issubdtype(dtype, np.integer) else values
    return rounded.astype(dtype)
