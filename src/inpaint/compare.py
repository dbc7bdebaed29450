"""What differs between two runs, and how sure one can be of it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from inpaint import metrics
from inpaint.seeds import generator

_SAMPLES = 1000  # of the bootstrap
_SCORES = ("ssim", "hole_mse")


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The names whose values differ, None where one side has none, in the order of the names."""
    return {
        name: (a.get(name), b.get(name))
        for name in sorted(a.keys() | b.keys())
        if a.get(name) != b.get(name)
    }


def gain(a: bytes, b: bytes, split: str) -> dict[str, dict[str, float | None]]:
    """How much better ``b`` fills the holes of the same images than ``a``, with 95% intervals.

    Args:
        a, b: the content of their per_image.csv, of the same images and holes.
        split: `valid` or `test`.

    Returns:
        ``{"ssim_unit": {"mean", "low", "high"}, "hole_psnr_db": {...}}`` as `metrics.intervals`
        gives them: b - a, image by image.
    """
    return gain_over(_scores(_columns(a, split)), b, split)


def gain_over(
    first: dict[str, np.ndarray], b: bytes, split: str
) -> dict[str, dict[str, float | None]]:
    """`gain` over scores that were computed now, by `metrics.score_images`."""
    second = _columns(b, split)
    groups = np.array(second["group"], dtype=int)
    result = metrics.intervals(
        generator(0, "compare", split), _scores(second), first, groups, _SAMPLES
    )
    return result["gain"]


def ssim_unit(content: bytes, num: int) -> np.ndarray:
    """The scores of the first test images, from per_image.csv: float64 (num,)."""
    return metrics.ssim_unit(_scores(_columns(content, "test"))["ssim"][:num])


def _columns(content: bytes, split: str) -> dict[str, list[str]]:
    rows = [row for row in csv.DictReader(io.StringIO(content.decode())) if row["split"] == split]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _scores(columns: Mapping[str, list[str]]) -> dict[str, np.ndarray]:
    scores = {key: np.array(columns[f"composite/{key}"], dtype=float) for key in _SCORES}
    return scores | {"hole_pixels": np.array(columns["hole_pixels"], dtype=float)}
