"""Augmentation of image and target together, before the hole is cut."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class _Limits:
    """How far images are changed at most.

    Attributes:
        rotation_deg: in both directions.
        zoom: logarithm of the change of size, in and out.
        stretch: logarithm of the change of width; the height changes by the inverse.
        shear: columns per row.
        shift: pixels, in each direction.
        warped: share of the images that do not keep their pixel grid; the others are at most
            shifted by whole pixels, mirrored and put another way up.
        mirrored: share of the images.
        any_way_up: whether half of the images are flipped top to bottom, and half transposed.
    """

    rotation_deg: float
    zoom: float
    stretch: float
    shear: float
    shift: float
    warped: float
    mirrored: float
    any_way_up: bool = False


# Shifts bring another part of a photograph under the hole. Half of the photographs keep their pixel
# grid, because interpolation takes away the fine texture that they should teach.
_LIMITS = {
    # A mirrored digit would be another sign.
    "signs": _Limits(20, zoom=0.2, stretch=0.13, shear=0.26, shift=2.5, warped=1, mirrored=0),
    "photographs": _Limits(22, zoom=0.22, stretch=0, shear=0.15, shift=8, warped=0.5, mirrored=0.5),
    "crops": _Limits(
        180, zoom=0.6, stretch=0, shear=0.1, shift=8, warped=0.5, mirrored=0.5, any_way_up=True
    ),
}


def mirrors(motif: str) -> bool:
    """Whether images of a motif are mirrored as well."""
    return _LIMITS[motif].mirrored > 0


def joint(rng: np.random.Generator, images: np.ndarray, motif: str) -> np.ndarray:
    """Change each image at random, as far as its motif allows.

    What comes in from outside, shifted in or zoomed out to, is the image reflected at its border.

    Args:
        rng: the source of randomness.
        images: uint8 (B, H, W, C).
        motif: "signs" (upright and in the centre: rotated, zoomed, stretched, sheared and shifted
            a little), "photographs" (of anything: mirrored as well, and shifted far) or "crops" (of
            any part at any scale: turned at will as well, and zoomed far).

    Returns:
        New images of the same shape and type.
    """
    height, width = images.shape[1:3]
    limits = _LIMITS[motif]
    result = np.empty_like(images)
    for i, transform in enumerate(_transforms(rng, len(images), height, width, limits)):
        # Cubic: linear interpolation blurs, and digits that are sharper come as a surprise then.
        warped = cv2.warpAffine(
            images[i],
            transform,
            (width, height),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        result[i] = warped.reshape(images.shape[1:])
    return result


def _transforms(
    rng: np.random.Generator, num: int, height: int, width: int, limits: _Limits
) -> np.ndarray:
    """Affine transforms about the image's centre, as OpenCV takes them: float64 (num, 2, 3)."""

    def within(limit: float) -> np.ndarray:
        return rng.uniform(-limit, limit, num)

    angle, zoom = np.radians(within(limits.rotation_deg)), within(limits.zoom)
    stretch, shear = within(limits.stretch), within(limits.shear)
    zero, one = np.zeros(num), np.ones(num)
    rotation = _matrices(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
    scale = _matrices(np.exp(zoom + stretch), zero, zero, np.exp(zoom - stretch))
    linear = rotation @ _matrices(one, shear, zero, one) @ scale
    shift = np.stack([within(limits.shift), within(limits.shift)], axis=1)
    only_shifted = rng.random(num) >= limits.warped
    linear[only_shifted] = np.eye(2)
    shift[only_shifted] = np.rint(shift[only_shifted])
    mirrored = rng.random(num) < limits.mirrored
    linear[mirrored, 0] *= -1
    if limits.any_way_up:
        linear[rng.random(num) < 0.5, 1] *= -1
        transposed = rng.random(num) < 0.5
        linear[transposed] = linear[transposed, ::-1]
    center = np.array([width - 1, height - 1]) / 2
    return np.concatenate([linear, (center - linear @ center + shift)[..., np.newaxis]], axis=2)


def _matrices(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """((a, b), (c, d)) for each of the elements: (N, 2, 2)."""
    return np.stack([np.stack([a, b], axis=1), np.stack([c, d], axis=1)], axis=1)
