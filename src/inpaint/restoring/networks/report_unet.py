"""The network of the report that this project starts from."""

import keras

from inpaint.restoring.networks.blocks import RepeatedConv2DTranspose


def report_unet(
    channels: int,
    *,
    filters: int,
    dropout: float,
    skip_connections: bool,
    deepest: float = 0,
    mirrored: bool = False,
) -> keras.Model:
    """The report's U-Net, layer for layer with 32 filters, dropout 0.2 and skip connections.

    Only its upsampling and the transposed convolution after it are one layer here, with the same
    weights and the same output in less time.

    The report's random rotation and zoom of the input are no layers here; they belong to training
    (`train.augmentation: input`) and are inactive otherwise in the report's model as well.

    Args:
        channels: of the images, whose height and width have to be divisible by 4.
        filters: of the first level; the lower ones have 2 and 4 times as many.
        dropout: share of activations dropped after each encoder level.
        skip_connections: whether decoder levels see the encoder's.
        deepest: not looked at; the network sees whole images.
        mirrored: not looked at; it is the report's.

    Returns:
        A model from `image`, the masked image, float32 (B, H, W, C) with -1 under the hole, to the
        whole image, float32 (B, H, W, C) in [-1, 1] by tanh. Known pixels are predicted as well.
    """
    del deepest, mirrored
    layers = keras.layers

    def conv(x: keras.KerasTensor, num: int) -> keras.KerasTensor:
        return layers.Conv2D(num, 3, padding="same", activation="relu")(x)

    def encode(x: keras.KerasTensor, num: int) -> keras.KerasTensor:
        return layers.Dropout(dropout)(conv(conv(x, num), num))

    def decode(x: keras.KerasTensor, skipped: keras.KerasTensor, num: int) -> keras.KerasTensor:
        x = RepeatedConv2DTranspose(num, 3, strides=2, padding="same", activation="relu")(x)
        if skip_connections:
            x = layers.Concatenate()([x, skipped])
        return conv(x, num)

    image = keras.Input((None, None, channels), name="image")
    c1 = encode(image, filters)
    c2 = encode(layers.MaxPooling2D(2)(c1), 2 * filters)
    x = conv(layers.MaxPooling2D(2)(c2), 4 * filters)
    x = decode(x, c2, 2 * filters)
    x = decode(x, c1, filters)
    output = layers.Conv2D(channels, 3, padding="same", activation="tanh")(x)
    return keras.Model({"image": image}, output, name="report_unet")
