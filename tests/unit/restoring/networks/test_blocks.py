"""Pieces of networks."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint.restoring.networks.blocks import (
    CropTo,
    MeanWithMirrorImages,
    ReflectTo,
    RepeatedConv2DTranspose,
    WithMirrorImages,
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


@pytest.mark.parametrize(
    ("height", "width", "to"), [(24, 40, 4), (21, 34, 4), (23, 37, 8), (8, 5, 5), (5, 7, 1)]
)
def test_images_are_reflected_at_their_lower_and_right_border(
    photographs: np.ndarray, height: int, width: int, to: int
) -> None:
    images = photographs[60:62, :height, :width].astype(np.float32)
    more = [(0, 0), (0, -height % to), (0, -width % to), (0, 0)]
    np.testing.assert_array_equal(ReflectTo(to)(images), np.pad(images, more, mode="reflect"))


@pytest.mark.parametrize(("height", "width"), [(1, 6), (2, 1), (1, 1)])
def test_what_is_too_small_to_be_reflected_is_repeated(
    photographs: np.ndarray, height: int, width: int
) -> None:
    images = photographs[60:62, :height, :width].astype(np.float32)
    reflected = ReflectTo(4)(images).numpy()
    assert reflected.shape == (2, height + -height % 4, width + -width % 4, 3)
    np.testing.assert_array_equal(reflected[:, :height, :width], images)
    np.testing.assert_array_equal(
        reflected[:, height:, :1], images[:, :1, :1].repeat(4 - height, 1)
    )


@pytest.mark.parametrize(("height", "width"), [(24, 40), (21, 34)])
def test_cropping_takes_away_what_reflecting_has_added(
    photographs: np.ndarray, height: int, width: int
) -> None:
    images = photographs[60:62, :height, :width].astype(np.float32)
    np.testing.assert_array_equal(CropTo()(ReflectTo(8)(images), images), images)


def test_reflecting_and_cropping_agree_on_shapes_they_are_told_or_not() -> None:
    for shape, reflected in (
        ((21, 34, 3), (None, 24, 36, 3)),
        ((None, 34, 3), (None, None, 36, 3)),
        ((None, None, 3), (None, None, None, 3)),
    ):
        image = keras.Input(shape)
        larger = ReflectTo(4)(image)
        assert larger.shape == reflected
        assert CropTo()(keras.layers.Conv2D(5, 1)(larger), image).shape == (None, *shape[:2], 5)


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


def test_mirror_images_come_after_those_as_they_are(photographs: np.ndarray) -> None:
    images = photographs[60:63].astype(np.float32)
    both = WithMirrorImages()(images)
    np.testing.assert_array_equal(both, np.concatenate([images, images[:, :, ::-1]]))


def test_mean_is_of_an_image_and_of_its_own_mirror_image(rng: np.random.Generator) -> None:
    first, second = rng.normal(size=(2, 3, 4, 6, 2)).astype(np.float32)
    mean = MeanWithMirrorImages()(np.concatenate([first, second]))
    np.testing.assert_array_equal(mean, (first + second[:, :, ::-1]) / 2)


@pytest.mark.parametrize("layer", [WithMirrorImages, MeanWithMirrorImages])
def test_in_training_there_are_no_mirror_images(
    layer: type[keras.layers.Layer], photographs: np.ndarray
) -> None:
    images = photographs[60:63].astype(np.float32)
    np.testing.assert_array_equal(layer()(images, training=True), images)
