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
    assert set(entry.sources) <= {"bundled", "official"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_readme_has_a_row_for_every_data_set(dataset: str) -> None:
    [row] = re.findall(rf"^\| `{dataset}` \|.*$", README, re.MULTILINE)
    assert all(f"`{source}`" in row for source in DATASETS[dataset].sources)


@pytest.mark.parametrize(
    ("dataset", "resolved"),
    [
        ("mnist", "bundled"),
        ("photos", "bundled"),
        ("textures", "bundled"),
        ("cifar10", "official"),
        ("fashion_mnist", "official"),
    ],
)
def test_auto_is_decided_by_the_data_set(dataset: str, resolved: str) -> None:
    assert DATASETS[dataset].resolve("auto") == resolved


def test_named_source_is_kept() -> None:
    assert DATASETS["mnist"].resolve("official") == "official"


@pytest.mark.parametrize("dataset", ["photos", "textures"])
def test_no_picture_is_in_two_splits(dataset: str) -> None:
    pictures = pictures_of(dataset)
    names = [name for split in pictures.values() for name in split]
    assert len(set(names)) == len(names)
    assert set(pictures) == {"train", "valid", "test"}


def test_both_views_of_the_motorcycle_are_in_one_split() -> None:
    views = {"motorcycle_left", "motorcycle_right"}
    assert [views & set(names) for names in pictures_of("photos").values()].count(views) == 1


def test_well_known_photographs_are_for_testing_only() -> None:
    assert set(pictures_of("photos")["test"]) == {"astronaut", "chelsea", "coffee"}
