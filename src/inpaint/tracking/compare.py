"""What differs between two runs, and how sure one can be of it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from inpaint.base.seeds import generator
from inpaint.scoring.intervals import intervals

_SAMPLES = 1000  # of the bootstrap
_SCORES = ("ssim", "hole_mse")


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The names whose values differ, None where one side has none, in the order of the names."""
    return {
        name: (a.get(name), b.get(name))
        for name in sorted(a.keys() | b.keys())
        if a.get(name) != b.get(name)
    }


def scores_of(content: bytes, split: str, method: str = "composite") -> dict[str, np.ndarray]:
    """The scores of each image of a split.

    Args:
        content: of per_image.csv.
        split: `valid` or `test`.
        method: `composite`, which is the model, or the name of a baseline.

    Returns:
        float64 (N,): `ssim`, `hole_mse` and `hole_pixels` as `metrics.score_images` gives them; int
        (N,): `group`, the same for images that are not independent.
    """
    rows = [row for row in csv.DictReader(io.StringIO(content.decode())) if row["split"] == split]
    columns = {key: f"{method}/{key}" for key in _SCORES} | {"hole_pixels": "hole_pixels"}
    scores = {key: np.array([row[name] for row in rows], float) for key, name in columns.items()}
    return scores | {"group": np.array([row["group"] for row in rows], int)}


def gain(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], split: str
) -> dict[str, dict[str, float | None]]:
    """How much better the second fills the holes of the same images, with 95% intervals.

    Args:
        first: from `scores_of` or, computed now, from `metrics.score_images`.
        second: from `scores_of`.
        split: whose images they are.

    Returns:
        ``{"ssim_unit": {"mean", "low", "high"}, "hole_psnr_db": {...}}`` as `intervals`
        gives them: second - first, image by image.
    """
    rng = generator(0, "compare", split)
    return intervals(rng, dict(second), dict(first), second["group"], _SAMPLES)["gain"]
