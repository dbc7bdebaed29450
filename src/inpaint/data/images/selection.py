"""The images that the section `data` of the parameters stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.paths import raw_dir
from inpaint.base.seeds import generator
from inpaint.data.images import splits
from inpaint.data.images.catalogue import DATASETS, OWN
from inpaint.data.images.pools import Pool

_AT_ONCE = 256  # images


@dataclass(frozen=True)
class Selection:
    """The images of one split.

    Attributes:
        pool: what they were chosen from.
        indices: which ones, int64 (N,).
    """

    pool: Pool
    indices: np.ndarray

    def images(self) -> np.ndarray:
        """uint8 (N, H, W, C)."""
        return self.pool.take(self.indices)

    def parts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """A few of the images at a time, group by group, with where they belong.

        Yields:
            Places in ``indices``, int (n,), and the images there, uint8 (n, H, W, C).
        """
        by_group = np.argsort(self.pool.groups[self.indices], kind="stable")
        for places in np.split(by_group, range(_AT_ONCE, len(by_group), _AT_ONCE)):
            yield places, self.pool.take(self.indices[places])


def select(data: Mapping[str, Any], root: Path) -> dict[str, Selection]:
    """Choose the images of each split; equal parameters choose equal images.

    Args:
        data: the section `data` of the parameters: which images, and how many.
        root: the project tree, for official files and people's own.

    Raises:
        InputError: the images cannot be had, or are fewer than wanted.
    """
    dataset = DATASETS[data["dataset"]]
    name = dataset.resolve(data["source"])
    place = root / data["path"] if name == OWN else raw_dir(root) / data["dataset"]
    selected = {}
    shape = dataset.shape(data.get("image_size"))  # older runs have none
    for pool in dataset.sources[name].load(shape, place):
        rng = generator(data["seed"], "splits", *pool.splits)
        wanted = {split: data[f"{split}_size"] for split in pool.splits}
        for split, indices in splits.draw_splits(rng, pool.labels, wanted).items():
            selected[split] = Selection(pool, indices)
    return selected
