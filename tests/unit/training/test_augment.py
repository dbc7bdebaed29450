"""Augmentation: small changes, natural ones, and none to what was given."""

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


@pytest.mark.parametrize("photographs", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_stay(rng: np.random.Generator, photographs: bool, channels: int) -> None:
    images = rng.integers(0, 256, (5, 24, 40, channels), dtype=np.uint8)
    result = augment.joint(rng, images, photographs=photographs)
    assert result.shape == images.shape
    assert result.dtype == np.uint8


def test_same_seed_gives_the_same_images(photographs: np.ndarray) -> None:
    first, again, other = (
        augment.joint(np.random.default_rng(seed), photographs[:9], photographs=True)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_given_images_are_not_written_to(rng: np.random.Generator, digits: np.ndarray) -> None:
    images = digits[:9].copy()
    augment.joint(rng, images, photographs=True)
    np.testing.assert_array_equal(images, digits[:9])


def test_digits_are_never_mirrored(rng: np.random.Generator) -> None:
    result = augment.joint(rng, slope(200), photographs=False)
    assert not any(is_mirrored(image) for image in result)


def test_half_of_the_photographs_are_mirrored(rng: np.random.Generator) -> None:
    result = augment.joint(rng, slope(400), photographs=True)
    # 400 fair coins: 200 heads, 10 the standard deviation
    assert 150 < sum(is_mirrored(image) for image in result) < 250


def test_half_of_the_photographs_keep_their_pixels(
    rng: np.random.Generator, photographs: np.ndarray
) -> None:
    images = np.concatenate([photographs, photographs, photographs])
    result = augment.joint(rng, images, photographs=True)
    kept = (result == images).all(axis=(1, 2, 3)) | (result == images[:, :, ::-1]).all(
        axis=(1, 2, 3)
    )
    assert 0.375 < kept.mean() < 0.625


def test_digits_all_change_and_each_in_its_own_way(
    rng: np.random.Generator, digits: np.ndarray
) -> None:
    images = np.repeat(digits[:1], 50, axis=0)
    result = augment.joint(rng, images, photographs=False)
    assert (result != images).any(axis=(1, 2, 3)).all()
    assert len(np.unique(result, axis=0)) == 50


def test_nothing_black_comes_in_from_outside(rng: np.random.Generator) -> None:
    result = augment.joint(rng, slope(100), photographs=False)
    assert result.min() >= 60
    assert result.max() <= 200


def test_centre_moves_by_the_shift_alone(rng: np.random.Generator) -> None:
    # A turn or zoom about any other point of so long an image would carry the centre away.
    images = np.zeros((100, 25, 81, 1), np.uint8)
    images[:, 11:14, 39:42] = 255
    result = augment.joint(rng, images, photographs=False)[..., 0].astype(float)
    total = result.sum(axis=(1, 2))
    rows = (result.sum(axis=2) * np.arange(25)).sum(axis=1) / total
    columns = (result.sum(axis=1) * np.arange(81)).sum(axis=1) / total
    assert np.abs(rows - 12).max() < 2.2  # 2 pixels, and what rounding to grey levels adds
    assert np.abs(columns - 40).max() < 2.2
    assert np.abs(rows - 12).max() > 1.5


def test_images_are_turned_and_zoomed_within_their_limits(rng: np.random.Generator) -> None:
    # A dot 30 pixels right of the centre; 12 degrees are 6.2 pixels there, 12% are 3.6.
    images = np.zeros((200, 41, 81, 1), np.uint8)
    images[:, 19:22, 69:72] = 255
    result = augment.joint(rng, images, photographs=False)[..., 0].astype(float)
    total = result.sum(axis=(1, 2))
    rows = (result.sum(axis=2) * np.arange(41)).sum(axis=1) / total - 20
    columns = (result.sum(axis=1) * np.arange(81)).sum(axis=1) / total - 40
    distance = np.hypot(rows, columns)
    assert np.abs(rows).max() < 30 * 1.12 * np.sin(np.radians(12)) + 2.2
    assert np.abs(rows).max() > 5
    assert 30 * 0.88 - 3 < distance.min() < 28
    assert 32 < distance.max() < 30 * 1.12 + 3
