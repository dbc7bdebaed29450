"""The tables of benchmarks/README.md: no number that was not measured."""

import re

import numpy as np
import pytest

from benchmarks import growth, speed
from benchmarks.kept import load, values
from inpaint.launch import STAGES

MEASURED = load(speed.FILE)
PAGE = speed.README.read_text(encoding="utf-8")


def test_page_has_the_numbers_that_were_measured() -> None:
    assert speed.with_tables(PAGE, MEASURED) == PAGE


def test_every_row_was_measured_and_is_in_the_table() -> None:
    assert list(MEASURED) == list(speed.ROWS)
    assert {line.row for line in speed.LINES} | {"growth"} == speed.ROWS.keys()


def test_commands_name_rows() -> None:
    named = re.findall(r"python -m benchmarks\.speed ([a-z0-9_-]+)", PAGE)
    assert set(named) | {"growth"} == speed.ROWS.keys()


def test_numbers_tell_no_name_and_no_path_of_the_machine() -> None:
    content = speed.FILE.read_text(encoding="utf-8")
    assert not re.search(r"hostname|executable|/home|/root|/work", content)


@pytest.mark.parametrize(
    ("theirs", "ratio"), [([2.0, 8.0, 3.0], "3 (2 to 4)"), ([1.0, 1.0, 0.5], "0.5 (0.5 to 1)")]
)
def test_ratio_is_the_median_of_the_rounds(theirs: list[float], ratio: str) -> None:
    line = speed.Line("help", "help", "rival", "faster")
    cells = speed.cells(line, {"inpaint": [1.0, 2.0, 1.0], "rival": theirs})
    assert cells[1:5] == ["1 s", "rival", f"{np.median(theirs):.3g} s", ratio]


def test_growth_is_drawn_for_every_stage() -> None:
    left, right = growth.figure(values(MEASURED["growth"])).axes
    assert [line.get_label() for line in left.lines] == list(STAGES)
    assert [line.get_label() for line in right.lines] == list(STAGES)
