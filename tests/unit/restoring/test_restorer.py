"""The way from Python: pictures and batches, grey and colour, of bytes and of finer numbers."""

import doctest
import pydoc
from pathlib import Path

import numpy as np
import pytest
from skimage.data import chelsea

import inpaint
from inpaint.restoring import restorer
from inpaint.restoring.fill import biharmonic
from inpaint.restoring.restorer import METHODS
from inpaint.restoring.serving import PRETRAINED

COLOUR = np.ascontiguousarray(chelsea()[100:148, 120:200])
GREY = COLOUR[..., 0]
HOLE = np.zeros(GREY.shape, dtype=bool)
HOLE[20:26, 30:50] = True


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "image", [GREY, GREY[..., np.newaxis], COLOUR], ids=["2d", "grey", "colour"]
)
def test_picture_comes_back_as_it_is_but_for_the_hole(method: str, image: np.ndarray) -> None:
    damaged = image.copy()
    damaged[HOLE] = 255
    restored = inpaint.load(method=method).restore(damaged, HOLE)
    assert restored.shape == image.shape
    assert restored.dtype == np.uint8
    np.testing.assert_array_equal(restored[~HOLE], image[~HOLE])
    error = np.abs(restored[HOLE].astype(int) - image[HOLE]).mean()
    assert error < 20  # grey levels; of the damaged one, over 100
    assert np.abs(damaged[HOLE].astype(int) - image[HOLE]).mean() > 100


def test_batches() -> None:
    restore = inpaint.load(method="biharmonic").restore
    colours = np.stack([COLOUR, COLOUR[::-1]])
    holes = np.stack([HOLE, HOLE[::-1]])
    expected = biharmonic(colours, holes)
    np.testing.assert_array_equal(restore(colours, holes), expected)
    np.testing.assert_array_equal(restore(colours[..., 1], holes), expected[..., 1])
    alike = biharmonic(colours, np.stack([HOLE, HOLE]))
    np.testing.assert_array_equal(restore(colours, HOLE), alike)
    np.testing.assert_array_equal(restore(colours[..., 1], HOLE), alike[..., 1])


def test_finer_numbers() -> None:
    rng = np.random.default_rng(0)
    restore = inpaint.load(method="biharmonic").restore
    filled = restore(COLOUR, HOLE)
    fine = COLOUR.astype(np.uint16) * 257 + rng.integers(-100, 100, COLOUR.shape).clip(0).astype(
        np.uint16
    )
    restored = restore(fine, HOLE)
    assert restored.dtype == np.uint16
    np.testing.assert_array_equal(restored[~HOLE], fine[~HOLE])
    np.testing.assert_array_equal(restored[HOLE], filled[HOLE].astype(np.uint16) * 257)
    for dtype in (np.float32, np.float64):
        floats = (COLOUR / 255).astype(dtype)
        restored = restore(floats, HOLE)
        assert restored.dtype == dtype
        np.testing.assert_array_equal(restored[~HOLE], floats[~HOLE])
        np.testing.assert_allclose(restored[HOLE], filled[HOLE] / 255, atol=1e-6)


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<f8", ">f8"])
def test_numbers_may_lie_in_either_order(dtype: str) -> None:
    """As Pillow gives those of a TIFF."""
    restore = inpaint.load(method="biharmonic").restore
    usual = (COLOUR * 257.0).astype(np.uint16) if "u" in dtype else COLOUR / 255
    native = np.dtype(dtype).newbyteorder("=")
    restored = restore(usual.astype(dtype), HOLE)
    assert restored.dtype == dtype
    np.testing.assert_array_equal(restored, restore(usual.astype(native), HOLE))


def test_what_is_under_a_hole_may_be_anything() -> None:
    floats = COLOUR / 255
    expected = inpaint.load(method="biharmonic").restore(floats, HOLE)
    for value in (np.nan, np.inf, -7.0):
        floats[HOLE] = value
        restored = inpaint.load(method="biharmonic").restore(floats, HOLE)
        np.testing.assert_array_equal(restored, expected)


def test_what_is_given_is_not_changed() -> None:
    image, hole = COLOUR.copy(), HOLE.copy()
    inpaint.load(method="telea").restore(image, hole)
    np.testing.assert_array_equal(image, COLOUR)
    np.testing.assert_array_equal(hole, HOLE)


@pytest.mark.parametrize(
    ("image", "hole", "reason"),
    [
        (GREY, HOLE.astype(np.uint8) * 255, r"hole: received uint8 .* mask >= 128"),
        (GREY, HOLE[0], r"hole: received bool \(80,\)"),
        (COLOUR, np.dstack([HOLE] * 3), r"shape \(48, 80, 3\) with a hole \(48, 80, 3\)"),
        (GREY, HOLE[:-1], r"image: received the shape \(48, 80\) with a hole \(47, 80\)"),
        (COLOUR[..., :2], HOLE, r"shape \(48, 80, 2\)"),
        (np.dstack([COLOUR, GREY]), HOLE, r"shape \(48, 80, 4\) .* C is 1 or 3"),
        (COLOUR.astype(np.int64), HOLE, "image: received int64, allowed: uint8, uint16, or floats"),
        (COLOUR.astype(float), HOLE, "image: received floats from .* allowed: 0 to 1"),
        (np.full((48, 80), np.nan), HOLE, "image: received floats from nan to nan"),
        (GREY, np.ones_like(HOLE), "a whole image, allowed: at least one known pixel"),
    ],
)
def test_what_cannot_be_meant_is_refused(image: np.ndarray, hole: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        inpaint.load(method="biharmonic").restore(image, hole)


def test_what_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="method: received 'magic', allowed: model, biharmonic, "):
        inpaint.load(method="magic")
    with pytest.raises(ValueError, match="method: received 'telea', allowed with a model: model"):
        inpaint.load("models/inpainter.keras", method="telea")
    with pytest.raises(ValueError, match=r"none.keras is not there"):
        inpaint.load(tmp_path / "none.keras")
    cut = tmp_path / "cut.keras"
    cut.write_bytes(PRETRAINED[1].read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cut.keras is no model of this project, or is cut off"):
        inpaint.load(cut)


def test_another_model_can_be_loaded() -> None:
    loaded = inpaint.load(PRETRAINED[1])
    np.testing.assert_array_equal(loaded.restore(GREY, HOLE), inpaint.load().restore(GREY, HOLE))
    with pytest.raises(ValueError, match="any width, 1"):
        loaded.restore(COLOUR, HOLE)


def test_help_shows_three_names_with_examples_that_run() -> None:
    assert dir(inpaint) == ["Restorer", "__version__", "load"]
    shown = pydoc.plain(pydoc.render_doc(inpaint))
    assert "load(model:" in shown
    assert "Restorer" in shown
    assert "PathLike" not in shown
    results = doctest.testmod(restorer)
    assert results.attempted > 5
    assert results.failed == 0
    with pytest.raises(AttributeError, match="module 'inpaint' has no attribute 'magic'"):
        inpaint.magic  # noqa: B018
