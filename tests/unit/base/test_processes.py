"""Cores and processes."""

import os
import subprocess
import sys

import pytest

from inpaint.base.processes import is_running, num_threads, on_threads


@pytest.mark.parametrize(
    ("told", "expected"), [("3", 3), ("0", None), ("", None), ("many", None), (None, None)]
)
def test_threads_are_those_told_or_all_cores(
    monkeypatch: pytest.MonkeyPatch, told: str | None, expected: int | None
) -> None:
    if told is None:
        monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    else:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", told)
    assert num_threads() == (expected or len(os.sched_getaffinity(0)))


def test_an_environment_tells_its_process_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in on_threads(5).items():
        monkeypatch.setenv(name, value)
    assert num_threads() == 5


def test_a_process_runs_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        process.communicate(b"\n")
    assert not is_running(process.pid)
