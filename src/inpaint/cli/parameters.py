"""The command on params.yaml."""

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from inpaint.commands.launch import exit_codes

_HEADING = "Parameters"

app = typer.Typer()


class _WithAllowedValues(TyperCommand):
    """Ends its help with what each parameter may be."""

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        from inpaint.params import allowed_values

        with formatter.section("Allowed values"):
            formatter.write_dl(list(allowed_values().items()))


@app.command(rich_help_panel=_HEADING, cls=_WithAllowedValues)
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
