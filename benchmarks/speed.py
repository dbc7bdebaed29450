"""How fast it is, as ratios against rivals that are measured in turn with it.

    python -m benchmarks.speed                    # everything, about twenty minutes
    python -m benchmarks.speed biharmonic-digits  # one row, which is only printed

The times of everything are kept in speed.json, in pyperf's format; the tables of README.md and the
figure are made from it.
"""

from collections.abc import Callable

from benchmarks.in_turn import Values
from benchmarks.kept import Measured, save, values
from benchmarks.lines import Line, measure, tables
from benchmarks.tables import with_results
from benchmarks.task import REPORT, ROOT
from inpaint.commands.launch import STAGES
from inpaint.scoring import plots
from inpaint.terminal.quiet import without_greetings

with without_greetings():
    from benchmarks import growth, own_pictures, restoring, startup, training

_PROGRAM = "benchmarks.speed"
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
    "help": startup.help_text,
    "repro": startup.nothing_to_do,
    "run": startup.whole_pipeline,
    **{f"start-{stage}": startup.stage(stage) for stage in STAGES},
    "restore-one": own_pictures.start,
    "restore-folder": own_pictures.restore_folder,
    "prepare-folder": own_pictures.prepare,
    "growth": growth.measure,
}

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
    Line("help", "`inpaint --help`", "imports", at_least=1 / 1.5),
    Line("repro", "`dvc repro` with nothing to do", at_most=3),
    Line("run", "`make run` without set-up", at_most=180),
    *[Line(f"start-{stage}", f"start of the stage {stage}", "imports") for stage in STAGES],
    Line("restore-one", "`inpaint restore` of the README's photograph, 451x300", at_most=10),
    Line(
        "restore-folder", "`inpaint restore` of 1,000 pictures, 160x128", "one process each",
        at_least=20,
    ),
    Line("prepare-folder", "the stage prepare, 1,000 pictures of one's own", ours="1,000 pictures"),
    Line("prepare-folder", "peak memory with 1,000", ours="1,000 pictures, peak bytes"),
    Line("prepare-folder", "the stage prepare, 50,000 pictures of one's own"),
    Line("prepare-folder", "peak memory with 50,000", ours="inpaint, peak bytes", at_most=1e9),
]  # fmt: skip


def with_tables(page: str, measured: Measured) -> str:
    """The page with its tables made anew."""
    page = with_results(page, "benchmarks/speed.py", tables(_PROGRAM, LINES, measured))
    grown = values(measured["growth"])
    content = [growth.as_table(grown), growth.as_sentence(grown)]
    return with_results(page, "benchmarks/growth.py", content)


def main() -> None:
    measured = measure(_PROGRAM, ROWS, LINES)
    if "growth" in measured:
        grown = values(measured["growth"])
        print(growth.as_table(grown), growth.as_sentence(grown), sep="\n\n", flush=True)
    if measured.keys() == ROWS.keys():  # all from one run: of one machine, and of the same code
        README.write_text(with_tables(README.read_text(), measured))
        plots.save(growth.figure(values(measured["growth"])), FIGURE)
        save(FILE, measured)


if __name__ == "__main__":
    main()
