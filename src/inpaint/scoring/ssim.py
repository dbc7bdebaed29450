"""SSIM (Wang et al., 2004, doi 10.1109/TIP.2003.819861) on the scale [-1, 1], in TensorFlow.

The same as ``tf.image.ssim``, whose window, 11x11 pixels, is separable: each one-dimensional filter
is a product with a matrix. On small images, that is several times as fast.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

# SSIM is not invariant to an offset, so that the scale of the images is part of its definition:
# the report's is [-1, 1].
DATA_RANGE = 2.0
SIGMA = 1.5  # pixels, of the Gaussian window
WINDOW = 11  # pixels
_C1, _C2 = (0.01 * DATA_RANGE) ** 2, (0.03 * DATA_RANGE) ** 2


def ssim(image_true: "tf.Tensor", image_pred: "tf.Tensor") -> "tf.Tensor":
    """SSIM of each image, (B,), from float (B, H, W, C) in [-1, 1], in the precision of these."""
    import tensorflow as tf

    rows, columns = (
        tf.constant(_windows(size), image_true.dtype) for size in image_true.shape[1:3]
    )

    def smooth(x: "tf.Tensor") -> "tf.Tensor":
        return tf.einsum("ih,bhwc,jw->bijc", rows, x, columns)

    mean_true, mean_pred = smooth(image_true), smooth(image_pred)
    product = mean_true * mean_pred
    squares = tf.square(mean_true) + tf.square(mean_pred)
    covariance = smooth(image_true * image_pred) - product
    variances = smooth(tf.square(image_true) + tf.square(image_pred)) - squares
    luminance = (2 * product + _C1) / (squares + _C1)
    contrast = (2 * covariance + _C2) / (variances + _C2)
    return tf.reduce_mean(luminance * contrast, axis=(1, 2, 3))


@lru_cache(maxsize=8)
def _windows(size: int) -> np.ndarray:
    """The Gaussian window, of sum 1, at each place where it fits: float64 (size - 10, size)."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-np.square(offsets) / (2 * SIGMA**2))
    matrix = np.zeros((size - WINDOW + 1, size))
    for i, row in enumerate(matrix):
        row[i : i + WINDOW] = window / window.sum()
    return matrix
