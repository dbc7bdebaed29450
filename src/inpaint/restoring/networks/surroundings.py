"""What lies around each pixel: how bright, contrasted and rough the known pixels are there.

A network that sees a picture in the scale of its surroundings fills a hole alike in a bright part
and in a dark one, and in a small image and in a large picture: nothing far from it has a say.
"""

import math
from collections.abc import Callable
from typing import Any

import keras

from inpaint.restoring.fill.regions import DEEPEST, REACH

# Pixels: the standard deviation of the weights of the pixels around one, and where they end.
_SIGMA, _RADIUS = 8.0, DEEPEST
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
        deepest: how deep a hole is that the network fills at once, in pixels, see
            ``coarse.deepest_at_once``. It is saved here for those who use the network.

    Raises:
        ValueError: ``deepest`` is no number, or less than a pixel.
    """

    def __init__(self, deepest: float, **options: Any) -> None:
        if not isinstance(deepest, int | float) or not 1 <= deepest < math.inf:  # a file says it
            raise ValueError(f"deepest: received {deepest!r:.100}, allowed: 1 or more, in pixels")
        super().__init__(**options)
        self.deepest = deepest

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"deepest": self.deepest}

    def call(self, filled: Tensor, hole: Tensor) -> tuple[Tensor, ...]:
        ops = keras.ops
        # The contrast of an even surface is a small difference of large sums: in float32, it would
        # depend on how much of the picture is looked at.
        filled, missing = ops.cast(filled, "float64"), ops.cast(hole[..., 0], "float64")
        (near,) = _over_windows([missing], REACH, ops.ones_like)
        near = ops.cast(near > 0.5, "float64")  # (B, H, W), as all from here on
        known = near * (1 - missing)
        down, both_down = _steps(filled, known, axis=1)
        right, both_right = _steps(filled, known, axis=2)
        weights = [known, both_down, both_right]
        sums = [
            known * ops.mean(filled, axis=-1),
            known * ops.mean(ops.square(filled), axis=-1),
            both_down * down,
            both_right * right,
        ]
        around = _over_windows(sums + weights, _RADIUS, _gaussian)
        of_known, of_down, of_right = (ops.maximum(each, _NONE) for each in around[4:])
        mean, square = around[0] / of_known, around[1] / of_known
        contrast = ops.sqrt(ops.maximum(square - ops.square(mean), 0.0))
        roughness = ops.sqrt(around[2] / of_down + around[3] / of_right)
        return tuple(
            ops.cast(ops.expand_dims(each, -1), "float32")
            for each in (near, mean, contrast, roughness)
        )

    def compute_output_shape(
        self, filled_shape: tuple[int | None, ...], hole_shape: tuple[int | None, ...]
    ) -> list[tuple[int | None, ...]]:
        del hole_shape
        return [(*filled_shape[:3], 1)] * 4


def _over_windows(
    maps: list[Tensor], radius: int, weight: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """Weighted sums over the square window around each pixel of maps, (B, H, W) each."""
    ops = keras.ops
    _, height, width = ops.shape(maps[0])
    rows, columns = (_band_matrix(size, radius, weight) for size in (height, width))
    # (H, H) @ (B, maps, H, W) @ (W, W)
    sums = ops.matmul(ops.matmul(rows, ops.stack(maps, axis=1)), columns)
    return [sums[:, i] for i in range(len(maps))]


def _band_matrix(size: int, radius: int, weight: Callable[[Tensor], Tensor]) -> Tensor:
    """Weights by distance, up to ``radius``, along one side: float64 (size, size)."""
    place = keras.ops.arange(size)
    distance = keras.ops.cast(keras.ops.abs(place[:, None] - place), "float64")
    return keras.ops.where(distance <= radius, weight(distance), 0.0)


def _gaussian(distance: Tensor) -> Tensor:
    return keras.ops.exp(-keras.ops.square(distance) / (2 * _SIGMA**2))


def _steps(image: Tensor, known: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Squared steps from each pixel to the next one along an axis, and where both are known."""
    first = (slice(None),) * axis + (slice(None, -1),)
    second = (slice(None),) * axis + (slice(1, None),)
    padding = [(0, int(i == axis)) for i in range(3)]
    squared = keras.ops.mean(keras.ops.square(image[second] - image[first]), axis=-1)
    both = known[second] * known[first]
    return keras.ops.pad(squared, padding), keras.ops.pad(both, padding)
