"""The networks by name, and what each is given to look at.

Every network maps a dictionary of inputs to the whole image, float32 (B, H, W, C), where -1 is
black and 1 is white. It is for a number of channels, not for a size. A new one is a file here that
builds it, and its entry in ``NETWORKS``.
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
        build: (channels, filters, dropout, skip_connections, deepest, mirrored) -> keras.Model,
            where deepest is how deep a hole it fills at once, see ``Surroundings``,
            and mirrored tells whether it is trained on mirror images as well
        fill: what the hole is filled with in the network's input.
        sees_hole: whether the hole itself is a second input.
        is_local: whether it passes known pixels through, and fills a hole by what lies within
            ``regions.REACH`` of it alone: then each region is filled by itself. (For holes that
            are too deep to be filled at once, it is what lies so near in a smaller picture.)
        multiple: what height and width of its images have to be multiples of.
    """

    build: "Callable[..., keras.Model]"
    fill: fill.Fill
    sees_hole: bool
    is_local: bool
    multiple: int


# Keras takes seconds to import: only building a network does, not reading the names below.
def _report_unet(channels: int, **options: Any) -> "keras.Model":
    from inpaint.restoring.networks.report_unet import report_unet

    return report_unet(channels, **options)


def _residual_unet(channels: int, **options: Any) -> "keras.Model":
    from inpaint.restoring.networks.residual_unet import residual_unet

    return residual_unet(channels, **options)


NETWORKS = {
    "residual_unet": Network(
        _residual_unet, fill.biharmonic, sees_hole=True, is_local=True, multiple=1
    ),
    "report_unet": Network(
        _report_unet, fill.constant, sees_hole=False, is_local=False, multiple=4
    ),
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

    Raises:
        ValueError: a side of the images is no multiple of what the network needs.
    """
    network = NETWORKS[name]
    height, width = images.shape[1:3]
    if height % network.multiple or width % network.multiple:
        raise ValueError(
            f"images: received {height}x{width} pixels, allowed for {name}: multiples of "
            f"{network.multiple}"
        )
    inputs = {"image": to_signed(network.fill(images, holes))}
    if network.sees_hole:
        inputs["hole"] = holes[..., np.newaxis].astype(np.float32)
    return inputs
