"""The grid: cells that can be run, results that are kept, and its table in quality.md."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cell, grid, grid_tables, task
from inpaint.base.checked import write_checked
from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import Paths

NAMES = ["mnist-dots-seed0", "mnist-dots-seed1", "photos-half-seed2"]


def made_up(name: str, gain: float = 0.01, *, learned_nothing: bool = False) -> dict[str, Any]:
    """The result of a cell, as the grid keeps it."""
    scores = {
        "model": {"ssim_unit": 0.9 + gain, "hole_psnr_db": 21.0},
        "best_baseline": {"ssim_unit": 0.9, "hole_psnr_db": 20.0},
        "gain": {
            "ssim_unit": {"mean": gain, "low": gain - 0.001, "high": gain + 0.001},
            "hole_psnr_db": {"mean": 100 * gain, "low": 0.5, "high": 1.5},
        },
    }
    return {
        "settings": grid.CELLS[name],
        "code": "c0de",
        "parameters": grid.decisive(grid.CELLS[name]),
        "best_baseline": "telea",
        "valid": scores,
        "test": scores,
        "seconds": 20.4,
        "epochs": 15,
        "collapsed": False,
        "learned_nothing": learned_nothing,
    }


def scored(name: str) -> dict[str, Any]:
    """The same, as it comes out of the cell."""
    about = {"settings", "code", "parameters"}
    return {key: value for key, value in made_up(name).items() if key not in about}


@pytest.mark.parametrize("name", grid.CELLS)
def test_settings_of_every_cell_are_allowed(name: str) -> None:
    params = task.parameters(**grid.CELLS[name])
    assert params.data.dataset == name.partition("-")[0]
    assert params.mask.kind == name.split("-")[1]
    if params.mask.kind == "center":
        assert params.train.holes == "fixed"
    else:
        assert (params.train.holes, params.train.hole_kinds) == ("random", [params.mask.kind])


def test_grid_has_three_seeds_of_each_kind_and_the_example() -> None:
    assert len(grid.CELLS) == 4 * 6 * 3 + 1
    example = task.parameters(**grid.CELLS["cifar10-mixed-example"])
    assert (example.train.seed, example.train.epochs) == (7, 60)
    assert example.data == task.parameters(data={"dataset": "cifar10"}).data


def test_cell_is_there_only_with_the_same_code_and_settings() -> None:
    name, other = NAMES[:2]
    kept = {name: made_up(name), other: made_up(name)}
    assert grid.is_there(name, kept, "c0de")
    assert not grid.is_there(name, kept, "0ther")
    assert not grid.is_there(other, kept, "c0de")
    assert not grid.is_there(NAMES[2], kept, "c0de")


def test_cell_is_not_there_with_other_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {NAMES[0]: made_up(NAMES[0])}
    defaults = (task.ROOT / "params.yaml").read_text(encoding="utf-8")
    for pattern, text, is_there in (
        (r"learning_rate: \S+", "learning_rate: 0.003", False),
        (r"num_images: \S+", "num_images: 7", True),  # of the figures
    ):
        (tmp_path / "params.yaml").write_text(re.sub(pattern, text, defaults))
        monkeypatch.setattr(task, "ROOT", tmp_path)
        assert grid.is_there(NAMES[0], kept, "c0de") == is_there


def test_code_is_the_same_whatever_is_said_of_it(tmp_path: Path) -> None:
    package = tmp_path / "inpaint"
    shutil.copytree(grid.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.keras"))
    expected = grid.code_version()
    assert grid.code_version(package) == expected
    for name, old, new, is_same in (
        (
            "restoring/coarse/__init__.py",
            "\nimport math\n",
            "\n\nimport math  # logarithms\n",
            True,
        ),
        ("restoring/coarse/__init__.py", '"""Holes too deep', '"""Holes far too deep', True),
        (
            "restoring/coarse/__init__.py",
            '"""Fill the inside of deep holes, coarsely.',
            '"""Fill.',
            True,
        ),
        ("restoring/serving.py", '"""A trained network with', '"""A network with', True),
        ("restoring/coarse/__init__.py", "deepest / 2", "deepest / 3", False),
        ("base/seeds.py", "def generator(", "def a_generator(", False),
        ("training/loop.py", "_WARM_UP = 0.05", "_WARM_UP = 0.06", False),
        ("commands/runs.py", "def ", "def other_", True),
    ):
        source = (package / name).read_text(encoding="utf-8")
        assert old in source
        (package / name).write_text(source.replace(old, new))
        assert (grid.code_version(package) == expected) == is_same, name
        (package / name).write_text(source)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the grid's own, with a page and no results."""
    monkeypatch.setattr(grid, "RESULTS", tmp_path / "grid.json")
    monkeypatch.setattr(grid, "PAGE", tmp_path / "quality.md")
    (tmp_path / "quality.md").write_text(
        "<!-- results: made by benchmarks/grid.py -->\n<!-- end of results -->\n"
    )
    return tmp_path


