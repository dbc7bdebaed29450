"""Telling a network that cannot be saved from one that is learning."""

import math

import keras
import numpy as np
import pytest

from inpaint.base.errors import StageError
from inpaint.params import Params
from inpaint.training import health
from inpaint.training.batches import Batch, make_batch
from inpaint.training.loop import Trainer, Validation


@pytest.fixture(scope="module")
def batch(digits: np.ndarray) -> Batch:
    holes = np.zeros((100, 28, 28), dtype=bool)
    holes[:, 10:18, 10:18] = True
    return make_batch("report_unet", digits, holes)


def validate(params: Params, batch: Batch, *, scale: float) -> Validation:
    """Of a network whose output is -1, plus its input (-1 in each hole, or not) times ``scale``."""
    image = keras.Input((28, 28, 1), name="image")
    network = keras.Model({"image": image}, keras.layers.Rescaling(scale, offset=-1.0)(image))
    train = params.train.model_dump() | {"optimizer": "adam"}
    return Trainer(network, train, 1).validate(batch)


def test_constant_output_has_collapsed(params: Params, batch: Batch) -> None:
    assert health.is_collapsed(validate(params, batch, scale=0.0))


def test_one_value_in_every_hole_has_collapsed(params: Params, batch: Batch) -> None:
    # The input is -1 in every hole and lively elsewhere; and so is the output.
    assert health.is_collapsed(validate(params, batch, scale=0.1))


def test_different_values_in_the_holes_have_not_collapsed(params: Params, batch: Batch) -> None:
    inputs = {"image": batch.image_true}
    lively = Batch(inputs=inputs, image_true=batch.image_true, hole=batch.hole)
    assert not health.is_collapsed(validate(params, lively, scale=0.1))


@pytest.mark.parametrize(("levels", "collapsed"), [(0, True), (0.9, True), (1.1, False)])
def test_less_than_one_grey_level_is_constant(levels: float, collapsed: bool) -> None:
    valid = Validation(0.1, 0.9, hole_range=levels * 2 / 255, hole_range_true=2.0)
    assert health.is_collapsed(valid) == collapsed


def test_one_value_where_one_value_belongs_has_not_collapsed() -> None:
    # A hole of one pixel in one image, or holes in an empty background.
    assert not health.is_collapsed(Validation(0.1, 0.9, hole_range=0.0, hole_range_true=0.0))


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_loss_that_is_no_number_stops_training_with_advice(loss: float) -> None:
    with pytest.raises(StageError, match=r"became .* in epoch 3; try a smaller train.learning_r"):
        health.check_finite(loss, 3)


@pytest.mark.parametrize("loss", [0.0, 1e30, -1.0])
def test_loss_that_is_a_number_does_not(loss: float) -> None:
    health.check_finite(loss, 3)
