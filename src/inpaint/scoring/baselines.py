"""The methods without training that every model is measured against."""

from functools import partial

import numpy as np

from inpaint.restoring import fill

# What people call them.
NAMES = {
    "masked": "the masked image itself",
    "mean": "mean training image",
    "telea": "Telea",
    "navier_stokes": "Navier-Stokes",
    "biharmonic": "biharmonic",
}


def baselines(training_images: np.ndarray) -> dict[str, fill.Fill]:
    """The methods by name. A new one is an entry here and in NAMES.

    Args:
        training_images: uint8 (N, H, W, C); their mean image is what the method `mean` fills with.
    """
    mean = np.rint(np.mean(training_images, axis=0, dtype=np.float64)).astype(np.uint8)
    return {
        "masked": fill.constant,
        "mean": partial(fill.constant, value=mean),
        "telea": fill.telea,
        "navier_stokes": fill.navier_stokes,
        "biharmonic": fill.biharmonic,
    }