class Cells:
    """Runs no cell: it gives made-up results, and knows what it was asked for."""

    def __init__(self, failing: str = "") -> None:
        self.failing, self.asked = failing, [""]

    def __call__(self, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any] | StageError]]:
        self.asked = list(names)
        for name in names:
            yield name, StageError("no luck") if name == self.failing else scored(name)


def test_interrupted_grid_goes_on(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = Cells(failing=NAMES[1])
    monkeypatch.setattr(grid, "run", cells)
    with pytest.raises(StageError, match=f"no result of {NAMES[1]}"):
        grid.main(NAMES)
    assert list(json.loads((files / "grid.json").read_text())) == [NAMES[0], NAMES[2]]
    assert re.search(
        r"\[2/3\] mnist-dots-seed1  failed: no luck  \d+ min left", capsys.readouterr().out
    )
    cells.failing = ""
    grid.main(NAMES)
    assert cells.asked == [NAMES[1]]
    assert list(json.loads((files / "grid.json").read_text())) == NAMES
    assert "3 of 3 trainings" in (files / "quality.md").read_text()
    grid.main(NAMES)
    assert cells.asked == []


def test_every_result_is_kept_as_it_comes(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        yield names[0], scored(names[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(grid, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grid.main(NAMES)
    assert grid.is_there(
        NAMES[0], json.loads((files / "grid.json").read_text()), grid.code_version()
    )


@pytest.mark.usefixtures("files")
def test_results_of_other_settings_are_dropped() -> None:
    known, other = map(made_up, NAMES[:2])
    grid.keep({NAMES[0]: known, NAMES[1]: other | {"settings": {}}})
    assert list(grid.load()) == [NAMES[0]]


@pytest.mark.usefixtures("files")
def test_cells_are_asked_for_by_their_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Cells()
    monkeypatch.setattr(grid, "run", cells)
    with pytest.raises(InputError, match=r"received 'mnist-stars', allowed: .*\{center,box"):
        grid.main(["mnist-dots", "mnist-stars"])
    grid.main(["photos-half-seed2", "mnist-dots"])
    first = [
        "mnist-dots-seed0", "mnist-dots-seed1", "mnist-dots-seed2", "photos-half-seed2",
    ]  # fmt: skip
    assert cells.asked == first
    grid.main([])
    assert cells.asked == [name for name in grid.CELLS if name not in first]


@pytest.mark.parametrize("told", [False, True])
def test_scores_come_from_the_reports(tmp_path: Path, told: bool) -> None:
    paths, expected = Paths(tmp_path), scored(NAMES[0])
    scores, trained = expected["test"], {"seconds": 20.4, "epochs": 15, "collapsed": False}
    of_split = {
        "model": {"composite": scores["model"] | {"hole_mse": 0.1}, "raw": {}},
        "baselines": {"masked": {}, "telea": scores["best_baseline"] | {"hole_mse": 0.2}},
        "best_baseline": "telea",
        "gain": scores["gain"],
    }
    content = {"valid": of_split, "test": of_split, "learned_nothing": told}
    write_checked(paths.metrics, content)
    write_checked(paths.train_summary, trained)
    assert cell.collect(paths) == expected | {"learned_nothing": told}


def test_table_has_a_line_for_the_seeds_of_a_kind_together() -> None:
    results = {
        NAMES[0]: made_up(NAMES[0], 0.01),
        NAMES[1]: made_up(NAMES[1], 0.02),
        NAMES[2]: made_up(NAMES[2], 0.0005, learned_nothing=True),
        "cifar10-mixed-example": made_up("cifar10-mixed-example"),
    }
    page = "<!-- results: made by benchmarks/grid.py -->\n<!-- end of results -->\n"
    lines = grid_tables.with_tables(page, results).splitlines()
    assert lines[1] == (
        "3 of 4 trainings beat the best method without training with an interval above zero. "
        "Of the others, 1 carry `learned_nothing`."
    )
    assert lines[5:8] == [
        "| mnist | dots | telea 0.9000 | 0.9150 | +0.0100 [+0.0090, +0.0110]<br>"
        "+0.0200 [+0.0190, +0.0210] | +1.00 |  |",
        "| photos | half | telea 0.9000 | 0.9005 | +0.0005 [-0.0005, +0.0015] | +0.05 "
        "| learned nothing: seed 2 |",
        "| cifar10 | mixed, 60 epochs, seed 7 | telea 0.9000 | 0.9100 "
        "| +0.0100 [+0.0090, +0.0110] | +1.00 |  |",
    ]


def test_cells_without_gain_that_do_not_say_so_are_named() -> None:
    page = "<!-- results: made by benchmarks/grid.py -->\n<!-- end of results -->\n"
    results = {NAMES[0]: made_up(NAMES[0], 0.0) | {"code": "0ther"}, NAMES[2]: made_up(NAMES[2])}
    made = grid_tables.with_tables(page, results)
    assert f"not a word of it: {NAMES[0]}. They are of 2 versions" in made


def test_page_has_the_numbers_of_the_results_file() -> None:
    page, results = grid.PAGE.read_text(encoding="utf-8"), grid.load()
    assert grid_tables.with_tables(page, results) == page
    assert {name: result["settings"] for name, result in results.items()}.items() <= (
        grid.CELLS.items()
    )
