"""Holes: which pixels of an image are missing.

A hole is a boolean array (height, width), True = missing: the polarity of scikit-image. It never
hides the whole image. A new kind is a function here and its entry in ``HOLE_KINDS``; `mask` is the
section of that name of the parameters, checked against the image by ``params.Params``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from inpaint.base.seeds import generator

Mask = Mapping[str, Any]  # the section of that name of the parameters
_STROKE_PIECES = (2, 6)  # straight pieces of a stroke, fewest and most
_PIECE_LENGTH = (0.1, 0.4)  # as a share of the image's shorter side
_MAX_TURN = 2 * np.pi / 5  # radians, from one piece of a stroke to the next
_ORANGE = (230, 159, 0)  # red, green, blue: in few images
_HALVES = ("top", "bottom", "left", "right")


def in_pixels(length: float, height: int, width: int) -> int:
    """A length in pixels: itself, or, of a float, that share of the shorter side, at least 1."""
    if isinstance(length, int):
        return length
    return max(1, round(length * min(height, width)))


def center(_rng: np.random.Generator, height: int, width: int, mask: Mask) -> np.ndarray:
    """A centred square with sides of `size`: the report's hole. Not random."""
    side = in_pixels(mask["size"], height, width)
    return _box(height, width, (height - side) // 2, (width - side) // 2, side, side)


def box(rng: np.random.Generator, height: int, width: int, mask: Mask) -> np.ndarray:
    """A rectangle anywhere in the image; each of its sides has a length within `box_sides`."""
    shortest, longest = (in_pixels(length, height, width) for length in mask["box_sides"])
    box_height, box_width = rng.integers(shortest, longest, 2, endpoint=True)
    row = rng.integers(height - box_height, endpoint=True)
    column = rng.integers(width - box_width, endpoint=True)
    return _box(height, width, row, column, box_height, box_width)


def brush(rng: np.random.Generator, height: int, width: int, mask: Mask) -> np.ndarray:
    """Free-form strokes of `brush_width`, until at least `share` of the image is hidden.

    After the free-form masks of Yu et al., 2019 (arXiv 1806.03589).
    """
    goal = _num_missing(mask["share"], height, width)
    thickness = in_pixels(mask["brush_width"], height, width)
    while True:
        canvas = np.zeros((height, width), np.uint8)
        while np.count_nonzero(canvas) < goal:
            _draw_stroke(rng, canvas, thickness, goal)
        # The last piece of a wide stroke may hide all that was left: then draw another hole.
        if not canvas.all():
            return canvas.astype(bool)


def dots(rng: np.random.Generator, height: int, width: int, mask: Mask) -> np.ndarray:
    """Single pixels scattered over the image, `share` of it in all."""
    hole = np.zeros(height * width, dtype=bool)
    num_missing = _num_missing(mask["share"], height, width)
    hole[rng.choice(height * width, num_missing, replace=False)] = True
    return hole.reshape(height, width)


def half(rng: np.random.Generator, height: int, width: int, _mask: Mask) -> np.ndarray:
    """The top, bottom, left or right half; the smaller one if they are not equal."""
    which = _HALVES[rng.integers(len(_HALVES))]
    if which in ("top", "bottom"):
        row = 0 if which == "top" else height - height // 2
        return _box(height, width, row, 0, height // 2, width)
    column = 0 if which == "left" else width - width // 2
    return _box(height, width, 0, column, height, width // 2)


def mixed(rng: np.random.Generator, height: int, width: int, mask: Mask) -> np.ndarray:
    """A box, brush, dots or half."""
    kind = (box, brush, dots, half)[rng.integers(4)]
    return kind(rng, height, width, mask)


HOLE_KINDS: dict[str, Callable[[np.random.Generator, int, int, Mask], np.ndarray]] = {
    "center": center,
    "box": box,
    "brush": brush,
    "dots": dots,
    "half": half,
    "mixed": mixed,
}


def draw(
    rng: np.random.Generator, kind: str, count: int, height: int, width: int, mask: Mask
) -> np.ndarray:
    """Draw holes; the first n of them do not depend on ``count``.

    Args:
        rng: the source of randomness.
        kind: a key of ``HOLE_KINDS``.
        count: how many holes.
        height, width: of the image, in pixels; at least 2.
        mask: how large the holes are; its own kind and seed are not looked at.

    Returns:
        bool (count, height, width), True = missing.
    """
    hole = HOLE_KINDS[kind]
    return np.stack([hole(rng, height, width, mask) for _ in range(count)])


def draw_split(mask: Mask, split: str, count: int, height: int, width: int) -> np.ndarray:
    """The holes of a split, as the stage mask draws them: equal parameters, equal holes.

    Returns:
        bool (count, height, width), True = missing.
    """
    rng = generator(mask["seed"], "holes", split)
    return draw(rng, mask["kind"], count, height, width, mask)


def _num_missing(share: float, height: int, width: int) -> int:
    return min(max(1, round(share * height * width)), height * width - 1)


def _box(
    height: int, width: int, row: int, column: int, box_height: int, box_width: int
) -> np.ndarray:
    hole = np.zeros((height, width), dtype=bool)
    hole[row : row + box_height, column : column + box_width] = True
    return hole


def _draw_stroke(rng: np.random.Generator, canvas: np.ndarray, thickness: int, goal: int) -> None:
    """Draw one stroke until it ends, leaves the image, or ``goal`` pixels are missing."""
    height, width = canvas.shape
    point = rng.uniform((0, 0), (width, height))
    angle = rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(*_STROKE_PIECES, endpoint=True)):
        length = rng.uniform(*_PIECE_LENGTH) * min(height, width)
        end = point + length * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(canvas, np.rint(point).astype(int), np.rint(end).astype(int), 1, thickness)
        if np.count_nonzero(canvas) >= goal or not (0 <= end[0] < width and 0 <= end[1] < height):
            return
        point, angle = end, angle + rng.uniform(-_MAX_TURN, _MAX_TURN)


def painted(images: np.ndarray, holes: np.ndarray, opacity: float = 1.0) -> np.ndarray:
    """Images with their holes in orange, so that people see how far they reach.

    Args:
        images: uint8 (N, H, W, 1 or 3).
        holes: bool (N, H, W), True = missing.
        opacity: of the colour, from 0 to 1.

    Returns:
        uint8 (N, H, W, 3).
    """
    colours = np.broadcast_to(images, (*images.shape[:3], 3))
    mixed = (1 - opacity) * colours[holes] + opacity * np.array(_ORANGE)
    shown = colours.copy()
    shown[holes] = np.rint(mixed)
    return shown
