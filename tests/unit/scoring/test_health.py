"""Whether a training was of any use, from intervals of its gains."""

import copy
import math
from typing import Any

import pytest

from inpaint.scoring import health
from tests.unit.example import RESULT


def gain(low: float | None, high: float | None) -> dict[str, float | None]:
    mean = None if low is None or high is None else (low + high) / 2
    return {"mean": mean, "low": low, "high": high}


BETTER = gain(0.01, 0.02)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.02, False),
        (1e-9, 0.02, False),
        (0.0, 0.02, True),
        (-0.01, 0.02, True),
        (-0.01, 0.0, True),
        (0.0, 0.0, True),  # the very fill
        (-0.02, -0.01, False),  # worse, but not the same: it has learned something
        (-0.02, -1e-9, False),
        (None, None, True),
        (math.nan, math.nan, True),
    ],
)
def test_a_gain_that_may_be_none_is_nothing_learned(
    low: float | None, high: float | None, expected: bool
) -> None:
    assert health.learned_nothing(gain(low, high), BETTER) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-9, 0.02, False),
        (0.0, 0.02, True),
        (-0.01, 0.02, True),
        (-0.02, -0.01, True),  # spoilt what it was given
        (None, None, True),
        (math.nan, math.nan, True),
    ],
)
@pytest.mark.parametrize("over_best", [BETTER, gain(-0.02, -0.01)])
def test_no_better_than_its_own_fill_is_nothing_learned(
    over_best: dict[str, float | None], low: float | None, high: float | None, expected: bool
) -> None:
    assert health.learned_nothing(over_best, gain(low, high)) == expected


@pytest.fixture
def result() -> dict[str, Any]:
    return copy.deepcopy(RESULT)


def test_the_reason_names_the_interval_what_it_is_over_and_how_many_pictures(
    result: dict[str, Any],
) -> None:
    result["valid"]["gain"]["ssim_unit"] = {"mean": 0.0001, "low": -0.0002, "high": 0.0003}
    assert health.reason(result) == (
        "on the validation images, its gain in ssim_unit over biharmonic, the best method without "
        "training, is +0.0001 [-0.0002, +0.0003], a 95% interval from 890 independent pictures, "
        "which is not above zero"
    )


def test_one_picture_is_called_so(result: dict[str, Any]) -> None:
    result["valid"] |= {"gain": {"ssim_unit": gain(0, 0)}, "num_groups": 1}
    assert "a 95% interval from one picture, which" in health.reason(result)


def test_the_reason_may_be_the_networks_own_fill(result: dict[str, Any]) -> None:
    result["valid"]["gain_over_fill"]["ssim_unit"] = {"mean": -0.1, "low": -0.2, "high": -0.05}
    assert "over the fill that it is given is -0.1000 [-0.2000, -0.0500]" in health.reason(result)


def test_an_undefined_gain_is_told(result: dict[str, Any]) -> None:
    result["valid"]["gain"]["ssim_unit"] = gain(None, None)
    assert "is undefined, a 95% interval" in health.reason(result)
