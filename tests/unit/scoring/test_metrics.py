"""Scores: by hand, and against scikit-image called directly."""

import functools
import json

import numpy as np
import pytest
import skimage.data
from skimage.metrics import structural_similarity

from inpaint.restoring import pixels
from inpaint.scoring import metrics


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
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-6)
    assert min(expected) < 0.3 < 0.45 < max(expected)  # neither all bad nor all good


@pytest.mark.parametrize("size", [(11, 11), (16, 21), (64, 64), (65, 64), (130, 128)])
def test_ssim_holds_in_flat_images_with_a_spot(
    rng: np.random.Generator, size: tuple[int, int]
) -> None:
    """Where float32 is off the most."""
    levels = rng.integers(0, 256, (300, 1, 1, 1))
    image_true = np.broadcast_to(levels, (300, *size, 1)).astype(np.uint8)
    image_pred = image_true.copy()
    spot = max(min(size) // 8, 2)
    for image in image_pred:
        row, column = (rng.integers(side - spot) for side in size)
        image[row : row + spot, column : column + spot] = rng.integers(0, 256)
    received = metrics.ssim_tensorflow(image_true, image_pred)
    expected = [metrics.ssim_skimage(*pair) for pair in zip(image_true, image_pred, strict=True)]
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-12)
    assert min(expected) < 0.98


@pytest.mark.parametrize("size", [(12, 128), (129, 127), (246, 247), (300, 139)])
def test_ssim_of_large_images_counts_each_window_once(
    rng: np.random.Generator, size: tuple[int, int]
) -> None:
    """The tiles are of 128 pixels, and 10 of them are of the next one, too."""
    height, width = size
    image_true = skimage.data.astronaut()[np.newaxis, :height, :width]
    image_pred = image_true.copy()
    image_pred[0, rng.random(size) < 0.3] = 0
    image_pred[0, -5:, -5:] = 255
    [received] = metrics.ssim_tensorflow(image_true, image_pred)
    expected = metrics.ssim_skimage(image_true[0], image_pred[0])
    assert received == pytest.approx(expected, abs=1e-12)
    assert expected < 0.9


def test_skimage_ssim_is_scikit_images(rng: np.random.Generator, photographs: np.ndarray) -> None:
    image_true = photographs[40]
    image_pred = noisy(rng, image_true)
    received = metrics.ssim_skimage(image_true, image_pred)
    assert received == pytest.approx(scikit_image(image_true, image_pred), abs=1e-6)


def test_ssim_of_identical_images_is_one(photographs: np.ndarray, digits: np.ndarray) -> None:
    np.testing.assert_allclose(metrics.ssim_tensorflow(digits, digits), 1, atol=1e-6)
    assert metrics.ssim_skimage(photographs[0], photographs[0]) == pytest.approx(1)


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
    assert difference < 1e-12 < metrics.PARITY_TOLERANCE
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


def errors(
    image_true: np.ndarray, image_pred: np.ndarray, holes: np.ndarray
) -> dict[str, np.ndarray]:
    """The scores of images that are too small for SSIM."""
    scores = {name: score for name, score in metrics.PER_IMAGE.items() if name != "ssim"}
    return {name: score(image_true, image_pred, holes) for name, score in scores.items()}


def test_errors_by_hand() -> None:
    image_true = np.array([[0, 255, 10], [51, 102, 153]], np.uint8).reshape(1, 2, 3, 1)
    image_pred = np.array([[0, 204, 10], [102, 0, 153]], np.uint8).reshape(1, 2, 3, 1)
    hole = np.array([[[False, True, False], [True, False, False]]])
    # On [0, 1] the differences are 0.2, -0.2 (both in the hole) and 0.4 (outside).
    received = errors(image_true, image_pred, hole)
    assert {key: value.tolist() for key, value in received.items()} == {
        "mse": [pytest.approx((0.04 + 0.04 + 0.16) / 6)],
        "mae": [pytest.approx((0.2 + 0.2 + 0.4) / 6)],
        "hole_mse": [pytest.approx(0.04)],
        "hole_mae": [pytest.approx(0.2)],
    }


def test_errors_average_the_channels() -> None:
    image_true = np.zeros((1, 1, 2, 3), np.uint8)
    image_pred = np.array([[0, 0, 0], [51, 102, 0]], np.uint8).reshape(1, 1, 2, 3)
    received = errors(image_true, image_pred, np.array([[[False, True]]]))
    assert received["hole_mse"][0] == pytest.approx((0.04 + 0.16) / 3)
    assert received["mae"][0] == pytest.approx((0.2 + 0.4) / 6)


def test_errors_in_an_empty_hole_are_zero(photographs: np.ndarray) -> None:
    received = errors(photographs[:1], photographs[1:2], np.zeros((1, 24, 40), dtype=bool))
    assert received["hole_mse"].tolist() == [0]
    assert received["hole_mae"].tolist() == [0]
    assert received["mse"][0] > 0


def test_scores_do_not_depend_on_how_images_are_batched(
    rng: np.random.Generator, photographs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_true, holes = photographs[:7], rng.random((7, 24, 40)) < 0.2
    image_pred = noisy(rng, image_true)
    expected = metrics.score_images(image_true, image_pred, holes)
    monkeypatch.setattr(pixels, "_AT_ONCE", 3 * 24 * 40)
    received = metrics.score_images(image_true, image_pred, holes)
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        assert received[key].shape == (7,)
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


def test_errors_of_a_single_missing_pixel_are_its_own() -> None:
    image_true = np.zeros((1, 11, 11, 1), np.uint8)
    image_pred, holes = image_true.copy(), np.zeros((1, 11, 11), dtype=bool)
    image_pred[0, 3, 4], holes[0, 3, 4] = 51, True
    summary = metrics.summarize(metrics.score_images(image_true, image_pred, holes))
    assert summary["hole_mae"] == pytest.approx(0.2)
    assert summary["hole_mse"] == pytest.approx(0.04)


def test_summary_of_perfect_images_is_valid_json(photographs: np.ndarray) -> None:
    holes = np.zeros((2, 24, 40), dtype=bool)
    summary = metrics.summarize(metrics.score_images(photographs[:2], photographs[:2], holes))
    assert summary["psnr_db"] is None
    assert summary["hole_psnr_db"] is None
    json.dumps(summary, allow_nan=False)
