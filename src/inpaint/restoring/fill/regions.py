"""What lies around a hole: the windows that are looked at when it is filled."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

REACH = 10  # pixels: what lies farther from a hole has no say in its fill
# Pixels: as far as a network sees what surrounds a missing one. No deeper hole, see `depth`, is
# filled at once, in training or later.
DEEPEST = 24
_TOUCH = 2 * REACH + 1  # missing pixels no farther apart than that have touching neighbourhoods


@dataclass(frozen=True, eq=False)
class Region:
    """Missing pixels that belong together, and the window around them.

    Attributes:
        rows: of the picture: those of the missing pixels and REACH more on either side, cut at the
            picture's border.
        columns: likewise.
        missing: bool (h, w), all that is missing in the window.
        labels: int (h, w), which region a pixel belongs to; None if there is one alone.
        label: this one's.
    """

    rows: slice
    columns: slice
    missing: np.ndarray
    labels: np.ndarray | None = None
    label: int = 1

    @property
    def hole(self) -> np.ndarray:
        """The window's, bool (h, w); True = missing, and of this region.

        It is made when it is asked for: the windows of slanted strokes overlap, so that the holes
        of all would take up to the picture's size for each stroke.
        """
        return self.missing if self.labels is None else self.missing & (self.labels == self.label)


def regions(hole: np.ndarray) -> list[Region]:
    """The regions of a hole, ordered by their windows' first row, then first column.

    Missing pixels belong to one region if a chain of missing pixels joins them whose
    neighbourhoods, REACH pixels to each side, overlap or touch: no step of the chain is longer
    than 2 * REACH + 1 pixels, along rows or columns. A region is the same wherever it lies, and
    whatever else is missing, as long as the picture's border does not cut its window.

    Args:
        hole: bool (H, W), True = missing.
    """
    if not hole.any():
        return []
    rows, columns = window_around(hole, REACH)
    window = hole[rows, columns].copy()
    if max(window.shape) <= _TOUCH:  # any two pixels touch
        return [Region(rows, columns, window)]
    labels, boxes = _labelled(window)
    if len(boxes) == 1:
        return [Region(rows, columns, window)]
    found = []
    for label, (left, top, width, height) in sorted(
        enumerate(boxes, start=1), key=lambda each: (each[1][1], each[1][0])
    ):
        part = np.s_[top : top + height, left : left + width]
        found.append(
            Region(
                moved(slice(top, top + height), rows.start),
                moved(slice(left, left + width), columns.start),
                window[part],
                labels[part],
                label,
            )
        )
    return found


def window_around(hole: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of the missing pixels, and ``margin`` more, cut at the picture's border.

    Args:
        hole: bool (H, W), True = missing; not empty.
        margin: in pixels.
    """
    rows = np.flatnonzero(hole.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(hole[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    height, width = hole.shape
    return (
        slice(max(top - margin, 0), min(bottom + margin, height)),
        slice(max(left - margin, 0), min(right + margin, width)),
    )


def moved(span: slice, by: int) -> slice:
    """Rows or columns, counted from another one: pixels."""
    return slice(span.start + by, span.stop + by)


def by_hole(holes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The different holes, each with the indices of the images that have it."""
    if len(holes) == 1:  # no look at a picture
        yield holes[0], np.zeros(1, int)
        return
    packed = np.packbits(holes.reshape(len(holes), math.prod(holes.shape[1:])), axis=1)
    if len(holes) and (packed == packed[0]).all():
        yield holes[0], np.arange(len(holes))
        return
    members: dict[bytes, list[int]] = {}
    for i, row in enumerate(packed):
        members.setdefault(row.tobytes(), []).append(i)
    for indices in members.values():
        yield holes[indices[0]], np.array(indices)


def depth(hole: np.ndarray) -> np.ndarray:
    """How many pixels it is from each missing pixel to the nearest known one.

    Args:
        hole: bool (H, W), True = missing.

    Returns:
        float32 (H, W), 0 for known pixels; 1 beside them.
    """
    found: np.ndarray = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return found


def _labelled(window: np.ndarray) -> tuple[np.ndarray, list[list[int]]]:
    """Connected neighbourhoods: their labels from 1, (h, w), and left, top, width, height of each.

    A neighbourhood's box is a region's window: both reach REACH pixels around the missing pixels.
    """
    square = np.ones((_TOUCH, _TOUCH), np.uint8)
    near = cv2.dilate(np.ascontiguousarray(window).view(np.uint8), square)
    # 16 bits would do for the regions there is room for, but not for OpenCV's labels on the way.
    _, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    return labels, stats[1:, :4].tolist()
