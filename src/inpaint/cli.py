"""The command `inpaint`."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint import __version__
from inpaint.launch import exit_codes, launch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
    Fills holes in small images with a U-Net, and proves how well.

    `dvc repro` runs the whole pipeline, prepare → mask → train → evaluate → plot, and only what is
    out of date. The commands below run one stage of it, in the folder that holds params.yaml,
    whether it is out of date or not.

    Examples:

    * `dvc repro`
    * `dvc exp run -S train.epochs=100`
    * `inpaint params`
    * `inpaint plot`
    """,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"inpaint {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def prepare() -> None:
    """Get the images and split them: training, validation, test.

    Reads the section `data` of params.yaml; writes data/prepared/. Official files come from
    data/raw/, from the mirror named by INPAINT_DATA_MIRROR, or from their public address, and are
    used only if their digests are right.
    """
    raise typer.Exit(launch("prepare", root=Path.cwd()))


@app.command()
def mask() -> None:
    """Draw a hole for each image.

    Reads the section `mask` of params.yaml; writes data/holes/, with a preview.png to look at.
    """
    raise typer.Exit(launch("mask", root=Path.cwd()))


@app.command()
def train() -> None:
    """Train the network, and log the run to MLflow.

    Reads the sections `model`, `train` and `tracking`; writes models/inpainter.keras,
    reports/train.json and reports/train/history.csv. `mlflow ui` shows the run.
    """
    raise typer.Exit(launch("train", root=Path.cwd()))


@app.command()
def evaluate() -> None:
    """Score the model against methods that need no training.

    Reads the section `evaluate`; writes reports/metrics.json, per_image.csv, restored.npy and
    summary.json. SSIM is computed by TensorFlow and checked against scikit-image.
    """
    raise typer.Exit(launch("evaluate", root=Path.cwd()))


@app.command()
def plot() -> None:
    """Draw the figures and write the report.

    Reads the section `plot`; writes reports/figures/ and reports/report.md.
    """
    raise typer.Exit(launch("plot", root=Path.cwd()))


@app.command()
def params() -> None:
    """Check params.yaml and print the parameters in force.

    Exits with 2, and says what is allowed, if a value is wrong or a key unknown.
    """
    with exit_codes() as code:
        import yaml

        from inpaint.params import load_params
        from inpaint.paths import Paths

        in_force = load_params(Paths(Path.cwd()).params).model_dump()
        print(yaml.safe_dump(in_force, sort_keys=False), end="")
    raise typer.Exit(code.value)


def main() -> None:
    app()
