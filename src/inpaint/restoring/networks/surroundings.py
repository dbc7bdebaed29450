"""What lies around each pixel: how bright, contrasted and rough the known pixels are there.

A network that sees a picture in the scale of its surroundings fills a hole alike in a bright part
and in a dark one, and in a small image and in a large picture: nothing far from it has a say.
"""

from collections.abc import Callable
from typing import Any

import keras

from inpaint.restoring.regions import REACH

# Pixels: the standard deviation of the weights of the pixels around one, and where they end.
_SIGMA, _RADIUS = 8.0, 24
# How far from a missing pixel a pixel can be that has a say in `Surroundings` of it: one more for a
# gradient, and REACH for the holes that decide what is near.
SURROUNDINGS_RADIUS = _RADIUS + 1 + REACH
_NONE = 1e-6  # weight of known pixels below which there are none

Tensor = Any  # of the backend; Keras has no types


@keras.saving.register_keras_serializable(package="inpaint")
class Surroundings(keras.layers.Layer):
    """Statistics of the known pixels near a hole, around each pixel.

    ``(filled, hole)``, (B, H, W, C) and (B, H, W, 1) with 1 = missing, give four of (B, H, W, 1):

    - near: 1 for the hole and the pixels up to ``REACH`` from it, 0 for what is never looked at.
    - mean, over all channels.
    - contrast: standard deviation about that mean.
    - roughness: root mean square of the gradient, over pairs of known neighbours.

    The known pixels that are near are weighted by a Gaussian of their distance. The sums are
    products with band matrices, which for its width are faster than convolutions.

    Args:
        deepest: pixels from a missing pixel to the nearest known one, at most, in the holes that
            the network is trained on: it is saved here, for those who use the network.
    """

    def __init__(self, deepest: float, **options: Any) -> None:
        super().__init__(**options)
        self.deepest = deepest

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"deepest": self.deepest}

    def call(self, filled: Tensor, hole: Tensor) -> tuple[Tensor, ...]:
        ops = keras.ops
        _, height, width, _ = ops.shape(filled)
        near = _over_window(hole, height, width, REACH, ops.ones_like)
        near = ops.cast(near > 0.5, filled.dtype)
        known = near * (1 - hole)

        def around(x: Tensor) -> Tensor:
            return _over_window(x, height, width, _RADIUS, _gaussian)

        def mean_of(x: Tensor, weight: Tensor) -> Tensor:
            return around(weight * x) / ops.maximum(around(weight), _NONE)

        mean = mean_of(_over_channels(filled), known)
        square = mean_of(_over_channels(ops.square(filled)), known)
        contrast = ops.sqrt(ops.maximum(square - ops.square(mean), 0.0))
        squared_gradient = sum(mean_of(*_steps(filled, known, axis)) for axis in (1, 2))
        return near, mean, contrast, ops.sqrt(squared_gradient)

    def compute_output_shape(
        self, filled_shape: tuple[int | None, ...], hole_shape: tuple[int | None, ...]
    ) -> list[tuple[int | None, ...]]:
        del hole_shape
        return [(*filled_shape[:3], 1)] * 4


def _over_window(
    x: Tensor, height: int, width: int, radius: int, weight: Callable[[Tensor], Tensor]
) -> Tensor:
    """Weighted sums over the square window around each pixel: (B, H, W, C) -> the same."""
    rows, columns = (_band_matrix(size, radius, weight) for size in (height, width))
    return keras.ops.einsum("ih,bhwc,jw->bijc", rows, x, columns)


def _band_matrix(size: int, radius: int, weight: Callable[[Tensor], Tensor]) -> Tensor:
    """Weights by distance, up to ``radius``, along one side: float32 (size, size)."""
    place = keras.ops.arange(size)
    distance = keras.ops.cast(keras.ops.abs(place[:, None] - place), "float32")
    return keras.ops.where(distance <= radius, weight(distance), 0.0)


def _gaussian(distance: Tensor) -> Tensor:
    return keras.ops.exp(-keras.ops.square(distance) / (2 * _SIGMA**2))


def _over_channels(x: Tensor) -> Tensor:
    return keras.ops.mean(x, axis=-1, keepdims=True)


def _steps(image: Tensor, known: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Squared steps from each pixel to the next one along an axis, and where both are known."""
    first = (slice(None),) * axis + (slice(None, -1),)
    second = (slice(None),) * axis + (slice(1, None),)
    padding = [(0, int(i == axis)) for i in range(4)]
    squared = _over_channels(keras.ops.square(image[second] - image[first]))
    both = known[second] * known[first]
    return keras.ops.pad(squared, padding), keras.ops.pad(both, padding)
