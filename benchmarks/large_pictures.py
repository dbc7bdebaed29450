"""Filling large pictures: ours against libraries, and what the shipped model takes.

    python -m benchmarks.large_pictures                    # everything, about three minutes
    python -m benchmarks.large_pictures biharmonic-1024    # one row, which is only printed

The times are kept in large_pictures.json, in pyperf's format; a table of README.md is made of them.
"""

import json
import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
from skimage.data import astronaut
from skimage.restoration import inpaint_biharmonic

from benchmarks.in_turn import Values, in_turn, seconds_of
from benchmarks.kept import Measured, save
from benchmarks.lines import Line, measure, tables
from benchmarks.tables import with_results
from benchmarks.task import ROOT
from inpaint.restoring import fill

_PROGRAM = "benchmarks.large_pictures"
FILE = ROOT / "benchmarks" / "large_pictures.json"
README = ROOT / "benchmarks" / "README.md"
_SIDES = (512, 1024, 2048, 4096)


def biharmonic(side: int) -> Callable[[], Values]:
    """Fill a square photograph, float64 in [0, 1], and for OpenCV, which takes no floats, bytes."""

    def measured() -> Values:
        photograph = cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_CUBIC)
        image, hole = photograph / 255.0, scratch_and_word(side)

        def ours() -> None:
            fill._kept_map.cache_clear()
            fill.biharmonic(image[np.newaxis], hole[np.newaxis])

        return in_turn(
            {
                "inpaint": lambda: seconds_of(ours),
                "scikit-image": lambda: seconds_of(
                    lambda: inpaint_biharmonic(
                        image, hole, channel_axis=-1, split_into_regions=True
                    )
                ),
                "OpenCV Telea": lambda: seconds_of(
                    lambda: cv2.inpaint(photograph, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
                ),
            },
            rounds=7 if side <= 1024 else 3,
        )

    return measured


def model() -> Values:
    """Restore a picture of 4096x4096 pixels, 2,000 of them missing: seconds and peak memory."""
    values: Values = {"inpaint": [], "inpaint, peak bytes": []}
    for _ in range(3):
        command = [sys.executable, "-m", "benchmarks.one_large_picture"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        cost = json.loads(done.stdout)
        values["inpaint"].append(cost["seconds"])
        values["inpaint, peak bytes"].append(cost["peak_bytes"])
    return values


def scratch_and_word(side: int) -> np.ndarray:
    """A hole that grows with the picture, 70,000 pixels of 2048x2048: bool, True = missing."""
    drawn = np.zeros((side, side), np.uint8)
    width = side // 200
    cv2.line(drawn, (side // 10, side // 8), (side * 9 // 10, side * 7 // 10), 1, width)
    start, size = (side // 8, side * 9 // 10), side / 283
    cv2.putText(drawn, "inpaint", start, cv2.FONT_HERSHEY_SIMPLEX, size, 1, width)
    return drawn.astype(bool)


ROWS: dict[str, Callable[[], Values]] = {
    **{f"biharmonic-{side}": biharmonic(side) for side in _SIDES},
    "restore-4096": model,
}
LINES = [
    *[
        Line(
            f"biharmonic-{side}", f"biharmonic fill of a photograph, {side}x{side}", rival,
            at_least=at_least,
        )
        for side in _SIDES
        for rival, at_least in (("scikit-image", 5), ("OpenCV Telea", None))
    ],
    Line("restore-4096", "restore 2,000 pixels of 4096x4096 by the shipped model", at_most=5),
    Line(
        "restore-4096", "its peak memory, that of TensorFlow included", ours="inpaint, peak bytes",
        at_most=1.5e9,
    ),
]  # fmt: skip


def with_tables(page: str, measured: Measured) -> str:
    """The page with its table made anew."""
    content = tables(_PROGRAM, LINES, measured)
    return with_results(page, "benchmarks/large_pictures.py", content)


def main() -> None:
    measured = measure(_PROGRAM, ROWS, LINES)
    if measured.keys() == ROWS.keys():  # all from one run
        README.write_text(with_tables(README.read_text(), measured))
        save(FILE, measured)


if __name__ == "__main__":
    main()
