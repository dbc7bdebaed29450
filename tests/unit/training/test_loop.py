"""The training loop: it learns, averages, scores and repeats itself."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint.restoring import fill, pixels
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.networks.report_unet import report_unet
from inpaint.scoring import metrics
from inpaint.training import loop
from inpaint.training.batches import Batch, make_batch
from inpaint.training.health import is_collapsed
from inpaint.training.loop import WHOLE, Trainer, Window
from tests.unit.training.example import is_equal, tiny_network

Train = dict[str, Any]  # the section of that name of the parameters

SMALL = {
    "filters": 4,
    "dropout": 0.0,
    "skip_connections": True,
    "deepest": 4,
    "mirrored": False,
}


def fixed_network(layer: keras.layers.Layer) -> keras.Model:
    """A network that gives what one layer without weights makes of the filled image."""
    image, hole = keras.Input((28, 28, 1), name="image"), keras.Input((28, 28, 1), name="hole")
    return keras.Model({"image": image, "hole": hole}, layer(image))


def scheduled(train: Train, **changes: Any) -> Train:
    """A learning rate that falls, and averaged weights."""
    return train | {"optimizer": "muon", **changes}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_loss_falls(train: Train, batches: list[Batch], optimizer: str) -> None:
    trainer = Trainer(tiny_network(), train | {"optimizer": optimizer, "epochs": 20}, 4)
    before = trainer.validate(batches[0])
    losses = [trainer.train_epoch(batches) for _ in range(20)]
    after = trainer.validate(batches[0])
    assert losses[-1] < 0.8 * losses[0]
    assert after.loss < 0.8 * before.loss
    assert after.ssim_unit > before.ssim_unit


def test_loss_of_an_epoch_is_that_of_its_mean_image(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    still = train | {"learning_rate": 1e-12, "loss": "mse"}
    network = tiny_network()
    parts = [make_batch("residual_unet", digits[p], holes[p]) for p in np.s_[:7, 7:8]]
    errors = np.concatenate(
        [np.square(network(part.inputs) - part.image_true).mean(axis=(1, 2, 3)) for part in parts]
    )
    assert Trainer(network, still, 2).train_epoch(parts) == pytest.approx(errors.mean(), rel=1e-4)


def counted(network: keras.Model, calls: list[tuple[int | None, ...]]) -> keras.Model:
    """The network, which notes the shape of the images whenever Python code runs it."""
    call = network.call

    def noting(inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        calls.append(tuple(inputs["image"].shape))
        return call(inputs, *args, **kwargs)

    network.call = noting
    return network


def test_one_graph_is_made_of_all_batches_the_last_and_smaller_one_too(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    calls: list[tuple[int | None, ...]] = []
    trainer = Trainer(counted(tiny_network(), calls), train, 3)
    assert calls == []
    parts = [make_batch("residual_unet", digits[p], holes[p]) for p in np.s_[:9, 9:18, 18:22]]
    trainer.train_epoch(parts)
    assert calls == [(None, 28, 28, 1)]
    trainer.train_epoch(parts)
    trainer.validate(parts[0])
    trainer.validate(parts[2])
    assert calls == [(None, 28, 28, 1)] * 2  # one for training, one for validation


def test_images_may_have_any_size(train: Train, photographs: np.ndarray) -> None:
    """The network does not say which."""
    network = NETWORKS["residual_unet"].build(3, **SMALL)
    images = photographs[60:76, :21, :35]
    missing = np.zeros((16, 21, 35), bool)
    missing[:, 8:14, 11:20] = True
    batch = make_batch("residual_unet", images, missing)
    trainer = Trainer(network, train, 1)
    before = trainer.validate(batch).loss
    for _ in range(5):
        trainer.train_epoch([batch])
    assert trainer.validate(batch).loss < before


# Around the hole in rows 8...15 and columns 11...18; the network looks 4 pixels far.
WINDOWS: list[Window] = [np.s_[4:20, 7:23], np.s_[0:20, 4:28], np.s_[1:28, 3:23]]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_with_a_window_it_trains_and_validates_as_without_one(
    train: Train, batches: list[Batch], window: Window, optimizer: str
) -> None:
    trainers = [
        Trainer(tiny_network(masked=True), train | {"optimizer": optimizer}, 4, window=each)
        for each in (WHOLE, window)
    ]
    losses = [[trainer.train_epoch(batches) for _ in range(3)] for trainer in trainers]
    # Sums over other sizes are taken in another order.
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    assert losses[0][2] < 0.9 * losses[0][0]
    plain, seen = (trainer.validate(batches[0]) for trainer in trainers)
    assert seen.loss == pytest.approx(plain.loss, rel=1e-3)
    assert seen.ssim_unit == pytest.approx(plain.ssim_unit, abs=1e-4)
    assert seen.hole_range == pytest.approx(plain.hole_range, rel=1e-2)
    assert seen.hole_range_true == plain.hole_range_true


def test_the_network_is_run_on_the_window_alone(train: Train, batches: list[Batch]) -> None:
    calls: list[tuple[int | None, ...]] = []
    trainer = Trainer(counted(tiny_network(masked=True), calls), train, 4, window=np.s_[5:19, 8:28])
    trainer.train_epoch(batches)
    trainer.validate(batches[0])
    assert calls == [(None, 14, 20, 1)] * 2


def test_learning_rate_of_adam_is_constant(train: Train, batches: list[Batch]) -> None:
    trainer = Trainer(tiny_network(), train, 4)
    assert trainer.learning_rate == pytest.approx(0.01)
    trainer.train_epoch(batches)
    assert trainer.learning_rate == pytest.approx(0.01)


def test_scheduled_learning_rate_rises_to_the_given_one_and_falls_to_nothing(
    train: Train, batches: list[Batch]
) -> None:
    trainer = Trainer(tiny_network(), scheduled(train), 4)  # 40 steps, 2 of them to warm up
    rates = [trainer.learning_rate]
    for _ in range(10):
        for batch in batches:
            trainer.train_epoch([batch])
            rates.append(trainer.learning_rate)
    assert rates[0] < rates[1] < rates[2] == pytest.approx(0.01)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.02 * 0.01


def test_adam_trains_the_model_itself(train: Train, batches: list[Batch]) -> None:
    model = tiny_network()
    before = model.get_weights()
    trainer = Trainer(model, train, 4)
    trainer.train_epoch(batches)
    assert trainer.model is model
    assert not is_equal(before, model.get_weights())
    assert trainer._trained is model


def test_model_is_the_mean_of_the_first_steps_weights(train: Train, batches: list[Batch]) -> None:
    model = tiny_network()
    trainer = Trainer(model, scheduled(train), 4)  # remembers 2 epochs, 8 steps
    history = [model.get_weights()]
    for batch in batches:
        trainer.train_epoch([batch])
        history.append(trainer._trained.get_weights())
    for averaged, *steps in zip(model.get_weights(), *history, strict=True):
        np.testing.assert_allclose(averaged, np.mean(steps, axis=0), atol=1e-6)
    assert not is_equal(model.get_weights(), trainer._trained.get_weights())


def test_model_forgets_old_weights_within_epochs(train: Train, batches: list[Batch]) -> None:
    model = tiny_network()
    trainer = Trainer(model, scheduled(train), 1)  # remembers 2 steps
    for batch in batches:
        before = model.get_weights()
        trainer.train_epoch([batch])
    trained = trainer._trained.get_weights()
    for old, new, averaged in zip(before, trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(averaged, (old + new) / 2, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_bfloat16_trains_about_as_float32_does(
    train: Train, batches: list[Batch], optimizer: str
) -> None:
    losses, scores = [], []
    for precision in ("float32", "bfloat16"):
        update = {"optimizer": optimizer, "precision": precision}
        trainer = Trainer(tiny_network(), train | update, 4)
        losses.append([trainer.train_epoch(batches) for _ in range(5)])
        scores.append(trainer.validate(batches[0]).ssim_unit)
        assert {str(weight.dtype) for weight in trainer.model.weights} == {"float32"}
        assert {layer.compute_dtype for layer in trainer.model.layers} == {"float32"}
        computed = {layer.compute_dtype for layer in trainer._trained.layers}
        assert computed == {"float32", precision}
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.01)
    assert losses[1] != losses[0]
    assert scores[1] == pytest.approx(scores[0], abs=0.001)


@pytest.mark.parametrize("name", NETWORKS)
def test_copy_in_bfloat16_gives_about_the_same_output(
    rng: np.random.Generator, digits: np.ndarray, holes: np.ndarray, name: str
) -> None:
    model = NETWORKS[name].build(1, **SMALL)
    model.set_weights([w + rng.normal(0, 0.05, w.shape) for w in model.get_weights()])
    inputs = make_batch(name, digits[:5], holes[:5]).inputs
    exact, close = model(inputs), loop._copy(model, "bfloat16")(inputs)
    np.testing.assert_array_equal(loop._copy(model, "float32")(inputs), exact)
    np.testing.assert_allclose(tf.cast(close, tf.float32), exact, atol=0.02)
    assert not np.array_equal(tf.cast(close, tf.float32), exact)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_mirror_images_are_looked_at_in_validation_alone(
    train: Train, batches: list[Batch], precision: str
) -> None:
    """A network is trained as if it were not mirrored."""
    curves = []
    for mirrored in (False, True):
        keras.utils.set_random_seed(0)
        network = NETWORKS["residual_unet"].build(1, **SMALL | {"mirrored": mirrored})
        trainer = Trainer(network, train | {"precision": precision}, 4)
        losses = [trainer.train_epoch(batches) for _ in range(3)]
        curves.append((losses, trainer.validate(batches[0]).ssim_unit))
    assert curves[0][0] == curves[1][0]
    assert curves[0][1] != curves[1][1]


def test_same_seed_gives_the_same_weights(train: Train, batches: list[Batch]) -> None:
    tf.config.experimental.enable_op_determinism()  # as the stage train does; for good

    def trained(seed: int) -> list[np.ndarray]:
        settings = scheduled(train, augmentation="input", seed=seed)
        trainer = Trainer(tiny_network(seed=seed, dropout=0.2), settings, 4)
        trainer.train_epoch(batches)
        weights: list[np.ndarray] = trainer.model.get_weights()
        return weights

    first = trained(1)
    assert is_equal(first, trained(1))
    assert not is_equal(first, trained(2))


def test_input_augmentation_moves_the_input_against_its_target(
    train: Train, batches: list[Batch]
) -> None:
    still = train | {"learning_rate": 1e-12, "loss": "mse"}
    losses = {}
    for augmentation in ("input", "joint", "none"):
        settings = still | {"augmentation": augmentation}
        losses[augmentation] = Trainer(tiny_network(), settings, 4).train_epoch(batches)
    assert losses["joint"] == pytest.approx(losses["none"])  # joint is the batches' business
    assert losses["input"] > 1.2 * losses["none"]


def test_input_augmentation_turns_and_zooms_independently() -> None:
    rotation, zoom = loop._input_augmentation(0).layers
    images = np.zeros((200, 28, 28, 1), np.float32)
    angles = np.ravel(rotation.get_random_transformation(images, training=True)["angle"])
    zooms = np.ravel(zoom.get_random_transformation(images, training=True)["height_zoom"])
    # 5 standard deviations of the correlation of 200 independent pairs
    assert abs(np.corrcoef(angles, zooms)[0, 1]) < 5 / 200**0.5


def test_input_augmentation_is_for_training_only(train: Train, batches: list[Batch]) -> None:
    augmented = train | {"augmentation": "input"}
    first, second = (
        Trainer(tiny_network(), settings, 4).validate(batches[0]) for settings in (train, augmented)
    )
    assert first == second


def test_reports_network_trains_as_in_the_report(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    keras.utils.set_random_seed(0)
    network = report_unet(1, filters=2, dropout=0.2, skip_connections=True)
    settings = train | {"loss": "mse", "augmentation": "input"}
    batch = make_batch("report_unet", digits[::4], holes[::4])
    trainer = Trainer(network, settings, 1)
    before = trainer.validate(batch).loss
    for _ in range(5):
        trainer.train_epoch([batch])
    assert trainer.validate(batch).loss < before


def test_validation_scores_the_composite(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    # Known pixels are restored, so a network that gives its input back scores as the fill does.
    filled = fill.biharmonic(digits, holes)
    expected = metrics.summarize(metrics.score_images(digits, filled, holes))
    trainer = Trainer(fixed_network(keras.layers.Identity()), train, 4)
    received = trainer.validate(make_batch("residual_unet", digits, holes))
    assert received.ssim_unit == pytest.approx(expected["ssim_unit"], abs=1e-5)
    # The loss is on [-1, 1], where differences are twice as large.
    assert expected["hole_mse"] is not None
    assert received.loss == pytest.approx(4 * expected["hole_mse"], rel=1e-5)


def test_validation_clips_and_restores_before_it_scores(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    # Everything far too bright: in the composite, white holes in the true images.
    trainer = Trainer(fixed_network(keras.layers.Rescaling(1.0, offset=5.0)), train, 4)
    received = trainer.validate(make_batch("residual_unet", digits, holes)).ssim_unit
    white = fill.constant(digits, holes, 255)
    expected = metrics.ssim_unit(metrics.ssim_tensorflow(digits, white)).mean()
    assert received == pytest.approx(expected, abs=1e-5)


def test_validation_does_not_depend_on_how_images_are_batched(
    train: Train, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny_network()
    whole = Trainer(network, train, 4).validate(batches[0])
    monkeypatch.setattr(pixels, "_AT_ONCE", 10 * 28 * 28 + 1)  # 10, 10 and 5 images
    parts = Trainer(network, train, 4).validate(batches[0])
    assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
    assert parts.ssim_unit == pytest.approx(whole.ssim_unit, rel=1e-5)
    assert parts.hole_range == pytest.approx(whole.hole_range, rel=1e-5)


def test_hole_range_is_that_of_all_holes_and_of_nothing_else(
    train: Train, digits: np.ndarray, holes: np.ndarray
) -> None:
    batch = make_batch("residual_unet", digits, holes)
    # Flatter inside the holes than outside, brightest in the first and darkest in the last.
    flat = np.linspace(0.3, -0.2, 100)[:, np.newaxis, np.newaxis, np.newaxis]
    image = np.where(batch.hole == 1, flat, batch.image_true).astype(np.float32)
    seen = replace(batch, inputs=batch.inputs | {"image": image})
    trainer = Trainer(fixed_network(keras.layers.Identity()), train, 4)
    assert trainer.validate(seen).hole_range == pytest.approx(0.5)


def test_one_constant_colour_has_no_range(train: Train, holes: np.ndarray) -> None:
    """It is as collapsed as one constant grey."""
    image, hole = keras.Input((28, 28, 3), name="image"), keras.Input((28, 28, 1), name="hole")
    red = keras.layers.Rescaling(0.0, offset=[1.0, -1.0, -1.0])(image)
    trainer = Trainer(keras.Model({"image": image, "hole": hole}, red), train, 4)
    shape = (*holes.shape, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    scored = trainer.validate(make_batch("residual_unet", images, holes))
    assert scored.hole_range == 0
    assert scored.hole_range_true == 2
    assert is_collapsed(scored)
