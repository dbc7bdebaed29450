"""The methods that every model is measured against."""

import numpy as np

from inpaint.restoring import fill
from inpaint.scoring.baselines import baselines


def test_baselines_are_the_five_methods(photographs: np.ndarray) -> None:
    methods = baselines(photographs)
    assert list(methods) == ["masked", "mean", "telea", "navier_stokes", "biharmonic"]
    holes = np.zeros((1, 24, 40), bool)
    holes[0, 3:9, 4:20] = holes[0, 15:, 30:] = True
    for name, method in (
        ("masked", fill.constant),
        ("telea", fill.telea),
        ("navier_stokes", fill.navier_stokes),
        ("biharmonic", fill.biharmonic),
    ):
        np.testing.assert_array_equal(
            methods[name](photographs[:1], holes), method(photographs[:1], holes)
        )


def test_mean_fills_with_the_mean_training_image() -> None:
    training = np.array([[[[10], [0], [200]]], [[[20], [1], [201]]], [[[31], [1], [202]]]])
    # (10 + 20 + 31) / 3 = 20.33, (0 + 1 + 1) / 3 = 0.67, (200 + 201 + 202) / 3 = 201
    mean = baselines(training.astype(np.uint8))["mean"]
    image = np.array([[[[5], [6], [7]]]], np.uint8)
    everything_but_the_first = np.array([[[False, True, True]]])
    assert mean(image, everything_but_the_first).ravel().tolist() == [5, 1, 201]
    assert mean(image, ~everything_but_the_first).ravel().tolist() == [20, 6, 7]
