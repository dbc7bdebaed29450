"""What a run's page in MLflow begins with."""

import copy
from typing import Any

import pytest

from inpaint.tracking.description import describe
from tests.unit.example import RESULT, TRAINED


def test_description_has_the_score_its_origin_and_the_way_to_make_it_again() -> None:
    text = describe(RESULT, TRAINED)
    assert "**mnist, center holes** that hide 8.2% of each image" in text
    assert "`ssim_unit` **0.9512** on 3000 test images, biharmonic 0.9000" in text
    assert "gain +0.0512 [+0.0498, +0.0526], in the hole +4.08 [-0.50, +4.20] dB" in text
    assert "residual_unet with 172,345 parameters, trained on 1000 images for 50 epochs" in text
    assert "DVC experiment `longer`, commit `0b6e3f5`; `inpaint reproduce 7ee06505`" in text
    assert "code.diff" not in text
    assert "collapsed" not in text


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({}, "Origin: commit `0b6e3f5`;"),
        (
            {"diff": "diff --git a/src/a.py b/src/a.py\n"},
            "Origin: commit `0b6e3f5` with the changes in the artifact `code.diff`;",
        ),
        (
            {"diff": "diff --git a/params.yaml b/params.yaml\n"},
            "Origin: commit `0b6e3f5`;",  # another parameter is no other code
        ),
        ({"baseline": None}, "Origin: no commit."),
    ],
)
def test_description_says_how_sure_the_code_is(origin: dict[str, Any], expected: str) -> None:
    result = copy.deepcopy(RESULT)
    result["origin"] |= origin
    trained = TRAINED | {"origin": {"experiment": None}}
    assert expected in describe(result, trained)


def test_description_tells_a_collapse_first() -> None:
    text = describe(RESULT, TRAINED | {"collapsed": True})
    assert text.startswith("**The network collapsed**")


def test_description_tells_first_that_nothing_was_learned() -> None:
    assert "learned nothing" not in describe(RESULT, TRAINED)
    text = describe(RESULT | {"learned_nothing": True}, TRAINED)
    assert text.startswith("**The network learned nothing**: on the validation images, its gain")
    both = describe(RESULT | {"learned_nothing": True}, TRAINED | {"collapsed": True})
    assert both.index("The network collapsed") < both.index("The network learned nothing")
