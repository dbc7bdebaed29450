"""The networks by name, and what each is given to look at.

Every network maps a dictionary of inputs to the whole image, float32 (B, H, W, C), where -1 is
black and 1 is white. A new one is a file here that builds it, and its entry in ``NETWORKS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint.restoring import fill
from inpaint.restoring.pixels import to_signed

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Network:
    """How to build a network, and how its input is made from an image with a hole.

    Attributes:
        build: (image_shape, filters, dropout, skip_connections) -> keras.Model
        fill: what the hole is filled with in the network's input.
        sees_hole: whether the hole itself is a second input.
    """

    build: "Callable[..., keras.Model]"
    fill: fill.Fill
    sees_hole: bool


# Keras takes seconds to import: only building a network does, not reading the names below.
def _report_unet(*shape: Any, **options: Any) -> "keras.Model":
    from inpaint.restoring.networks.report_unet import report_unet

    return report_unet(*shape, **options)


def _residual_unet(*shape: Any, **options: Any) -> "keras.Model":
    from inpaint.restoring.networks.residual_unet import residual_unet

    return residual_unet(*shape, **options)


NETWORKS = {
    "residual_unet": Network(_residual_unet, fill.biharmonic, sees_hole=True),
    "report_unet": Network(_report_unet, fill.constant, sees_hole=False),
}


def network_inputs(name: str, images: np.ndarray, holes: np.ndarray) -> dict[str, np.ndarray]:
    """What the network ``name`` is given: the images with their holes filled, and maybe the holes.

    Args:
        name: a key of ``NETWORKS``.
        images: uint8 (B, H, W, C); what lies under a hole does not matter.
        holes: bool (B, H, W), True = missing.

    Returns:
        `image`, float32 (B, H, W, C) in [-1, 1], and, if the network sees it, `hole`, float32
        (B, H, W, 1), 1 = missing.
    """
    network = NETWORKS[name]
    inputs = {"image": to_signed(network.fill(images, holes))}
    if network.sees_hole:
        inputs["hole"] = holes[..., np.newaxis].astype(np.float32)
    return inputs
