"""Commands on runs and experiments."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint.commands.launch import launch_command

_HEADING = "Runs and experiments"

_Run = Annotated[str, typer.Argument(metavar="RUN", show_default=False)]

app = typer.Typer()


@app.command(rich_help_panel=_HEADING)
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


@app.command(rich_help_panel=_HEADING)
def show(run: _Run) -> None:
    """Show where a run comes from, and what came of it.

    \b
    Examples:
      inpaint show latest
      inpaint show 7ee06505
    """
    raise typer.Exit(launch_command("show", run, root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
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


@app.command(rich_help_panel=_HEADING)
def reproduce(
    run: _Run,
    name: Annotated[
        str | None, typer.Option(help="Of the new experiment; again-RUN if not given.")
    ] = None,
) -> None:
    """Make a run again, with its code and parameters, as a DVC experiment.

    Exits with 1 if a result is not the same, digit for digit: on the same machine, with the same
    packages, it is. What the experiment has made already is not made once more.

    \b
    Examples:
      inpaint reproduce latest
      inpaint reproduce 7ee06505 --name check
    """
    raise typer.Exit(launch_command("reproduce", run, name=name, root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.YAML", show_default=False)],
) -> None:
    """Search for the best settings: train and score many, on all cores or a cluster.

    SWEEP.YAML says which keys of params.yaml take which values, in a grid or at random, and whether
    to give up early what is worse; docs/scaling.md has an example. Each trial is a run; the choice
    is made by validation scores, and `inpaint reproduce` makes it an experiment. A sweep that was
    interrupted goes on when it is started again. A cluster is named by RAY_ADDRESS.

    \b
    Examples:
      inpaint sweep examples/sweep.yaml
      RAY_ADDRESS=10.0.0.1:6379 inpaint sweep wider.yaml
    """
    raise typer.Exit(launch_command("sweep", file, root=Path.cwd()))


@app.command(rich_help_panel=_HEADING)
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
