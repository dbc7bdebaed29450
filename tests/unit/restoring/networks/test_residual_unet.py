"""The default network: starts as its input, and only ever changes what is missing."""

import importlib
from pathlib import Path

import keras
import numpy as np
import pytest

from inpaint.restoring.networks.residual_unet import residual_unet


def build(
    image_shape: tuple[int, int, int] = (24, 40, 3),
    *,
    dropout: float = 0.0,
    skip_connections: bool = True,
) -> keras.Model:
    return residual_unet(image_shape, filters=2, dropout=dropout, skip_connections=skip_connections)


def randomise(model: keras.Model) -> None:
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])


@pytest.fixture(scope="module")
def inputs(photographs: np.ndarray) -> dict[str, np.ndarray]:
    """Two filled images in [-1, 1] and their holes, float32, 1 = missing."""
    hole = np.zeros((2, 24, 40, 1), np.float32)
    hole[0, 5:13, 20:28] = 1
    hole[1, :6, 30:] = 1
    return {"image": photographs[60:62] / np.float32(127.5) - 1, "hole": hole}


@pytest.mark.parametrize("skip_connections", [True, False])
def test_fresh_network_gives_its_input_back(
    inputs: dict[str, np.ndarray], skip_connections: bool
) -> None:
    model = build(skip_connections=skip_connections)
    np.testing.assert_array_equal(model(inputs), inputs["image"])


@pytest.mark.parametrize("skip_connections", [True, False])
def test_known_pixels_pass_through_whatever_the_weights(
    inputs: dict[str, np.ndarray], skip_connections: bool
) -> None:
    model = build(skip_connections=skip_connections)
    randomise(model)
    output, known = model(inputs).numpy(), inputs["hole"][..., 0] == 0
    np.testing.assert_array_equal(output[known], inputs["image"][known])
    assert (output[~known] != inputs["image"][~known]).all()


def test_network_sees_the_hole(inputs: dict[str, np.ndarray]) -> None:
    model = build()
    randomise(model)
    larger = inputs["hole"].copy()
    larger[:, :, 29] = 1
    inside = inputs["hole"][..., 0] == 1
    first, second = model(inputs).numpy(), model(inputs | {"hole": larger}).numpy()
    assert (first[inside] != second[inside]).any()


def test_skip_connections_matter(inputs: dict[str, np.ndarray]) -> None:
    outputs = []
    for skip_connections in (True, False):
        model = build(skip_connections=skip_connections)
        randomise(model)  # the same weights: sums have none
        outputs.append(model(inputs).numpy())
    assert (outputs[0] != outputs[1]).any()


def with_constant_correction(correction: list[float]) -> keras.Model:
    """A model that adds the same everywhere in the hole, up to each image's scale."""
    model = build()
    model.get_layer("correction").set_weights([np.zeros((3, 3, 2, 3)), np.array(correction)])
    return model


def test_output_is_not_clipped(inputs: dict[str, np.ndarray]) -> None:
    model = with_constant_correction([99, 99, -99])
    output = model(inputs).numpy()[inputs["hole"][..., 0] == 1]
    assert output[:, :2].min() > 1
    assert output[:, 2].max() < -1


def test_correction_grows_with_each_images_roughness() -> None:
    hole = np.zeros((3, 24, 40, 1), np.float32)
    hole[:, 5:13, 20:28] = 1
    columns, rows = np.arange(40) % 2, np.arange(24)[:, np.newaxis] % 2
    comb = 0.3 * columns + 0.4 * rows  # its gradient is 0.3 across and 0.4 down, so 0.5 everywhere
    heights = np.array([0, 0.2, 1])
    image = np.repeat((heights[:, np.newaxis, np.newaxis] * comb)[..., np.newaxis], 3, axis=-1)
    model = with_constant_correction([3, 2, -1])
    added = model({"image": image.astype(np.float32), "hole": hole}).numpy() - image
    expected = np.multiply.outer(0.5 * heights + 0.005, [3, 2, -1])[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(added, hole * expected, atol=1e-6)


def test_brightness_and_contrast_carry_over(
    inputs: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(residual_unet.__module__)
    monkeypatch.setattr(module, "_LEAST_CONTRAST", 0)
    monkeypatch.setattr(module, "_LEAST_ROUGHNESS", 0)
    model = build()
    randomise(model)
    missing = inputs["hole"][..., 0] == 1
    faint = inputs["image"].copy()
    faint[1] = 0.5 * faint[1] + 0.3  # the first image stays: each has its own scale
    plain, other = (
        (model(inputs | {"image": image}).numpy() - image)[missing]
        for image in (inputs["image"], faint)
    )
    scale = np.where(np.nonzero(missing)[0] == 0, 1, 2)[:, np.newaxis]
    np.testing.assert_allclose(scale * other, plain, atol=1e-3 * np.abs(plain).max())


def test_even_images_come_back_finite() -> None:
    model = build()
    randomise(model)
    image, hole = np.full((1, 24, 40, 3), -1, np.float32), np.ones((1, 24, 40, 1), np.float32)
    assert np.isfinite(model({"image": image, "hole": hole})).all()


def test_every_residual_block_drops_at_the_given_rate() -> None:
    dropouts = [layer for layer in build(dropout=0.3).layers if type(layer).__name__ == "Dropout"]
    assert [layer.rate for layer in dropouts] == [0.3] * 7


@pytest.mark.parametrize("shape", [(30, 30, 1), (28, 30, 1)])
def test_size_that_pooling_could_not_give_back_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"received \d+x30, allowed: multiples of 4"):
        build(shape)


def test_saved_model_gives_the_same_output(tmp_path: Path, inputs: dict[str, np.ndarray]) -> None:
    model = build(dropout=0.1)
    randomise(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.name == "residual_unet"
