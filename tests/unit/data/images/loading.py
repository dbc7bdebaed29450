"""Getting a data set as the stage prepare does."""

from functools import partial
from pathlib import Path

from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.pools import Pool


def load(
    dataset: str, source: str, raw_dir: Path, image_size: int | None = None
) -> tuple[Pool, ...]:
    """The pools of a data set; official files lie in ``raw_dir``, one folder per data set."""
    entry = DATASETS[dataset]
    return entry.sources[source].load(entry.shape(image_size), raw_dir / dataset)


def pictures_of(dataset: str) -> dict[str, tuple[str, ...]]:
    """Split -> the names of the pictures that a data set's crops are cut from."""
    cut = DATASETS[dataset].sources["bundled"].load
    assert isinstance(cut, partial)
    pictures: dict[str, tuple[str, ...]] = cut.args[0]
    return pictures
