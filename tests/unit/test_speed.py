"""The tables of benchmarks/README.md: no number that was not measured."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import growth, large_pictures, speed, training
from benchmarks.in_turn import in_turn, seconds_of_process
from benchmarks.kept import in_pyperfs_form, load, save, values
from benchmarks.lines import Line, cells
from inpaint.commands.launch import STAGES
from inpaint.restoring.networks.report_unet import report_unet

PROGRAMS = [speed, large_pictures]
PAGE = speed.README.read_text(encoding="utf-8")
LINES = [(program, line) for program in PROGRAMS for line in program.LINES]


@pytest.mark.parametrize("program", PROGRAMS)
def test_page_has_the_numbers_that_were_measured(program: Any) -> None:
    assert program.with_tables(PAGE, load(program.FILE)) == PAGE


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_row_was_measured_and_is_on_the_page(program: Any) -> None:
    assert list(load(program.FILE)) == list(program.ROWS)
    name = re.escape(program.__name__)
    named = re.findall(rf"`python -m {name} ([a-z0-9_-]+)`", PAGE)
    assert set(named) == program.ROWS.keys()


@pytest.mark.parametrize(
    ("program", "line"), LINES, ids=[f"{line.row}, {line.what}" for _, line in LINES]
)
def test_what_was_wanted_was_measured(program: Any, line: Line) -> None:
    measured = values(load(program.FILE)[line.row])
    times = {name: float(np.median(each)) for name, each in measured.items()}
    if line.at_least is not None:
        assert line.rival is not None
        assert times[line.rival] / times[line.ours] >= line.at_least
    if line.at_most is not None:
        assert times[line.ours] <= line.at_most


def test_memory_of_training_grows_by_less_than_was_allowed() -> None:
    peaks = growth.peaks_mb(values(load(speed.FILE)["growth"]))["train"]
    assert peaks[-1] - peaks[0] <= 300


@pytest.mark.parametrize("program", PROGRAMS)
def test_numbers_tell_no_name_and_no_path_of_the_machine(program: Any) -> None:
    content = program.FILE.read_text(encoding="utf-8")
    assert not re.search(r"hostname|executable|/home|/root|/work", content)


@pytest.mark.parametrize(
    ("theirs", "ratio"),
    [([2.0, 8.0, 3.0], "3 (2 to 4)"), ([1.0, 1.0, 0.5], "1 (0.5 to 1)"), ([2.5], "2.5")],
)
def test_ratio_is_of_the_medians_with_that_of_the_rounds(theirs: list[float], ratio: str) -> None:
    line = Line("help", "help", "rival", at_least=2)
    shown = cells(line, {"inpaint": [1.0, 2.0, 1.0], "rival": theirs}, "benchmarks.speed")
    assert shown[1:6] == ["1 s", "rival", f"{np.median(theirs):.3g} s", ratio, "at least 2"]


def test_rivals_take_turns_after_a_round_for_warming_up() -> None:
    called = []

    def method(name: str) -> Callable[[], float]:
        def run() -> float:
            called.append(name)
            return float(len(called))

        return run

    times = in_turn({"ours": method("ours"), "theirs": method("theirs")}, rounds=2)
    assert called == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert times == {"ours": [4.0, 5.0], "theirs": [3.0, 6.0]}


def test_failing_command_is_no_measurement(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(SystemExit, match="no such thing"):
        seconds_of_process(command, tmp_path)
    assert seconds_of_process(command, tmp_path, exit_code=1) > 0


def test_times_come_back_from_the_file(tmp_path: Path) -> None:
    measured = {"row": in_pyperfs_form("row", {"ours": [1.0, 2.0], "peak bytes": [2**30]})}
    save(tmp_path / "speed.json", measured)
    loaded = load(tmp_path / "speed.json")
    assert values(loaded["row"]) == {"ours": [1.0, 2.0], "peak bytes": [2**30]}


def test_reports_model_is_the_reports(digits: np.ndarray) -> None:
    theirs = training.reports_model((28, 28, 1))
    assert theirs.count_params() == 323_649  # as the report says
    ours = report_unet(1, filters=32, dropout=0.2, skip_connections=True)
    ours.set_weights([weight for weight in theirs.get_weights() if weight.dtype == np.float32])
    images = digits[:3] / np.float32(127.5) - 1
    np.testing.assert_allclose(ours({"image": images}), theirs(images, training=False), atol=1e-5)


def test_growth_is_drawn_for_every_stage() -> None:
    left, right = growth.figure(values(load(speed.FILE)["growth"])).axes
    assert [line.get_label() for line in left.lines] == list(STAGES)
    assert [line.get_label() for line in right.lines] == list(STAGES)
