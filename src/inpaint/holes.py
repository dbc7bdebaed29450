"""Holes: which pixels of an image are missing.

A hole is a boolean array (height, width), True = missing: the polarity of scikit-image.
"""

from collections.abc import Callable

import numpy as np


def center(_rng: np.random.Generator, height: int, width: int, size: int) -> np.ndarray:
    """A centred square of ``size`` x ``size`` pixels: the report's hole. Not random."""
    return _square(height, width, (height - size) // 2, (width - size) // 2, size)


def box(rng: np.random.Generator, height: int, width: int, size: int) -> np.ndarray:
    """A square of ``size`` x ``size`` pixels anywhere in the image."""
    row = rng.integers(height - size, endpoint=True)
    column = rng.integers(width - size, endpoint=True)
    return _square(height, width, int(row), int(column), size)


HOLE_KINDS: dict[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "center": center,
    "box": box,
}


def draw(
    rng: np.random.Generator, kind: str, count: int, height: int, width: int, size: int
) -> np.ndarray:
    """Draw holes; the first n of them do not depend on ``count``.

    Args:
        rng: the source of randomness.
        kind: a key of ``HOLE_KINDS``.
        count: how many holes.
        height, width: of the image, in pixels.
        size: the hole's side in pixels, 1 to min(height, width).

    Returns:
        bool (count, height, width), True = missing.

    Raises:
        ValueError: ``kind`` is unknown, or the hole does not fit.
    """
    if kind not in HOLE_KINDS:
        raise ValueError(f"kind: received {kind!r}, allowed: {', '.join(HOLE_KINDS)}")
    if not 1 <= size <= min(height, width):
        raise ValueError(f"size: received {size}, allowed: 1 to {min(height, width)}")
    hole = HOLE_KINDS[kind]
    return np.stack([hole(rng, height, width, size) for _ in range(count)])


def _square(height: int, width: int, row: int, column: int, size: int) -> np.ndarray:
    hole = np.zeros((height, width), dtype=bool)
    hole[row : row + size, column : column + size] = True
    return hole
