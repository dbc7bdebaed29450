"""How time and memory of each stage grow with the number of training images."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.in_turn import Values
from benchmarks.tables import table
from benchmarks.task import PICTURES, ROOT, official_pictures, write_params
from inpaint.commands.launch import STAGES
from inpaint.data.images.official import MIRROR_VARIABLE

# CIFAR-10 has 50,000 besides its test set; 1,000 of them are for validation.
SIZES = (1000, 10_000, 49_000)


def measure() -> Values:
    """Run all stages on CIFAR-10, with one epoch of training."""
    mirror = official_pictures()
    values: Values = {}
    for train_size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            # Whether so little training is of any use is not asked here.
            train = {"epochs": 1, "on_collapse": "continue"}
            write_params(root, data=PICTURES | {"train_size": train_size}, train=train)
            # Stages take the files that are here already, and leave all they make in there.
            variables = {
                "DVC_ROOT": folder,
                MIRROR_VARIABLE: mirror,
                "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
            }
            for stage in STAGES:
                cost = _cost_of(stage, root, variables)
                values[f"{stage}, {train_size}"] = [cost["seconds"]]
                values[f"{stage}, {train_size}, peak bytes"] = [cost["peak_bytes"]]
    return values


def _cost_of(stage: str, root: Path, variables: dict[str, str]) -> dict[str, float]:
    program, source = str(ROOT / "benchmarks" / "cost.py"), str(ROOT / "src")
    command = [sys.executable, program, sys.executable, source, stage]
    done = subprocess.run(
        command, cwd=root, env=os.environ | variables, stdout=subprocess.PIPE, check=True
    )
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def seconds(values: Values) -> dict[str, list[float]]:
    """By stage: how long it took, for each of SIZES."""
    return {stage: [values[f"{stage}, {size}"][0] for size in SIZES] for stage in STAGES}


def peaks_mb(values: Values) -> dict[str, list[float]]:
    """By stage: the most memory that it held at a time, for each of SIZES."""
    return {
        stage: [values[f"{stage}, {size}, peak bytes"][0] / 1e6 for size in SIZES]
        for stage in STAGES
    }


def as_table(values: Values) -> str:
    times, peaks = seconds(values), peaks_mb(values)
    header = ["stage", *(f"{size:,}: {unit}" for unit in ("s", "MB") for size in SIZES)]
    rows = [
        [
            stage,
            *(f"{each:.1f}" for each in times[stage]),
            *(f"{each:.0f}" for each in peaks[stage]),
        ]
        for stage in STAGES
    ]
    return table(header, rows)


def as_sentence(values: Values) -> str:
    (first, *_, last), (less, *_, more) = seconds(values)["train"], peaks_mb(values)["train"]
    each = 1000 * (last - first) / (SIZES[-1] - SIZES[0])
    return (
        f"Training on {SIZES[-1]:,} images holds {more - less:.0f} MB more than on {SIZES[0]:,} "
        f"(wanted: at most 300 MB), and each image more takes {each:.2f} ms. "
        "`python -m benchmarks.speed growth` measures it."
    )


def figure(values: Values) -> Figure:
    """Seconds and peak memory over the number of training images, a line for each stage."""
    drawn = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = drawn.subplots(1, 2)
    for axis, label, lines in (
        (left, "seconds", seconds(values)),
        (right, "peak memory, MB", peaks_mb(values)),
    ):
        for stage, line in lines.items():
            axis.plot(SIZES, line, marker="o", label=stage)
        axis.set(xlabel="training images", ylabel=label, xlim=(0, None), ylim=(0, None))
        axis.spines[["top", "right"]].set_visible(False)
    drawn.legend(*right.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return drawn
