"""The networks by name, and what each is given to look at."""

import numpy as np
import pytest

from inpaint.restoring import fill
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import to_signed


@pytest.fixture
def holes() -> np.ndarray:
    holes = np.zeros((2, 24, 40), dtype=bool)
    holes[0, 5:13, 20:28] = True
    holes[1, :6, 30:] = True
    return holes


@pytest.mark.parametrize("name", NETWORKS)
def test_model_has_the_name_it_is_found_by(name: str) -> None:
    model = NETWORKS[name].build((24, 40, 3), filters=1, dropout=0.0, skip_connections=True)
    assert model.name == name
    assert model.output_shape == (None, 24, 40, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_model_takes_the_inputs_made_for_it(
    name: str, photographs: np.ndarray, holes: np.ndarray
) -> None:
    model = NETWORKS[name].build((24, 40, 3), filters=1, dropout=0.0, skip_connections=True)
    inputs = network_inputs(name, photographs[:2], holes)
    shapes = {name: array.shape for name, array in inputs.items()}
    assert shapes == {tensor.name: (2, *tensor.shape[1:]) for tensor in model.inputs}


def test_report_unet_sees_the_image_with_a_black_hole_alone(
    photographs: np.ndarray, holes: np.ndarray
) -> None:
    inputs = network_inputs("report_unet", photographs[:2], holes)
    assert list(inputs) == ["image"]
    image = inputs["image"]
    assert image.dtype == np.float32
    assert (image[holes] == -1).all()
    np.testing.assert_array_equal(image[~holes], to_signed(photographs[:2])[~holes])


def test_residual_unet_sees_the_biharmonic_fill_and_the_hole(
    photographs: np.ndarray, holes: np.ndarray
) -> None:
    inputs = network_inputs("residual_unet", photographs[:2], holes)
    assert list(inputs) == ["image", "hole"]
    filled = fill.biharmonic(photographs[:2], holes)
    np.testing.assert_array_equal(inputs["image"], to_signed(filled))
    np.testing.assert_array_equal(inputs["hole"][..., 0], holes.astype(np.float32))
    assert {array.dtype for array in inputs.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", NETWORKS)
def test_pixels_under_the_hole_do_not_reach_the_network(
    name: str, rng: np.random.Generator, photographs: np.ndarray, holes: np.ndarray
) -> None:
    images = photographs[:2]
    noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
    changed = np.where(holes[..., np.newaxis], noise, images)
    received = network_inputs(name, changed, holes)
    for key, expected in network_inputs(name, images, holes).items():
        np.testing.assert_array_equal(received[key], expected)
