"""A network that is trained in no time."""

import keras
import numpy as np


def tiny_network(*, seed: int = 0, dropout: float = 0.0, masked: bool = False) -> keras.Model:
    """Three convolutions that correct the filled image; inside the hole alone, if masked."""
    keras.utils.set_random_seed(seed)
    layers, size = keras.layers, (None, None, 1)
    image, hole = keras.Input(size, name="image"), keras.Input(size, name="hole")
    x = layers.Concatenate()([image, hole])
    x = layers.Conv2D(8, 3, padding="same", activation="silu")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(8, 3, padding="same", activation="silu")(x)
    x = layers.Conv2D(1, 5, padding="same")(x)
    x = layers.Multiply()([hole, x]) if masked else x
    return keras.Model({"image": image, "hole": hole}, layers.Add()([image, x]))


def is_equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
