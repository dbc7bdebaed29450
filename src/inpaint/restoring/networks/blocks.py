"""Pieces that networks are made of."""

from typing import Any

import keras


def residual_block(x: keras.KerasTensor, num: int, *, dropout: float, dilation: int = 1):  # type: ignore[no-untyped-def]
    """Two 3x3 convolutions whose result is added to their input: (B, H, W, num) -> the same.

    Pre-activation order (He et al., 2016, arXiv 1603.05027), without normalisation; the second
    convolution starts at zero, so that a fresh block passes its input on.
    """
    layers = keras.layers
    y = layers.Activation("silu")(x)
    y = layers.Conv2D(num, 3, padding="same", dilation_rate=dilation)(y)
    y = layers.Activation("silu")(y)
    y = layers.Dropout(dropout)(y)
    y = layers.Conv2D(num, 3, padding="same", kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


@keras.saving.register_keras_serializable(package="inpaint")
class RepeatedConv2DTranspose(keras.layers.Conv2DTranspose):
    """``UpSampling2D(2)`` and then ``Conv2DTranspose(filters, 3, padding="same")``, in one pass.

    Repeating pixels is itself a transposed convolution, with stride 2 and a 2x2 kernel of ones. So
    both together are one with a 4x4 kernel: the same weights give the same output, at less than
    half of the arithmetic. (B, H, W, any) -> (B, 2H, 2W, filters).

    It takes the options of ``Conv2DTranspose``, but of a 3x3 kernel, stride 2, "same" and a bias.
    """

    def __init__(self, filters: int, kernel_size: int, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)
        received = (self.kernel_size, self.strides, self.padding, self.use_bias)
        if received != ((3, 3), (2, 2), "same", True):
            raise ValueError(
                f"kernel, strides, padding, bias: received {received}, allowed: 3x3, 2, same, True"
            )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        k = keras.ops.pad(self.kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
        kernel = k[1:, 1:] + k[1:, :-1] + k[:-1, 1:] + k[:-1, :-1]
        outputs = keras.ops.conv_transpose(inputs, kernel, strides=2, padding="same")
        return self.activation(outputs + self.bias)


@keras.saving.register_keras_serializable(package="inpaint")
class ReflectTo(keras.layers.Layer):
    """Reflects images at their lower and right border until their sides are multiples of a number.

    (B, H, W, C) -> (B, H', W', C). Those that are so already stay as they are.
    """

    def __init__(self, multiple: int, **options: Any) -> None:
        super().__init__(**options)
        self.multiple = multiple

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        for axis in (1, 2):
            size = keras.ops.shape(inputs)[axis]
            # Rounded up; a remainder of -size is another number in ONNX.
            place = keras.ops.arange((size + self.multiple - 1) // self.multiple * self.multiple)
            # An image of one pixel has none to reflect: it is repeated.
            reflected = keras.ops.maximum(2 * (size - 1) - place, 0)
            inputs = keras.ops.take(
                inputs, keras.ops.where(place < size, place, reflected), axis=axis
            )
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        num, height, width, channels = input_shape
        sides = (side and side + -side % self.multiple for side in (height, width))
        return (num, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"multiple": self.multiple}


@keras.saving.register_keras_serializable(package="inpaint")
class CropTo(keras.layers.Layer):
    """Takes away what :class:`ReflectTo` has added.

    (B, H', W', any) and the image as it was, (B, H, W, C) -> (B, H, W, any).
    """

    def call(self, inputs: keras.KerasTensor, image: keras.KerasTensor) -> keras.KerasTensor:
        _, height, width, _ = keras.ops.shape(image)
        return inputs[:, :height, :width]

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], image_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*image_shape[:3], inputs_shape[3])


@keras.saving.register_keras_serializable(package="inpaint")
class WithMirrorImages(keras.layers.Layer):
    """Adds the mirror image of each image of a batch, but not in training.

    (B, H, W, any) -> (2B, H, W, any), first those as they are.
    """

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if training:
            return inputs
        return keras.ops.concatenate([inputs, _mirrored(inputs)])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])


@keras.saving.register_keras_serializable(package="inpaint")
class MeanWithMirrorImages(keras.layers.Layer):
    """Takes the mean of what was made of images and of their mirror images.

    (2B, H, W, any), as :class:`WithMirrorImages` orders them, -> (B, H, W, any); in training, as
    it is.
    """

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if training:
            return inputs
        num = keras.ops.shape(inputs)[0] // 2
        return (inputs[:num] + _mirrored(inputs[num:])) / 2

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])


def _mirrored(images: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.flip(images, axis=2)
