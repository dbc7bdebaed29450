"""How sure one can be of a score: by hand, and by what theory says of many images."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from inpaint.scoring.intervals import intervals, mean_interval


def scores_of(ssim: np.ndarray, hole_mse: np.ndarray, pixels: int = 64) -> dict[str, np.ndarray]:
    """The scores that a gain is computed from."""
    weights = np.full(len(ssim), float(pixels))
    return {"ssim": ssim, "hole_mse": hole_mse, "hole_pixels": weights}


def width(gain: dict[str, float | None]) -> float:
    low, high = gain["low"], gain["high"]
    assert low is not None
    assert high is not None
    return high - low


def gain_of(*args: Any) -> dict[str, dict[str, float | None]]:
    return intervals(*args)["gain"]


def test_interval_of_the_score_is_that_of_the_normal_distribution(
    rng: np.random.Generator,
) -> None:
    ssim = rng.normal(0.8, 0.1, 400)
    scores, baseline = scores_of(ssim, np.ones(400)), scores_of(np.zeros(400), np.ones(400))
    received = intervals(rng, scores, baseline, np.arange(400), 2000)["score"]["ssim_unit"]
    assert received["mean"] == pytest.approx((ssim.mean() + 1) / 2)
    assert width(received) == pytest.approx(2 * 1.96 * ssim.std() / 2 / math.sqrt(400), rel=0.1)


def test_gain_over_oneself_is_zero_without_doubt(rng: np.random.Generator) -> None:
    scores = scores_of(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.1, 50))
    gains = gain_of(rng, scores, scores, np.arange(50), 200)
    zero = pytest.approx({"mean": 0, "low": 0, "high": 0}, abs=1e-12)
    assert gains == {"ssim_unit": zero, "hole_psnr_db": zero}


def test_gain_of_a_method_better_by_a_constant_is_that_constant(rng: np.random.Generator) -> None:
    ssim, hole_mse = rng.uniform(-1, 0.5, 50), rng.uniform(0.01, 0.1, 50)
    better, baseline = scores_of(ssim + 0.2, hole_mse / 10), scores_of(ssim, hole_mse)
    gains = gain_of(rng, better, baseline, np.arange(50), 200)
    assert gains["ssim_unit"] == pytest.approx({"mean": 0.1, "low": 0.1, "high": 0.1})
    assert gains["hole_psnr_db"] == pytest.approx({"mean": 10, "low": 10, "high": 10})


def test_gain_in_psnr_is_that_of_the_pooled_errors(rng: np.random.Generator) -> None:
    scores = scores_of(np.zeros(2), np.array([0.1, 0.3]))
    baseline = scores_of(np.zeros(2), np.array([1.0, 3.0]))
    for each in (scores, baseline):
        each["hole_pixels"] = np.array([30.0, 10.0])
    # (30 * 1 + 10 * 3) / (30 * 0.1 + 10 * 0.3) = 10
    gains = gain_of(rng, scores, baseline, np.arange(2), 20)
    assert gains["hole_psnr_db"]["mean"] == pytest.approx(10)


def test_interval_is_that_of_the_normal_distribution_for_many_images(
    rng: np.random.Generator,
) -> None:
    gain = rng.normal(0.1, 0.05, 400)  # of ssim_unit
    scores, baseline = scores_of(2 * gain, np.ones(400)), scores_of(np.zeros(400), np.ones(400))
    received = gain_of(rng, scores, baseline, np.arange(400), 2000)["ssim_unit"]
    assert received["mean"] == pytest.approx(gain.mean())
    # Central limit theorem: mean +- 1.96 standard errors; 10% for 2,000 samples' own scatter.
    margin = 1.96 * gain.std() / math.sqrt(400)
    assert width(received) == pytest.approx(2 * margin, rel=0.1)
    assert received["low"] == pytest.approx(gain.mean() - margin, abs=0.2 * margin)


def test_images_of_one_group_are_resampled_together(rng: np.random.Generator) -> None:
    groups = np.repeat(np.arange(20), 50)
    gain = np.repeat(rng.normal(0, 0.05, 20), 50)  # the same within a group
    scores, baseline = scores_of(2 * gain, np.ones(1000)), scores_of(np.zeros(1000), np.ones(1000))
    together = gain_of(rng, scores, baseline, groups, 1000)["ssim_unit"]
    apart = gain_of(rng, scores, baseline, np.arange(1000), 1000)["ssim_unit"]
    assert together["mean"] == pytest.approx(apart["mean"])
    # 20 independent values instead of 1,000: wider by sqrt(50) = 7.1
    assert 5.5 < width(together) / width(apart) < 9


def test_groups_may_have_any_names_and_order(rng: np.random.Generator) -> None:
    gain = rng.normal(0, 0.05, 60)
    scores, baseline = scores_of(2 * gain, np.ones(60)), scores_of(np.zeros(60), np.ones(60))
    numbers = np.tile([0, 1, 2], 20)
    names = np.array(["chelsea", "coffee", "rocket"])[numbers]
    first, second = (
        gain_of(np.random.default_rng(5), scores, baseline, groups, 100)
        for groups in (numbers, names)
    )
    assert first == second


def test_gain_repeats_itself_for_a_seed(rng: np.random.Generator) -> None:
    scores = scores_of(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.1, 50))
    baseline = scores_of(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.1, 50))
    runs = [
        gain_of(np.random.default_rng(s), scores, baseline, np.arange(50), 100) for s in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("perfect", ["scores", "baseline"])
def test_gain_in_psnr_is_undefined_without_errors(rng: np.random.Generator, perfect: str) -> None:
    some, none = scores_of(np.zeros(5), np.ones(5)), scores_of(np.zeros(5), np.zeros(5))
    scores, baseline = (none, some) if perfect == "scores" else (some, none)
    gains = gain_of(rng, scores, baseline, np.arange(5), 20)
    assert gains["hole_psnr_db"] == {"mean": None, "low": None, "high": None}
    json.dumps(gains, allow_nan=False)


def test_interval_holds_its_estimate(rng: np.random.Generator) -> None:
    scores = scores_of(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.1, 50))
    baseline = scores_of(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.1, 50))
    gains = gain_of(rng, scores, baseline, np.arange(50), 500)
    for gain in gains.values():
        values = [gain[key] for key in ("low", "mean", "high")]
        assert all(a < b for a, b in itertools.pairwise(v for v in values if v is not None))


def test_mean_has_the_interval_of_its_groups(rng: np.random.Generator) -> None:
    values = rng.normal(0.5, 0.1, 400)
    mean, low, high = mean_interval(rng, values, np.arange(400), 2000)
    assert mean == values.mean()
    # By the central limit theorem.
    error = 1.96 * values.std() / 20
    np.testing.assert_allclose([low, high], [mean - error, mean + error], atol=0.1 * error)
    # Of four groups of equal images it is twice as wide as of 16.
    few = np.repeat(rng.normal(0.5, 0.1, 16), 25)
    _, low, high = mean_interval(rng, few, np.repeat(np.arange(16), 25), 2000)
    assert high - low == pytest.approx(2 * 1.96 * few.std() / 4, rel=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_mean_of_a_single_group_is_in_its_interval(seed: int) -> None:
    """All samples are the mean, but for rounding."""
    rng = np.random.default_rng(seed)
    mean, low, high = mean_interval(rng, rng.uniform(0.9, 1, 300), np.zeros(300), 100)
    assert low <= mean <= high
    assert high - low < 1e-12
