"""The networks by name, and what each is given to look at."""

import numpy as np
import pytest

from inpaint.restoring import fill
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import to_signed

SMALL = {
    "filters": 1,
    "dropout": 0.0,
    "skip_connections": True,
    "deepest": 8,
    "mirrored": False,
}


@pytest.fixture
def holes() -> np.ndarray:
    holes = np.zeros((2, 24, 40), dtype=bool)
    holes[0, 5:13, 20:28] = True
    holes[1, :6, 30:] = True
    return holes


@pytest.mark.parametrize("name", NETWORKS)
def test_model_has_the_name_it_is_found_by(name: str) -> None:
    model = NETWORKS[name].build(3, **SMALL)
    assert model.name == name
    assert model.output_shape == (None, None, None, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_model_takes_the_inputs_made_for_it(
    name: str, photographs: np.ndarray, holes: np.ndarray
) -> None:
    model = NETWORKS[name].build(3, **SMALL)
    inputs = network_inputs(name, photographs[:2], holes)
    channels = {name: array.shape[3] for name, array in inputs.items()}
    assert channels == {tensor.name: tensor.shape[3] for tensor in model.inputs}
    assert model(inputs).shape == (2, 24, 40, 3)


def test_sizes_that_pooling_could_not_give_back_are_refused(
    photographs: np.ndarray, holes: np.ndarray
) -> None:
    images, cut = photographs[:2, :22], holes[:, :22]
    with pytest.raises(ValueError, match="received 22x40 pixels, allowed for report_unet: mult"):
        network_inputs("report_unet", images, cut)
    assert network_inputs("residual_unet", images, cut)["image"].shape == images.shape


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
