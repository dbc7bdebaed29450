"""What lies around each pixel, held against sums written out in NumPy."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import skimage.data

from inpaint.restoring.fill.regions import REACH
from inpaint.restoring.networks.surroundings import Surroundings

# Written here once more, so that nobody changes them by accident: models depend on them.
SIGMA, RADIUS = 8.0, 24

Arrays = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def scene() -> Arrays:
    """Parts of two photographs with odd holes, so that near, far, known and missing all occur."""
    photographs = (skimage.data.chelsea(), skimage.data.coffee())
    parts = np.stack([each[101:138, 160:219] for each in photographs])  # 37x59
    hole = np.zeros((2, 37, 59, 1), np.float32)
    hole[0, 3:8, 5:12] = 1
    hole[0, 6:9, 9:16] = 1
    hole[1, 30:, 40:44] = 1
    hole[1, 12, 20] = 1
    return parts / np.float32(127.5) - 1, hole


def average(values: np.ndarray, weight: np.ndarray) -> float:
    """Weighted; 0 where nothing has a weight."""
    return float((values * weight).sum() / weight.sum()) if weight.any() else 0.0


def reference(filled: np.ndarray, hole: np.ndarray) -> list[np.ndarray]:
    """One image, (H, W, C), and its hole, (H, W): four of (H, W), pixel by pixel."""
    height, width, _ = filled.shape
    rows, columns = np.mgrid[:height, :width]
    bright, squared = filled.mean(axis=-1), np.square(filled).mean(axis=-1)
    steps = [np.square(np.diff(filled, axis=axis)).mean(axis=-1) for axis in (0, 1)]
    results = np.zeros((4, height, width))
    near = np.zeros((height, width), bool)
    for row, column in np.argwhere(hole == 1):
        near |= np.maximum(abs(rows - row), abs(columns - column)) <= REACH
    known = near & (hole == 0)
    pairs = [known[1:] & known[:-1], known[:, 1:] & known[:, :-1]]
    for row in range(height):
        for column in range(width):
            down, right = rows - row, columns - column
            weight = np.exp(-(down**2 + right**2) / (2 * SIGMA**2))
            weight *= (abs(down) <= RADIUS) & (abs(right) <= RADIUS)
            mean = average(bright, weight * known)
            contrast = average(squared, weight * known) - mean**2
            # A step weighs as much as its upper or left pixel.
            gradient = sum(
                average(step, weight[: step.shape[0], : step.shape[1]] * pair)
                for step, pair in zip(steps, pairs, strict=True)
            )
            results[1:, row, column] = mean, contrast**0.5, gradient**0.5
    results[0] = near
    return list(results)


def test_statistics_are_those_of_the_known_pixels_near_a_hole(scene: Arrays) -> None:
    received = [each.numpy()[..., 0] for each in Surroundings(4)(*scene)]
    filled, hole = scene
    for i in range(2):
        near, *others = reference(filled[i].astype(np.float64), hole[i, ..., 0])
        np.testing.assert_array_equal(received[0][i], near)
        assert 0 < near.mean() < 1
        for statistic, expected in zip(received[1:], others, strict=True):
            # Squares are subtracted: what rounding leaves is about the root of float32's precision.
            np.testing.assert_allclose(statistic[i], expected, atol=5e-4)
            assert np.ptp(expected) > 0.01


def test_of_two_known_pixels_by_hand() -> None:
    # A row of three: 0.2, missing, 0.6. No two known ones are neighbours.
    filled = np.array([0.2, 9, 0.6], np.float32).reshape(1, 1, 3, 1)
    hole = np.array([0, 1, 0], np.float32).reshape(1, 1, 3, 1)
    near, mean, contrast, roughness = (
        each.numpy().ravel() for each in Surroundings(4)(filled, hole)
    )
    assert near.tolist() == [1, 1, 1]
    far = np.exp(-4 / 128)  # two pixels away
    share = far / (1 + far)
    np.testing.assert_allclose(mean, [0.2 + 0.4 * share, 0.4, 0.6 - 0.4 * share], atol=1e-6)
    uneven = 0.4 * (share * (1 - share)) ** 0.5
    np.testing.assert_allclose(contrast, [uneven, 0.2, uneven], atol=1e-6)
    assert roughness.tolist() == [0, 0, 0]


def test_roughness_by_hand() -> None:
    # Steps of 0.3 and 0.4 between red and green ones of known neighbours, none of blue ones.
    red, green, blue = [0, 0.3, 9, 9], [0, 0.4, 9, 9], [0.5, 0.5, 9, 9]
    filled = np.array([red, green, blue], np.float32).T.reshape(1, 1, 4, 3)
    hole = np.array([0, 0, 1, 1], np.float32).reshape(1, 1, 4, 1)
    roughness = Surroundings(4)(filled, hole)[3].numpy().ravel()
    np.testing.assert_allclose(roughness, [(0.25 / 3) ** 0.5] * 4, rtol=1e-6)


def test_what_is_missing_or_far_from_a_hole_has_no_say(
    scene: Arrays, rng: np.random.Generator
) -> None:
    filled, hole = scene
    near = Surroundings(4)(filled, hole)[0].numpy()
    noise = rng.uniform(-1, 1, filled.shape).astype(np.float32)
    changed = np.where((near == 0) | (hole == 1), noise, filled)
    for received, expected in zip(
        Surroundings(4)(changed, hole), Surroundings(4)(filled, hole), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_other_images_of_a_batch_have_no_say(scene: Arrays) -> None:
    filled, hole = scene
    together = Surroundings(4)(filled, hole)
    alone = Surroundings(4)(filled[1:], hole[1:])
    for received, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(received[1:], expected, atol=1e-6)


@pytest.mark.parametrize("value", [-1, 0, 0.7])
def test_even_images_have_no_contrast_and_no_roughness(scene: Arrays, value: float) -> None:
    filled, hole = np.full_like(scene[0], value), scene[1]
    near, mean, contrast, roughness = Surroundings(4)(filled, hole)
    around = near.numpy() == 1
    np.testing.assert_allclose(mean.numpy()[around], value, atol=1e-6)
    # The root of what rounding leaves of the difference of two squares.
    assert contrast.numpy().max() < 1e-3
    assert roughness.numpy().max() == 0


def test_a_brighter_or_fainter_image_has_other_statistics_in_proportion(scene: Arrays) -> None:
    filled, hole = scene
    near, mean, contrast, roughness = (each.numpy() for each in Surroundings(4)(filled, hole))
    changed = [each.numpy() for each in Surroundings(4)(0.25 * filled + 0.5, hole)]
    around = near == 1
    np.testing.assert_array_equal(changed[0], near)
    np.testing.assert_allclose(changed[1][around], (0.25 * mean + 0.5)[around], atol=1e-6)
    # See above: roots of differences of squares.
    np.testing.assert_allclose(changed[2], 0.25 * contrast, atol=1e-3)
    np.testing.assert_allclose(changed[3], 0.25 * roughness, rtol=1e-4)


@pytest.mark.parametrize("missing", [0, 1])
def test_without_a_hole_or_a_known_pixel_there_is_nothing(scene: Arrays, missing: int) -> None:
    near, *statistics = Surroundings(4)(scene[0], np.full_like(scene[1], missing))
    assert np.unique(near).tolist() == [missing]
    for statistic in statistics:
        assert np.unique(statistic).tolist() == [0]


def model_of(height: int | None, width: int | None) -> keras.Model:
    filled, hole = keras.Input((height, width, 3)), keras.Input((height, width, 1))
    return keras.Model([filled, hole], Surroundings(4)(filled, hole))


@pytest.mark.parametrize("size", [(37, 59), (37, None), (None, None)])
def test_a_model_for_one_size_or_any_gives_the_same(
    scene: Arrays, size: tuple[int | None, int | None]
) -> None:
    model = model_of(*size)
    assert [output.shape for output in model.outputs] == [(None, *size, 1)] * 4
    for received, expected in zip(model(list(scene)), Surroundings(4)(*scene), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_a_saved_model_gives_the_same(scene: Arrays, tmp_path: Path) -> None:
    model = model_of(None, None)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    assert loaded.layers[-1].deepest == 4
    for received, expected in zip(loaded(list(scene)), model(list(scene)), strict=True):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("deepest", [0, -1, 0.5, float("nan"), float("inf"), "abc", None, [4]])
def test_a_depth_that_is_none_is_refused_before_anything_is_filled(deepest: Any) -> None:
    with pytest.raises(ValueError, match="allowed: 1 or more, in pixels"):
        Surroundings(deepest)
