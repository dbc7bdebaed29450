"""Before and after: details of restored pictures, enlarged, beside each other."""

from collections.abc import Mapping

import cv2
import numpy as np
from matplotlib.figure import Figure

# Worth looking at, one of each damage and then some; a detail of each.
CASES = (
    "astronaut-scratch",
    "coffee-scratch",
    "chelsea-text",
    "coffee-boxes",
    "astronaut-dots",
    "chelsea-large_hole",
)
_DETAIL = 96  # pixels, the side of what is shown
_SIDE = 2.5  # inches, of each detail

Shown = dict[str, np.ndarray]  # by method: a restored picture, uint8 (H, W, C)
Row = dict[str, np.ndarray]  # by title: a detail, uint8 (H, W, C)


def row(image: np.ndarray, hole: np.ndarray, shown: Shown, psnr: Mapping[str, float]) -> Row:
    """The detail with most of the hole: damaged, then as each of ``shown`` has it."""
    detail = most_damaged(hole)
    damaged = np.where(hole[..., np.newaxis], np.uint8(255), image)
    titles = {name: f"{name}, {psnr[name]:.1f} dB" for name in shown}
    return {"damaged": damaged[detail], **{titles[name]: shown[name][detail] for name in shown}}


def most_damaged(hole: np.ndarray) -> tuple[slice, slice]:
    """Where a detail has most missing pixels; those near its middle count more."""
    weighted = cv2.GaussianBlur(
        hole.astype(np.float32), (0, 0), _DETAIL / 5, borderType=cv2.BORDER_CONSTANT
    )
    middle = np.unravel_index(weighted.argmax(), hole.shape)
    top, left = (
        min(max(int(place) - _DETAIL // 2, 0), size - _DETAIL)
        for place, size in zip(middle, hole.shape, strict=True)
    )
    return slice(top, top + _DETAIL), slice(left, left + _DETAIL)


def figure(rows: Mapping[str, Row]) -> Figure:
    """Rows of details under each other, each with its titles."""
    num = max(map(len, rows.values()))
    drawn = Figure(figsize=(_SIDE * num + 0.2, (_SIDE + 0.25) * len(rows)), layout="constrained")
    axes = drawn.subplots(len(rows), num, squeeze=False)
    for line, (case, details) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(case.replace("-", ": ").replace("_", " "), fontsize=9)
        for axis, (title, detail) in zip(line, details.items(), strict=False):
            axis.imshow(detail.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set_title(title, fontsize=9)
            axis.set(xticks=[], yticks=[])
    return drawn
