"""Telling a network that cannot be saved from one that is learning."""

import math
from dataclasses import replace

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


def scored(ssim_unit: float, *, hole_range: float = 2.0) -> Validation:
    return Validation(0.1, ssim_unit, hole_range=hole_range, hole_range_true=2.0)


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
    lively = replace(batch, inputs={"image": batch.image_true})
    assert not health.is_collapsed(validate(params, lively, scale=0.1))


@pytest.mark.parametrize(("levels", "collapsed"), [(0, True), (0.9, True), (1.1, False)])
def test_less_than_one_grey_level_is_constant(levels: float, collapsed: bool) -> None:
    valid = Validation(0.1, 0.9, hole_range=levels * 2 / 255, hole_range_true=2.0)
    assert health.is_collapsed(valid) == collapsed


def test_one_value_where_one_value_belongs_has_not_collapsed() -> None:
    # A hole of one pixel in one image, or holes in an empty background.
    assert not health.is_collapsed(Validation(0.1, 0.9, hole_range=0.0, hole_range_true=0.0))


@pytest.mark.parametrize(
    ("ssim_unit", "expected"),
    [
        (0.9, True),
        (0.9 + 5e-7, True),  # as float32 rounds
        (0.9 + 5e-6, False),
        (0.95, False),
        (0.85, True),
        (math.nan, True),
    ],
)
def test_no_better_than_its_fill_is_nothing_learned(ssim_unit: float, expected: bool) -> None:
    assert health.learned_nothing(ssim_unit, 0.9) == expected


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch", "first"),
    [
        (50, 32, 5),  # the default
        (60, 32, 6),
        (61, 32, 7),
        (100, 16, 10),
        (6, 771, 1),
        (1, 1000, 1),
        (20, 32, 5),  # the second epoch would be at step 64
        (5, 30, 5),  # step 150 is the last
        (5, 29, 6),  # there is no step 150
        (2, 3, 50),
    ],
)
def test_a_tenth_of_the_epochs_is_waited_for_and_150_steps(
    epochs: int, steps_per_epoch: int, first: int
) -> None:
    assert health.first_judged(epochs, steps_per_epoch) == first


def test_the_fills_score_is_that_of_a_network_that_changes_nothing(
    params: Params, digits: np.ndarray
) -> None:
    holes = np.zeros((100, 28, 28), dtype=bool)
    holes[:, 10:18, 10:18] = True
    data = make_batch("report_unet", np.repeat(digits, 3, axis=0), np.repeat(holes, 3, axis=0))
    image = keras.Input((28, 28, 1), name="image")
    network = keras.Model({"image": image}, keras.layers.Identity()(image))
    train = params.train.model_dump() | {"optimizer": "adam"}
    valid = Trainer(network, train, 1).validate(data)
    assert health.fill_ssim_unit(data) == pytest.approx(valid.ssim_unit, abs=1e-7)
    assert 0.8 < valid.ssim_unit < 0.9  # black holes
    assert health.learned_nothing(valid.ssim_unit, health.fill_ssim_unit(data))


def test_what_a_network_is_given_of_a_deep_hole_counts_in_no_score(
    params: Params, photographs: np.ndarray
) -> None:
    images = np.tile(photographs[:4], (1, 3, 2, 1))  # 72x80 pixels
    holes = np.zeros(images.shape[:3], dtype=bool)
    holes[:, 30:] = True
    data = make_batch("residual_unet", images, holes)
    assert 0 < data.hole.sum() < holes.sum()
    image = keras.Input((None, None, 3), name="image")
    hole = keras.Input((None, None, 1), name="hole")
    network = keras.Model({"image": image, "hole": hole}, keras.layers.Identity()(image))
    valid = Trainer(network, params.train.model_dump() | {"optimizer": "adam"}, 1).validate(data)
    assert health.fill_ssim_unit(data) == pytest.approx(valid.ssim_unit, abs=1e-6)
    anything = np.where(data.hole > 0, data.inputs["image"], 0.0)
    other = replace(data, inputs=data.inputs | {"image": anything})
    assert health.fill_ssim_unit(other) == health.fill_ssim_unit(data)


