"""The README's tables: rows that can be run, and no number that was not measured."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import experiments, pretrained, results
from inpaint.params import Params

ROOT = Path(__file__).parents[2]
PARAMS_YAML = (ROOT / "params.yaml").read_text(encoding="utf-8")


RESULTS: dict[str, Any] = json.loads(results.RESULTS.read_text())


def params_of(settings: dict[str, Any]) -> Params:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in experiments.complete(settings, PARAMS_YAML).items():
        section, key = name.split(".")
        sections.setdefault(section, {})[key] = value
    return Params.model_validate(sections)


@pytest.mark.parametrize("row", results.ROWS)
def test_settings_of_every_row_are_allowed(row: str) -> None:
    settings = results.ROWS[row]
    assert settings.items() <= experiments.complete(settings, PARAMS_YAML).items()
    assert params_of(settings).data.dataset == row.partition("-")[0]


@pytest.mark.parametrize("name", pretrained.MODELS)
def test_settings_of_the_models_that_come_with_the_package_are_allowed(name: str) -> None:
    channels, settings = pretrained.MODELS[name]
    assert params_of(settings).image_shape[2] == channels
    assert pretrained.load()[name]["settings"] == settings


def test_a_row_names_all_parameters() -> None:
    content = yaml.safe_load(PARAMS_YAML)
    names = {f"{section}.{key}" for section in content for key in content[section]}
    assert set(experiments.complete(results.ROWS["mnist-seed0"], PARAMS_YAML)) == names


def test_readme_has_the_numbers_of_the_results_file() -> None:
    page = results.README.read_text(encoding="utf-8")
    assert results.with_tables(page, RESULTS) == page


def test_results_are_those_of_the_rows() -> None:
    assert list(RESULTS) == list(results.ROWS)
    for row, result in RESULTS.items():
        assert result["settings"] == results.ROWS[row]


def test_results_of_other_settings_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text(encoding="utf-8"))
    other = RESULTS["mnist-seed0"] | {"settings": {"train.epochs": 1}}
    results.keep({"mnist-seed0": RESULTS["mnist-seed0"], "mnist-all": other})
    assert list(results.load()) == ["mnist-seed0"]
    [line] = [
        line
        for line in (tmp_path / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("Not measured yet: ")
    ]
    assert "mnist-all" in line
    assert "mnist-seed0" not in line


@pytest.mark.parametrize(("kind", "minutes"), [("seed", 10), ("all", 60)])
def test_rows_of_the_report_s_hole_took_the_time_they_are_given(kind: str, minutes: int) -> None:
    seconds = {
        row: result["seconds"]
        for row, result in RESULTS.items()
        if row.partition("-")[2].startswith(kind)
    }
    assert seconds
    assert {row for row, taken in seconds.items() if taken > 60 * minutes} == set()


def test_tables_show_what_is_there() -> None:
    """Rows are kept as they come."""
    page = results.README.read_text(encoding="utf-8")
    some = {row: result for row, result in RESULTS.items() if row == "mnist-all"}
    tables = results.with_tables(page, some)
    [line] = [line for line in tables.splitlines() if line.startswith("| all training images")]
    score = RESULTS["mnist-all"]["ssim_unit"]["mean"]
    assert f" | {score:.4f} [" in line
    assert line.endswith("] |  |")
    assert "| the same, seed 1 |  |  |" in tables
    assert "| mnist | center | 59,000 |" in tables
    assert "1,000, seed 0 |" not in tables


@pytest.mark.parametrize("score", ["ssim_unit", "hole_psnr_db"])
def test_every_row_of_ours_beats_what_needs_no_training(score: str) -> None:
    lows = {row: result["gain"][score]["low"] for row, result in RESULTS.items()}
    assert {row for row, low in lows.items() if low <= 0} <= {"mnist-report", "cifar10-report"}
