"""A disk without room: one line says so, nothing is lost, and with room the same command works."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkout import Checkout
from tests.faults.killing import leftovers, results, runs

pytestmark = pytest.mark.torture
_ENOUGH = "500m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    if subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=False).returncode:
        pytest.skip("no file system can be mounted here: not root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


@pytest.mark.parametrize("seed", range(10))
def test_pipeline_on_a_full_disk_finishes_when_there_is_room(
    checkout: Checkout, undisturbed: dict[str, Any], disk: Path, seed: int
) -> None:
    clone = checkout.clone(disk / "project")
    used = int(subprocess.check_output(["du", "-sk", disk], text=True).split()[0])
    room = int(np.random.default_rng(seed).integers(100, 9000))
    resize(disk, f"{used + room}k")
    done = subprocess.run(
        ["dvc", "repro"],
        cwd=clone.root,
        env=clone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{room} kB, exit code {done.returncode}: {done.stdout.splitlines()[-4:]}")
    assert "Traceback" not in done.stdout
    if done.returncode:
        assert "No space left on device" in done.stdout
    resize(disk, _ENOUGH)
    clone.run("dvc", "repro")
    clone.run("inpaint", "sync")
    assert results(clone.root) == undisturbed
    assert leftovers(clone.root) == []
    assert [run.status for run in runs(clone.root)].count("FINISHED") == 1
