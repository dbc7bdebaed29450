"""Images that packages carry: all there, unharmed, and kept apart where they must be."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import skimage.data
from skimage.io import imread
from sklearn.datasets import load_sample_image

from inpaint.data.images.pools import Pool
from tests.unit.data.images.loading import load, pictures_of

NOWHERE = Path("nowhere")
SAMPLES = Path(matplotlib.get_data_path(), "sample_data")
PHOTOGRAPHS = {
    "astronaut": skimage.data.astronaut,
    "china": cache(lambda: load_sample_image("china.jpg")),
    "chelsea": skimage.data.chelsea,
    "coffee": skimage.data.coffee,
    "flower": cache(lambda: load_sample_image("flower.jpg")),
    "grace_hopper": cache(lambda: imread(SAMPLES / "grace_hopper.jpg")),
    "hubble": cache(skimage.data.hubble_deep_field),
    "ihc": skimage.data.immunohistochemistry,
    "retina": cache(skimage.data.retina),
    "rocket": skimage.data.rocket,
}


@pytest.fixture(scope="module")
def digits_pools() -> tuple[Pool, ...]:
    return load("mnist", "bundled", NOWHERE)


@pytest.fixture(scope="module")
def photograph_pools() -> tuple[Pool, ...]:
    return load("photos", "bundled", NOWHERE)


@pytest.fixture(scope="module")
def grey_pools() -> tuple[Pool, ...]:
    return load("photos_grey", "bundled", NOWHERE)


def place_of(pool: Pool, index: int) -> tuple[str, int, int]:
    """The picture of a crop, and the crop's first row and column in it."""
    name, row, column = str(pool.names[index]).split(":")
    return name, int(row), int(column)


def assert_as_bright_as_it_looks(grey: np.ndarray, colour: np.ndarray) -> None:
    # Rec. 709 and Rec. 601 weigh red, green and blue a little differently.
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey[..., 0] - luma).max() <= 1


def test_bundled_digits_are_5000_in_one_pool(digits_pools: tuple[Pool, ...]) -> None:
    (pool,) = digits_pools
    assert pool.splits == ("train", "valid", "test")
    assert np.bincount(pool.labels).tolist() == [500] * 10
    images = pool.take(np.arange(5000))
    assert images.shape == (5000, 28, 28, 1)
    assert images.dtype == np.uint8


def test_bundled_digits_are_the_packages_unharmed(
    digits_pools: tuple[Pool, ...], digits: np.ndarray
) -> None:
    taken = digits_pools[0].take(np.arange(0, 5000, 50))
    np.testing.assert_array_equal(taken, digits)
    # Grey levels in full: neither rescaled nor cut to black and white.
    assert (taken.min(), taken.max()) == (0, 255)
    assert len(np.unique(taken)) > 200


def test_bundled_digits_are_independent_of_each_other(digits_pools: tuple[Pool, ...]) -> None:
    (pool,) = digits_pools
    assert len(set(pool.groups.tolist())) == len(set(pool.names)) == 5000


def test_take_gives_the_images_in_the_order_asked_for(digits_pools: tuple[Pool, ...]) -> None:
    (pool,) = digits_pools
    taken = pool.take(np.array([4000, 3, 4000]))
    np.testing.assert_array_equal(taken[0], taken[2])
    np.testing.assert_array_equal(taken[1], pool.take(np.array([3]))[0])


