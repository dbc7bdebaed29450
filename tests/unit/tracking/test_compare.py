"""What differs between two runs: by hand-computed values."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from inpaint.tracking.compare import differences, gain, scores_of

Image = tuple[float, float, float]  # ssim, hole_mse, hole_pixels

FIRST: list[Image] = [(0.2, 0.04, 10), (0.4, 0.02, 30), (0.6, 0.01, 20), (0.3, 0.05, 40)]
# Each image better, by another amount.
SECOND: list[Image] = [(0.4, 0.02, 10), (0.7, 0.01, 30), (0.7, 0.009, 20), (0.5, 0.03, 40)]
# Sums of hole_mse * hole_pixels: 0.4 + 0.6 + 0.2 + 2.0 = 3.2 and 0.2 + 0.3 + 0.18 + 1.2 = 1.88
MEAN_GAIN = (0.2 + 0.3 + 0.1 + 0.2) / 4 / 2  # ssim_unit halves a difference of ssim
PSNR_GAIN = 10 * math.log10(3.2 / 1.88)


def per_image(
    test: Sequence[Image], *, valid: Sequence[Image] = (), groups: Sequence[int] | None = None
) -> bytes:
    """As the stage evaluate writes it, with a column that is not needed."""
    lines = ["split,index,original,group,hole_pixels,raw/ssim,composite/ssim,composite/hole_mse"]
    for split, images in (("valid", valid), ("test", test)):
        for i, (ssim, hole_mse, hole_pixels) in enumerate(images):
            group = groups[i] if groups else i
            lines.append(f"{split},{i},{7 * i},{group},{hole_pixels},-1,{ssim},{hole_mse}")
    return "\r\n".join([*lines, ""]).encode()


def gain_of(a: bytes, b: bytes, split: str) -> dict[str, dict[str, float | None]]:
    return gain(scores_of(a, split), scores_of(b, split), split)


def test_differences_are_the_values_that_differ_by_name() -> None:
    a = {"train.epochs": "70", "data.seed": "0", "mask.kind": "box", "old": "1"}
    b = {"train.epochs": "100", "data.seed": "0", "mask.kind": "dots", "new": "2"}
    found = differences(a, b)
    assert found == {
        "mask.kind": ("box", "dots"),
        "new": (None, "2"),
        "old": ("1", None),
        "train.epochs": ("70", "100"),
    }
    assert list(found) == sorted(found)


def test_equal_values_do_not_differ() -> None:
    assert differences({"a": 0.1, "b": None}, {"a": 0.1}) == {}


def test_gain_is_the_mean_over_the_images_and_of_the_pooled_errors() -> None:
    found = gain_of(per_image(FIRST), per_image(SECOND), "test")
    assert set(found) == {"ssim_unit", "hole_psnr_db"}
    assert found["ssim_unit"]["mean"] == pytest.approx(MEAN_GAIN)
    assert found["hole_psnr_db"]["mean"] == pytest.approx(PSNR_GAIN)


def test_gain_is_that_of_the_second_over_the_first() -> None:
    there = gain_of(per_image(FIRST), per_image(SECOND), "test")
    back = gain_of(per_image(SECOND), per_image(FIRST), "test")
    for score, values in there.items():
        assert values["low"] is not None
        assert values["low"] > 0  # every image gained
        assert back[score]["mean"] == pytest.approx(-(values["mean"] or 0))
        assert back[score]["low"] == pytest.approx(-(values["high"] or 0))
        assert back[score]["high"] == pytest.approx(-(values["low"] or 0))


def test_gain_over_oneself_is_zero() -> None:
    found = gain_of(per_image(FIRST), per_image(FIRST), "test")
    assert found == {key: {"mean": 0, "low": 0, "high": 0} for key in found}


def test_gain_over_scores_of_now_is_that_over_stored_ones() -> None:
    ssim, hole_mse, hole_pixels = np.array(FIRST).T
    # As metrics.score_images gives them, with scores that are not needed.
    now = {key: np.full(4, np.nan) for key in ("mse", "mae", "hole_mae")}
    now |= {"ssim": ssim, "hole_mse": hole_mse, "hole_pixels": hole_pixels}
    groups = [9, 9, 4, 4]
    stored = per_image((), valid=FIRST, groups=groups)
    newer = per_image(FIRST, valid=SECOND, groups=groups)
    found = gain(now, scores_of(newer, "valid"), "valid")
    assert found == gain_of(stored, newer, "valid")
    assert found["ssim_unit"]["mean"] == pytest.approx(MEAN_GAIN)
    assert found["ssim_unit"]["low"] == pytest.approx(0.15 / 2)  # by the newer's groups
    assert found["hole_psnr_db"]["mean"] == pytest.approx(PSNR_GAIN)


def test_gain_is_of_the_split_that_is_asked_for() -> None:
    # Better on the test images, the same on the validation images.
    a, b = per_image(FIRST, valid=FIRST), per_image(SECOND, valid=FIRST)
    assert gain_of(a, b, "valid")["ssim_unit"]["mean"] == 0
    assert gain_of(a, b, "test")["ssim_unit"]["mean"] == pytest.approx(MEAN_GAIN)


def test_images_of_one_group_are_resampled_together() -> None:
    alone = gain_of(per_image(FIRST), per_image(SECOND), "test")["ssim_unit"]
    a, b = (per_image(images, groups=[9, 9, 4, 4]) for images in (FIRST, SECOND))
    together = gain_of(a, b, "test")["ssim_unit"]
    assert together["mean"] == pytest.approx(alone["mean"])
    # Of two groups, a sample has both, or one twice: gains of 0.25 and 0.15 in ssim.
    assert together["low"] == pytest.approx(0.15 / 2)
    assert together["high"] == pytest.approx(0.25 / 2)
    a, b = (per_image(images, groups=[3, 3, 3, 3]) for images in (FIRST, SECOND))
    assert list(gain_of(a, b, "test")["ssim_unit"].values()) == pytest.approx([MEAN_GAIN] * 3)


def test_an_interval_is_the_same_each_time() -> None:
    assert gain_of(per_image(FIRST), per_image(SECOND), "test") == gain_of(
        per_image(FIRST), per_image(SECOND), "test"
    )


def test_gain_in_psnr_is_undefined_where_a_hole_is_filled_perfectly() -> None:
    perfect = [(ssim, 0.0, pixels) for ssim, _, pixels in SECOND]
    found = gain_of(per_image(FIRST), per_image(perfect), "test")
    assert found["hole_psnr_db"] == {"mean": None, "low": None, "high": None}
    assert found["ssim_unit"]["mean"] == pytest.approx(MEAN_GAIN)


def test_scores_are_those_of_the_split_in_their_order() -> None:
    scores = scores_of(per_image(FIRST, valid=SECOND), "test")
    np.testing.assert_allclose(scores["ssim"], [0.2, 0.4, 0.6, 0.3])
