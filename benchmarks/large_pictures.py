"""Filling large pictures: ours against libraries."""

import json
import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
from skimage.data import astronaut
from skimage.restoration import inpaint_biharmonic

from benchmarks.in_turn import Values, in_turn, seconds_of
from benchmarks.task import ROOT
from inpaint.restoring import fill

SIDES = (512, 1024, 2048, 4096)


def biharmonic(side: int) -> Callable[[], Values]:
    """Fill a square photograph, float64 in [0, 1], and for OpenCV, which takes no floats, bytes."""

    def measure() -> Values:
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

    return measure


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
