"""The command `inpaint`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from inpaint import __version__
from inpaint.commands.launch import exit_codes, launch, launch_command

_PICTURES = "Pictures"
_STAGES, _PARAMETERS = "Single stages", "Parameters"
_RUNS, _REGISTRY = "Runs and experiments", "The registry"

Method = Literal["model", "biharmonic", "telea", "navier-stokes"]
Format = Literal["png", "jpeg", "webp", "tiff"]
_Model = Annotated[
    str | None,
    typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION, a RUN, or a .keras file."),
]
_Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the alias's move.")]
_Run = Annotated[str, typer.Argument(metavar="RUN", show_default=False)]


class _Grouped(TyperGroup):
    """Lists the commands under headings, their `rich_help_panel`."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands))
        headings: dict[str | None, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            assert isinstance(command, TyperCommand)
            row = name.ljust(width), command.get_short_help_str(limit=200)
            headings.setdefault(command.rich_help_panel, []).append(row)
        for heading, commands in headings.items():
            with formatter.section(heading):
                formatter.write_dl(commands)


class _WithAllowedValues(TyperCommand):
    """Ends its help with what each parameter may be."""

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        from inpaint.params import allowed_values

        with formatter.section("Allowed values"):
            formatter.write_dl(list(allowed_values().items()))


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich would take as long to import as all the rest
    cls=_Grouped,
    help="""
    Fills holes in images with a U-Net, and proves how well.

    `dvc repro` runs the whole pipeline, prepare → mask → train → evaluate → plot, and only what is
    out of date. The commands below look at the runs that came of it, or run one stage, whether it
    is out of date or not. All work in the folder that holds params.yaml.

    RUN is a run id or its first characters, the name of an experiment, or `latest`.

    \b
    Examples:
      dvc exp run -n longer -S train.epochs=100
      inpaint runs
      inpaint compare latest longer
      inpaint promote longer
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


@app.command(rich_help_panel=_PICTURES)
def restore(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Files, or folders of files.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A file, or a folder.")],
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask", "-m", metavar="PATH", help="A file, a folder of files by name, or `alpha`."
        ),
    ] = None,
    center: Annotated[
        int | None, typer.Option(metavar="SIZE", help="A square in the middle is missing.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="ROW,COLUMN,HEIGHT,WIDTH", help="A rectangle, in pixels, is missing."),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(metavar="FF00FF", help="What is painted over in this colour is missing."),
    ] = None,
    invert: Annotated[bool, typer.Option("--invert", help="Black is missing in masks.")] = False,
    method: Annotated[Method, typer.Option(help="The others need no model.")] = "model",
    model: _Model = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Undamaged, to score the result: a file, or a folder."),
    ] = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Of the files in a folder; JPEG loses something."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write NAME.compare.png: before, mask, after.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Fill the holes of pictures, of any size, anywhere: no project is needed.

    What is missing is white in the mask, from 128 of 255 on, which is a picture of the same size;
    `--mask alpha` takes what is transparent. Known pixels come back bit for bit, and a picture
    keeps its size, mode, depth, format and profile. Only JPEG becomes PNG, unless it is asked for.

    The model is the project's champion where that fits the picture, else one for photographs that
    comes with the package. Of a folder, what was done before is not done again.

    \b
    Examples:
      inpaint restore photo.jpg --mask mask.png --output restored.png
      inpaint restore scans/ --mask masks/ --output restored/
      inpaint restore photo.png --color FF00FF --output restored.png --compare
    """
    from inpaint.data.pictures.masks import Missing

    with exit_codes() as code:
        code.value = launch_command(
            "restore",
            images,
            root=Path.cwd(),
            output=output,
            missing=Missing(mask, center, box, color, invert),
            method=method,
            model=model,
            reference=reference,
            file_format=file_format and file_format.upper(),
            compare=compare,
            force=force,
        )
    raise typer.Exit(code.value)


@app.command(rich_help_panel=_PICTURES)
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the page.")] = 7860,
    model: _Model = None,
) -> None:
    """Open a page to paint on, in a browser; needs the extra `demo`.

    Paint over what is missing, choose the model or a method, and look at the result beside the
    classical fill. It answers on this machine alone, and loads nothing from elsewhere.

    \b
    Examples:
      inpaint demo
      inpaint demo --port 8000 --model models/inpainter.keras
    """
    raise typer.Exit(launch_command("demo", root=Path.cwd(), port=port, model=model))


