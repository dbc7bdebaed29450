"""`inpaint compare`: the verdict."""

import pytest

from inpaint.commands.compare import verdict

BETTER, WORSE, SAME, UNSURE = (0.001, 0.003), (-0.003, -0.001), (0.0, 0.0), (-0.001, 0.002)


@pytest.mark.parametrize(
    ("ssim", "psnr", "expected"),
    [
        (BETTER, BETTER, "b is better"),
        (WORSE, WORSE, "a is better"),
        (SAME, SAME, "there is no difference"),
        (UNSURE, UNSURE, "the difference may be chance"),
        (BETTER, WORSE, "by ssim_unit, b is better; by PSNR in the hole, a is better"),
        (
            BETTER,
            UNSURE,
            "by ssim_unit, b is better; by PSNR in the hole, the difference may be chance",
        ),
        (
            WORSE,
            (None, None),
            "by ssim_unit, a is better; by PSNR in the hole, it cannot be told",
        ),
    ],
)
def test_it_says_which_is_better_by_each_score(
    ssim: tuple[float, float], psnr: tuple[float | None, float | None], expected: str
) -> None:
    gains: dict[str, dict[str, float | None]] = {
        "ssim_unit": {"low": ssim[0], "high": ssim[1]},
        "hole_psnr_db": {"low": psnr[0], "high": psnr[1]},
    }
    assert verdict(gains, "a", "b") == expected
