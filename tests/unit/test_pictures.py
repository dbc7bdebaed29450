"""Whole photographs: their damages, scores and table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import damage, pictures, sheet
from inpaint.base.errors import InputError
from inpaint.restoring import fill

SHAPES = {"astronaut": (512, 512), "chelsea": (300, 451), "coffee": (400, 600)}
PAGE = "<!-- results: made by benchmarks/pictures.py -->\n<!-- end of results -->\n"
COLOUR = [case for case in pictures.CASES if not pictures.is_grey(case)]


@pytest.mark.parametrize("case", COLOUR)
def test_damage_is_of_the_pictures_shape_and_the_same_each_time(case: str) -> None:
    hole = pictures.hole_of(case)
    name, _, kind = case.partition("-")
    assert hole.dtype == np.bool_
    assert hole.shape == SHAPES[name]
    np.testing.assert_array_equal(hole, pictures.hole_of(case))
    np.testing.assert_array_equal(hole, pictures.hole_of(f"{name}_grey-{kind}"))


@pytest.mark.parametrize("kind", damage.DAMAGES)
def test_other_seed_is_other_damage(kind: str) -> None:
    first, second = (damage.DAMAGES[kind](np.random.default_rng(seed), 200, 300) for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize("case", [case for case in COLOUR if "scratch" in case])
def test_scratch_goes_from_side_to_side_and_is_thin(case: str) -> None:
    hole = pictures.hole_of(case)
    in_column = hole.sum(axis=0)
    assert (in_column >= 5).all()
    assert in_column.mean() < 15
    rows = hole.argmax(axis=0)
    assert np.ptp(rows) > 0.1 * len(hole)  # bent
    assert np.abs(np.diff(rows)).max() < 10  # in one piece


@pytest.mark.parametrize("case", [case for case in COLOUR if "text" in case])
def test_text_is_as_wide_as_most_of_the_picture(case: str) -> None:
    hole = pictures.hole_of(case)
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    assert 0.7 < np.ptp(columns) / hole.shape[1] < 0.95
    assert np.ptp(rows) < 0.15 * hole.shape[0]
    assert 0.01 < hole.mean() < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_five_that_do_not_touch(seed: int) -> None:
    hole = damage.boxes(np.random.default_rng(seed), 200, 300)
    assert hole.sum() == 5 * 16 * 16
    # The rows and columns next to a box are known: each box has four corners.
    padded = np.pad(hole, 1).astype(int)
    corners = np.abs(padded[1:, 1:] - padded[1:, :-1] - padded[:-1, 1:] + padded[:-1, :-1])
    assert corners.sum() == 5 * 4


@pytest.mark.parametrize("case", COLOUR)
def test_dots_and_large_hole_hide_what_they_should(case: str) -> None:
    hole = pictures.hole_of(case)
    if "dots" in case:
        assert hole.sum() == round(0.3 * hole.size)
    if "large_hole" in case:
        rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
        assert (len(rows), len(columns), hole.sum()) == (64, 64, 64 * 64)


def test_grey_versions_are_of_one_channel() -> None:
    colour, grey = (pictures.image_of(f"chelsea{version}-text") for version in ("", "_grey"))
    assert (colour.shape, grey.shape) == ((300, 451, 3), (300, 451, 1))
    assert colour.dtype == grey.dtype == np.uint8
    assert np.abs(colour.mean() - grey.mean()) < 10


def test_psnr_is_of_the_missing_pixels_of_all_channels() -> None:
    image, hole = np.zeros((2, 2, 3), np.uint8), np.array([[True, False], [False, False]])
    restored = image.copy()
    restored[0, 0] = (3, 0, 0)
    restored[1, 1] = 255  # known
    scores = pictures.score(image, hole, {"telea": restored, "other": image})
    assert scores["missing"] == 1
    assert scores["psnr_db"]["telea"] == pytest.approx(10 * np.log10(255**2 / 3), abs=1e-4)
    assert scores["psnr_db"]["other"] is None
    assert scores["known_changed"] == {"telea": 1, "other": 0}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Telea alone as baseline, few cases, and a folder for what is made."""
    monkeypatch.setattr(pictures, "BASELINES", {"telea": fill.telea})
    monkeypatch.setattr(pictures, "CASES", ["chelsea-text", "chelsea_grey-text"])
    monkeypatch.setattr(sheet, "CASES", ["chelsea-text"])
    monkeypatch.setattr(pictures, "load_model", lambda _path: fill.constant)
    for name in ("RESULTS", "PAGE", "FIGURE"):
        monkeypatch.setattr(pictures, name, tmp_path / getattr(pictures, name).name)
    pictures.PAGE.write_text(PAGE)
    model = tmp_path / "a.keras"
    model.write_bytes(b"a")
    monkeypatch.setattr(pictures, "_SHIPPED", {"colour": model, "grey": model})
    return tmp_path


