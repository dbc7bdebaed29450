"""The images that the section `data` of the parameters stands for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inpaint.data import sources, splits
from inpaint.data.pools import Pool, Source
from inpaint.params import DataParams
from inpaint.seeds import generator


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


def select(data: DataParams, raw_dir: Path) -> tuple[Source, dict[str, Selection]]:
    """Choose the images of each split; equal parameters choose equal images.

    Args:
        data: which images, and how many.
        raw_dir: the folder of official files, as `sources.load` wants it.

    Raises:
        InputError: the images cannot be had, or are fewer than wanted.
    """
    source = sources.load(data.dataset, data.resolved_source, raw_dir)
    sizes = {"train": data.train_size, "valid": data.valid_size, "test": data.test_size}
    selected = {}
    for pool in source.pools:
        rng = generator(data.seed, "splits", *pool.splits)
        wanted = {split: sizes[split] for split in pool.splits}
        for split, indices in splits.draw_splits(rng, pool.labels, wanted).items():
            selected[split] = Selection(pool, indices)
    return source, selected
