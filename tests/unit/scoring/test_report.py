"""The report: the right numbers in the right places."""

import copy

import pytest

from inpaint.scoring import report
from tests.unit.example import RESULT, TRAINED


def test_title_compares_the_model_with_the_best_baseline() -> None:
    title = report.write(RESULT, TRAINED).splitlines()[0]
    assert title == "# mnist: 0.9512, biharmonic 0.9000"


def test_first_paragraph_says_what_was_trained_on_what() -> None:
    text = report.write(RESULT, TRAINED)
    assert "1000 training, 900 validation and 3000 test images (bundled source)" in text
    assert "center holes that hide 8.2% of each image" in text  # 64 of 784 pixels
    assert "Trained for 50 epochs in 321 s; 172,345 parameters." in text


def test_the_runs_whole_id_is_given() -> None:
    # By it, the run's record tells its own report from one that another training left.
    assert f"MLflow run `{RESULT['run_id']}`." in report.write(RESULT, TRAINED)


def test_when_it_was_scored_is_given() -> None:
    # By it, from one that earlier scores of this training left.
    assert " Scored 2026-12-01T06:15:03.123+00:00.\n" in report.write(RESULT, TRAINED)


def test_table_has_a_row_for_each_method() -> None:
    rows = [line for line in report.write(RESULT, TRAINED).splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| the report's network, as reported | 0.8795 | | | |",
        "| the masked image itself (no training) | 0.8451 | 2.50 | 0.0582 | 0.1234 |",
        "| biharmonic (no training) | 0.9000 | 8.26 | 0.0582 | 0.1234 |",
        "| model, raw output | 0.9487 | 12.35 | 0.0582 | 0.1234 |",
        "| **model** | 0.9512 | 12.35 | 0.0582 | 0.1234 |",
    ]


def test_every_row_of_the_table_has_the_columns_of_its_head() -> None:
    rows = [line for line in report.write(RESULT, TRAINED).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}


def test_gain_is_given_with_its_interval_and_sign() -> None:
    text = report.write(RESULT, TRAINED)
    assert "+0.0512 [+0.0498, +0.0526] in ssim_unit" in text
    assert "+4.08 [-0.50, +4.20] dB in the hole" in text


def test_parity_is_given() -> None:
    assert "at most 4.7e-06 on 2999 images" in report.write(RESULT, TRAINED)


@pytest.mark.parametrize(
    ("dataset", "kind", "share", "num"),
    [
        ("mnist", "center", 8 * 8 / 28**2, 1),
        ("cifar10", "center", 8 * 8 / 32**2, 1),
        ("photos", "center", 8 * 8 / 32**2, 0),
        ("mnist", "center", 6 * 6 / 28**2, 0),
        ("mnist", "box", 8 * 8 / 28**2, 0),
    ],
)
def test_reported_score_is_quoted_for_its_data_and_its_hole(
    dataset: str, kind: str, share: float, num: int
) -> None:
    result = copy.deepcopy(RESULT)
    result["data"]["dataset"] = dataset
    result["holes"] |= {"kind": kind, "share": share}
    assert report.write(result, TRAINED).count("as reported") == num


def test_undefined_psnr_is_left_out() -> None:
    result = copy.deepcopy(RESULT)
    result["test"]["model"]["composite"]["hole_psnr_db"] = None
    result["test"]["gain"]["hole_psnr_db"] = {"mean": None, "low": None, "high": None}
    text = report.write(result, TRAINED)
    assert "| **model** | 0.9512 |  | 0.0582 | 0.1234 |" in text
    assert "undefined dB" in text


def test_collapse_is_told_before_the_scores() -> None:
    healthy = report.write(RESULT, TRAINED)
    collapsed = report.write(RESULT, TRAINED | {"collapsed": True})
    assert "collapsed" not in healthy
    assert collapsed.index("The network collapsed") < collapsed.index("| on the test images")


def test_nothing_learned_is_told_before_the_scores() -> None:
    text = report.write(RESULT | {"learned_nothing": True}, TRAINED)
    assert "learned nothing" not in report.write(RESULT, TRAINED)
    told = "**The network learned nothing**: on the validation images, its gain in ssim_unit over"
    assert text.index(told) < text.index("| on the test images")


def test_a_baseline_that_wins_on_the_test_images_is_told_before_the_scores() -> None:
    result = copy.deepcopy(RESULT)
    result["test"]["gain"]["ssim_unit"] = {"mean": -0.0002, "low": -0.0003, "high": -0.0001}
    text = report.write(result, TRAINED)
    told = (
        "**The model is worse than biharmonic** on the test images: its gain in ssim_unit is "
        "-0.0002 [-0.0003, -0.0001].\n"
    )
    assert text.index(told) < text.index("| on the test images")


@pytest.mark.parametrize(
    ("low", "high", "is_told"), [(-0.01, 0.02, True), (0.0, 0.02, True), (0.0001, 0.02, False)]
)
def test_a_gain_that_may_be_chance_is_no_gain(low: float, high: float, is_told: bool) -> None:
    result = copy.deepcopy(RESULT)
    result["test"]["gain"]["ssim_unit"] = {"mean": 0.01, "low": low, "high": high}
    told = "**The model is not shown to be better than biharmonic** on the test images"
    assert (told in report.write(result, TRAINED)) is is_told
    # Who reads that nothing was learned expects no more of the test images.
    assert told not in report.write(result | {"learned_nothing": True}, TRAINED)


def test_reports_of_older_files_can_be_written_again() -> None:
    older = {key: value for key, value in RESULT.items() if key != "learned_nothing"}
    assert report.write(older, TRAINED) == report.write(RESULT, TRAINED)


def test_all_figures_are_shown() -> None:
    text = report.write(RESULT, TRAINED)
    for name in ("restored", "baselines", "histogram", "curves"):
        assert f"](figures/{name}.png)" in text


def test_page_ends_with_one_newline() -> None:
    text = report.write(RESULT, TRAINED)
    assert text.endswith(")\n")
    assert "\n\n\n" not in text
