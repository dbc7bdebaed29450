"""Restore a picture of 4096x4096 pixels, 2,000 of them missing, by the model of the package.

    python -m benchmarks.one_large_picture    # seconds after loading, and peak memory, as JSON

A process of its own: its memory is that of this alone.
"""

import json
import re
from pathlib import Path

import cv2
import numpy as np

from benchmarks.in_turn import seconds_of
from inpaint.terminal.quiet import without_greetings

_SIDE, _STROKES = 4096, 40


def scratched() -> np.ndarray:
    """40 strokes, 2,000 pixels, all over the picture: bool (4096, 4096), True = missing."""
    rng = np.random.default_rng(0)
    drawn = np.zeros((_SIDE, _SIDE), np.uint8)
    for row, column in rng.integers(20, _SIDE - 20, (_STROKES, 2)).tolist():
        drawn[row : row + 5, column : column + 10] = 1
    return drawn.astype(bool)


def main() -> None:
    with without_greetings():
        from skimage.data import astronaut

        from inpaint.restoring.serving import load_pretrained

    picture = cv2.resize(astronaut(), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)[np.newaxis]
    holes = scratched()[np.newaxis]
    model = load_pretrained(3)
    seconds = seconds_of(lambda: model.restore(picture, holes))
    print(json.dumps({"seconds": seconds, "peak_bytes": _peak_bytes()}))


def _peak_bytes() -> int:
    """Of this process: its resource usage would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (peak_kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return 1024 * int(peak_kib)


if __name__ == "__main__":
    main()
