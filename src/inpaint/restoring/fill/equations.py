"""The biharmonic equations of a hole: which there are, and how they are solved.

At every missing pixel the grid's bilaplacian, the square of its Laplacian whose neighbours beyond
the picture's border are left out, is zero. It reaches two pixels along rows and columns and one
along diagonals, so a hole falls into parts that have no equation in common. Work and memory grow
with the number of missing pixels: nothing here is of the picture's size, but for a table that the
system gives memory to only where it is touched.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from inpaint.restoring.fill.lapack import one_thread
from inpaint.restoring.fill.parts import Equations, Part, parts_of, solve, starts

RADIUS = 2  # pixels; the equations reach this far
_LARGEST_HOLE = 2_000_000  # missing pixels of a picture; their equations take about 2 GB
_LARGEST_MATRIX = 21_000  # numbers: those of a 12x12 hole; larger holes keep sparse equations
_MANY = 64  # unknowns that OpenBLAS solves for in one thread
_STENCIL = np.array(
    [
        (-2, 0, 1),
        (-1, -1, 2),
        (-1, 0, -8),
        (-1, 1, 2),
        (0, -2, 1),
        (0, -1, -8),
        (0, 0, 20),
        (0, 1, -8),
        (0, 2, 1),
        (1, -1, 2),
        (1, 0, -8),
        (1, 1, 2),
        (2, 0, 1),
    ]
)  # rows and columns away, and the factor far from the border; in row-major order
_OWN = 6  # which of these is the pixel itself


class Found(NamedTuple):
    """The equations of a window's hole, of ``n`` missing pixels in row-major order.

    Attributes:
        missing: places of the missing pixels, int (n,), counted in row-major order.
        ring: places of the known pixels that the equations need, int (r,).
        unknown: what the missing pixels have to do with each other.
        known: the factors of the ring, sparse float64 (n, r).
    """

    missing: np.ndarray
    ring: np.ndarray
    unknown: Equations
    known: Any


def equations(hole: np.ndarray) -> Found:
    """The equations of a hole, bool (H, W), True = missing.

    A window cut two pixels around the hole sees the image's border exactly where the hole is
    nearer to it than that, so the window alone decides the equations, wherever it lies.
    """
    from scipy.sparse import csr_array  # who only reads the networks' names needs no SciPy

    height, width = hole.shape
    rows, columns = np.nonzero(hole)
    num, stride = len(rows), width + 2 * RADIUS  # a frame, so that the stencil meets no other row
    places = (rows + RADIUS) * stride + columns + RADIUS
    number = np.zeros((height + 2 * RADIUS) * stride, np.int32)
    number[places] = np.arange(1, num + 1)
    reaches = _STENCIL[:, 0] * stride + _STENCIL[:, 1]
    around = np.empty((num, len(reaches)), np.int32)
    for each, reach in enumerate(reaches):
        around[:, each] = number[places + reach]
    factors = _factors(rows, columns, height, width)
    is_known = around == 0
    if factors.strides[0]:  # not the same everywhere: there is a border
        is_known &= factors != 0
    row, which = np.divmod(np.flatnonzero(is_known), len(reaches))
    framed, column = np.unique(places[row] + reaches[which], return_inverse=True)
    first = starts(row, num)
    known = csr_array((factors[row, which], column, first), shape=(num, len(framed)))
    ring = (framed // stride - RADIUS) * width + framed % stride - RADIUS
    later = np.ascontiguousarray(around[:, _OWN + 1 :])
    return Found(rows * width + columns, ring, Equations(later, factors[:, _OWN:]), known)


def _factors(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """The stencil's factors at each missing pixel: float64 (n, 13), 0 beyond the border."""
    everywhere = np.broadcast_to(_STENCIL[:, 2].astype(np.float64), (len(rows), len(_STENCIL)))
    cut = (rows < RADIUS) | (rows >= height - RADIUS) | (columns < RADIUS)
    cut |= columns >= width - RADIUS
    if not cut.any():
        return everywhere
    row, column = rows[cut, np.newaxis], columns[cut, np.newaxis]
    near_row, near_column = row + _STENCIL[:, 0], column + _STENCIL[:, 1]

    def neighbours(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        beyond = [row == 0, row == height - 1, column == 0, column == width - 1]
        return 4.0 - np.sum(beyond, axis=0)

    here, there = neighbours(row, column), neighbours(near_row, near_column)
    steps = np.abs(_STENCIL[:, :2]).sum(axis=1)
    at_border = np.where(steps == 1, -here - there, _STENCIL[:, 2])
    at_border[:, steps == 0] = here * (here + 1)
    at_border[(near_row < 0) | (near_row >= height)] = 0
    at_border[(near_column < 0) | (near_column >= width)] = 0
    factors = everywhere.copy()
    factors[cut] = at_border
    return factors


class LinearMap(NamedTuple):
    """From the known pixels of a window to its missing pixels.

    Attributes:
        missing: places of the missing pixels, int (m,), counted in row-major order.
        ring: places of the known pixels that matter, those around the hole, int (r,).
        apply: the map from the ring's values, float64 (r, n), to the missing, float64 (m, n).
    """

    missing: np.ndarray
    ring: np.ndarray
    apply: Callable[[np.ndarray], np.ndarray]


def linear_map(hole: np.ndarray) -> LinearMap:
    """The map for a window, bool (H, W), True = missing; see ``equations``.

    Raises:
        ValueError: the hole, or a part of it, is too large for the memory that is allowed.
    """
    missing = int(np.count_nonzero(hole))
    if missing > _LARGEST_HOLE:
        raise ValueError(
            f"holes: received {missing} missing pixels in one image, allowed: {_LARGEST_HOLE}"
        )
    found = equations(hole)
    if missing * max(missing, len(found.ring)) <= _LARGEST_MATRIX:
        with one_thread(missing > _MANY):
            apply = partial(np.matmul, _weights(found))
    else:
        apply = partial(_solved, found.known, parts_of(found.unknown))
    return LinearMap(found.missing, found.ring, apply)


def _solved(known: Any, parts: list[Part], values: np.ndarray) -> np.ndarray:
    return solve(parts, -(known @ values))


def _weights(found: Found) -> np.ndarray:
    """The map as a matrix: float64 (missing, ring)."""
    later, factors = found.unknown.later, found.unknown.factors
    row, which = np.nonzero(later)
    unknown = np.diag(factors[:, 0])
    column, value = later[row, which] - 1, factors[row, which + 1]
    unknown[row, column] = unknown[column, row] = value
    return _with_exact_sums(np.linalg.solve(unknown, -found.known.toarray()))


def _with_exact_sums(weights: np.ndarray) -> np.ndarray:
    """Weights rounded so that sums of bytes that they weigh are exact: (missing, ring) -> the same.

    Exact sums are the same in any order, which changes with the number of images. About 12 decimal
    places are left.
    """
    largest_sum = 255 * np.abs(weights).sum(axis=1).max()
    steps_per_one = 2.0 ** (52 - np.ceil(np.log2(largest_sum)))  # a float64 has 53 bits
    return np.rint(weights * steps_per_one) / steps_per_one
