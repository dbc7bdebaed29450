"""`inpaint sweep`: searches on this machine and on a cluster, whatever happens on the way."""

import csv
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.checkout import Checkout, make_checkout
from tests.cluster import two_nodes

TWO = """
search: grid
params:
  model.filters: [4, 8]
  train.epochs: [2]
"""
# Each trial takes some 20 seconds: three processes import TensorFlow.
EIGHT = """
search: grid
params:
  train.learning_rate: [0.0005, 0.001, 0.002, 0.004]
  train.seed: [1, 2]
  train.epochs: [6]
"""
THREE = """
search: random
trials: 3
params:
  train.learning_rate: {from: 0.0001, to: 0.01, scale: log}
  data.train_size: [50, 60]
  train.epochs: [3]
"""


@pytest.fixture
def project(tmp_path: Path) -> Checkout:
    """Its own: the other tests of this folder have finished runs in theirs."""
    made = make_checkout(tmp_path / "project")
    (made.root / "eight.yaml").write_text(EIGHT)
    (made.root / "three.yaml").write_text(THREE)
    return made


@pytest.fixture
def ray_cluster() -> Iterator[Any]:
    with two_nodes() as cluster:
        yield cluster


def start(project: Checkout, file: str, **environment: str) -> subprocess.Popen[bytes]:
    """What it prints goes to a file: Ray's processes would keep a pipe open."""
    with (project.root / "told").open("wb") as told:
        return subprocess.Popen(
            ["inpaint", "sweep", file],
            cwd=project.root,
            env=project.environment | environment,
            stdout=told,
            stderr=told,
        )


def finish(project: Checkout, process: subprocess.Popen[bytes]) -> str:
    process.wait(timeout=600)
    return (project.root / "told").read_text()


def wait_for(project: Checkout, process: subprocess.Popen[bytes], pattern: str) -> None:
    """Until there is such a file."""
    until = time.monotonic() + 300
    while not list(project.root.glob(pattern)):
        assert process.poll() is None, finish(project, process)
        assert time.monotonic() < until, pattern
        time.sleep(0.1)


def runs_of(project: Checkout) -> tuple[Run, list[Run]]:
    """The run of the only sweep, and those below it."""
    runs = project.runs().values()
    [sweep] = [run for run in runs if "sweep" in run.data.tags]
    trials = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == sweep.info.run_id]
    return sweep, trials


def table(project: Checkout, name: str) -> list[dict[str, str]]:
    [path] = (project.root / "reports" / "sweeps").glob(f"{name}-*/trials.csv")
    return list(csv.DictReader(path.read_text().splitlines()))


def test_every_trial_is_a_run_below_that_of_the_sweep(project: Checkout) -> None:
    (project.root / "two.yaml").write_text(TWO)
    assert "2 trials, 4 of 4 epochs trained." in project.run("inpaint", "sweep", "two.yaml")
    sweep, trials = runs_of(project)
    assert sweep.info.status == "FINISHED"
    assert [run.info.status for run in trials] == ["FINISHED"] * 2
    for row in table(project, "two"):
        [run] = [run for run in trials if run.info.run_id == row["run_id"]]
        assert run.data.params["model.filters"] == row["model.filters"]
        score = run.data.metrics["valid/score/ssim_unit/mean"]
        assert float(row["valid_ssim_unit_mean"]) == score


