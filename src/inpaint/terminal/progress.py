"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress
from rich.progress import TimeElapsedColumn as Elapsed
from rich.progress import TimeRemainingColumn as Remaining


class ProgressBar:
    """Shows how far a piece of work has come, and how long the rest will take.

    Off a terminal (a pipe, a log, CI) it prints at most ``lines`` lines such as
    ``Epoch 2/4  loss 0.0312  12 s left``.

    Example:
        with ProgressBar("Epoch", total=4, lines=4) as bar:
            bar.update(1, "loss 0.0312")
    """

    def __init__(self, title: str, total: int, lines: int = 10) -> None:
        self._title = title
        self._total = total
        self._lines = lines
        self._console = Console()
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "{task.fields[note]}")
        times = (Elapsed(), "elapsed,", Remaining(), "left")
        # A file that takes the errors gets them as they are.
        redirected = sys.stderr.isatty()
        self._bar = Progress(*columns, *times, console=self._console, redirect_stderr=redirected)
        self._task = self._bar.add_task(title, total=total, note="")
        self._lines_printed = 0
        self._since: tuple[float, int] | None = None  # when the first part was done, and how much

    def __enter__(self) -> "ProgressBar":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, completed: int, note: str = "") -> None:
        """Say how much of the total is done, with a short note such as the loss."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=completed, note=note)
            return
        now = time.monotonic()
        if self._since is None:
            self._since = now, completed
        if self._total == 0:  # not known: a file whose server does not tell its length
            return
        due = completed * self._lines // self._total
        if due <= self._lines_printed:
            return
        self._lines_printed = due
        parts = [f"{self._title} {completed}/{self._total}", note, self._left(now, completed)]
        print("  ".join(part for part in parts if part), flush=True)

    def _left(self, now: float, completed: int) -> str:
        """The time left, by all parts but the first, which takes longer than the others."""
        if completed == self._total:
            return "0 s left"
        assert self._since
        started, already = self._since
        if completed == already:
            return ""
        return f"{(now - started) * (self._total - completed) / (completed - already):.0f} s left"
