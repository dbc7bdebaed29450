"""Classical fills: against the libraries they stand for, and by hand."""

import itertools
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.restoration import inpaint_biharmonic

from inpaint.restoring import fill

HEIGHT, WIDTH = 24, 40


def hole_of(*boxes: tuple[slice, slice]) -> np.ndarray:
    hole = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for rows, columns in boxes:
        hole[rows, columns] = True
    return hole


HOLES = {
    "inside": hole_of(np.s_[8:16, 15:23]),
    "one pixel": hole_of(np.s_[11:12, 7:8]),
    "corner pixel": hole_of(np.s_[0:1, 39:40]),
    "first corner": hole_of(np.s_[:5, :7]),
    "last corner": hole_of(np.s_[-4:, -6:]),
    "left border": hole_of(np.s_[10:16, :3]),
    "bottom border": hole_of(np.s_[-1:, 5:30]),
    "one pixel from the corner": hole_of(np.s_[1:5, 1:6]),
    "two pixels from the border": hole_of(np.s_[2:6, 20:26]),
    "from side to side": hole_of(np.s_[9:13, :]),
    "several": hole_of(np.s_[2:6, 3:8], np.s_[5:9, 9:12], np.s_[20:, 30:]),
    "scattered": np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.3,
}
FILLS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "masked": fill.constant,
    "telea": fill.telea,
    "navier_stokes": fill.navier_stokes,
    "biharmonic": fill.biharmonic,
}


