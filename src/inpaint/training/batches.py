"""From images and settings to the batches of an epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from inpaint.restoring.coarse import with_true_inside
from inpaint.restoring.fill.regions import DEEPEST
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import to_signed
from inpaint.training import augment

_ALL = slice(None)


@dataclass(frozen=True)
class Batch:
    """One batch, as float32.

    Attributes:
        inputs: what the network sees, see :func:`inpaint.restoring.networks.network_inputs`.
        image_true: (B, H, W, C) in [-1, 1].
        hole: (B, H, W, 1), 1 = missing.
        num_images: of the whole batch, of which this may be one process's part.
    """

    inputs: dict[str, np.ndarray]
    image_true: np.ndarray
    hole: np.ndarray
    num_images: int


def make_batch(network: str, images: np.ndarray, holes: np.ndarray, part: slice = _ALL) -> Batch:
    """A batch, or the part that one process computes, from all its images, uint8 (B, H, W, C), and
    their holes, bool (B, H, W).

    A network that fills deep holes from a smaller picture is given their inside, see
    :mod:`inpaint.restoring.coarse`, so it is no part of the batch's hole.
    """
    num_images, images, holes = len(images), images[part], holes[part]
    given, left = images, holes
    if NETWORKS[network].is_local:
        given, left = with_true_inside(images, holes, DEEPEST)
    return Batch(
        inputs=network_inputs(network, given, left),
        image_true=to_signed(images),
        hole=left[..., np.newaxis].astype(np.float32),
        num_images=num_images,
    )


@dataclass(frozen=True)
class BatchSource:
    """Draws an epoch's batches from the training images.

    Attributes:
        network: its name decides what its input looks like.
        images: uint8 (N, H, W, C), may be memory-mapped.
        holes: bool (N, H, W), the hole of each image, or (any, H, W), holes to draw from.
        draw_holes: whether each image gets any of the holes, drawn anew for each batch.
        batch_size: images per batch; the last one of an epoch may be smaller.
        augment_jointly: whether to augment image and target together.
        motif: see :func:`inpaint.training.augment.joint`.
    """

    network: str
    images: np.ndarray
    holes: np.ndarray
    draw_holes: bool
    batch_size: int
    augment_jointly: bool
    motif: str

    @property
    def batches_per_epoch(self) -> int:
        return -(-len(self.images) // self.batch_size)

    @property
    def mirrors(self) -> bool:
        """Whether mirror images are drawn as often as the images themselves."""
        return self.augment_jointly and augment.mirrors(self.motif)

    def epoch(
        self, rng: np.random.Generator, own: Callable[[int], slice] = lambda _: _ALL
    ) -> Iterator[Batch]:
        """Every training image once, in random order.

        Args:
            rng: gives the same batches to all processes that share a training.
            own: which images of a batch of so many this process computes.
        """
        order = rng.permutation(len(self.images))
        for start in range(0, len(order), self.batch_size):
            chosen = np.sort(order[start : start + self.batch_size])
            images = np.asarray(self.images[chosen])
            if self.augment_jointly:
                images = augment.joint(rng, images, self.motif)
            places = rng.integers(len(self.holes), size=len(chosen)) if self.draw_holes else chosen
            holes = np.asarray(self.holes[places])
            yield make_batch(self.network, images, holes, own(len(images)))
