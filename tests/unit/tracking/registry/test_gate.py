"""What a candidate has to be, by numbers at the edge."""

import pytest

from inpaint.tracking.registry.gate import FEWEST_GROUPS, Candidate, conditions, judge
from inpaint.tracking.runs import Runs


@pytest.mark.parametrize(
    ("mean", "low", "holds"),
    [(0.01, 0.001, True), (0.01, 0.0, False), (0.01, -0.001, False), (-0.01, -0.02, False)],
)
def test_the_whole_interval_has_to_be_above_zero(mean: float, low: float, holds: bool) -> None:
    condition = judge("it", {"mean": mean, "low": low, "high": 0.03}, FEWEST_GROUPS)
    assert condition.holds is holds
    assert condition.text == f"better than it: {mean:+.4f} [{low:+.4f}, +0.0300] in ssim_unit"


def test_an_undefined_gain_is_none() -> None:
    assert not judge("it", {"mean": None, "low": None, "high": None}, 1000).holds


def test_few_independent_pictures_tell_nothing() -> None:
    """With as many, chance makes all of them better in more than 2.5% of all cases."""
    assert 0.5 ** (FEWEST_GROUPS - 1) > 0.025 >= 0.5**FEWEST_GROUPS
    gain = {"mean": 0.2, "low": 0.1, "high": 0.3}
    assert judge("it", gain, FEWEST_GROUPS).holds
    refused = judge("it", gain, FEWEST_GROUPS - 1)
    assert not refused.holds
    assert refused.text.endswith("6 or more independent pictures are needed to tell, here are 5")


def per_image(valid_ssim: float, test_ssim: float, *, groups: int = 8) -> bytes:
    """As the stage evaluate writes it: the baseline has 0.5 everywhere."""
    names = ("composite/ssim", "composite/hole_mse", "telea/ssim", "telea/hole_mse")
    lines = [f"split,index,original,group,hole_pixels,{','.join(names)}"]
    for split, ssim in (("valid", valid_ssim), ("test", test_ssim)):
        lines += [
            f"{split},{i},{i},{i % groups},64,{ssim + 0.01 * (i % 3)},0.1,0.5,0.2"
            for i in range(24)
        ]
    return "\n".join(lines).encode()


def candidate(content: bytes) -> Candidate:
    """Only what a comparison without champion looks at."""
    result = {"valid": {"best_baseline": "telea"}}
    return Candidate(run=None, trained={}, result=result, per_image=content)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("valid_ssim", "test_ssim", "holds"), [(0.6, 0.4, True), (0.4, 0.6, False), (0.49, 0.6, False)]
)
def test_the_validation_images_decide_and_the_test_images_do_not(
    valid_ssim: float, test_ssim: float, holds: bool
) -> None:
    nothing: Runs = None  # type: ignore[assignment]
    content = per_image(valid_ssim, test_ssim)
    [condition] = conditions(None, nothing, None, candidate(content))  # type: ignore[arg-type]
    assert condition.holds is holds
    gain = (valid_ssim + 0.01 - 0.5) / 2  # ssim_unit halves a difference of ssim
    text = f"better than telea, the best method without training: {gain:+.4f} ["
    assert condition.text.startswith(text)


def test_images_of_few_pictures_are_not_enough() -> None:
    nothing: Runs = None  # type: ignore[assignment]
    content = per_image(0.6, 0.6, groups=2)
    [condition] = conditions(None, nothing, None, candidate(content))  # type: ignore[arg-type]
    assert not condition.holds
    assert "here are 2" in condition.text
