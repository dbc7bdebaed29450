"""Pieces of networks."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint.restoring.networks.blocks import (
    RepeatedConv2DTranspose,
    check_divisible,
    residual_block,
)


def build(*, dropout: float = 0.0, dilation: int = 1) -> keras.Model:
    x = keras.Input((12, 20, 4))
    return keras.Model(x, residual_block(x, 4, dropout=dropout, dilation=dilation))


def randomise(model: keras.Model, rng: np.random.Generator) -> None:
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])


def test_fresh_block_passes_its_input_on(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 12, 20, 4)).astype(np.float32)
    np.testing.assert_array_equal(build()(x), x)


@pytest.mark.parametrize(("dilation", "reach"), [(1, 2), (2, 3)])
def test_block_sees_as_far_as_its_convolutions_reach(
    rng: np.random.Generator, dilation: int, reach: int
) -> None:
    model = build(dilation=dilation)
    randomise(model, rng)
    x = rng.normal(size=(1, 12, 20, 4)).astype(np.float32)
    changed = x.copy()
    changed[0, 6, 10] += 1
    rows, columns, _ = np.nonzero((model(x) - model(changed)).numpy()[0])
    assert (rows.min(), rows.max()) == (6 - reach, 6 + reach)
    assert (columns.min(), columns.max()) == (10 - reach, 10 + reach)


def test_block_drops_at_the_given_rate() -> None:
    rates = [layer.rate for layer in build(dropout=0.3).layers if hasattr(layer, "rate")]
    assert rates == [0.3]


@pytest.mark.parametrize("shape", [(30, 28, 1), (28, 30, 3), (29, 29, 1)])
def test_sizes_that_pooling_could_not_give_back_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"received {shape[0]}x{shape[1]}, allowed: multiples of"):
        check_divisible(shape, by=4)


def test_sizes_that_pooling_gives_back_are_accepted() -> None:
    check_divisible((24, 40, 3), by=4)


def test_repeated_convolution_is_upsampling_and_then_a_convolution(
    rng: np.random.Generator,
) -> None:
    x = keras.Input((5, 7, 3))
    layers, settings = keras.layers, {"padding": "same", "activation": "relu"}
    repeated = keras.Model(x, RepeatedConv2DTranspose(4, 3, strides=2, **settings)(x))
    plain = keras.Model(x, layers.Conv2DTranspose(4, 3, **settings)(layers.UpSampling2D(2)(x)))
    randomise(plain, rng)
    repeated.set_weights(plain.get_weights())
    images = tf.constant(rng.normal(size=(2, 5, 7, 3)), tf.float32)
    outputs, gradients = [], []
    for model in (repeated, plain):
        with tf.GradientTape() as tape:
            outputs.append(model(images))
            loss = tf.reduce_sum(tf.square(outputs[-1]))
        gradients.append(tape.gradient(loss, model.trainable_variables))
    assert outputs[0].shape == (2, 10, 14, 4) == repeated.compute_output_shape((2, 5, 7, 3))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"strides": 1}, {"padding": "valid"}, {"use_bias": False}, {"kernel_size": 5}]
)
def test_repeated_convolution_of_another_kind_is_refused(wrong: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"kernel_size": 3, "strides": 2, "padding": "same"} | wrong
    with pytest.raises(ValueError, match="allowed: 3x3, 2, same, True"):
        RepeatedConv2DTranspose(4, **settings)
