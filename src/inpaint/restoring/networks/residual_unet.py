"""The default network: a U-Net that corrects a classical fill."""

import keras

from inpaint.restoring.networks.blocks import check_divisible, residual_block

# On [-1, 1]: added to every image's contrast (2.5 grey levels) and roughness (0.6), so that an even
# image is not divided by nothing, and can still be corrected.
_LEAST_CONTRAST = 0.02
_LEAST_ROUGHNESS = 0.005


def residual_unet(
    image_shape: tuple[int, int, int], *, filters: int, dropout: float, skip_connections: bool
) -> keras.Model:
    """A residual U-Net on top of the biharmonic fill.

    It starts as the biharmonic fill itself (the last layer starts at zero) and learns what to add
    to it inside the hole. Nothing saturates. It sees each filled image with its own mean and
    contrast taken out, and its correction grows with the filled image's roughness: so what it
    learns of one picture holds for a darker or fainter one, and a smooth fill of a smooth image
    stays one.

    Args:
        image_shape: height, width, channels; height and width divisible by 4.
        filters: of the first level; the lower ones have 2 and 4 times as many.
        dropout: share of activations dropped inside each residual block.
        skip_connections: whether decoder levels see the encoder's.

    Returns:
        A model from `image`, the image with the hole filled, float32 (B, H, W, C) in [-1, 1], and
        `hole`, float32 (B, H, W, 1), 1 = missing, to the whole image, float32 (B, H,
        W, C), not clipped to [-1, 1]. Known pixels are passed through.
    """
    check_divisible(image_shape, by=4)
    layers = keras.layers

    def block(x: keras.KerasTensor, num: int, dilation: int = 1) -> keras.KerasTensor:
        return residual_block(x, num, dropout=dropout, dilation=dilation)

    def down(x: keras.KerasTensor, num: int) -> keras.KerasTensor:
        return layers.Conv2D(num, 2, strides=2)(x)

    def up(x: keras.KerasTensor, skipped: keras.KerasTensor, num: int) -> keras.KerasTensor:
        x = layers.Conv2DTranspose(num, 2, strides=2)(x)
        return layers.Add()([x, skipped]) if skip_connections else x

    filled = keras.Input(image_shape, name="image")
    hole = keras.Input((*image_shape[:2], 1), name="hole")
    normalised = (filled - _mean(filled)) / (_contrast(filled) + _LEAST_CONTRAST)
    x = layers.Conv2D(filters, 3, padding="same")(layers.Concatenate()([normalised, hole]))
    x1 = block(x, filters)
    x2 = block(down(x1, 2 * filters), 2 * filters)
    x = down(x2, 4 * filters)
    for dilation in (1, 2, 1):
        x = block(x, 4 * filters, dilation)
    x = block(up(x, x2, 2 * filters), 2 * filters)
    x = block(up(x, x1, filters), filters)
    x = layers.Activation("silu")(x)
    correction = layers.Conv2D(
        image_shape[-1], 3, padding="same", kernel_initializer="zeros", name="correction"
    )(x)
    scaled = correction * (_roughness(filled) + _LEAST_ROUGHNESS)
    output = layers.Add()([filled, layers.Multiply()([hole, scaled])])
    return keras.Model({"image": filled, "hole": hole}, output, name="residual_unet")


def _mean(x: keras.KerasTensor) -> keras.KerasTensor:
    """Of each image, all channels together: (B, H, W, C) -> (B, 1, 1, 1)."""
    return keras.ops.mean(x, axis=(1, 2, 3), keepdims=True)


def _contrast(image: keras.KerasTensor) -> keras.KerasTensor:
    """Standard deviation of each image, all channels together: (B, H, W, C) -> (B, 1, 1, 1)."""
    return keras.ops.std(image, axis=(1, 2, 3), keepdims=True)


def _roughness(image: keras.KerasTensor) -> keras.KerasTensor:
    """Root mean square of each image's gradient: (B, H, W, C) -> (B, 1, 1, 1), per pixel."""
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return keras.ops.sqrt(_mean(keras.ops.square(down)) + _mean(keras.ops.square(right)))
