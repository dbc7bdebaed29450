"""A training that is killed goes on: the short form of `make torture`, without DVC."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from inpaint.restoring import serving  # noqa: F401 it makes Keras know the layers
from tests.faults.killing import leftovers, runs
from tests.pipeline.conftest import make_project

ROOT = Path(__file__).parents[2]
EPOCHS = 12


def training(root: Path) -> "subprocess.Popen[str]":
    """`python src train` in a project tree."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "src"), "train"],
        cwd=root,
        env=variables | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill_after(process: "subprocess.Popen[str]", epoch: int) -> list[str]:
    """What it printed until it was killed."""
    assert process.stdout is not None
    printed = []
    with process:
        for line in process.stdout:
            printed.append(line)
            if line.startswith(f"Epoch {epoch}/"):
                process.send_signal(signal.SIGKILL)
                break
    return printed


def weights(root: Path) -> bytes:
    """All of them, one after the other."""
    model = keras.saving.load_model(root / "models" / "inpainter.keras", compile=False)
    return b"".join(array.tobytes() for array in model.get_weights())


@pytest.fixture
def masked(tmp_path: Path) -> Any:
    project = make_project(tmp_path)
    project.set({"train": {"epochs": EPOCHS}})
    assert project.run("prepare", "mask") == 0
    return project


def test_weights_and_run_are_those_of_an_undisturbed_training(masked: Any) -> None:
    root = masked.paths.root
    printed = kill_after(training(root), epoch=4)
    assert printed[0].startswith(f"Epoch 1/{EPOCHS}")
    [run] = runs(root)
    assert run.status == "RUNNING"

    with training(root) as again:
        assert again.stdout is not None
        first, *rest = again.stdout.read().splitlines()
    assert again.returncode == 0
    assert first.startswith("goes on after epoch ")
    kept = int(first.split()[4])
    assert 3 <= kept <= 5  # what was going on when it was killed may have been finished
    assert rest[0].startswith(f"Epoch {kept + 1}/{EPOCHS}")
    [finished] = runs(root)
    assert finished.run_id == run.run_id
    assert finished.status == "FINISHED"
    assert finished.epochs == list(range(1, EPOCHS + 1))
    assert leftovers(root) == [f"models/checkpoints/{path.name}" for path in checkpoints(root)]
    resumed, history = weights(root), masked.paths.history.read_bytes()

    # Its results are there, but not stored by DVC: they are given again.
    masked.paths.model.unlink()
    assert masked.run("train") == 0
    assert weights(root) == resumed
    assert [each.run_id for each in runs(root)] == [run.run_id]
    assert masked.run("evaluate") == 0
    assert leftovers(root) == []

    masked.set({"train": {"resume": False}})
    with training(root) as anew:  # in a process of its own: others may compute with other kernels
        assert anew.stdout is not None
        assert anew.stdout.read().startswith(f"Epoch 1/{EPOCHS}")
    assert weights(root) == resumed
    assert masked.paths.history.read_bytes() == history
    assert leftovers(root) == []


def checkpoints(root: Path) -> list[Path]:
    return list((root / "models" / "checkpoints").glob("*.npz"))


def test_a_training_that_fails_leaves_nothing_to_go_on_with(
    masked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = masked.paths.root
    monkeypatch.setattr("inpaint.training.health.is_collapsed", lambda _: True)
    masked.set({"train": {"on_collapse": "stop"}})
    assert masked.run("train") == 1
    assert leftovers(root) == []
    [run] = runs(root)
    assert (run.status, run.epochs) == ("FAILED", [1])


def test_a_checkpoint_that_cannot_be_written_stops_no_training(
    masked: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "x.npz")

    monkeypatch.setattr("inpaint.base.checkpoints.Slot.save", fail)
    assert masked.run("train") == 0
    assert "goes on without checkpoint: [Errno 28] No space left" in capsys.readouterr().err
