"""What a source of images offers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Pool:
    """Images that one or more splits are drawn from.

    Attributes:
        splits: the names of those splits.
        labels: (N,), the class of each image, to stratify by.
        names: what each image is called at its source, length N: an index in the official file,
            or photograph, row and column of a crop.
        groups: (N,), images of one group are not independent (crops of one photograph).
        take: indices, int (n,) -> uint8 (n, H, W, C).
        left_out: files of the source that cannot be used, with the reason, and so in no pool.
    """

    splits: tuple[str, ...]
    labels: np.ndarray
    names: Sequence[int | str]
    groups: np.ndarray
    take: Callable[[np.ndarray], np.ndarray]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_images(cls, splits: tuple[str, ...], images: np.ndarray, labels: np.ndarray) -> "Pool":
        """A pool of independent images, uint8 (N, H, W) or (N, H, W, C)."""
        images = images if images.ndim == 4 else images[..., np.newaxis]
        num = len(images)
        return cls(splits, labels, list(range(num)), np.arange(num), images.__getitem__)
