"""What happens to photographs: scratches, writing, stamps, dust, a piece torn out.

Each kind gives a hole, bool (H, W), True = missing; equal seeds give equal holes. Pictures have
to be at least 100 pixels high and wide.
"""

from collections.abc import Callable

import cv2
import numpy as np

from inpaint.data import holes

_WORDS = "With love from the seaside"
_TEXT_WIDTH = 0.8  # of the picture's
_SCRATCH_WIDTH = 5  # pixels
_BENDS = 6  # of a scratch
_NUM_BOXES, _GAP = 5, 8  # pixels between two boxes, at least


def scratch(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A bent line from the left border to the right one."""
    columns = np.arange(width)
    bends = rng.uniform(0.2, 0.8, _BENDS) * height
    rows = np.interp(columns, np.linspace(0, width - 1, _BENDS), bends)
    # A running mean rounds the corners off.
    reach = width // (2 * _BENDS)
    padded = np.pad(rows, reach, mode="edge")
    rows = np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")
    canvas = np.zeros((height, width), np.uint8)
    line = np.rint(np.stack([columns, rows], axis=1)).astype(np.int32)
    cv2.polylines(canvas, [line], isClosed=False, color=1, thickness=_SCRATCH_WIDTH)
    return canvas.astype(bool)


def text(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A line of words, as wide as most of the picture."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    unscaled = cv2.getTextSize(_WORDS, font, 1.0, 1)[0][0]
    scale = _TEXT_WIDTH * width / unscaled
    thickness = max(2, round(3 * scale))
    (long, high), below = cv2.getTextSize(_WORDS, font, scale, thickness)
    corner = ((width - long) // 2, int(rng.integers(high, height - below)))
    canvas = np.zeros((height, width), np.uint8)
    cv2.putText(canvas, _WORDS, corner, font, scale, 1, thickness)
    return canvas.astype(bool)


def boxes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Five squares of 16x16 that do not touch."""
    hole = np.zeros((height, width), dtype=bool)
    around = np.ones((2 * _GAP + 1, 2 * _GAP + 1), np.uint8)
    while np.count_nonzero(hole) < _NUM_BOXES * 16**2:
        box = holes.box(rng, height, width, {"box_sides": [16, 16]})
        if not (cv2.dilate(box.astype(np.uint8), around).astype(bool) & hole).any():
            hole |= box
    return hole


def dots(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Single pixels, 30% of all."""
    return holes.dots(rng, height, width, {"share": 0.3})


def large_hole(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """One square of 64x64."""
    return holes.box(rng, height, width, {"box_sides": [64, 64]})


DAMAGES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "scratch": scratch,
    "text": text,
    "boxes": boxes,
    "dots": dots,
    "large_hole": large_hole,
}
