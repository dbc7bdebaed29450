"""Losses: (image_true, image_pred, hole) -> scalar.

Images are float32 (B, H, W, C) in [-1, 1]; holes are float32 (B, H, W, 1), 1 = missing. A new
loss is a function here and its entry in ``LOSSES``. TensorFlow is imported where it computes: it
takes seconds, and who checks params.yaml only wants the names.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from inpaint.scoring.ssim import ssim

if TYPE_CHECKING:
    import tensorflow as tf

_SSIM_WEIGHT = 4.0  # an image's SSIM falls by little for an 8x8 hole; this balances the terms
_LEAST_ERROR = 0.02  # on [-1, 1], 2.5 grey levels: below, the root bends, as 0 has no slope


def mse(image_true: "tf.Tensor", image_pred: "tf.Tensor", _hole: "tf.Tensor") -> "tf.Tensor":
    """Mean squared error over the whole image: the report's loss."""
    import tensorflow as tf

    return tf.reduce_mean(tf.square(image_true - image_pred))


def hole_mse(image_true: "tf.Tensor", image_pred: "tf.Tensor", hole: "tf.Tensor") -> "tf.Tensor":
    """Mean squared error over the missing pixels of the batch."""
    import tensorflow as tf

    squared = tf.reduce_mean(tf.square(image_true - image_pred), axis=-1, keepdims=True)
    return tf.reduce_sum(squared * hole) / tf.maximum(tf.reduce_sum(hole), 1.0)


def hole_rmse_ssim(
    image_true: "tf.Tensor", image_pred: "tf.Tensor", hole: "tf.Tensor"
) -> "tf.Tensor":
    """Error over the missing pixels plus (1 - SSIM) of the image with known pixels restored.

    The error is the root of each image's own mean square, so that few large holes, half an image,
    do not drown many small ones: with the mean over the batch's pixels, nothing was learned of
    these.
    """
    import tensorflow as tf

    squared = tf.reduce_mean(tf.square(image_true - image_pred), axis=-1, keepdims=True)
    num_missing = tf.maximum(tf.reduce_sum(hole, axis=(1, 2, 3)), 1.0)
    of_each = tf.reduce_sum(squared * hole, axis=(1, 2, 3)) / num_missing
    error = tf.reduce_mean(tf.sqrt(of_each + _LEAST_ERROR**2)) - _LEAST_ERROR
    composite = hole * image_pred + (1 - hole) * image_true
    return error + _SSIM_WEIGHT * (1 - tf.reduce_mean(ssim(image_true, composite)))


LOSSES: "dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]]" = {
    "mse": mse,
    "hole_mse": hole_mse,
    "hole_rmse_ssim": hole_rmse_ssim,
}


def num_averaged(loss: str, hole: "tf.Tensor") -> "tf.Tensor":
    """Over how many things a loss is a mean, float32: what a part of a batch counts for."""
    import tensorflow as tf

    if loss == "hole_mse":
        return tf.reduce_sum(hole)
    return tf.cast(tf.shape(hole)[0], tf.float32)
