"""A disk without room, or not to be written to: one line says so, nothing is lost, and afterwards
the same command works."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkout import Checkout
from tests.faults.killing import ended, leftovers, results, runs

pytestmark = pytest.mark.torture
_ENOUGH = "500m"
_NEEDED = 4300  # kB, somewhat more than `dvc repro` fills


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    mount(tmp_path, "-t", "tmpfs", "none")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def mount(place: Path, *options: str) -> None:
    if subprocess.run(["mount", *options, place], check=False).returncode:
        pytest.skip("nothing can be mounted here: not root")


def assert_works(project: Checkout, undisturbed: dict[str, Any]) -> None:
    code, printed = ended(project, "dvc", "repro")
    if code:
        # DVC writes this file in place: what docs/reliability.md tells people to do.
        assert "'./dvc.lock' validation failed" in printed, printed
        (project.root / "dvc.lock").unlink()
        project.run("dvc", "repro")
    project.run("inpaint", "sync")
    assert results(project.root) == undisturbed
    assert leftovers(project.root) == []
    assert [run.status for run in runs(project.root)].count("FINISHED") == 1


@pytest.mark.parametrize("seed", range(12))
def test_pipeline_on_a_full_disk_finishes_when_there_is_room(
    checkout: Checkout, undisturbed: dict[str, Any], disk: Path, seed: int
) -> None:
    clone = checkout.clone(disk / "project")
    used = int(subprocess.check_output(["du", "-sk", disk], text=True).split()[0])
    room = int(np.random.default_rng(seed).integers(20, _NEEDED))
    mount(disk, "-o", f"remount,size={used + room}k")
    code, printed = ended(clone, "dvc", "repro")
    print(f"{room} kB, exit code {code}: {printed.splitlines()[-4:]}")
    assert "Traceback" not in printed
    if code:
        assert "No space left on device" in printed
    mount(disk, "-o", f"remount,size={_ENOUGH}")
    assert_works(clone, undisturbed)


@pytest.mark.parametrize("name", ["data", "models", "reports", "mlruns", "."])
def test_pipeline_in_a_folder_not_to_be_written_to_says_which(
    checkout: Checkout, undisturbed: dict[str, Any], tmp_path: Path, name: str
) -> None:
    clone = checkout.clone(tmp_path / "project")
    folder = clone.root / name
    folder.mkdir(exist_ok=True)
    mount(folder, "--bind", str(folder))
    mount(folder, "-o", "remount,bind,ro")
    try:
        code, printed = ended(clone, "dvc", "repro")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    print(f"{name}, exit code {code}: {printed.splitlines()[-4:]}")
    assert "Traceback" not in printed
    assert "Read-only file system" in printed
    assert (code == 0) == (name == "mlruns")  # what cannot be logged is no loss
    assert_works(clone, undisturbed)
