"""What the catalogue says of data sets, and what must not be said twice or left out."""

import re

import pytest

from inpaint.data.images.catalogue import DATASETS
from inpaint.training import augment
from tests.unit.closure import ROOT
from tests.unit.data.images.loading import pictures_of

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_data_set_has_its_terms_and_a_way_to_be_changed_in_training(dataset: str) -> None:
    entry = DATASETS[dataset]
    assert entry.licence
    assert all(source.citation for source in entry.sources.values())
    assert entry.motif in augment._LIMITS
    assert set(entry.sources) <= {"bundled", "official", "own"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_readme_has_a_row_for_every_data_set(dataset: str) -> None:
    [row] = re.findall(rf"^\| `{dataset}` \|.*$", README, re.MULTILINE)
    assert all(f"`{source}`" in row for source in DATASETS[dataset].sources)


@pytest.mark.parametrize(
    ("dataset", "resolved"),
    [
        ("mnist", "bundled"),
        ("photos", "bundled"),
        ("photos_grey", "bundled"),
        ("textures", "bundled"),
        ("cifar10", "official"),
        ("fashion_mnist", "official"),
    ],
)
def test_auto_is_decided_by_the_data_set(dataset: str, resolved: str) -> None:
    assert DATASETS[dataset].resolve("auto") == resolved


def test_named_source_is_kept() -> None:
    assert DATASETS["mnist"].resolve("official") == "official"


@pytest.mark.parametrize("dataset", ["photos", "photos_grey", "textures"])
def test_no_picture_is_in_two_splits(dataset: str) -> None:
    pictures = pictures_of(dataset)
    names = [name for split in pictures.values() for name in split]
    assert len(set(names)) == len(names)
    assert set(pictures) == {"train", "valid", "test"}


@pytest.mark.parametrize("dataset", ["photos", "photos_grey"])
def test_well_known_photographs_are_for_testing_only(dataset: str) -> None:
    assert set(pictures_of(dataset)["test"]) == {"astronaut", "chelsea", "coffee"}


@pytest.mark.parametrize("dataset", ["photos", "photos_grey", "textures"])
def test_the_licence_of_every_picture_is_named(dataset: str) -> None:
    named = set(re.findall(r"\w+", DATASETS[dataset].licence))
    assert {name for split in pictures_of(dataset).values() for name in split} <= named


@pytest.mark.parametrize("dataset", DATASETS)
def test_images_have_their_own_size_unless_another_is_asked_for(dataset: str) -> None:
    entry = DATASETS[dataset]
    height, _, channels = entry.image_shape
    assert entry.shape(None) == entry.shape(height) == entry.image_shape
    if entry.crops:
        assert entry.shape(72) == (72, 72, channels)
    else:
        with pytest.raises(ValueError, match=f"received 72, allowed: null or {height}, their"):
            entry.shape(72)


def test_pictures_are_cut_into_crops_and_nothing_else_is() -> None:
    assert {name for name, entry in DATASETS.items() if entry.crops} == {
        "folder",
        "folder_grey",
        "photos",
        "photos_grey",
        "textures",
    }
