"""Pixel values: 8-bit images, and the scale that networks see."""

import numpy as np


def to_signed(images: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255] -> float32 in [-1, 1], the scale that networks see and SSIM is taken on."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(signed: np.ndarray) -> np.ndarray:
    """The inverse of :func:`to_signed`: rounds, and clips what lies outside [-1, 1]."""
    return np.clip(np.rint((signed + 1) * 127.5), 0, 255).astype(np.uint8)
