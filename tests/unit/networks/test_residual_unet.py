"""The default network: starts as its input, and only ever changes what is missing."""

from pathlib import Path

import keras
import numpy as np
import pytest

from inpaint.networks.residual_unet import residual_unet


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


def test_output_is_not_clipped(inputs: dict[str, np.ndarray]) -> None:
    model = build()
    model.get_layer("correction").set_weights([np.zeros((3, 3, 2, 3)), np.array([9.0, 9.0, -9.0])])
    missing = inputs["hole"][..., 0] == 1
    expected = inputs["image"][missing] + [9, 9, -9]
    np.testing.assert_allclose(model(inputs).numpy()[missing], expected, rtol=1e-6)


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
