"""Whether a network is better for having been trained: the judgement at the end.

While a training goes on, `inpaint.training.health` judges.
"""

from collections.abc import Mapping
from typing import Any

from inpaint.scoring.text import interval

# 95% intervals: `mean`, `low` and `high`, which are None where they are not defined.
Gain = Mapping[str, float | None]


def learned_nothing(over_best: Gain, over_fill: Gain) -> bool:
    """Whether nothing shows that the training was of any use.

    A network that is worse than the best baseline may still have learned: the report's is given
    black holes, and fills them.

    Args:
        over_best: the gain in ssim_unit over the best method without training.
        over_fill: the same over what it would give if it changed nothing, see ``Inpainter.fill``.
    """
    return not excludes_zero(over_best) or not is_above_zero(over_fill)


def excludes_zero(gain: Gain) -> bool:
    """Whether a gain, or a loss, is more than chance."""
    return is_above_zero(gain) or (gain["high"] is not None and gain["high"] < 0)


def is_above_zero(gain: Gain) -> bool:
    """Whether a gain is more than chance."""
    return gain["low"] is not None and gain["low"] > 0  # and no NaN


def reason(result: Mapping[str, Any]) -> str:
    """Why a network has learned nothing, from the numbers that say so.

    Args:
        result: the content of reports/metrics.json.
    """
    valid = result["valid"]
    opponent, gain = f"{valid['best_baseline']}, the best method without training,", valid["gain"]
    if excludes_zero(gain["ssim_unit"]):
        opponent, gain = "the fill that it is given", valid["gain_over_fill"]
    num = valid["num_groups"]
    pictures = f"{num} independent pictures" if num > 1 else "one picture"
    return (
        f"on the validation images, its gain in ssim_unit over {opponent} is "
        f"{interval(gain['ssim_unit'], '+.4f')}, a 95% interval from {pictures}, which is not "
        "above zero"
    )
