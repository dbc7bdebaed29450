"""`dvc exp run` as the README has it, then plain `mlflow ui`."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def mlflow_ui(checkout: Any) -> Iterator[str]:
    """Plain `mlflow ui` in the project's root; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["mlflow", "ui", "--port", str(port)],
        cwd=checkout.root,
        env=checkout.environment,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_up(address, server)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_until_up(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert server.poll() is None, "mlflow ui ended by itself"
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)  # between two questions, not instead of one
        else:
            return
    pytest.fail("mlflow ui did not answer within 180 s")


def _post(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        content: dict[str, Any] = json.load(reply)
    return content


@pytest.mark.slow
def test_an_experiment_shows_beside_the_first_run(checkout: Any, mlflow_ui: str) -> None:
    checkout.run("dvc", "exp", "run", "-n", "longer", "-S", "train.epochs=3")
    checkout.run("git", "checkout", "--", ".")

    with urllib.request.urlopen(
        f"{mlflow_ui}/api/2.0/mlflow/experiments/get-by-name?experiment_name=inpaint", timeout=60
    ) as reply:
        experiment = json.load(reply)["experiment"]["experiment_id"]
    runs = _post(mlflow_ui, "runs/search", {"experiment_ids": [experiment]})["runs"]
    by_epochs = {_values(run, "params")["train.epochs"]: run for run in runs}
    assert {"2", "3"} <= set(by_epochs)
    assert _values(by_epochs["3"], "tags")["DVC_EXP_NAME"] == "longer"
    for run in by_epochs.values():
        assert 0 < _values(run, "metrics")["test/model/composite/ssim_unit"] < 1
        assert run["outputs"]["model_outputs"]
        artifact = f"{mlflow_ui}/get-artifact?run_id={run['info']['run_id']}"
        with urllib.request.urlopen(f"{artifact}&path=figures/restored.png", timeout=60) as reply:
            assert reply.read(4) == b"\x89PNG"


def test_a_temporary_experiment_runs_its_own_code_and_logs_to_the_project(checkout: Any) -> None:
    """Trap: with an editable install, stages in temporary folders would import another tree."""
    stage = checkout.root / "src" / "inpaint" / "stages" / "train.py"
    before = stage.read_text()
    stage.write_text(before.replace('f"trained ', 'f"trained by edited code '))
    output = checkout.run("dvc", "exp", "run", "--temp", "-n", "elsewhere", "-S", "train.epochs=1")
    stage.write_text(before)
    assert "trained by edited code" in output
    script = (
        "import mlflow; client = mlflow.MlflowClient('sqlite:///mlflow.db');"
        "experiment = client.get_experiment_by_name('inpaint').experiment_id;"
        "[run] = client.search_runs([experiment], \"tags.DVC_EXP_NAME = 'elsewhere'\");"
        "print(run.info.artifact_uri)"
    )
    artifacts = checkout.run("python", "-c", script).splitlines()[-1]
    assert artifacts.startswith((checkout.root / "mlruns").as_uri())
    assert (checkout.root / "mlruns" / artifacts.split("/")[-2] / "artifacts" / "figures").is_dir()


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(os.environ.get("INPAINT_DATA_MIRROR", "nowhere")).is_dir(),
    reason="INPAINT_DATA_MIRROR names no folder of the official files",
)
def test_cifar10_runs_through_on_its_whole_test_set(checkout: Any) -> None:
    settings = ("data.dataset=cifar10", "data.test_size=null", "train.epochs=2")
    output = checkout.run("dvc", "exp", "run", *(word for s in settings for word in ("-S", s)))
    assert "10000 test" in output
    summary = json.loads((checkout.root / "reports" / "summary.json").read_text())
    checkout.run("git", "checkout", "--", ".")
    assert summary["dataset"] == "cifar10"
    # Biharmonic on the 10,000 official test images, measured for this project.
    assert summary["best_baseline_ssim_unit"] == pytest.approx(0.9586, abs=5e-5)


def _values(run: dict[str, Any], kind: str) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in run["data"][kind]}
