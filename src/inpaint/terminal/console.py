"""Where commands print."""

import sys

from rich.console import Console

_PIPED_WIDTH = 160  # columns: enough for every table, which a file or another program takes whole


def console() -> Console:
    """A console that prints text as it is: names and messages may hold anything in brackets."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(highlight=False, markup=False, width=width)
