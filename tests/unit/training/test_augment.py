"""Augmentation: changes within limits, and none to what was given."""

import numpy as np
import pytest

from inpaint.training import augment


def slope(num: int, height: int = 24, width: int = 40) -> np.ndarray:
    """Images that get brighter from left to right: uint8 (num, height, width, 1), 60 to 200."""
    row = np.linspace(60, 200, width).astype(np.uint8)
    return np.broadcast_to(row[:, np.newaxis], (num, height, width, 1))


def is_mirrored(image: np.ndarray) -> bool:
    half = image.shape[1] // 2
    return bool(image[:, :half].mean() > image[:, half:].mean())


@pytest.mark.parametrize("motif", ["signs", "photographs", "crops"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_stay(rng: np.random.Generator, motif: str, channels: int) -> None:
    images = rng.integers(0, 256, (5, 24, 40, channels), dtype=np.uint8)
    result = augment.joint(rng, images, motif)
    assert result.shape == images.shape
    assert result.dtype == np.uint8


def test_same_seed_gives_the_same_images(photographs: np.ndarray) -> None:
    first, again, other = (
        augment.joint(np.random.default_rng(seed), photographs[:9], "photographs")
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_given_images_are_not_written_to(rng: np.random.Generator, digits: np.ndarray) -> None:
    images = digits[:9].copy()
    augment.joint(rng, images, "photographs")
    np.testing.assert_array_equal(images, digits[:9])


def test_digits_are_never_mirrored(rng: np.random.Generator) -> None:
    result = augment.joint(rng, slope(200), "signs")
    assert not any(is_mirrored(image) for image in result)


def test_half_of_the_photographs_are_mirrored(rng: np.random.Generator) -> None:
    result = augment.joint(rng, slope(400), "photographs")
    # 400 fair coins: 200 heads, 10 the standard deviation
    assert 150 < sum(is_mirrored(image) for image in result) < 250


def shifted(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The image moved by whole pixels, with its reflection moving in."""
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="reflect")
    height, width, _ = image.shape
    return padded[8 - rows : 8 - rows + height, 8 - columns : 8 - columns + width]


def test_half_of_the_photographs_are_only_shifted_and_mirrored(
    rng: np.random.Generator, photographs: np.ndarray
) -> None:
    image = photographs[60]
    pixels_kept = {
        shifted(original, rows, columns).tobytes(): (rows, columns)
        for original in (image, image[:, ::-1])
        for rows in range(-8, 9)
        for columns in range(-8, 9)
    }
    result = augment.joint(rng, np.repeat(image[np.newaxis], 400, axis=0), "photographs")
    shifts = [pixels_kept[each.tobytes()] for each in result if each.tobytes() in pixels_kept]
    assert 150 < len(shifts) < 250
    assert {abs(shift) for pair in shifts for shift in pair} == set(range(9))


def ways_up(image: np.ndarray) -> list[np.ndarray]:
    """The image in its own frame, turned and mirrored, each with 8 more pixels on every side."""
    height, width, _ = image.shape
    padded = np.pad(image, ((40, 40), (40, 40), (0, 0)), mode="reflect")
    views = []
    for side in (padded, padded[:, ::-1]):
        for turned in (np.rot90(side, turns) for turns in range(4)):
            top, left = (turned.shape[0] - height) // 2 - 8, (turned.shape[1] - width) // 2 - 8
            views.append(turned[top : top + height + 16, left : left + width + 16])
    return views


def test_crops_are_put_any_way_up(rng: np.random.Generator, photographs: np.ndarray) -> None:
    image = photographs[60]  # an oblong one
    ways_by_pixels = {
        view[top : top + 24, left : left + 40].tobytes(): way
        for way, view in enumerate(ways_up(image))
        for top in range(17)
        for left in range(17)
    }
    result = augment.joint(rng, np.repeat(image[np.newaxis], 800, axis=0), "crops")
    seen = [ways_by_pixels.get(each.tobytes()) for each in result]
    # 400 of 800 keep their pixel grid, 50 each way up; 14 and 7 the standard deviations
    assert 330 < len(seen) - seen.count(None) < 470
    assert all(22 < seen.count(way) < 78 for way in range(8))


def test_crops_are_turned_at_will(rng: np.random.Generator) -> None:
    images = np.zeros((400, 81, 81, 1), np.uint8)
    images[:, 39:42, 36:55] = 255  # a line through the centre, to be seen among its reflections
    result = augment.joint(rng, images, "crops")[:, 24:57, 24:57, 0].astype(float)
    angles = []
    for image in result:
        rows, columns = np.nonzero(image > 127)
        _, _, axes = np.linalg.svd(
            np.stack([rows, columns], axis=1) - [rows.mean(), columns.mean()]
        )
        angles.append(np.degrees(np.arctan2(axes[0, 0], axes[0, 1])) % 90)
    counts, _ = np.histogram(angles, [0, 5, 30, 60, 85, 90])
    assert counts[1:4].min() > 30  # of 200 that turn, a third is between 30 and 60 degrees
    assert counts[0] + counts[4] > 150  # the others


def test_crops_are_zoomed_far(rng: np.random.Generator) -> None:
    images = np.zeros((400, 81, 81, 1), np.uint8)
    images[:, 30:51, 30:51] = 255
    # The middle alone: zooming out brings reflections in.
    result = augment.joint(rng, images, "crops")[:, 15:66, 15:66] / 255
    sides = np.sqrt(result.sum(axis=(1, 2, 3)))
    assert 21 * np.exp(-0.6) - 1 < sides.min() < 13
    assert 34 < sides.max() < 21 * np.exp(0.6) + 1


def test_digits_all_change_and_each_in_its_own_way(
    rng: np.random.Generator, digits: np.ndarray
) -> None:
    images = np.repeat(digits[:1], 50, axis=0)
    result = augment.joint(rng, images, "signs")
    assert (result != images).any(axis=(1, 2, 3)).all()
    assert len(np.unique(result, axis=0)) == 50


def test_what_is_sharp_stays_so(rng: np.random.Generator) -> None:
    """Cubic interpolation overshoots beside an edge, where linear interpolation only blurs."""
    images = np.full((100, 41, 41, 1), 50, np.uint8)
    images[:, :, 21:] = 200
    for motif in ("signs", "photographs", "crops"):
        result = augment.joint(rng, images, motif)
        assert result.min() < 45
        assert result.max() > 205


@pytest.mark.parametrize("motif", ["signs", "photographs", "crops"])
def test_nothing_black_comes_in_from_outside(rng: np.random.Generator, motif: str) -> None:
    result = augment.joint(rng, slope(100), motif)
    assert result.min() >= 60
    assert result.max() <= 200


def test_centre_moves_by_the_shift_alone(rng: np.random.Generator) -> None:
    # A turn or zoom about any other point of so long an image would carry the centre away.
    images = np.zeros((100, 25, 81, 1), np.uint8)
    images[:, 11:14, 39:42] = 255
    result = augment.joint(rng, images, "signs")[..., 0].astype(float)
    total = result.sum(axis=(1, 2))
    rows = (result.sum(axis=2) * np.arange(25)).sum(axis=1) / total
    columns = (result.sum(axis=1) * np.arange(81)).sum(axis=1) / total
    assert np.abs(rows - 12).max() < 2.8  # 2.5 pixels, and what rounding to grey levels adds
    assert np.abs(columns - 40).max() < 2.8
    assert np.abs(rows - 12).max() > 2


def test_images_are_turned_zoomed_and_sheared_within_their_limits(
    rng: np.random.Generator,
) -> None:
    # Dots 30 pixels right of the centre and 16 below it. Stretched by 0.13 and zoomed by 0.2, the
    # first is exp(0.33) = 1.39 times as far away; 20 degrees are 10 of its 30 pixels.
    images = np.zeros((400, 81, 121, 2), np.uint8)
    images[:, 39:42, 89:92, 0] = 255
    images[:, 55:58, 59:62, 1] = 255
    result = augment.joint(rng, images, "signs").astype(float)
    total = result.sum(axis=(1, 2))
    rows = (result.sum(axis=2) * np.arange(81)[:, np.newaxis]).sum(axis=1) / total - 40
    columns = (result.sum(axis=1) * np.arange(121)[:, np.newaxis]).sum(axis=1) / total - 60
    reach = np.hypot(rows[:, 0], columns[:, 0])
    assert 30 * np.exp(-0.33) - 4 < reach.min() < 25
    assert 39 < reach.max() < 30 * np.exp(0.33) + 4
    turned = np.degrees(np.arctan2(rows[:, 0], columns[:, 0]))
    assert 17 < np.abs(turned).max() < 20 + 6  # shifts of 2.5 pixels are 6 degrees
    # The lower dot's columns: 20 degrees or less plus 0.26 columns per row, in the same direction.
    leaning = np.abs(columns[:, 1] / rows[:, 1])
    assert 0.5 < leaning.max() < (np.tan(np.radians(20)) + 0.31) / (1 - 0.31 * 0.36) + 0.25