def watched(batch: Batch, gains: list[float], *, steps_per_epoch: int = 50) -> list[health.Health]:
    """What a watch says after each epoch of a training with these gains over the fill."""
    fill_score = health.fill_ssim_unit(batch)
    watch = health.Watch(batch, len(gains), steps_per_epoch)
    return [
        watch.judge(scored(fill_score + gain), epoch) for epoch, gain in enumerate(gains, start=1)
    ]


# With 50 steps an epoch and up to 30 epochs, the third is the first that is judged.
@pytest.mark.parametrize(
    ("gains", "epochs_in_vain"),
    [
        ([0.1, 0.1, 0.1, -0.1, 0.1, -0.1], []),  # dips, one of them at the end
        ([-0.1, -0.1, -0.1, 0.1, 0.1, 0.1], []),  # only one of these is judged
        ([0.0] * 6, [4, 5, 6]),
        ([0.1, 0.1, 0.1, 0.1, -0.1, 0.0], [6]),
        ([0.0, 0.0, 0.0, 0.0, 0.1, -0.1], [4]),  # counted anew after one that is better
        ([0.1, 0.1, 0.1, -0.1], []),  # two are judged
        ([0.0] * 4, [4]),
        ([0.1, 0.1, 0.0], [3]),  # the only one that is judged
        ([0.0, 0.0, 0.1], []),
        ([0.0] * 2, []),  # none is judged
    ],
)
def test_two_epochs_in_a_row_or_the_only_one_judged(
    batch: Batch, gains: list[float], epochs_in_vain: list[int]
) -> None:
    found = watched(batch, gains)
    assert [i for i, each in enumerate(found, start=1) if each.learned_nothing] == epochs_in_vain
    assert [i for i, each in enumerate(found, start=1) if each.problem] == epochs_in_vain
    assert not any(each.collapsed for each in found)


def test_a_training_of_one_long_epoch_is_judged_by_it(batch: Batch) -> None:
    assert watched(batch, [0.0], steps_per_epoch=150)[0].learned_nothing
    assert not watched(batch, [0.0], steps_per_epoch=149)[0].learned_nothing


def test_nothing_learned_is_told_with_numbers_and_advice(batch: Batch) -> None:
    score = health.fill_ssim_unit(batch)
    watch = health.Watch(batch, epochs=10, steps_per_epoch=150)
    assert watch.judge(scored(0.6), 1).problem == ""
    problem = watch.judge(scored(0.5), 2).problem
    assert problem.startswith(
        "the network has learned nothing: ssim_unit 0.5000 on 100 validation images, where the "
        f"fill that it is given has {score:.4f}; try more train.epochs"
    )
    for setting in ("train.learning_rate", "train.loss=hole_rmse_ssim", "train.holes=random",
                    "train.hole_kinds", "train.on_collapse=continue"):  # fmt: skip
        assert setting in problem


def test_of_a_collapse_the_collapse_is_told(batch: Batch) -> None:
    watch = health.Watch(batch, epochs=10, steps_per_epoch=150)
    # At once, and however early.
    for epoch, learned_nothing in ((1, False), (2, True)):
        assert watch.judge(scored(0.5, hole_range=0.0), epoch) == health.Health(
            collapsed=True, learned_nothing=learned_nothing, problem=health.COLLAPSE_ADVICE
        )
    assert health.Watch(batch, 100, 1).judge(scored(0.5, hole_range=0.0), 1).collapsed


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_loss_that_is_no_number_stops_training_with_advice(loss: float) -> None:
    with pytest.raises(StageError, match=r"became .* in epoch 3; try a smaller train.learning_r"):
        health.check_finite(loss, 3)


@pytest.mark.parametrize("loss", [0.0, 1e30, -1.0])
def test_loss_that_is_a_number_does_not(loss: float) -> None:
    health.check_finite(loss, 3)
