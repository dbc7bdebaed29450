"""Losses, by hand."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from inpaint.scoring.ssim import ssim
from inpaint.training import losses

# One image of 1x2 pixels and two channels, and one with a hole twice as large.
TRUE = np.array([[[[0.5, -0.5], [1.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]], np.float32)
PRED = np.array([[[[0.5, 0.5], [0.0, 0.0]]], [[[1.0, 1.0], [0.0, 2.0]]]], np.float32)
HOLE = np.array([[[[1.0], [0.0]]], [[[1.0], [1.0]]]], np.float32)


def signed(images: np.ndarray) -> Any:
    return tf.constant(images / np.float32(127.5) - 1)


@pytest.fixture
def pair(rng: np.random.Generator, photographs: np.ndarray) -> tuple[Any, Any, Any]:
    """True and predicted images, float32 (3, 24, 40, 3), and their holes."""
    image_true = signed(photographs[60:63])
    noise = rng.normal(0, 0.2, image_true.shape).astype(np.float32)
    hole = np.zeros((3, 24, 40, 1), np.float32)
    hole[:, 6:14, 12:20] = 1
    return image_true, image_true + noise, tf.constant(hole)


def test_mse_by_hand_over_the_whole_image() -> None:
    # Squared differences: 0, 1, 1, 0 and 1, 1, 0, 4.
    assert float(losses.mse(TRUE, PRED, HOLE)) == pytest.approx(8 / 8)


def test_mse_ignores_the_hole() -> None:
    assert float(losses.mse(TRUE, PRED, HOLE)) == float(losses.mse(TRUE, PRED, 1 - HOLE))


def test_hole_mse_by_hand_pools_the_missing_pixels() -> None:
    # Means over the channels of the three missing pixels: 0.5, 1 and 2.
    assert float(losses.hole_mse(TRUE, PRED, HOLE)) == pytest.approx(3.5 / 3)


def test_hole_mse_ignores_known_pixels() -> None:
    changed = np.where(HOLE == 1, PRED, 100.0).astype(np.float32)
    assert float(losses.hole_mse(TRUE, changed, HOLE)) == pytest.approx(3.5 / 3)


def test_hole_mse_without_holes_is_zero() -> None:
    assert float(losses.hole_mse(TRUE, PRED, np.zeros_like(HOLE))) == 0


def test_hole_rmse_ssim_adds_four_times_what_the_composite_lacks(
    pair: tuple[Any, Any, Any],
) -> None:
    image_true, image_pred, hole = pair
    composite = tf.where(hole == 1, image_pred, image_true)
    lacking = 1 - float(tf.reduce_mean(tf.image.ssim(image_true, composite, max_val=2.0)))
    squared = np.square(image_true - image_pred).mean(axis=-1)[hole[..., 0] == 1].reshape(3, -1)
    error = np.sqrt(squared.mean(axis=1) + 0.02**2).mean() - 0.02
    expected = float(error) + 4 * lacking
    assert float(losses.hole_rmse_ssim(*pair)) == pytest.approx(expected, abs=1e-4)


def test_hole_rmse_ssim_weighs_images_alike_whatever_the_size_of_their_holes(
    pair: tuple[Any, Any, Any],
) -> None:
    """A hole of half an image that is off by twice as much counts twice, not hundredfold."""
    image_true, _, _ = pair
    image_true = tf.zeros_like(image_true)  # even
    hole = np.zeros((*image_true.shape[:3], 1), np.float32)
    hole[0, :12], hole[1, 3, 5] = 1, 1

    def error_of(first: float, second: float) -> float:
        off = np.array([first, second, 0], np.float32).reshape(3, 1, 1, 1)
        pred = image_true + off * hole
        lacking = 1 - tf.reduce_mean(ssim(image_true, pred))
        return float(losses.hole_rmse_ssim(image_true, pred, tf.constant(hole)) - 4 * lacking)

    assert error_of(0.5, 0.0) == pytest.approx(error_of(0.0, 0.5), rel=1e-3)
    assert error_of(1.0, 0.5) == pytest.approx(3 * error_of(0.0, 0.5), rel=0.03)


def test_hole_rmse_ssim_ignores_known_pixels(pair: tuple[Any, Any, Any]) -> None:
    image_true, image_pred, hole = pair
    changed = tf.where(hole == 1, image_pred, -image_pred)
    assert float(losses.hole_rmse_ssim(image_true, changed, hole)) == pytest.approx(
        float(losses.hole_rmse_ssim(image_true, image_pred, hole)), abs=1e-6
    )


@pytest.mark.parametrize("name", losses.LOSSES)
def test_perfect_prediction_costs_nothing(name: str, pair: tuple[Any, Any, Any]) -> None:
    image_true, _, hole = pair
    assert float(losses.LOSSES[name](image_true, image_true, hole)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_have_a_gradient_in_the_hole(name: str, pair: tuple[Any, Any, Any]) -> None:
    image_true, image_pred, hole = pair
    with tf.GradientTape() as tape:
        tape.watch(image_pred)
        loss = losses.LOSSES[name](image_true, image_pred, hole)
    gradient = tape.gradient(loss, image_pred).numpy()
    missing = hole.numpy()[..., 0] == 1
    assert np.isfinite(gradient).all()
    assert (gradient[missing] != 0).all()
    # Only the report's loss teaches what is known anyway.
    assert (gradient[~missing] != 0).any() == (name == "mse")
