"""The command `inpaint`: a module for each heading of its help."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from inpaint import __version__
from inpaint.cli import parameters, pictures, registry, runs, stages


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
for _heading in (pictures, stages, parameters, runs, registry):  # in the order of the help
    app.add_typer(_heading.app)


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


def main() -> None:
    app()
