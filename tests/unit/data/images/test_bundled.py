"""Images that packages carry: all there, unharmed, and kept apart where they must be."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from sklearn.datasets import load_sample_image

from inpaint.data.images.pools import Pool
from tests.unit.data.images.loading import load, pictures_of

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def digits_pools() -> tuple[Pool, ...]:
    return load("mnist", "bundled", NOWHERE)


@pytest.fixture(scope="module")
def photograph_pools() -> tuple[Pool, ...]:
    return load("photos", "bundled", NOWHERE)


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
    left, right, _ = skimage.data.stereo_motorcycle()
    photographs = {
        "astronaut": skimage.data.astronaut(),
        "china": load_sample_image("china.jpg"),
        "chelsea": skimage.data.chelsea(),
        "coffee": skimage.data.coffee(),
        "flower": load_sample_image("flower.jpg"),
        "hubble": skimage.data.hubble_deep_field(),
        "ihc": skimage.data.immunohistochemistry(),
        "motorcycle_left": left,
        "motorcycle_right": right,
        "retina": skimage.data.retina(),
        "rocket": skimage.data.rocket(),
    }
    seen = set()
    for pool in photograph_pools:
        chosen = np.random.default_rng(0).permutation(len(pool.names))[:150]
        for i, crop in zip(chosen, pool.take(chosen), strict=True):
            name, row, column = str(pool.names[i]).split(":")
            top, left_edge = int(row), int(column)
            expected = photographs[name][top : top + 32, left_edge : left_edge + 32]
            np.testing.assert_array_equal(crop, expected)
            seen.add(name)
    assert seen == set(photographs)


def test_crops_are_colour_images_of_32_pixels(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        crops = pool.take(np.array([0, len(pool.names) - 1]))
        assert crops.shape == (2, 32, 32, 3)
        assert crops.dtype == np.uint8


def test_no_crop_is_offered_twice(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        assert len(set(pool.names)) == len(pool.names) == len(pool.labels) == len(pool.groups)


def test_crops_of_one_scene_are_one_group(photograph_pools: tuple[Pool, ...]) -> None:
    for pool in photograph_pools:
        for name, group in zip(pool.names, pool.groups, strict=True):
            assert str(name).split(":")[0].startswith(group)
    groups = {group for pool in photograph_pools for group in pool.groups.tolist()}
    assert len(groups) == 10  # 11 photographs, two of them of one motorcycle


def test_textures_are_crops_of_greyscale_pictures_at_the_named_places() -> None:
    pools = load("textures", "bundled", NOWHERE)
    assert {pool.splits[0]: set(pool.groups.tolist()) for pool in pools} == {
        split: set(names) for split, names in pictures_of("textures").items()
    }
    for pool in pools:
        chosen = np.random.default_rng(0).permutation(len(pool.names))[:50]
        for i, crop in zip(chosen, pool.take(chosen), strict=True):
            name, row, column = str(pool.names[i]).split(":")
            picture = getattr(skimage.data, name)()
            expected = picture[int(row) : int(row) + 28, int(column) : int(column) + 28]
            np.testing.assert_array_equal(crop[..., 0], expected)
