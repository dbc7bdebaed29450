"""Timing rivals in turn, so that a slow moment of the machine meets all of them alike."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Values = dict[str, list[float]]  # by what was measured: a value of each round, mostly seconds


def in_turn(methods: Mapping[str, Callable[[], float]], rounds: int) -> Values:
    """Let each method give its seconds, once a round, and last in one round, first in the next.

    A round before these is for warming up.
    """
    times: Values = {name: [] for name in methods}
    for number in range(rounds + 1):
        ordered = list(methods.items())
        for name, method in reversed(ordered) if number % 2 else ordered:
            seconds = method()
            if number > 0:
                times[name].append(seconds)
    return times


def seconds_of(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def seconds_of_process(
    command: Sequence[str | Path],
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    exit_code: int = 0,
) -> float:
    """How long a command takes, from its start to its end.

    Raises:
        SystemExit: with what the command said, if it ends with another exit code.
    """
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    elapsed = time.perf_counter() - start
    if done.returncode != exit_code:
        raise SystemExit(f"{' '.join(map(str, command))} failed: {done.stdout}")
    return elapsed