@pytest.mark.slow
def test_a_node_that_is_lost_costs_no_trial_and_the_best_is_made_again(
    project: Checkout, ray_cluster: Any
) -> None:
    process = start(project, "eight.yaml", RAY_ADDRESS=ray_cluster.address)
    wait_for(project, process, "models/sweeps/*/trial-*.json")
    wait_for(project, process, "models/checkpoints/*.npz")
    [node] = ray_cluster.worker_nodes
    ray_cluster.remove_node(node, allow_graceful=False)
    told = finish(project, process)
    assert process.returncode == 0, told
    assert "8 trials, 48 of 48 epochs trained." in told
    sweep, trials = runs_of(project)
    assert sweep.info.status == "FINISHED"
    assert [run.info.status for run in trials] == ["FINISHED"] * 8
    assert sorted(run.data.tags["trial"] for run in trials) == [str(n) for n in range(8)]
    rows = table(project, "eight")
    assert {row["run_id"] for row in rows} == {run.info.run_id for run in trials}
    best = max(rows, key=lambda row: float(row["valid_ssim_unit_mean"]))
    [chosen] = [run for run in trials if run.info.run_id == best["run_id"]]
    assert chosen.data.params["train.learning_rate"] == best["train.learning_rate"]
    score = chosen.data.metrics["valid/score/ssim_unit/mean"]
    assert score == float(best["valid_ssim_unit_mean"])
    assert sweep.data.metrics["sweep/best_valid_ssim_unit"] == score
    client = MlflowClient(f"sqlite:///{project.root}/mlflow.db")
    files = {entry.path for entry in client.list_artifacts(sweep.info.run_id)}
    assert files == {"sweep.yaml", "trials.csv", "coordinates.png", "progress.png"}
    # On other cores, in another number than those of a trial.
    again = project.run("inpaint", "reproduce", best["run_id"][:8], "--name", "best")
    assert "digit for digit" in again
    # All that is done is done: there is nothing to run, and no cluster needed.
    assert "8 trials, 48 of 48 epochs trained." in project.run("inpaint", "sweep", "eight.yaml")
    assert len(runs_of(project)[1]) == 8


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_sweep_that_was_interrupted_goes_on(project: Checkout, how: signal.Signals) -> None:
    process = start(project, "three.yaml")
    wait_for(project, process, "models/sweeps/*/trial-*.json")
    process.send_signal(how)
    told = finish(project, process)
    assert process.returncode == (-how if how == signal.SIGKILL else 130), told
    until = time.monotonic() + 60
    while any("launch" in " ".join(words) for words in project.processes().values()):
        assert time.monotonic() < until  # no stage outlives its sweep
        time.sleep(0.5)
    told = project.run("inpaint", "sweep", "three.yaml")
    assert "of 3 trials have ended already" in told
    assert "3 trials, 9 of 9 epochs trained." in told
    sweep, trials = runs_of(project)
    assert sweep.info.status == "FINISHED"
    assert [run.info.status for run in trials] == ["FINISHED"] * 3
    assert [row["ended"].partition(",")[0] for row in table(project, "three")] == ["scored"] * 3
    left = {path.name for path in (project.root / "models" / "sweeps").rglob("*") if path.is_dir()}
    assert len(left) == 1  # no tree of a trial


@pytest.mark.slow
def test_what_is_worse_is_given_up_and_what_fails_is_tried_again(project: Checkout) -> None:
    project.set({"train": {"on_collapse": "stop"}})
    (project.root / "early.yaml").write_text(
        "search: grid\nearly_stopping: 2\nparams:\n"
        "  train.learning_rate: [0.002, 0.0000001, 0.0000002, 0.0000003, 10]\n"
        "  train.optimizer: [adamw]\n  train.epochs: [12]\n  train.seed: [4]\n"
    )
    told = project.run("inpaint", "sweep", "early.yaml", code=1)
    rows = {row["train.learning_rate"]: row for row in table(project, "early")}
    assert rows["10.0"]["ended"].startswith("failed: train: ")
    assert "train.learning_rate=10.0 failed, and is tried again next time: train: " in told
    given_up = [row for row in rows.values() if row["ended"] == "given up"]
    assert given_up
    assert all(int(row["epochs"]) < 12 for row in given_up)
    runs = project.runs()
    for row in given_up:
        run = runs[row["run_id"]]
        assert run.info.status == "KILLED"
        epochs = row["epochs"]
        assert run.data.tags["failure"] == f"given up early by the sweep, after epoch {epochs}"
    again = project.run("inpaint", "sweep", "early.yaml", code=1)
    assert "goes on: 4 of 5 trials have ended already" in again


@pytest.mark.slow
def test_cores_that_are_not_there_are_told(project: Checkout) -> None:
    cores = 1 + (os.cpu_count() or 1)
    (project.root / "eight.yaml").write_text(f"{EIGHT}cores: {cores}\n")
    told = project.run("inpaint", "sweep", "eight.yaml", code=2)
    assert f"cores: received {cores}, allowed: up to the {cores - 1} of a node" in told
