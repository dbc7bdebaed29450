"""The model card: what a stranger has to know of a model, in the room that MLflow has for it."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from inpaint.data.images.catalogue import DATASETS
from inpaint.tracking.registry import card
from tests.unit.example import RESULT, TRAINED

URI = "models:/filler-mnist/3"


def with_dataset(dataset: str) -> dict[str, Any]:
    result = copy.deepcopy(RESULT)
    result["data"]["dataset"] = dataset
    return result


def with_low(low: float) -> dict[str, Any]:
    """The gain on the test images may be as small as this."""
    result = copy.deepcopy(RESULT)
    result["test"]["gain"]["ssim_unit"]["low"] = low
    return result


def test_it_begins_as_the_run_is_described() -> None:
    paragraphs = card.write(URI, RESULT, TRAINED).split("\n\n")
    assert "`ssim_unit` **0.9512** on 3000 test images, biharmonic 0.9000" in paragraphs[0]


def test_data_are_named_with_their_terms() -> None:
    assert (
        "1000 training images of `mnist` (bundled source), 900 validation images to choose by, "
        "3000 test images that decide nothing. Licence of the images: CC0 (somebody). Source: "
        "digits of the package digits.\n"
    ) in card.write(URI, RESULT, TRAINED)


def test_results_of_both_splits_have_their_intervals() -> None:
    rows = [line for line in card.write(URI, RESULT, TRAINED).splitlines() if line.startswith("|")]
    assert rows == [
        "| images | ssim_unit | masked image | biharmonic | gain | gain in the hole, dB |",
        "|---|---|---|---|---|---|",
        "| validation | 0.9402 | 0.8432 | 0.8901 | +0.0501 [+0.0480, +0.0522] "
        "| +4.25 [+3.90, +4.60] |",
        "| test | 0.9512 | 0.8451 | 0.9000 | +0.0512 [+0.0498, +0.0526] | +4.08 [-0.50, +4.20] |",
    ]


def test_limits_are_those_of_the_training() -> None:
    text = card.write(URI, RESULT, TRAINED | {"largest_hole": 0.3})
    assert "In training and validation, holes hid up to 30% of an image." in text
    assert "A hole of more than 65% of an image is refused" in text  # half-way to all of it
    assert "It was trained and measured on images of 28x28 pixels; on other sizes" in text


def test_it_takes_images_of_any_size() -> None:
    text = card.write(URI, RESULT, TRAINED)
    assert "`images`, uint8 (N, height, width, 1), and `holes`, bool (N, height, width)," in text


def test_shapes_are_those_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    oblong = replace(DATASETS["photos"], image_shape=(24, 40, 3))
    monkeypatch.setitem(DATASETS, "photos", oblong)
    text = card.write(URI, with_dataset("photos"), TRAINED)
    assert "`images`, uint8 (N, height, width, 3), and `holes`, bool (N, height, width)," in text
    assert "images of 24x40 pixels;" in text


def test_size_of_crops_is_that_of_the_training() -> None:
    trained = copy.deepcopy(TRAINED)
    trained["params"]["data"] |= {"dataset": "photos_grey", "image_size": 72}
    text = card.write(URI, with_dataset("photos_grey"), trained)
    assert "uint8 (N, height, width, 1)" in text
    assert "images of 72x72 pixels;" in text


def test_a_training_from_before_sizes_could_be_chosen_has_a_card() -> None:
    trained = copy.deepcopy(TRAINED)
    del trained["params"]["data"]["image_size"]
    assert card.write(URI, RESULT, trained) == card.write(URI, RESULT, TRAINED)


def test_code_to_use_it_names_the_version() -> None:
    code = card.write(URI, RESULT, TRAINED).split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert "mlflow.pyfunc.load_model('models:/filler-mnist/3')" in code


@pytest.mark.parametrize(("low", "num"), [(-0.002, 1), (0.0, 1), (0.0001, 0)])
def test_a_model_that_is_not_better_than_the_baseline_is_told(low: float, num: int) -> None:
    text = card.write(URI, with_low(low), TRAINED)
    warning = "**On the test images it is not better than biharmonic, which needs no training**"
    assert text.count(warning) == num
    assert text.count("not better") == num


def test_the_validation_images_do_not_hide_what_the_test_images_show() -> None:
    result = copy.deepcopy(RESULT)
    result["valid"]["gain"]["ssim_unit"]["low"] = -0.1
    assert "not better" not in card.write(URI, result, TRAINED)


def test_a_collapse_and_an_undefined_gain_can_be_told() -> None:
    result = copy.deepcopy(RESULT)
    result["valid"]["gain"]["hole_psnr_db"] = {"mean": None, "low": None, "high": None}
    text = card.write(URI, result, TRAINED | {"collapsed": True})
    assert "+0.0501 [+0.0480, +0.0522] | undefined |\n" in text
    assert text.index("The network collapsed") < text.index("## Use")


def test_longest_card_fits_into_mlflows_5000_characters() -> None:
    citations = (s.citation for each in DATASETS.values() for s in each.sources.values())
    terms = {
        "licence": max((each.licence for each in DATASETS.values()), key=len),
        "citation": max(citations, key=len),
    }
    assert "moon" in terms["licence"]
    result = with_low(-0.0123)
    result["data"] |= {"dataset": "photos_grey", "train_size": 24670}
    result["origin"] |= {"diff": "diff --git a/src/a.py b/src/a.py\n"}
    trained = TRAINED | {"terms": terms, "collapsed": True, "origin": {"experiment": "e" * 200}}
    text = card.write("m" * 200 + "-photos_grey", result, trained)
    assert terms["licence"] in text
    assert "not better" in text
    assert len(text) < 5000


def test_page_ends_with_one_newline() -> None:
    text = card.write(URI, RESULT, TRAINED)
    assert text.endswith("intervals.\n")
    assert "\n\n\n" not in text
