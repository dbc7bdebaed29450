"""How fast it is, as ratios against rivals that are measured in turn with it.

    python -m benchmarks.speed                    # everything, about a quarter of an hour
    python -m benchmarks.speed biharmonic-digits  # one row

All times are kept in speed.json, which `python -m pyperf stats` reads as well; the tables of
README.md and the figure are made from it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.in_turn import Values
from benchmarks.kept import (
    Measured,
    describe_machine,
    in_pyperfs_form,
    load,
    save,
    values,
)
from benchmarks.tables import table, with_results
from benchmarks.task import ROOT
from inpaint import plots
from inpaint.launch import STAGES
from inpaint.quiet import without_greetings

with without_greetings():
    from benchmarks import growth, restoring, startup, training

FILE = ROOT / "benchmarks" / "speed.json"
README = ROOT / "benchmarks" / "README.md"
FIGURE = ROOT / "benchmarks" / "growth.png"
ROWS: dict[str, Callable[[], Values]] = {
    "training-step": training.step,
    "bfloat16-16-filters": training.bfloat16(),
    "bfloat16-32-filters": training.bfloat16(model={"filters": 32}),
    "bfloat16-report_unet": training.bfloat16(**training.REPORT),
    "training-mnist": training.mnist,
    "training-cifar10": training.cifar10,
    "scoring-residual_unet": restoring.score("residual_unet", filters=16),
    "scoring-report_unet": restoring.score("report_unet", filters=32),
    "biharmonic-digits": restoring.biharmonic("digits"),
    "biharmonic-photos": restoring.biharmonic("photos"),
    "biharmonic-100-holes": restoring.biharmonic("digits", many_holes=True),
    "help": startup.help_text,
    "repro": startup.nothing_to_do,
    **{f"start-{stage}": startup.stage(stage) for stage in STAGES},
    "growth": growth.measure,
}


@dataclass(frozen=True)
class Line:
    """A line of the table: two of a row's methods, or one without a rival."""

    row: str
    what: str
    rival: str | None
    wanted: str = ""
    ours: str = "inpaint"


LINES = [
    Line(
        "training-step", "training step of the report's network", "Keras",
        "at least 1.1 times as fast",
    ),
    *[
        Line(f"bfloat16-{name}", f"training step in bfloat16, {what}", "float32")
        for name, what in (
            ("16-filters", "`residual_unet`"),
            ("32-filters", "`residual_unet` with 32 filters"),
            ("report_unet", "the report's network"),
        )
    ],
    Line(
        "training-mnist", "training on MNIST until better than biharmonic", None,
        ours="better than biharmonic",
    ),
    Line(
        "training-mnist", "training on MNIST until a validation `ssim_unit` of 0.94", None,
        "at most 60 s", ours="0.94",
    ),
    Line(
        "training-cifar10", "training on CIFAR-10 until better than biharmonic", None,
        ours="better than biharmonic",
    ),
    Line(
        "training-cifar10", "training on CIFAR-10 until better than the report's network ever is",
        "report_unet", "at least 20 times as fast", ours="report_unet's best",
    ),
    *[
        Line(
            f"scoring-{network}", f"restore and score 10,000 digits, `{network}`", "one by one",
            "at least 50 times as fast",
        )
        for network in ("residual_unet", "report_unet")
    ],
    *[
        Line(f"biharmonic-{name}", f"biharmonic fill of 10,000 {what}", rival, wanted)
        for name, what in (
            ("digits", "digits"),
            ("photos", "colour crops, 32x32"),
            ("100-holes", "digits, 100 hole shapes"),
        )
        for rival, wanted in (
            ("scikit-image", "" if name == "100-holes" else "at least 100 times as fast"),
            ("OpenCV Telea", "faster"),
            ("OpenCV Navier-Stokes", "faster"),
        )
    ],
    Line("help", "`inpaint --help`", "imports", "at most 1.5 times as long"),
    Line("repro", "`dvc repro` with nothing to do", None, "below 3 s"),
    *[Line(f"start-{stage}", f"start of the stage {stage}", "imports") for stage in STAGES],
]  # fmt: skip


def with_tables(page: str, measured: Measured) -> str:
    """The page with its tables made anew."""
    header = ["", "inpaint", "rival", "its time", "times as fast", "wanted", "command"]
    lines = [cells(line, values(measured[line.row])) for line in LINES]
    machine = describe_machine(measured["training-step"])
    page = with_results(page, "benchmarks/speed.py", [machine, table(header, lines)])
    grown = growth.as_table(values(measured["growth"]))
    return with_results(page, "benchmarks/growth.py", [grown])


def cells(line: Line, measured: Values) -> list[str]:
    ours = measured[line.ours]
    cells = [line.what, _time(ours)]
    if line.rival is None:
        cells += ["", "", ""]
    else:
        theirs = measured[line.rival]
        ratios = np.array(theirs) / ours
        spread = f"{np.median(ratios):.3g} ({ratios.min():.3g} to {ratios.max():.3g})"
        cells += [line.rival, _time(theirs), spread]
    return [*cells, line.wanted, f"`python -m benchmarks.speed {line.row}`"]


def _time(seconds: list[float]) -> str:
    median = float(np.median(seconds))
    return f"{median:.3g} s" if median >= 1 else f"{1000 * median:.3g} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast it is, against rivals.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    chosen = parser.parse_args().rows or list(ROWS)
    if unknown := set(chosen) - ROWS.keys():
        parser.error(f"received {', '.join(sorted(unknown))}, allowed: {', '.join(ROWS)}")
    measured = load(FILE)
    for number, row in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {row}", flush=True)
        measured[row] = in_pyperfs_form(row, ROWS[row]())
        # In the order of the table, whatever was measured first.
        save(FILE, {name: measured[name] for name in ROWS if name in measured})
    plots.save(growth.figure(values(measured["growth"])), FIGURE)
    README.write_text(with_tables(README.read_text(), measured))


if __name__ == "__main__":
    main()
