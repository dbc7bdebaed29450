"""Digits with holes, and the settings of a training, for the loop."""

from typing import Any

import numpy as np
import pytest

from inpaint.params import Params
from inpaint.training.batches import Batch, make_batch

Train = dict[str, Any]  # the section of that name of the parameters


@pytest.fixture(scope="module")
def holes() -> np.ndarray:
    """A hole in each digit, not in the middle: bool (100, 28, 28)."""
    holes = np.zeros((100, 28, 28), dtype=bool)
    holes[:, 8:16, 11:19] = True
    return holes


@pytest.fixture(scope="module")
def batches(digits: np.ndarray, holes: np.ndarray) -> list[Batch]:
    """All digits in batches of 25, of mixed classes."""
    return [make_batch("residual_unet", digits[i::4], holes[i::4]) for i in range(4)]


@pytest.fixture
def train(params: Params) -> Train:
    """Adam at a constant rate, on the hole alone, without augmentation."""
    return params.train.model_dump() | {
        "epochs": 10,
        "learning_rate": 0.01,
        "optimizer": "adam",
        "loss": "hole_mse",
        "augmentation": "none",
        "precision": "float32",
        "seed": 0,
    }
