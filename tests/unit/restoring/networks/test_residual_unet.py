"""The default network: starts as its input, and only ever changes what is missing."""

import importlib
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import skimage.data

from inpaint.restoring.fill.regions import REACH
from inpaint.restoring.networks.residual_unet import RADIUS, residual_unet


def build(
    *, dropout: float = 0.0, skip_connections: bool = True, mirrored: bool = False
) -> keras.Model:
    return residual_unet(
        3,
        filters=2,
        dropout=dropout,
        skip_connections=skip_connections,
        deepest=4.5,
        mirrored=mirrored,
    )


def randomise(model: keras.Model, strength: float = 0.3) -> keras.Model:
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, strength, w.shape) for w in model.get_weights()])
    return model


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
    """A model that adds the same everywhere in the hole, up to the scale of the surroundings."""
    model = build()
    model.get_layer("correction").set_weights([np.zeros((3, 3, 2, 3)), np.array(correction)])
    return model


def test_output_is_not_clipped(inputs: dict[str, np.ndarray]) -> None:
    model = with_constant_correction([99, 99, -99])
    output = model(inputs).numpy()[inputs["hole"][..., 0] == 1]
    assert output[:, :2].min() > 1
    assert output[:, 2].max() < -1


def test_correction_grows_with_the_roughness_of_the_known_pixels() -> None:
    hole = np.zeros((3, 24, 40, 1), np.float32)
    hole[:, 5:13, 20:28] = 1
    columns, rows = np.arange(40) % 2, np.arange(24)[:, np.newaxis] % 2
    comb = 0.3 * columns + 0.4 * rows  # its gradient is 0.3 across and 0.4 down, so 0.5 everywhere
    heights = np.array([0, 0.2, 1])
    image = np.repeat((heights[:, np.newaxis, np.newaxis] * comb)[..., np.newaxis], 3, axis=-1)
    model = with_constant_correction([3, 2, -1])
    # What is under the hole, and what is too far from it, is not looked at.
    image[:, 5:13, 20:28] = image[:, :, :10] = 0.9
    added = model({"image": image.astype(np.float32), "hole": hole}).numpy() - image
    expected = np.multiply.outer(0.5 * heights + 0.005, [3, 2, -1])[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(added, hole * expected, atol=1e-6)


def test_correction_is_large_where_its_surroundings_are_rough() -> None:
    columns, rows = np.arange(40), np.arange(24)[:, np.newaxis]
    checks = (0.1 + 0.8 * (columns >= 20)) * ((columns + rows) % 2)
    image = np.repeat(checks[np.newaxis, ..., np.newaxis], 3, axis=-1).astype(np.float32)
    hole = np.zeros((1, 24, 40, 1), np.float32)
    hole[:, 8:15, 11:30] = 1
    model = with_constant_correction([1, 1, 1])
    added = (model({"image": image, "hole": hole}).numpy() - image)[0, 11, 11:30, 0]
    assert (np.diff(added) > 0).all()  # from the left, smooth end to the rough one
    assert added[-1] > 2 * added[0]


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
    image, hole = np.full((2, 24, 40, 3), -1, np.float32), np.ones((2, 24, 40, 1), np.float32)
    hole[1, 3:9, 5:9] = hole[1, :, 9:] = 0  # the first image has no known pixel
    assert np.isfinite(model({"image": image, "hole": hole})).all()


def test_every_residual_block_drops_at_the_given_rate() -> None:
    dropouts = [layer for layer in build(dropout=0.3).layers if type(layer).__name__ == "Dropout"]
    assert [layer.rate for layer in dropouts] == [0.3] * 7


def scene(height: int, width: int) -> dict[str, np.ndarray]:
    """A part of a photograph with odd holes, one at its lower right corner."""
    image = skimage.data.chelsea()[np.newaxis, 60 : 60 + height, 101 : 101 + width]
    hole = np.zeros((1, height, width, 1), np.float32)
    hole[:, height // 3 : height // 3 + 5, width // 2 : width // 2 + 7] = 1
    hole[:, height - 3 :, width - 5 :] = 1
    return {"image": image / np.float32(127.5) - 1, "hole": hole}


@pytest.mark.parametrize("size", [(24, 40), (21, 34), (23, 37), (22, 31), (61, 16), (9, 8)])
def test_pictures_of_any_size_come_back_with_their_known_pixels(size: tuple[int, int]) -> None:
    inputs = scene(*size)
    output = randomise(build())(inputs).numpy()
    known = inputs["hole"][..., 0] == 0
    assert output.shape == (1, *size, 3)
    np.testing.assert_array_equal(output[known], inputs["image"][known])
    assert (output[~known] != inputs["image"][~known]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (5, 1)])
def test_tiny_pictures_come_back(size: tuple[int, int]) -> None:
    image = skimage.data.chelsea()[np.newaxis, : size[0], : size[1]] / np.float32(127.5) - 1
    hole = np.zeros((1, *size, 1), np.float32)
    hole[0, -1, -1] = 1
    output = randomise(build())({"image": image, "hole": hole}).numpy()
    assert np.isfinite(output).all()
    np.testing.assert_array_equal(output[hole[..., 0] == 0], image[hole[..., 0] == 0])


@pytest.mark.parametrize("size", [(21, 34), (23, 40), (24, 37)])
def test_a_picture_that_cannot_be_halved_twice_is_reflected_until_it_can(
    size: tuple[int, int],
) -> None:
    model, inputs = randomise(build()), scene(*size)
    more = [(0, 0), (0, -size[0] % 4), (0, -size[1] % 4), (0, 0)]
    larger = {name: np.pad(each, more, mode="reflect") for name, each in inputs.items()}
    np.testing.assert_array_equal(model(inputs), model(larger)[:, : size[0], : size[1]])


def distance_to(places: np.ndarray) -> np.ndarray:
    """Rows or columns, whichever are more, to the nearest of places: (H, W), bool -> float32."""
    distance: np.ndarray = cv2.distanceTransform(
        (~places).astype(np.uint8), cv2.DIST_C, cv2.DIST_MASK_3
    )
    return distance


def test_pixels_out_of_reach_of_every_hole_have_no_say(rng: np.random.Generator) -> None:
    model, inputs = randomise(build(), 1.0), scene(61, 90)
    missing = inputs["hole"][0, ..., 0] == 1
    noise = rng.uniform(-1, 1, inputs["image"].shape).astype(np.float32)

    def filled_with_noise_beyond(reach: int) -> np.ndarray:
        far = (distance_to(missing) > reach)[np.newaxis, ..., np.newaxis]
        seen = inputs | {"image": np.where(far, noise, inputs["image"])}
        filled: np.ndarray = model(seen).numpy()[0][missing]
        return filled

    expected = model(inputs).numpy()[0][missing]
    np.testing.assert_array_equal(filled_with_noise_beyond(REACH), expected)
    assert (filled_with_noise_beyond(REACH - 1) != expected).mean() > 0.9


def how_far_it_shows(model: keras.Model, inputs: dict[str, np.ndarray], column: int) -> int:
    """Columns between those where inputs differ and the farthest where outputs do."""
    plain = model(inputs).numpy()
    others = []
    for name, change in (("image", 0.5), ("hole", 1)):
        changed = inputs[name].copy()
        changed[0, 10, column] += change
        others.append(model(inputs | {name: changed}).numpy())
    differing = [np.flatnonzero((other != plain).any(axis=(0, 1, 3))) for other in others]
    return max(int(np.abs(each - column).max()) for each in differing)


def test_nothing_beyond_the_radius_of_a_changed_pixel_changes(rng: np.random.Generator) -> None:
    image = skimage.data.coffee()[np.newaxis, 101:121, 50:350] / np.float32(127.5) - 1
    # Holes all over, so that every change shows, and known pixels between them.
    hole = (rng.random((1, 20, 300, 1)) < 0.3).astype(np.float32)
    hole[:, 10, 140:160] = 0
    model = randomise(build(), 1.0)
    inputs = {"image": image, "hole": hole}
    farthest = max(how_far_it_shows(model, inputs, column) for column in range(148, 152))
    # Not all that a radius allows for comes together in one place, but most of it does.
    assert 0.75 * RADIUS < farthest <= RADIUS


def test_of_an_image_and_its_mirror_image_the_mean_is_taken(inputs: dict[str, np.ndarray]) -> None:
    one, both = (randomise(build(mirrored=mirrored)) for mirrored in (False, True))
    mirrored = {name: each[:, :, ::-1] for name, each in inputs.items()}
    plain, of_mirrored = one(inputs).numpy(), one(mirrored).numpy()[:, :, ::-1]
    assert np.abs(plain - of_mirrored).max() > 0.1
    np.testing.assert_allclose(both(inputs), (plain + of_mirrored) / 2, atol=1e-6)
    np.testing.assert_allclose(both(mirrored).numpy()[:, :, ::-1], both(inputs), atol=1e-6)


def test_in_training_mirror_images_are_not_looked_at(inputs: dict[str, np.ndarray]) -> None:
    one, both = (randomise(build(mirrored=mirrored)) for mirrored in (False, True))
    np.testing.assert_array_equal(both(inputs, training=True), one(inputs, training=True))


@pytest.mark.parametrize("mirrored", [False, True])
def test_saved_model_gives_the_same_output(
    tmp_path: Path, inputs: dict[str, np.ndarray], mirrored: bool
) -> None:
    model = build(dropout=0.1, mirrored=mirrored)
    randomise(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.name == "residual_unet"
    assert loaded.get_layer("surroundings").deepest == 4.5
