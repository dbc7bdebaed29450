"""Scores: by hand, and against scikit-image called directly."""

import functools
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from inpaint import metrics


def noisy(rng: np.random.Generator, images: np.ndarray, amount: float = 20) -> np.ndarray:
    changed = images + rng.normal(0, amount, images.shape)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def scikit_image(image_true: np.ndarray, image_pred: np.ndarray) -> float:
    """Wang et al.'s SSIM on the scale [-1, 1], every choice written out."""
    return float(
        structural_similarity(
            image_true / 127.5 - 1,
            image_pred / 127.5 - 1,
            win_size=11,
            data_range=2.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            truncate=3.5,
            use_sample_covariance=False,
            K1=0.01,
            K2=0.03,
        )
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_tensorflow_ssim_is_scikit_images(
    rng: np.random.Generator, photographs: np.ndarray, channels: int
) -> None:
    image_true = photographs[40:46, ..., :channels]
    image_pred = noisy(rng, image_true)
    expected = [scikit_image(*pair) for pair in zip(image_true, image_pred, strict=True)]
    received = metrics.ssim_tensorflow(image_true, image_pred)
    assert received.dtype == np.float64
    np.testing.assert_allclose(received, expected, rtol=0, atol=2e-5)
    assert min(expected) < 0.3 < 0.45 < max(expected)  # neither all bad nor all good


def test_skimage_ssim_is_scikit_images(rng: np.random.Generator, photographs: np.ndarray) -> None:
    image_true = photographs[40]
    image_pred = noisy(rng, image_true)
    received = metrics.ssim_skimage(image_true, image_pred)
    assert received == pytest.approx(scikit_image(image_true, image_pred), abs=1e-6)


def test_ssim_of_identical_images_is_one(photographs: np.ndarray, digits: np.ndarray) -> None:
    np.testing.assert_allclose(metrics.ssim_tensorflow(digits, digits), 1, atol=1e-6)
    assert metrics.ssim_skimage(photographs[0], photographs[0]) == pytest.approx(1)


def test_ssim_does_not_depend_on_how_images_are_batched(
    rng: np.random.Generator, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_true, image_pred = digits[::14], noisy(rng, digits[::14])
    expected = metrics.ssim_tensorflow(image_true, image_pred)
    monkeypatch.setattr(metrics, "_BATCH", 3)
    received = metrics.ssim_tensorflow(image_true, image_pred)
    assert received.shape == (8,)
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_images_smaller_than_the_window_are_refused(photographs: np.ndarray) -> None:
    small = photographs[:2, :10]
    with pytest.raises(ValueError, match=r"received 10x40 pixels, .* needs 11x11"):
        metrics.ssim_tensorflow(small, small)


def test_parity_holds_for_the_right_window(
    rng: np.random.Generator, photographs: np.ndarray
) -> None:
    image_true = photographs[40:44]
    image_pred = noisy(rng, image_true)
    done: list[int] = []
    ssim = metrics.ssim_tensorflow(image_true, image_pred)
    difference = metrics.parity(image_true, image_pred, ssim, done.append)
    assert 0 < difference < metrics.PARITY_TOLERANCE
    assert done == [1, 2, 3, 4]


def test_parity_finds_a_wrong_window(
    rng: np.random.Generator, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_true = photographs[40:44]
    image_pred = noisy(rng, image_true)
    ssim = metrics.ssim_tensorflow(image_true, image_pred)
    wrong = functools.partial(metrics.ssim_skimage, sigma=2.0)
    monkeypatch.setattr(metrics, "ssim_skimage", wrong)
    difference = metrics.parity(image_true, image_pred, ssim, lambda _: None)
    assert difference > metrics.PARITY_TOLERANCE


def test_parity_is_the_largest_difference(photographs: np.ndarray) -> None:
    images = photographs[40:43]
    # Each image is its own restoration: scikit-image says 1.
    claimed = np.array([1.0, 1.25, 0.9])
    assert metrics.parity(images, images, claimed, lambda _: None) == pytest.approx(0.25)


def test_ssim_unit_moves_the_range_to_zero_and_one() -> None:
    assert metrics.ssim_unit(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0, 0.5, 0.75, 1]


def test_errors_by_hand() -> None:
    image_true = np.array([[0, 255, 10], [51, 102, 153]], np.uint8).reshape(1, 2, 3, 1)
    image_pred = np.array([[0, 204, 10], [102, 0, 153]], np.uint8).reshape(1, 2, 3, 1)
    hole = np.array([[[False, True, False], [True, False, False]]])
    # On [0, 1] the differences are 0.2, -0.2 (both in the hole) and 0.4 (outside).
    received = metrics.errors(image_true, image_pred, hole)
    assert {key: value.tolist() for key, value in received.items()} == {
        "mse": [pytest.approx((0.04 + 0.04 + 0.16) / 6)],
        "mae": [pytest.approx((0.2 + 0.2 + 0.4) / 6)],
        "hole_mse": [pytest.approx(0.04)],
        "hole_mae": [pytest.approx(0.2)],
    }


def test_errors_average_the_channels() -> None:
    image_true = np.zeros((1, 1, 2, 3), np.uint8)
    image_pred = np.array([[0, 0, 0], [51, 102, 0]], np.uint8).reshape(1, 1, 2, 3)
    received = metrics.errors(image_true, image_pred, np.array([[[False, True]]]))
    assert received["hole_mse"][0] == pytest.approx((0.04 + 0.16) / 3)
    assert received["mae"][0] == pytest.approx((0.2 + 0.4) / 6)


def test_errors_in_an_empty_hole_are_zero(photographs: np.ndarray) -> None:
    received = metrics.errors(photographs[:1], photographs[1:2], np.zeros((1, 24, 40), dtype=bool))
    assert received["hole_mse"].tolist() == [0]
    assert received["hole_mae"].tolist() == [0]
    assert received["mse"][0] > 0


def test_errors_do_not_depend_on_how_images_are_batched(
    rng: np.random.Generator, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_true, holes = photographs[:7], rng.random((7, 24, 40)) < 0.2
    image_pred = noisy(rng, image_true)
    expected = metrics.errors(image_true, image_pred, holes)
    monkeypatch.setattr(metrics, "_BATCH", 3)
    received = metrics.errors(image_true, image_pred, holes)
    for key, value in expected.items():
        np.testing.assert_allclose(received[key], value, rtol=1e-6)


@pytest.mark.parametrize(("mse", "psnr_db"), [(1.0, 0.0), (0.1, 10.0), (0.001, 30.0), (0.0, None)])
def test_psnr_by_hand(mse: float, psnr_db: float | None) -> None:
    assert metrics.psnr_db(mse) == (None if psnr_db is None else pytest.approx(psnr_db))


def test_score_images_gives_every_score_of_each_image(
    rng: np.random.Generator, photographs: np.ndarray
) -> None:
    image_true, holes = photographs[:3], rng.random((3, 24, 40)) < 0.2
    scores = metrics.score_images(image_true, noisy(rng, image_true), holes)
    assert set(scores) == {"ssim", "mse", "mae", "hole_mse", "hole_mae", "hole_pixels"}
    assert {value.shape for value in scores.values()} == {(3,)}
    assert scores["hole_pixels"].tolist() == [hole.sum() for hole in holes]


def test_summary_pools_hole_errors_by_the_size_of_the_hole() -> None:
    scores = {
        "ssim": np.array([0.6, 0.8]),
        "mse": np.array([0.02, 0.0]),
        "mae": np.array([0.1, 0.0]),
        "hole_mse": np.array([0.4, 0.0]),
        "hole_mae": np.array([0.8, 0.0]),
        "hole_pixels": np.array([1.0, 3.0]),
    }
    assert metrics.summarize(scores) == pytest.approx(
        {
            "ssim": 0.7,
            "ssim_unit": 0.85,
            "psnr_db": 20.0,  # of the mean MSE, 0.01
            "mse": 0.01,
            "mae": 0.05,
            "hole_psnr_db": 10.0,  # of (1 * 0.4 + 3 * 0) / 4
            "hole_mse": 0.1,
            "hole_mae": 0.2,
        }
    )


def test_summary_of_perfect_images_is_valid_json(photographs: np.ndarray) -> None:
    holes = np.zeros((2, 24, 40), dtype=bool)
    summary = metrics.summarize(metrics.score_images(photographs[:2], photographs[:2], holes))
    assert summary["psnr_db"] is None
    assert summary["hole_psnr_db"] is None
    json.dumps(summary, allow_nan=False)


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
    return metrics.intervals(*args)["gain"]


def test_interval_of_the_score_is_that_of_the_normal_distribution(
    rng: np.random.Generator,
) -> None:
    ssim = rng.normal(0.8, 0.1, 400)
    scores, baseline = scores_of(ssim, np.ones(400)), scores_of(np.zeros(400), np.ones(400))
    received = metrics.intervals(rng, scores, baseline, np.arange(400), 2000)["score"]["ssim_unit"]
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