@app.command(rich_help_panel=_PICTURES)
def export(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="A file, such as model.onnx.")],
    model: _Model = None,
    grey: Annotated[
        bool, typer.Option("--grey", help="The package's model for grey pictures, not colour.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a model as ONNX, for programs without TensorFlow; needs the extra `onnx`.

    It takes `image`, with its hole filled by biharmonic interpolation, float32 (N, H, W, C) from -1
    to 1, and `hole`, float32 (N, H, W, 1), 1 = missing, of any size; examples/restore_onnx.py
    restores a picture by it.

    \b
    Examples:
      inpaint export model.onnx
      inpaint export digits.onnx --model models:/inpaint-mnist@champion
    """
    raise typer.Exit(
        launch_command("export", output, root=Path.cwd(), model=model, grey=grey, force=force)
    )


@app.command(rich_help_panel=_STAGES)
def prepare() -> None:
    """Get the images and split them: training, validation, test.

    Reads the section `data` of params.yaml; writes data/prepared/. Official files come from
    data/raw/, from the mirror named by INPAINT_DATA_MIRROR, or from their public address, and are
    used only if their digests are right.
    """
    raise typer.Exit(launch("prepare", root=Path.cwd()))


@app.command(rich_help_panel=_STAGES)
def mask() -> None:
    """Draw a hole for each image.

    Reads the section `mask` of params.yaml; writes data/holes/, with a preview.png to look at.
    """
    raise typer.Exit(launch("mask", root=Path.cwd()))


@app.command(rich_help_panel=_STAGES)
def train() -> None:
    """Train the network, and log the run to MLflow.

    Reads the sections `model`, `train` and `tracking`; writes models/inpainter.keras,
    reports/train.json and reports/train/history.csv. `mlflow ui` shows the run.
    """
    raise typer.Exit(launch("train", root=Path.cwd()))


@app.command(rich_help_panel=_STAGES)
def evaluate() -> None:
    """Score the model against methods that need no training.

    Reads the section `evaluate`; writes reports/metrics.json, per_image.csv, restored.npy and
    summary.json. SSIM is computed by TensorFlow and checked against scikit-image.
    """
    raise typer.Exit(launch("evaluate", root=Path.cwd()))


@app.command(rich_help_panel=_STAGES)
def plot() -> None:
    """Draw the figures and write the report.

    Reads the section `plot`; writes reports/figures/ and reports/report.md.
    """
    raise typer.Exit(launch("plot", root=Path.cwd()))


@app.command(rich_help_panel=_PARAMETERS, cls=_WithAllowedValues)
def params() -> None:
    """Check params.yaml and print the parameters in force.

    Exits with 2, and says what is allowed, if a value is wrong or a key unknown.
    """
    with exit_codes() as code:
        import yaml

        from inpaint.base.paths import Paths
        from inpaint.params import load_params

        in_force = load_params(Paths(Path.cwd()).params).model_dump()
        print(yaml.safe_dump(in_force, sort_keys=False), end="")
    raise typer.Exit(code.value)


@app.command(rich_help_panel=_RUNS)
def runs(
    json: Annotated[
        bool, typer.Option("--json", help="Print all that is known, for programs.")
    ] = False,
) -> None:
    """List the runs, the best first.

    Only runs with the same validation images and holes are ranked together. The score is
    `ssim_unit` on these images, with its 95% interval.

    \b
    Examples:
      inpaint runs
      inpaint runs --json
    """
    raise typer.Exit(launch_command("runs", as_json=json, root=Path.cwd()))


@app.command(rich_help_panel=_RUNS)
def show(run: _Run) -> None:
    """Show where a run comes from, and what came of it.

    \b
    Examples:
      inpaint show latest
      inpaint show 7ee06505
    """
    raise typer.Exit(launch_command("show", run, root=Path.cwd()))


@app.command(rich_help_panel=_RUNS)
def compare(
    first: _Run,
    second: _Run,
    output: Annotated[Path, typer.Option(help="Where to draw both runs' images.")] = Path(
        "reports/compare.png"
    ),
) -> None:
    """Compare two runs: parameters, scores image by image, and pictures.

    A difference counts if its 95% interval leaves zero out.

    \b
    Examples:
      inpaint compare longer latest
      inpaint compare 7ee0 b096 --output both.png
    """
    raise typer.Exit(launch_command("compare", first, second, output=output, root=Path.cwd()))


@app.command(rich_help_panel=_RUNS)
def reproduce(
    run: _Run,
    name: Annotated[
        str | None, typer.Option(help="Of the new experiment; again-RUN if not given.")
    ] = None,
) -> None:
    """Make a run again, with its code and parameters, as a DVC experiment.

    Exits with 1 if a result is not the same, digit for digit: on the same machine, with the same
    packages, it is.

    \b
    Examples:
      inpaint reproduce latest
      inpaint reproduce 7ee06505 --name check
    """
    raise typer.Exit(launch_command("reproduce", run, name=name, root=Path.cwd()))


@app.command(rich_help_panel=_RUNS)
def sync(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPERIMENT]...", show_default=False),
    ] = None,
) -> None:
    """Log what the workspace and the experiments hold and MLflow lacks.

    After a tracking server was down, in a fresh clone, when the project was moved or copied. What
    is logged already is left as it is. Without EXPERIMENT: the workspace and all experiments.

    \b
    Examples:
      inpaint sync
      inpaint sync longer
    """
    raise typer.Exit(launch_command("sync", experiments or [], root=Path.cwd()))


@app.command(rich_help_panel=_REGISTRY)
def promote(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", show_default=False, help="The workspace's if not given."),
    ] = None,
    alias: Annotated[
        str, typer.Option(help="Another alias than champion needs no comparison.")
    ] = "champion",
    force: Annotated[
        bool, typer.Option("--force", help="Without comparison; needs --reason.")
    ] = False,
    reason: _Reason = None,
) -> None:
    """Register a run's model, as champion of its data set if it has earned that.

    It has if, on its validation images and holes, it is better than the best method without
    training and than the champion, each by more than the 95% interval of the difference, which
    takes images of 6 or more pictures. A champion that was scored on other images is scored again
    on these. Otherwise nothing changes, and the exit code is 1. A network that collapsed, or
    learned nothing, is never promoted.

    \b
    Examples:
      inpaint promote
      inpaint promote longer
      inpaint promote longer --alias challenger
      inpaint promote longer --force --reason "smaller, and as good"
    """
    raise typer.Exit(
        launch_command("promote", run, alias=alias, force=force, reason=reason, root=Path.cwd())
    )


@app.command(rich_help_panel=_REGISTRY)
def rollback(
    model: Annotated[
        str | None,
        typer.Argument(show_default=False, help="The one of data.dataset if not given."),
    ] = None,
    reason: _Reason = None,
) -> None:
    """Make the champion before this one champion again.

    Several rollbacks in a row go further back. Every move is kept, and the last ones are listed in
    the description of the registered model, in `mlflow ui`.

    \b
    Examples:
      inpaint rollback
      inpaint rollback inpaint-cifar10 --reason "blurs faces"
    """
    raise typer.Exit(launch_command("rollback", model, reason=reason, root=Path.cwd()))


@app.command(rich_help_panel=_REGISTRY)
def serve(
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@ALIAS or models:/NAME/VERSION; the champion if not given."),
    ] = None,
    host: Annotated[str, typer.Option(help="Others than the loopback let others in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the server.")] = 5001,
    largest_mb: Annotated[
        int, typer.Option("--largest-mb", min=1, max=2000, help="Of a request's body.")
    ] = 64,
) -> None:
    """Answer requests by a registered model, with MLflow's own server behind a guard.

    The guard refuses requests that are too large, or no JSON. There are no passwords, and no
    encryption: docs/security.md says how to add them.

    \b
    Examples:
      inpaint serve
      inpaint serve --model models:/inpaint-cifar10@champion --port 5002
    """
    raise typer.Exit(
        launch_command(
            "serve", root=Path.cwd(), model=model, host=host, port=port, largest_mb=largest_mb
        )
    )


def main() -> None:
    app()
