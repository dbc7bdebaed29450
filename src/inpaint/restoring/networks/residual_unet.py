"""The default network: a U-Net that corrects a classical fill."""

import keras

from inpaint.restoring.networks.blocks import (
    CropTo,
    MeanWithMirrorImages,
    ReflectTo,
    WithMirrorImages,
    residual_block,
)
from inpaint.restoring.networks.surroundings import SURROUNDINGS_RADIUS, Surroundings

# On [-1, 1]: added to the contrast (2.5 grey levels) and roughness (0.6) around a pixel, so that an
# even surface is not divided by nothing, and can still be corrected.
_LEAST_CONTRAST = 0.02
_LEAST_ROUGHNESS = 0.005
_MULTIPLE = 4  # pixels; what two levels of halving give back in the same size
# Pixels: how far the convolutions below see, and up to 3 more, because they halve the picture.
_CONVOLUTIONS_RADIUS = 1 + 2 + 4 + 4 * (2 + 3 + 2) + 4 + 2 + 1 + 3
# No pixel farther than this from another one has a say in the other's value.
RADIUS = _CONVOLUTIONS_RADIUS + SURROUNDINGS_RADIUS


def residual_unet(
    channels: int,
    *,
    filters: int,
    dropout: float,
    skip_connections: bool,
    deepest: float,
    mirrored: bool,
) -> keras.Model:
    """A residual U-Net on top of the biharmonic fill, for images of any size.

    It starts as the biharmonic fill itself (the last layer starts at zero) and learns what to add
    to it inside the hole. Nothing saturates. It sees the filled image near the hole with the mean
    and contrast of the surroundings taken out, and its correction grows with their roughness: so
    what it learns of one picture holds for a darker or fainter one, and a smooth fill of a smooth
    image stays one.

    Args:
        channels: of the images.
        filters: of the first level; the lower ones have 2 and 4 times as many.
        dropout: share of activations dropped inside each residual block.
        skip_connections: whether decoder levels see the encoder's.
        deepest: how deep a hole is that it fills at once, in pixels, see ``Surroundings``.
        mirrored: whether it also looks at the mirror image, but not in training, and gives the mean
            of both: better by as much as a longer training, in twice the time. For images that are
            as likely as their mirror images, if it is trained on both.

    Returns:
        A model from `image`, the image with the hole filled, float32 (B, H, W, C) in [-1, 1], and
        `hole`, float32 (B, H, W, 1), 1 = missing, to the whole image, float32 (B, H,
        W, C), not clipped to [-1, 1]. Known pixels are passed through.
    """
    layers = keras.layers

    def block(x: keras.KerasTensor, num: int, dilation: int = 1) -> keras.KerasTensor:
        return residual_block(x, num, dropout=dropout, dilation=dilation)

    def down(x: keras.KerasTensor, num: int) -> keras.KerasTensor:
        return layers.Conv2D(num, 2, strides=2)(x)

    def up(x: keras.KerasTensor, skipped: keras.KerasTensor, num: int) -> keras.KerasTensor:
        x = layers.Conv2DTranspose(num, 2, strides=2)(x)
        return layers.Add()([x, skipped]) if skip_connections else x

    image = keras.Input((None, None, channels), name="image")
    missing = keras.Input((None, None, 1), name="hole")
    filled, hole = ReflectTo(_MULTIPLE)(image), ReflectTo(_MULTIPLE)(missing)
    # Mirrored when they can be halved: so it is done alike in each piece of a large picture.
    if mirrored:
        filled, hole = WithMirrorImages()(filled), WithMirrorImages()(hole)
    near, mean, contrast, roughness = Surroundings(deepest, name="surroundings")(filled, hole)
    normalised = near * (filled - mean) / (contrast + _LEAST_CONTRAST)
    x = layers.Conv2D(filters, 3, padding="same")(layers.Concatenate()([normalised, hole, near]))
    x1 = block(x, filters)
    x2 = block(down(x1, 2 * filters), 2 * filters)
    x = down(x2, 4 * filters)
    for dilation in (1, 2, 1):
        x = block(x, 4 * filters, dilation)
    x = block(up(x, x2, 2 * filters), 2 * filters)
    x = block(up(x, x1, filters), filters)
    x = layers.Activation("silu")(x)
    correction = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="zeros", name="correction"
    )(x)
    scaled = hole * correction * (roughness + _LEAST_ROUGHNESS)
    if mirrored:
        scaled = MeanWithMirrorImages()(scaled)
    output = layers.Add()([image, CropTo()(scaled, image)])
    return keras.Model({"image": image, "hole": missing}, output, name="residual_unet")
