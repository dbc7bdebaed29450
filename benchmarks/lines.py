"""Rows that are measured, and the lines of the tables of their times.

A row is measured beside its rivals; a line compares two of its methods, and says what was wanted.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.in_turn import Values
from benchmarks.kept import Measured, describe_machine, in_pyperfs_form, values
from benchmarks.tables import table
from inpaint.base.errors import InputError


@dataclass(frozen=True)
class Line:
    """A line of the table: two of a row's methods, or one without a rival.

    Attributes:
        at_least: how many times as fast as the rival it should be.
        at_most: how many seconds it should take, or how many bytes.
    """

    row: str
    what: str
    rival: str | None = None
    ours: str = "inpaint"
    at_least: float | None = None
    at_most: float | None = None


def measure(
    program: str, rows: Mapping[str, Callable[[], Values]], lines: Sequence[Line]
) -> Measured:
    """Measure the rows that are named on the command line, or all, and print their lines.

    Args:
        program: the module that is run.
        rows: by name, what measures them.
        lines: of the table.
    """
    parser = argparse.ArgumentParser(description="Measure how fast it is, against rivals.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(rows)}")
    chosen = parser.parse_args().rows or list(rows)
    if unknown := set(chosen) - rows.keys():
        parser.error(f"received {', '.join(sorted(unknown))}, allowed: {', '.join(rows)}")
    measured: Measured = {}
    for number, row in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {row}", flush=True)
        try:
            found = rows[row]()
        except InputError as error:  # the official files cannot be had
            raise SystemExit(f"error: {row}: {error}") from None
        measured[row] = in_pyperfs_form(row, found)
        for line in lines:
            if line.row == row:
                shown = cells(line, found, program)[:-1]
                print("  " + "  ".join(filter(None, shown)), flush=True)
    return measured


def tables(program: str, lines: Sequence[Line], measured: Measured) -> list[str]:
    """The machine that it was measured on, and the table."""
    header = ["", "inpaint", "rival", "its time", "times as fast", "wanted", "command"]
    content = [cells(line, values(measured[line.row]), program) for line in lines]
    return [describe_machine(next(iter(measured.values()))), table(header, content)]


def cells(line: Line, measured: Values, program: str) -> list[str]:
    """A line of the table: what a program has measured in a row."""
    ours, wanted = measured[line.ours], ""
    if line.at_most is not None:
        wanted = f"at most {_shown(line, [line.at_most])}"
    if line.at_least is not None:
        wanted = f"at least {line.at_least:.3g}"
    theirs = ["", "", ""]
    if line.rival is not None:
        theirs = [line.rival, _time(measured[line.rival]), _ratio(ours, measured[line.rival])]
    return [
        line.what,
        _shown(line, ours),
        *theirs,
        wanted,
        f"`python -m {program} {line.row}`",
    ]


def _ratio(ours: list[float], theirs: list[float]) -> str:
    """Of the medians, and of the rounds: the smallest and the largest."""
    ratio = f"{np.median(theirs) / np.median(ours):.3g}"
    if len(ours) != len(theirs):
        return ratio
    ratios = np.array(theirs) / ours
    return f"{ratio} ({ratios.min():.3g} to {ratios.max():.3g})"


def _shown(line: Line, values: list[float]) -> str:
    """Seconds, or bytes where these were measured."""
    if line.ours.endswith("bytes"):
        return f"{np.median(values) / 1e6:,.0f} MB"
    return _time(values)


def _time(seconds: list[float]) -> str:
    median = float(np.median(seconds))
    return f"{median:.3g} s" if median >= 1 else f"{1000 * median:.3g} ms"
