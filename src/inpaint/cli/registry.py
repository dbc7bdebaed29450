"""Commands on registered models."""

from pathlib import Path
from typing import Annotated

import typer

from inpaint.commands.launch import launch_command

_HEADING = "The registry"

_Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the alias's move.")]

app = typer.Typer()


@app.command(rich_help_panel=_HEADING)
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


@app.command(rich_help_panel=_HEADING)
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


@app.command(rich_help_panel=_HEADING)
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
