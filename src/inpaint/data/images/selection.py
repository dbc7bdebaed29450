"""The images that the section `data` of the parameters stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.seeds import generator
from inpaint.data.images import splits
from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.pools import Pool


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


def select(data: Mapping[str, Any], raw_dir: Path) -> dict[str, Selection]:
    """Choose the images of each split; equal parameters choose equal images.

    Args:
        data: the section `data` of the parameters: which images, and how many.
        raw_dir: the folder of official files, one folder per data set; downloads are kept there.

    Raises:
        InputError: the images cannot be had, or are fewer than wanted.
    """
    dataset = DATASETS[data["dataset"]]
    source = dataset.sources[dataset.resolve(data["source"])]
    selected = {}
    shape = dataset.shape(data.get("image_size"))  # older runs have none
    for pool in source.load(shape, raw_dir / data["dataset"]):
        rng = generator(data["seed"], "splits", *pool.splits)
        wanted = {split: data[f"{split}_size"] for split in pool.splits}
        for split, indices in splits.draw_splits(rng, pool.labels, wanted).items():
            selected[split] = Selection(pool, indices)
    return selected
