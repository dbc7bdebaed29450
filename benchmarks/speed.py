"""How fast it is, as ratios against rivals that are measured in turn with it.

    python -m benchmarks.speed                    # everything, about twenty minutes
    python -m benchmarks.speed biharmonic-digits  # one row, which is only printed

The times of everything are kept in speed.json, in pyperf's format; the tables of README.md and the
figure are made from it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.in_turn import Values
from benchmarks.kept import Measured, describe_machine, in_pyperfs_form, save, values
from benchmarks.tables import table, with_results
from benchmarks.task import REPORT, ROOT
from inpaint.base.errors import InputError
from inpaint.commands.launch import STAGES
from inpaint.scoring import plots
from inpaint.terminal.quiet import without_greetings

with without_greetings():
    from benchmarks import growth, large_pictures, restoring, startup, training

FILE = ROOT / "benchmarks" / "speed.json"
README = ROOT / "benchmarks" / "README.md"
FIGURE = ROOT / "benchmarks" / "growth.png"
ROWS: dict[str, Callable[[], Values]] = {
    "training-step": training.step,
    "bfloat16-16-filters": training.bfloat16(),
    "bfloat16-32-filters": training.bfloat16(model={"filters": 32}),
    "bfloat16-report_unet": training.bfloat16(**REPORT),
    "training-mnist": training.mnist,
    "training-cifar10": training.cifar10,
    "scoring-residual_unet": restoring.score("residual_unet", filters=16),
    "scoring-report_unet": restoring.score("report_unet", filters=32),
    "biharmonic-digits": restoring.biharmonic("digits"),
    "biharmonic-photos": restoring.biharmonic("photos"),
    "biharmonic-100-holes": restoring.biharmonic("digits", many_holes=True),
    **{f"biharmonic-{side}": large_pictures.biharmonic(side) for side in large_pictures.SIDES},
    "restore-4096": large_pictures.model,
    "help": startup.help_text,
    "repro": startup.nothing_to_do,
    "run": startup.whole_pipeline,
    **{f"start-{stage}": startup.stage(stage) for stage in STAGES},
    "growth": growth.measure,
}


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


_STEP, _TRAINING = "training step of", "training until the validation score is better than"
LINES = [
    Line("training-step", f"{_STEP} the report's network", "Keras", at_least=1.1),
    Line("bfloat16-16-filters", f"{_STEP} `residual_unet`, bfloat16", "float32"),
    Line("bfloat16-32-filters", f"{_STEP} `residual_unet`, 32 filters, bfloat16", "float32"),
    Line("bfloat16-report_unet", f"{_STEP} the report's network, bfloat16", "float32"),
    Line("training-mnist", f"MNIST, {_TRAINING} biharmonic", ours="better than biharmonic"),
    Line("training-mnist", f"MNIST, {_TRAINING} 0.94", ours="0.94", at_most=60),
    Line("training-cifar10", f"CIFAR-10, {_TRAINING} biharmonic", ours="better than biharmonic"),
    Line(
        "training-cifar10", f"CIFAR-10, {_TRAINING} the report's network ever has",
        "report_unet", "report_unet's best", at_least=20,
    ),
    *[
        Line(
            f"scoring-{network}", f"restore and score 10,000 digits by `{network}`", "one by one",
            at_least=50,
        )
        for network in ("residual_unet", "report_unet")
    ],
    *[
        Line(f"biharmonic-{name}", f"biharmonic fill of 10,000 {what}", rival, at_least=at_least)
        for name, what in (
            ("digits", "digits"),
            ("photos", "colour crops, 32x32"),
            ("100-holes", "digits, 100 hole shapes"),
        )
        for rival, at_least in (
            ("scikit-image", None if name == "100-holes" else 100),
            ("OpenCV Telea", 1),
            ("OpenCV Navier-Stokes", 1),
        )
    ],
    *[
        Line(
            f"biharmonic-{side}", f"biharmonic fill of a photograph, {side}x{side}", rival,
            at_least=at_least,
        )
        for side in large_pictures.SIDES
        for rival, at_least in (("scikit-image", 5), ("OpenCV Telea", None))
    ],
    Line("restore-4096", "restore 2,000 pixels of 4096x4096 by the shipped model", at_most=5),
    Line(
        "restore-4096", "its peak memory, that of TensorFlow included", ours="inpaint, peak bytes",
        at_most=1.5e9,
    ),
    Line("help", "`inpaint --help`", "imports", at_least=1 / 1.5),
    Line("repro", "`dvc repro` with nothing to do", at_most=3),
    Line("run", "`make run` without set-up", at_most=180),
    *[Line(f"start-{stage}", f"start of the stage {stage}", "imports") for stage in STAGES],
]  # fmt: skip


def with_tables(page: str, measured: Measured) -> str:
    """The page with its tables made anew."""
    header = ["", "inpaint", "rival", "its time", "times as fast", "wanted", "command"]
    lines = [cells(line, values(measured[line.row])) for line in LINES]
    machine = describe_machine(measured["training-step"])
    page = with_results(page, "benchmarks/speed.py", [machine, table(header, lines)])
    grown = values(measured["growth"])
    tables = [growth.as_table(grown), growth.as_sentence(grown)]
    return with_results(page, "benchmarks/growth.py", tables)


def cells(line: Line, measured: Values) -> list[str]:
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
        f"`python -m benchmarks.speed {line.row}`",
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast it is, against rivals.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    chosen = parser.parse_args().rows or list(ROWS)
    if unknown := set(chosen) - ROWS.keys():
        parser.error(f"received {', '.join(sorted(unknown))}, allowed: {', '.join(ROWS)}")
    measured: Measured = {}
    for number, row in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {row}", flush=True)
        try:
            found = ROWS[row]()
        except InputError as error:  # the official files cannot be had
            raise SystemExit(f"error: {row}: {error}") from None
        measured[row] = in_pyperfs_form(row, found)
        for line in LINES:
            if line.row == row:
                print("  " + "  ".join(filter(None, cells(line, found)[:-1])), flush=True)
        if row == "growth":
            print(growth.as_table(found), growth.as_sentence(found), sep="\n\n", flush=True)
    if measured.keys() == ROWS.keys():  # all from one run: of one machine, and of the same code
        README.write_text(with_tables(README.read_text(), measured))
        plots.save(growth.figure(values(measured["growth"])), FIGURE)
        save(FILE, measured)


if __name__ == "__main__":
    main()
