"""The pipeline's stages, one by one."""

from pathlib import Path

import typer

from inpaint.commands.launch import launch

_HEADING = "Single stages"

app = typer.Typer()


@app.command(rich_help_panel=_HEADING)
def prepare() -> None:
    """Get the images and split them: training, validation, test.

    Reads the section `data` of params.yaml; writes data/prepared/. Official files come from
    data/raw/, from the mirror named by INPAINT_DATA_MIRROR, or from their public address, and are
    used only if their digests are right.
    """
    raise typer.Exit(launch("prepare", root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
def mask() -> None:
    """Draw a hole for each image.

    Reads the section `mask` of params.yaml; writes data/holes/, with a preview.png to look at.
    """
    raise typer.Exit(launch("mask", root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
def train() -> None:
    """Train the network, and log the run to MLflow.

    Reads the sections `model`, `train` and `tracking`; writes models/inpainter.keras,
    reports/train.json and reports/train/history.csv. `mlflow ui` shows the run.
    """
    raise typer.Exit(launch("train", root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
def evaluate() -> None:
    """Score the model against methods that need no training.

    Reads the section `evaluate`; writes reports/metrics.json, per_image.csv, restored.npy and
    summary.json. SSIM is computed by TensorFlow and checked against scikit-image.
    """
    raise typer.Exit(launch("evaluate", root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
def plot() -> None:
    """Draw the figures and write the report.

    Reads the section `plot`; writes reports/figures/ and reports/report.md.
    """
    raise typer.Exit(launch("plot", root=Path.cwd()))
