"""Augmentation of image and target together, before the hole is cut."""

import cv2
import numpy as np

_MAX_ROTATION_DEG = 12.0
_MAX_ZOOM = 0.12  # as a share of the size, in and out
_MAX_SHIFT = 2.0  # pixels, in each direction


def joint(rng: np.random.Generator, images: np.ndarray, *, photographs: bool) -> np.ndarray:
    """Rotate, zoom and shift each image at random; mirror half of them if they are photographs.

    A digit is not mirrored: it would be another sign. Photographs are left unrotated half of the
    time, because interpolation takes away the fine texture that they should teach.

    Args:
        rng: the source of randomness.
        images: uint8 (B, H, W, C).
        photographs: whether a mirror image is as natural as the image.

    Returns:
        New images of the same shape and type.
    """
    num, (height, width) = len(images), images.shape[1:3]
    angles = rng.uniform(-_MAX_ROTATION_DEG, _MAX_ROTATION_DEG, num)
    zooms = rng.uniform(1 - _MAX_ZOOM, 1 + _MAX_ZOOM, num)
    shifts = rng.uniform(-_MAX_SHIFT, _MAX_SHIFT, (num, 2))
    mirrored = rng.random(num) < (0.5 if photographs else 0)
    untouched = rng.random(num) < (0.5 if photographs else 0)
    result = np.empty_like(images)
    center = ((width - 1) / 2, (height - 1) / 2)
    for i, image in enumerate(images):
        if not untouched[i]:
            transform = cv2.getRotationMatrix2D(center, angles[i], zooms[i])
            transform[:, 2] += shifts[i]
            image = cv2.warpAffine(
                image, transform, (width, height), borderMode=cv2.BORDER_REFLECT_101
            ).reshape(image.shape)
        result[i] = image[:, ::-1] if mirrored[i] else image
    return result
