"""SSIM in TensorFlow, against TensorFlow's own."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from inpaint.restoring.pixels import to_signed
from inpaint.scoring.ssim import ssim


@pytest.fixture
def pair(rng: np.random.Generator, photographs: np.ndarray) -> tuple[Any, Any]:
    """True and predicted images, float32 (3, 24, 40, 3)."""
    image_true = to_signed(photographs[60:63])
    return tf.constant(image_true), tf.constant(
        image_true + rng.normal(0, 0.2, image_true.shape), tf.float32
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("precision", [tf.float32, tf.float64])
def test_ssim_is_tensorflows(pair: tuple[Any, Any], channels: int, precision: Any) -> None:
    image_true, image_pred = (each[..., :channels] for each in pair)
    expected = tf.image.ssim(
        image_true, image_pred, max_val=2.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03
    )
    received = ssim(tf.cast(image_true, precision), tf.cast(image_pred, precision))
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert received.shape == (3,)
    assert received.dtype == precision
    assert float(tf.reduce_max(received)) < 0.95


def test_ssim_of_identical_images_is_one(pair: tuple[Any, Any]) -> None:
    np.testing.assert_allclose(ssim(pair[0], pair[0]), 1, atol=1e-5)