def test_run_of_everything_leaves_numbers_table_and_figure(quick: Path) -> None:
    pictures.main([])
    measured = json.loads((quick / "pictures.json").read_text())
    results = measured["cases"]
    assert list(results) == ["chelsea-text", "chelsea_grey-text"]
    assert set(measured["models"].values()) == {"ca978112ca1b"}  # SHA-256 of "a"
    assert all(list(result["psnr_db"]) == ["telea", "inpaint"] for result in results.values())
    assert (quick / "quality.md").read_text() == pictures.with_tables(PAGE, measured)
    assert (quick / "pictures.png").stat().st_size > 10_000


def test_run_of_some_cases_is_only_printed(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures.main(["chelsea_grey-text"])
    assert capsys.readouterr().out.startswith("chelsea_grey-text  telea 2")
    with pytest.raises(InputError, match="received chelsea-fire, allowed: chelsea-text"):
        pictures.main(["chelsea-fire"])
    assert {path.name for path in quick.iterdir()} == {"quality.md", "a.keras"}


def test_another_model_is_tried_on_some_cases_alone(quick: Path) -> None:
    with pytest.raises(InputError, match="received none, allowed with another model: some"):
        pictures.main(["--colour", "b.keras"])
    assert {path.name for path in quick.iterdir()} == {"quality.md", "a.keras"}


def test_model_that_is_not_for_such_pictures_is_refused(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(images: np.ndarray, _holes: np.ndarray) -> np.ndarray:
        raise ValueError(f"images: received {images.shape}, allowed: grey ones")

    monkeypatch.setattr(pictures, "load_model", lambda _path: refuse)
    with pytest.raises(InputError, match=r"received \(1, 300, 451, 3\), allowed: grey ones"):
        pictures.main(["--colour", "b.keras", "chelsea-text"])
    assert {path.name for path in quick.iterdir()} == {"quality.md", "a.keras"}


def result(**psnr: float) -> dict[str, Any]:
    return {"missing": 1280, "psnr_db": psnr, "known_changed": dict.fromkeys(psnr, 0)}


def test_table_tells_the_best_and_the_gain_over_it() -> None:
    baselines = {"biharmonic": 20.0, "telea": 22.0, "navier_stokes": 21.0}
    results = {
        "coffee-text": result(**baselines, inpaint=22.5),
        "coffee_grey-large_hole": result(**baselines, inpaint=21.5),
    }
    sentence, _, _, _, first, second = pictures.with_tables(PAGE, {"cases": results}).splitlines()[
        1:-1
    ]
    assert sentence == (
        "The model is better than all others in 1 of 2 cases. "
        "Known pixels came back bit for bit from every method."
    )
    assert first == "| coffee | text | 1,280 | 20.00 | 22.00 | 21.00 | **22.50** | +0.50 |"
    assert second == (
        "| coffee, grey | large hole | 1,280 | 20.00 | **22.00** | 21.00 | 21.50 | -0.50 |"
    )


def test_detail_is_where_most_is_missing() -> None:
    hole = np.zeros((200, 300), dtype=bool)
    hole[150:160, 250:260] = True
    rows, columns = sheet.most_damaged(hole)
    assert hole[rows, columns].shape == (96, 96)
    assert hole[rows, columns].sum() == hole.sum()


def test_page_has_the_numbers_of_the_results_file() -> None:
    page = pictures.PAGE.read_text(encoding="utf-8")
    assert pictures.with_tables(page, pictures.load()) == page


def test_numbers_are_of_the_models_that_come_with_the_package() -> None:
    digests = {kind: pictures.digest(path) for kind, path in pictures._SHIPPED.items()}
    assert pictures.load()["models"] == digests
