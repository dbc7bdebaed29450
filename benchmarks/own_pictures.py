"""People's own pictures: a folder of them at once against one process each, and to train on."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.in_turn import Values, in_turn, seconds_of_process
from benchmarks.task import ROOT, write_params

_INPAINT = Path(sys.executable).parent / "inpaint"
_HEIGHT, _WIDTH = 128, 160
_NUM_PICTURES = 1000
_NUM_SINGLE = 3  # processes that are enough to see how long one a picture would take
_NUM_MANY = 50_000


def start() -> Values:
    """From the start of the command to the restored picture, that of the README."""
    photo, scratches = (ROOT / "examples" / name for name in ("photo.jpg", "scratches.png"))
    command = (_INPAINT, "restore", photo, "--mask", scratches, "--output", "restored.png")
    with tempfile.TemporaryDirectory() as folder:
        return in_turn(
            {"inpaint": lambda: seconds_of_process([*command, "--force"], Path(folder))}, rounds=5
        )


def restore_folder() -> Values:
    """1,000 pictures with a scratch and a word, by the shipped model."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_pictures(root / "pictures", _NUM_PICTURES)
        cv2.imwrite(str(root / "mask.png"), _scratch())
        command = (_INPAINT, "restore", "--mask", "mask.png", "--force", "--output")

        def at_once() -> float:
            return seconds_of_process([*command, "restored", "pictures"], root)

        def one_process_each() -> float:
            some = sorted((root / "pictures").iterdir())[:_NUM_SINGLE]
            seconds = [seconds_of_process([*command, "one.png", path], root) for path in some]
            return sum(seconds) * _NUM_PICTURES / _NUM_SINGLE

        return in_turn({"inpaint": at_once, "one process each": one_process_each}, rounds=1)


def prepare() -> Values:
    """The stage prepare, on a folder of 50,000 pictures, and its peak memory, beside 1,000."""
    values: Values = {}
    for ours, number in (("1,000 pictures", _NUM_PICTURES), ("inpaint", _NUM_MANY)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _write_pictures(root / "pictures", number)
            data = {"dataset": "folder", "source": "own", "path": "pictures", "image_size": 64}
            write_params(root, data=data | {"train_size": 10_000})
            stage = (sys.executable, ROOT / "src", "prepare")
            done = subprocess.run(
                [sys.executable, ROOT / "benchmarks" / "cost.py", *stage],
                cwd=root,
                env=os.environ | {"DVC_ROOT": folder},
                stdout=subprocess.PIPE,
                check=True,
            )
            cost = json.loads(done.stdout)
            values[ours] = [cost["seconds"]]
            values[f"{ours}, peak bytes"] = [cost["peak_bytes"]]
    return values


def _write_pictures(folder: Path, number: int) -> None:
    """Clouds of colour, each another one, as JPEG."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(number):
        seeds = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
        cloud = cv2.resize(seeds, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{i:05}.jpg"), cloud)


def _scratch() -> np.ndarray:
    """uint8 (H, W), 255 = missing."""
    drawn = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    cv2.line(drawn, (16, 20), (140, 90), 255, 3)
    cv2.putText(drawn, "word", (20, 118), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    return drawn