def scikit_image(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The reference: float64 (H, W, C)."""
    return np.asarray(inpaint_biharmonic(image.astype(np.float64), hole, channel_axis=-1))


def random_holes(rng: np.random.Generator, num: int) -> np.ndarray:
    """Half of them boxes, half of them scattered pixels."""
    scattered = rng.random((num, HEIGHT, WIDTH)) < rng.uniform(0.02, 0.5, (num, 1, 1))
    for hole in scattered[::2]:
        row, column = rng.integers(0, (HEIGHT - 6, WIDTH - 6))
        hole[:] = hole_of(np.s_[row : row + 6, column : column + 5])
    return np.asarray(scattered)


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_biharmonic_of_floats_is_scikit_images(
    rng: np.random.Generator, name: str, channels: int
) -> None:
    image, hole = rng.normal(size=(HEIGHT, WIDTH, channels)), HOLES[name]
    filled = fill.biharmonic(image[np.newaxis], hole[np.newaxis])
    assert filled.dtype == np.float64
    np.testing.assert_allclose(filled[0], scikit_image(image, hole), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", HOLES)
def test_biharmonic_of_bytes_is_scikit_images_rounded(photographs: np.ndarray, name: str) -> None:
    images, hole = photographs[50:53], HOLES[name]
    filled = fill.biharmonic(images, np.repeat(hole[np.newaxis], 3, axis=0))
    assert filled.dtype == np.uint8
    for image, result in zip(images, filled, strict=True):
        assert np.abs(scikit_image(image, hole) - result).max() <= 0.5 + 1e-6


def test_biharmonic_is_scikit_images_on_random_holes(rng: np.random.Generator) -> None:
    images, holes = rng.random((12, HEIGHT, WIDTH, 2)), random_holes(rng, 12)
    filled = fill.biharmonic(images, holes)
    expected = [scikit_image(image, hole) for image, hole in zip(images, holes, strict=True)]
    np.testing.assert_allclose(filled, expected, rtol=0, atol=1e-6)


# A 1x1 image is missing from the product: it has no room for a hole.
@pytest.mark.parametrize(
    ("height", "width"), list(itertools.product([1, 2, 3, 4, 5], [1, 2, 3, 4, 9]))[1:]
)
def test_biharmonic_is_scikit_images_on_tiny_images(
    rng: np.random.Generator, height: int, width: int
) -> None:
    for num_missing in range(1, height * width):
        image = rng.random((height, width, 2))
        hole = rng.permutation(np.arange(height * width) < num_missing).reshape(height, width)
        filled = fill.biharmonic(image[np.newaxis], hole[np.newaxis])
        np.testing.assert_allclose(filled[0], scikit_image(image, hole), rtol=0, atol=1e-6)


def test_biharmonic_is_scikit_images_on_a_large_hole(rng: np.random.Generator) -> None:
    image, hole = rng.random((90, 70, 3)), np.zeros((90, 70), dtype=bool)
    hole[5:80, 10:] = True
    filled = fill.biharmonic(image[np.newaxis], hole[np.newaxis])
    np.testing.assert_allclose(filled[0], scikit_image(image, hole), rtol=0, atol=1e-6)


# Those that are small enough to be filled by a matrix.
@pytest.mark.parametrize("name", sorted(HOLES.keys() - {"from side to side", "scattered"}))
def test_other_images_change_no_bit_of_a_biharmonic_fill(
    rng: np.random.Generator, name: str
) -> None:
    # Bytes as floats: rounding would hide a difference in the last bit, until a fill lies halfway.
    images = rng.integers(0, 256, (1001, HEIGHT, WIDTH, 1)).astype(np.float64)
    holes = np.repeat(HOLES[name][np.newaxis], len(images), axis=0)
    together = fill.biharmonic(images, holes)
    for part in np.s_[:1, 500:502, 990:]:
        assert np.array_equal(fill.biharmonic(images[part], holes[part]), together[part])


@pytest.mark.parametrize("num_known", [1, 5])
def test_large_hole_with_few_known_pixels_takes_little_memory(
    rng: np.random.Generator, num_known: int
) -> None:
    hole = (rng.permutation(64 * 64) >= num_known).reshape(1, 64, 64)
    images = rng.random((1, 64, 64, 1))
    fill._kept_map.cache_clear()
    tracemalloc.start()
    filled = fill.biharmonic(images, hole)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(filled[0], scikit_image(images[0], hole[0]), rtol=0, atol=1e-6)
    assert peak_bytes < 2e7  # of 4,095 x 4,095 float64 numbers there would be 134 MB


def test_of_many_images_so_many_are_filled_together_as_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (30, 64, 64, 3), dtype=np.uint8)
    holes = np.zeros((30, 64, 64), dtype=bool)
    holes[:, ::2] = True
    expected = fill.biharmonic(images, holes)
    monkeypatch.setattr(fill, "_NUMBERS", 4 * 32 * 64 * 3)  # what two images have in and around it
    tracemalloc.start()
    filled = fill.biharmonic(images, holes)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(filled, expected)
    assert peak_bytes < images.nbytes + 5_000_000  # all together, 11 MB


def test_forgotten_maps_are_made_again(photographs: np.ndarray) -> None:
    holes = np.repeat(HOLES["inside"][np.newaxis], 3, axis=0)
    first = fill.biharmonic(photographs[:3], holes)
    fill._kept_map.cache_clear()
    assert fill._kept_map.cache_info().currsize == 0
    assert np.array_equal(fill.biharmonic(photographs[:3], holes), first)


def test_biharmonic_restores_a_quadratic_surface_exactly() -> None:
    # The discrete bilaplacian of a quadratic is zero, so the surface itself solves the equations.
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    surface = 3 * rows - 2 * columns + 0.1 * rows * columns - 0.05 * columns**2
    image, hole = surface[np.newaxis, ..., np.newaxis], HOLES["inside"]
    damaged = np.where(hole[..., np.newaxis], 1000.0, image)
    np.testing.assert_allclose(fill.biharmonic(damaged, hole[np.newaxis]), image, atol=1e-9)


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("side", [1, 20, 64])
def test_hole_without_known_pixels_is_refused(
    rng: np.random.Generator, name: str, side: int
) -> None:
    images = rng.integers(0, 256, (2, side, side, 1), dtype=np.uint8)
    holes = np.zeros((2, side, side), dtype=bool)
    holes[1] = True
    told = "^holes: received a whole image, allowed: at least one known pixel$"
    with pytest.raises(ValueError, match=told):
        FILLS[name](images, holes)


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("wrong", ["shape", "type"])
def test_holes_that_do_not_fit_the_images_are_refused(
    photographs: np.ndarray, name: str, wrong: str
) -> None:
    holes = np.zeros((3, HEIGHT, WIDTH), dtype=bool)
    received = holes[:2] if wrong == "shape" else holes.astype(np.uint8)
    with pytest.raises(ValueError, match=r"holes: received .*, allowed: bool \(3, 24, 40\)"):
        FILLS[name](photographs[:3], received)


def test_biharmonic_fills_all_but_one_pixel(rng: np.random.Generator) -> None:
    images, holes = rng.random((1, 6, 9, 2)), np.ones((1, 6, 9), dtype=bool)
    holes[0, 2, 3] = False
    filled = fill.biharmonic(images, holes)
    np.testing.assert_allclose(filled, np.broadcast_to(images[:, 2:3, 3:4], (1, 6, 9, 2)))


@pytest.mark.parametrize("name", FILLS)
def test_each_image_is_filled_in_its_own_hole(photographs: np.ndarray, name: str) -> None:
    images = photographs[:5]
    holes = np.stack([HOLES["inside"], hole_of(), HOLES["one pixel"], HOLES["inside"],
                      HOLES["first corner"]])  # fmt: skip
    together = FILLS[name](images, holes)
    alone = [FILLS[name](images[i : i + 1], holes[i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("name", FILLS)
def test_known_pixels_come_back_bit_for_bit(
    rng: np.random.Generator, photographs: np.ndarray, name: str
) -> None:
    images, holes = photographs[:8], random_holes(rng, 8)
    filled = FILLS[name](images, holes)
    assert filled.shape == images.shape
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[~holes], images[~holes])


@pytest.mark.parametrize("name", FILLS)
def test_pixels_under_the_hole_are_never_looked_at(
    rng: np.random.Generator, photographs: np.ndarray, name: str
) -> None:
    images, holes = photographs[:8], random_holes(rng, 8)
    noise = rng.integers(0, 256, images.shape, dtype=np.uint8)
    changed = np.where(holes[..., np.newaxis], noise, images)
    np.testing.assert_array_equal(FILLS[name](changed, holes), FILLS[name](images, holes))


@pytest.mark.parametrize("name", FILLS)
def test_no_images_give_no_images(name: str) -> None:
    none = np.empty((0, HEIGHT, WIDTH, 3), np.uint8)
    assert FILLS[name](none, np.empty((0, HEIGHT, WIDTH), bool)).shape == none.shape


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("shape", [(1, 0, 8, 3), (1, 8, 0, 3), (0, 0, 8, 3)])
def test_images_without_a_pixel_are_refused(name: str, shape: tuple[int, ...]) -> None:
    message = re.escape(f"images: received uint8 {shape}, allowed: at least one row and one column")
    with pytest.raises(ValueError, match=message):
        FILLS[name](np.zeros(shape, np.uint8), np.zeros(shape[:3], bool))


@pytest.mark.parametrize("name", FILLS)
def test_empty_hole_leaves_the_images_as_they_are(photographs: np.ndarray, name: str) -> None:
    holes = np.zeros((4, HEIGHT, WIDTH), dtype=bool)
    np.testing.assert_array_equal(FILLS[name](photographs[:4], holes), photographs[:4])


@pytest.mark.parametrize("name", FILLS)
def test_given_images_are_not_written_to(photographs: np.ndarray, name: str) -> None:
    images = photographs[:2].copy()
    FILLS[name](images, np.stack([HOLES["inside"], HOLES["several"]]))
    np.testing.assert_array_equal(images, photographs[:2])


@pytest.mark.parametrize(
    ("name", "method"), [("telea", cv2.INPAINT_TELEA), ("navier_stokes", cv2.INPAINT_NS)]
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("place", ["inside", "last corner", "several"])
def test_opencv_fills_are_opencvs(
    photographs: np.ndarray, name: str, method: int, channels: int, place: str
) -> None:
    image, hole = photographs[60, ..., :channels], HOLES[place]
    blanked: Any = image.copy()
    blanked[hole] = 0
    expected = cv2.inpaint(blanked, hole.astype(np.uint8), 3, method).reshape(image.shape)
    received = FILLS[name](image[np.newaxis], hole[np.newaxis])[0]
    np.testing.assert_array_equal(received[hole], expected[hole])


def test_constant_is_black_unless_told() -> None:
    image = np.array([[[[10], [20], [30]], [[40], [50], [60]]]], np.uint8)
    hole = np.array([[[False, True, False], [True, False, False]]])
    assert fill.constant(image, hole)[0, ..., 0].tolist() == [[10, 0, 30], [0, 50, 60]]
    assert fill.constant(image, hole, 7)[0, ..., 0].tolist() == [[10, 7, 30], [7, 50, 60]]


def test_constant_may_differ_by_channel(photographs: np.ndarray) -> None:
    filled = fill.constant(photographs[:1], HOLES["inside"][np.newaxis], np.array([1, 2, 3]))
    assert filled.dtype == np.uint8
    assert filled[0, 10, 20].tolist() == [1, 2, 3]
