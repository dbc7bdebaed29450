"""From images with holes to restored images: what may and what may not change."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from inpaint.restoring import fill, pixels, serving
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.pixels import to_signed, to_uint8
from inpaint.restoring.serving import Inpainter

NUM = 7
DEEPEST = 9  # pixels: no hole here is deeper
SMALL = {
    "filters": 2,
    "dropout": 0.1,
    "skip_connections": True,
    "deepest": DEEPEST,
    "mirrored": True,
}


def build(name: str) -> keras.Model:
    """A small network with random weights, far from its start."""
    model = NETWORKS[name].build(3, **SMALL)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module", params=list(NETWORKS))
def model(request: pytest.FixtureRequest) -> keras.Model:
    return build(request.param)


@pytest.fixture(scope="module")
def inpainter(model: keras.Model) -> Inpainter:
    return Inpainter(model)


@pytest.fixture(scope="module")
def images(photographs: np.ndarray) -> np.ndarray:
    return photographs[60 : 60 + NUM]


@pytest.fixture(scope="module")
def holes() -> np.ndarray:
    """Boxes here and there, at the border too; the last image is whole."""
    holes = np.zeros((NUM, 24, 40), dtype=bool)
    for i, hole in enumerate(holes[:-1]):
        hole[3 * i : 3 * i + 7, 6 * i : 6 * i + 8] = True
    return holes


def test_known_pixels_come_back_bit_for_bit(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray
) -> None:
    restored = inpainter.restore(images, holes)
    assert restored.dtype == np.uint8
    assert restored.shape == images.shape
    np.testing.assert_array_equal(restored[~holes], images[~holes])


def test_holes_are_filled_with_what_the_network_gives(
    inpainter: Inpainter, model: keras.Model, images: np.ndarray, holes: np.ndarray
) -> None:
    if model.name == "report_unet":
        expected = to_uint8(model({"image": to_signed(fill.constant(images, holes))}).numpy())
    else:
        filled = fill.biharmonic(images, holes)
        expected, missing = images.copy(), holes[..., np.newaxis]
        for i in range(NUM - 1):
            # The hole and up to 10 pixels around it.
            at = np.s_[i : i + 1, max(3 * i - 10, 0) : 3 * i + 17, max(6 * i - 10, 0) : 6 * i + 18]
            inputs = {"image": to_signed(filled[at]), "hole": missing[at].astype(np.float32)}
            expected[at] = to_uint8(model(inputs).numpy())
    expected = expected[holes]
    received = inpainter.restore(images, holes)[holes]
    # Another order of summation may tip a value over to the next grey level.
    assert np.abs(received.astype(int) - expected).max() <= 1
    assert np.ptp(received) > 10


def test_pixels_under_the_hole_are_never_looked_at(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray, rng: np.random.Generator
) -> None:
    noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
    changed = np.where(holes[..., np.newaxis], noise, images)
    for raw in (False, True):
        np.testing.assert_array_equal(
            inpainter.restore(changed, holes, raw=raw), inpainter.restore(images, holes, raw=raw)
        )


def test_raw_output_is_the_networks_and_agrees_in_the_hole(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray
) -> None:
    raw, composite = (inpainter.restore(images, holes, raw=raw) for raw in (True, False))
    np.testing.assert_array_equal(raw[holes], composite[holes])
    assert raw.dtype == np.uint8


def test_raw_output_of_the_reports_network_changes_known_pixels(
    images: np.ndarray, holes: np.ndarray
) -> None:
    raw = Inpainter(build("report_unet")).restore(images, holes, raw=True)
    assert (raw[~holes] != images[~holes]).mean() > 0.5


def test_image_without_a_hole_comes_back(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray
) -> None:
    np.testing.assert_array_equal(inpainter.restore(images, holes)[-1], images[-1])


def test_given_images_are_not_written_to(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray
) -> None:
    given = images.copy()
    inpainter.restore(given, holes)
    np.testing.assert_array_equal(given, images)


def test_result_does_not_depend_on_how_images_are_batched(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = inpainter.restore(images, holes).astype(int)
    monkeypatch.setattr(pixels, "_AT_ONCE", 3 * 24 * 40)
    assert np.abs(inpainter.restore(images, holes) - together).max() <= 1


def test_no_images_give_no_images(inpainter: Inpainter) -> None:
    none = np.empty((0, 24, 40, 3), np.uint8)
    restored = inpainter.restore(none, np.empty((0, 24, 40), bool))
    assert restored.shape == (0, 24, 40, 3)
    assert restored.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 0, 8, 3), (2, 8, 0, 3), (1, 0, 0, 3), (0, 0, 8, 3)])
def test_images_without_a_pixel_are_refused(inpainter: Inpainter, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="images: received ") as caught:
        inpainter.restore(np.zeros(shape, np.uint8), np.zeros(shape[:3], bool))
    assert f"received uint8 {shape}, allowed: at least one row and one column" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 24, 40, 3), np.float32),
        ((2, 24, 40, 3), np.int64),
        ((2, 24, 40, 1), np.uint8),
        ((2, 24, 40, 4), np.uint8),
        ((2, 3, 24, 40), np.uint8),
        ((24, 40, 3), np.uint8),
        ((2, 24, 40), np.uint8),
    ],
)
def test_images_of_another_type_or_shape_are_refused(
    inpainter: Inpainter, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    with pytest.raises(ValueError, match="images: received ") as caught:
        inpainter.restore(np.zeros(shape, dtype), np.zeros((2, 24, 40), bool))
    assert f"received {np.dtype(dtype)} {shape}" in str(caught.value)
    assert "allowed: uint8 (N, any height, any width, 3)" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 24, 40), np.uint8),
        ((2, 24, 40), np.float32),
        ((2, 24, 40, 1), np.bool_),
        ((2, 40, 24), np.bool_),
        ((1, 24, 40), np.bool_),
        ((24, 40), np.bool_),
    ],
)
def test_holes_of_another_type_or_shape_are_refused(
    inpainter: Inpainter, images: np.ndarray, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    with pytest.raises(ValueError, match="holes: received ") as caught:
        inpainter.restore(images[:2], np.zeros(shape, dtype))
    assert f"received {np.dtype(dtype)} {shape}" in str(caught.value)
    assert "allowed: bool (2, 24, 40)" in str(caught.value)


def test_sizes_that_the_reports_network_cannot_halve_are_refused(images: np.ndarray) -> None:
    inpainter, hole = Inpainter(build("report_unet")), np.zeros((2, 22, 40), bool)
    with pytest.raises(ValueError, match="received 22x40 pixels, allowed for report_unet: multi"):
        inpainter.restore(images[:2, :22], hole)


def test_hole_that_leaves_nothing_known_is_refused(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray
) -> None:
    all_missing = holes.copy()
    all_missing[3] = True
    with pytest.raises(ValueError, match="received a whole image, allowed: at least one known"):
        inpainter.restore(images, all_missing)


def test_more_holes_than_images_are_refused_whatever_the_batches(
    inpainter: Inpainter, images: np.ndarray, holes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "_AT_ONCE", 3 * 24 * 40)
    with pytest.raises(ValueError, match="holes: received "):
        inpainter.restore(images[:6], holes, raw=True)


def test_model_of_an_unknown_network_is_refused() -> None:
    image = keras.Input((None, None, 3))
    other = keras.Model(image, keras.layers.Identity()(image), name="other")
    with pytest.raises(ValueError, match="'other', allowed: residual_unet, report_unet"):
        Inpainter(other)


def test_model_for_one_size_is_refused() -> None:
    image = keras.Input((24, 40, 3), name="image")
    older = keras.Model({"image": image}, keras.layers.Identity()(image), name="report_unet")
    message = r"received one for images of \(24, 40, 3\), allowed: any size; an older version made"
    with pytest.raises(ValueError, match=message):
        Inpainter(older)


@pytest.mark.parametrize(("name", "channels"), [("residual_unet", 1), ("report_unet", 3)])
def test_channels_are_those_of_the_images(name: str, channels: int) -> None:
    network = NETWORKS[name].build(channels, **SMALL)
    assert Inpainter(network).channels == channels


def test_loaded_model_restores_the_same(
    model: keras.Model,
    inpainter: Inpainter,
    images: np.ndarray,
    holes: np.ndarray,
    tmp_path: Path,
) -> None:
    model.save(tmp_path / "model.keras")
    restored = serving.load(tmp_path / "model.keras").restore(images, holes)
    np.testing.assert_array_equal(restored, inpainter.restore(images, holes))


def test_a_model_is_loaded_where_no_network_was_built(tmp_path: Path) -> None:
    """Trap: Keras finds the project's own layers only once their module is imported."""
    for name in NETWORKS:
        NETWORKS[name].build(1, **SMALL).save(tmp_path / f"{name}.keras")
    code = "import sys, pathlib; from inpaint.restoring import serving; "
    code += "print(*(serving.load(pathlib.Path(path)).channels for path in sys.argv[1:]))"
    command = [sys.executable, "-c", code, *map(str, tmp_path.glob("*.keras"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1 1\n"


def test_model_that_carries_code_is_not_loaded(tmp_path: Path) -> None:
    image = keras.Input((24, 40, 3), name="image")
    code = keras.layers.Lambda(lambda x: x * 1.0)(image)
    keras.Model(image, code, name="report_unet").save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="it holds 'Lambda', which no network here is made of"):
        serving.load(tmp_path / "model.keras")


def test_model_with_a_layer_of_somebody_else_is_refused(tmp_path: Path) -> None:
    class Odd(keras.layers.Layer):
        def call(self, image: keras.KerasTensor) -> keras.KerasTensor:
            return image

    image = keras.Input((24, 40, 3), name="image")
    keras.Model(image, Odd()(image), name="report_unet").save(tmp_path / "model.keras")
    with pytest.raises(
        ValueError, match=r"model\.keras is no model of this project: it holds 'Odd'"
    ):
        serving.load(tmp_path / "model.keras")


def test_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.keras is not there"):
        serving.load(tmp_path / "model.keras")
