"""From images and settings to the batches of an epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inpaint import holes as hole_shapes
from inpaint.metrics import to_signed
from inpaint.networks import network_inputs
from inpaint.params import MaskParams
from inpaint.training import augment


@dataclass(frozen=True)
class Batch:
    """One batch, as float32.

    Attributes:
        inputs: what the network sees, see :func:`inpaint.networks.network_inputs`.
        image_true: (B, H, W, C) in [-1, 1].
        hole: (B, H, W, 1), 1 = missing.
    """

    inputs: dict[str, np.ndarray]
    image_true: np.ndarray
    hole: np.ndarray


def make_batch(network: str, images: np.ndarray, holes: np.ndarray) -> Batch:
    """A batch from images, uint8 (B, H, W, C), and their holes, bool (B, H, W)."""
    return Batch(
        inputs=network_inputs(network, images, holes),
        image_true=to_signed(images),
        hole=holes[..., np.newaxis].astype(np.float32),
    )


@dataclass(frozen=True)
class BatchSource:
    """Draws an epoch's batches from the training images.

    Attributes:
        network: its name decides what its input looks like.
        images: uint8 (N, H, W, C), may be memory-mapped.
        holes: bool (N, H, W), the holes to train on, or None to draw new ones each time.
        mask: what drawn holes look like.
        batch_size: images per batch; the last one of an epoch may be smaller.
        augment_jointly: whether to augment image and target together.
        photographs: see :func:`inpaint.training.augment.joint`.
    """

    network: str
    images: np.ndarray
    holes: np.ndarray | None
    mask: MaskParams
    batch_size: int
    augment_jointly: bool
    photographs: bool

    @property
    def batches_per_epoch(self) -> int:
        return -(-len(self.images) // self.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Every training image once, in random order."""
        order = rng.permutation(len(self.images))
        for start in range(0, len(order), self.batch_size):
            chosen = np.sort(order[start : start + self.batch_size])
            images = np.asarray(self.images[chosen])
            if self.augment_jointly:
                images = augment.joint(rng, images, photographs=self.photographs)
            holes = self._draw_holes(rng, images) if self.holes is None else self.holes[chosen]
            yield make_batch(self.network, images, holes)

    def _draw_holes(self, rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
        num, height, width, _ = images.shape
        # A centred hole drawn again is the same hole; one of its size anywhere teaches more.
        kind = "box" if self.mask.kind == "center" else self.mask.kind
        return hole_shapes.draw(rng, kind, num, height, width, self.mask.size)
