"""A training that two processes on loopback share: the weights are as those of one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from inpaint.base.paths import Paths
from inpaint.restoring import serving  # noqa: F401 it makes Keras know the layers
from tests.e2e.server import free_port
from tests.faults.killing import runs
from tests.pipeline.conftest import ROOT, Project, make_project


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Images and holes; the last batch is smaller, and of an odd number."""
    project = make_project(tmp_path_factory.mktemp("shared"))
    project.set({"data": {"train_size": 41}, "train": {"epochs": 3}})
    assert project.run("prepare", "mask") == 0
    return project


def tree(masked: Project, folder: Path, **train: Any) -> Project:
    """A project of its own, as on another host."""
    shutil.copytree(masked.paths.root, folder)
    project = Project(Paths(folder))
    project.set({"train": train})
    return project


class Training:
    """A process that runs the stage train in a project."""

    def __init__(self, project: Project, hosts: Any = None) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        variables = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT / "src")}
        variables |= {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CONFIG": json.dumps(hosts or {})}
        self.log = project.paths.root / "log.txt"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "src"), "train"],
                cwd=project.paths.root,
                env=kept | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self, code: int = 0) -> str:
        """What it has printed, once it has ended with this exit code."""
        try:
            found = self.process.wait(timeout=180)
        finally:
            self.process.kill()
        assert found == code, self.log.read_text()
        return self.log.read_text()

    def end_after(self, epoch: int, number: signal.Signals) -> None:
        """By a signal."""
        while f"Epoch {epoch}/" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        self.process.send_signal(number)
        assert self.process.wait(timeout=60) == {signal.SIGKILL: -9, signal.SIGTERM: 130}[number]


def together(*projects: Project) -> list[Training]:
    """Processes that share a training."""
    names = [f"127.0.0.1:{free_port()}" for _ in projects]
    return [
        Training(
            project,
            hosts={"cluster": {"worker": names}, "task": {"type": "worker", "index": index}},
        )
        for index, project in enumerate(projects)
    ]


def weights(project: Project) -> np.ndarray:
    """All of them, one after the other."""
    model = keras.saving.load_model(project.paths.model, compile=False)
    return np.concatenate([array.ravel() for array in model.get_weights()])


def history(project: Project) -> np.ndarray:
    return np.loadtxt(project.paths.history, delimiter=",", skiprows=1)


@pytest.fixture(scope="module")
def alone(masked: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Trained on one device."""
    project = tree(masked, tmp_path_factory.mktemp("alone") / "project")
    Training(project).end()
    return project


def test_two_processes_train_as_one(masked: Project, alone: Project, tmp_path: Path) -> None:
    chief, other = (
        tree(masked, tmp_path / name, strategy="multi_worker") for name in ("chief", "other")
    )
    told = [training.end() for training in together(chief, other)]
    assert "trained residual_unet for 3 epochs" in told[0]
    assert "on 2 devices" in told[0]
    assert "helped to train; the model is with the first of 127.0.0.1:" in told[1]
    np.testing.assert_allclose(weights(chief), weights(alone), atol=1e-5)
    np.testing.assert_allclose(history(chief), history(alone), atol=1e-5)
    [run] = runs(chief.paths.root)
    assert (run.status, run.epochs) == ("FINISHED", [1, 2, 3])
    for path in (other.paths.model, other.paths.train_summary, other.paths.root / "mlflow.db"):
        assert not path.exists()


@pytest.mark.slow
def test_processes_with_other_data_are_told_apart(masked: Project, tmp_path: Path) -> None:
    chief, other = (
        tree(masked, tmp_path / name, strategy="multi_worker", seed=seed)
        for seed, name in enumerate(("chief", "other"))
    )
    for training in together(chief, other):
        assert "has another training: data, holes, parameters" in training.end(1)


@pytest.mark.slow
@pytest.mark.parametrize(("lost", "number"), [(0, signal.SIGKILL), (1, signal.SIGTERM)])
def test_a_process_that_dies_ends_the_training_which_goes_on(
    masked: Project, tmp_path: Path, lost: int, number: signal.Signals
) -> None:
    names, settings = ("chief", "other"), {"strategy": "multi_worker", "epochs": 12}
    undisturbed = [tree(masked, tmp_path / f"undisturbed {name}", **settings) for name in names]
    for training in together(*undisturbed):
        training.end()
    pair = [tree(masked, tmp_path / name, **settings) for name in names]
    started = together(*pair)
    started[lost].end_after(4, number)
    assert "failed: a process that shares the training has ended" in started[1 - lost].end(1)
    assert [run.status for run in runs(pair[0].paths.root)] == ["FAILED" if lost else "RUNNING"]
    told, _ = (training.end() for training in together(*pair))
    [epoch] = re.findall(r"goes on after epoch (\d+) of 12", told)
    assert int(epoch) >= 3
    assert np.array_equal(weights(pair[0]), weights(undisturbed[0]))
    assert np.array_equal(history(pair[0]), history(undisturbed[0]))
    [run] = runs(pair[0].paths.root)
    assert (run.status, run.epochs) == ("FINISHED", list(range(1, 13)))