def test_each_split_has_its_own_photographs(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        (split,) = pool.splits
        of_names = {str(name).split(":")[0] for name in pool.names}
        assert of_names == set(pictures_of("photos")[split])
    assert [pool.splits[0] for pool in photograph_pools] == ["train", "valid", "test"]


def test_crops_are_the_pixels_at_the_named_place(photograph_pools: tuple[Pool, ...]) -> None:
    seen = set()
    for pool in photograph_pools:
        chosen = np.random.default_rng(0).permutation(len(pool.names))[:150]
        for i, crop in zip(chosen, pool.take(chosen), strict=True):
            name, top, left = place_of(pool, i)
            expected = PHOTOGRAPHS[name]()[top : top + 32, left : left + 32]
            np.testing.assert_array_equal(crop, expected)
            seen.add(name)
    assert seen == set(PHOTOGRAPHS)


def test_crops_are_colour_images_of_32_pixels(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        crops = pool.take(np.array([0, len(pool.names) - 1]))
        assert crops.shape == (2, 32, 32, 3)
        assert crops.dtype == np.uint8


def test_no_crop_is_offered_twice(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        assert len(set(pool.names)) == len(pool.names) == len(pool.labels) == len(pool.groups)


def test_crops_of_one_picture_are_one_group(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        groups = [str(name).split(":")[0] for name in pool.names]
        assert pool.groups.tolist() == pool.labels.tolist() == groups
    assert {group for pool in photograph_pools for group in pool.groups.tolist()} == set(
        PHOTOGRAPHS
    )


def test_grey_photographs_are_the_coloured_ones_as_bright_as_they_look(
    grey_pools: tuple[Pool, ...],
) -> None:
    for pool in grey_pools:
        chosen = np.random.default_rng(0).permutation(len(pool.names))[:60]
        for i, crop in zip(chosen, pool.take(chosen), strict=True):
            name, top, left = place_of(pool, i)
            if name not in PHOTOGRAPHS:
                continue
            colour = PHOTOGRAPHS[name]()[top : top + 32, left : left + 32]
            assert crop.shape == (32, 32, 1)
            assert crop.dtype == np.uint8
            assert_as_bright_as_it_looks(crop, colour)


def test_grey_photographs_are_trained_on_with_grey_pictures_unharmed(
    grey_pools: tuple[Pool, ...],
) -> None:
    train, *others = grey_pools
    more = {"brick", "gravel", "moon"}
    assert set(train.groups.tolist()) == set(pictures_of("photos")["train"]) | more
    for pool in others:
        assert set(pool.groups.tolist()) == set(pictures_of("photos")[pool.splits[0]])
    chosen = np.flatnonzero(np.isin(train.groups, sorted(more)))[::97]
    for i, crop in zip(chosen, train.take(chosen), strict=True):
        name, top, left = place_of(train, i)
        picture = getattr(skimage.data, name)()
        np.testing.assert_array_equal(crop[..., 0], picture[top : top + 32, left : left + 32])


@pytest.mark.parametrize("size", [16, 72, 300])
def test_crops_have_the_size_that_is_asked_for(size: int) -> None:
    for pool in load("photos_grey", "bundled", NOWHERE, size):
        crops = pool.take(np.array([0, len(pool.names) - 1]))
        assert crops.shape == (2, size, size, 1)
    # Of the last picture, the crop that is nearest to its lower right corner.
    name, top, left = place_of(pool, -1)
    height, width, _ = PHOTOGRAPHS[name]().shape
    assert 0 <= height - size - top < 8
    assert 0 <= width - size - left < 8


@pytest.mark.parametrize("dataset", ["photos", "photos_grey", "textures"])
def test_every_picture_holds_the_largest_crops_that_may_be_asked_for(dataset: str) -> None:
    for pool in load(dataset, "bundled", NOWHERE, 300):
        assert set(pool.groups.tolist()) == set(pictures_of(dataset)[pool.splits[0]])


def test_textures_are_crops_in_grey_at_the_named_places() -> None:
    pools = load("textures", "bundled", NOWHERE)
    assert {pool.splits[0]: set(pool.groups.tolist()) for pool in pools} == {
        split: set(names) for split, names in pictures_of("textures").items()
    }
    for pool in pools:
        chosen = np.random.default_rng(0).permutation(len(pool.names))[:50]
        for i, crop in zip(chosen, pool.take(chosen), strict=True):
            name, top, left = place_of(pool, i)
            picture = (PHOTOGRAPHS.get(name) or getattr(skimage.data, name))()
            there = picture[top : top + 28, left : left + 28]
            if there.ndim == 3:
                assert_as_bright_as_it_looks(crop, there)
            else:
                np.testing.assert_array_equal(crop[..., 0], there)
