"""Pixels: their 8-bit values, the scale that networks see, and how many are looked at at once."""

from collections.abc import Iterator

import numpy as np

# Pixels, 250 images of 28x28 or one large piece of a picture; with the mirror images, a network
# looks at twice as much.
_AT_ONCE = 200_000


def to_signed(images: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255] -> float32 in [-1, 1], the scale that networks see and SSIM is taken on."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(signed: np.ndarray) -> np.ndarray:
    """The inverse of :func:`to_signed`: rounds, and clips what lies outside [-1, 1]."""
    return np.clip(np.rint((signed + 1) * 127.5), 0, 255).astype(np.uint8)


def num_at_once(height: int, width: int) -> int:
    """How many images are looked at together where there is no gradient: 1 or more."""
    return max(1, _AT_ONCE // (height * width))


def in_parts(num_images: int, height: int, width: int) -> Iterator[slice]:
    """The images that are looked at together, part by part."""
    num = num_at_once(height, width)
    return (slice(start, start + num) for start in range(0, num_images, num))
