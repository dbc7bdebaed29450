"""Row (i) of docs/experiments.md with a real tracking server that is slow, or dies half-way."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from mlflow import MlflowClient

from .server import mlflow_server

EPOCHS = 400

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(checkout: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A clone that trains for some seconds, with its data in place."""
    clone = checkout.copy(tmp_path_factory.mktemp("unreliable") / "project")
    clone.set({"train": {"epochs": EPOCHS}})
    return clone


def the_run(folder: Path) -> tuple[MlflowClient, Any]:
    client = MlflowClient(f"sqlite:///{folder}/server.db")
    experiment = client.get_experiment_by_name("inpaint")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id])
    return client, run


def steps(client: MlflowClient, run: Any) -> list[int]:
    return [
        metric.step for metric in client.get_metric_history(run.info.run_id, "curves/train_loss")
    ]


def test_i_the_server_dies_half_way(clone: Any, tmp_path: Path) -> None:
    log = tmp_path / "training.log"
    with mlflow_server(clone, tmp_path) as server, log.open("w") as output:
        environment = clone.environment | {"MLFLOW_TRACKING_URI": server.address}
        command = ["dvc", "repro", "train"]
        training = subprocess.Popen(
            command, cwd=clone.root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        while "Epoch 20/" not in log.read_text():
            assert training.poll() is None, log.read_text()
            time.sleep(0.05)
        server.stop()
        assert training.wait() == 0, log.read_text()
    assert "training goes on without MLflow" in log.read_text()
    assert "`inpaint sync` does that" in log.read_text()
    client, run = the_run(tmp_path)
    assert run.info.status == "RUNNING"
    there = steps(client, run)
    assert 0 < len(there) < EPOCHS
    assert not run.outputs.model_outputs

    with mlflow_server(clone, tmp_path) as server:
        synced = clone.run("inpaint", "sync", MLFLOW_TRACKING_URI=server.address)
    assert "logged curves, model" in synced
    client, run = the_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert run.outputs.model_outputs
    assert sorted(steps(client, run)) == list(range(1, EPOCHS + 1))
    clone.run("git", "checkout", "--quiet", "--", "dvc.lock")


def test_i_the_server_is_slow(clone: Any, tmp_path: Path) -> None:
    with mlflow_server(clone, tmp_path) as server, slowed(server.address) as (address, requests):
        clone.run("dvc", "repro", "--force", "--single-item", "train", MLFLOW_TRACKING_URI=address)
    client, run = the_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert sorted(steps(client, run)) == list(range(1, EPOCHS + 1))
    assert run.outputs.model_outputs
    portions = [path for path in requests if path.endswith("/runs/log-batch")]
    assert len(portions) < EPOCHS / 10


@contextmanager
def slowed(address: str) -> Iterator[tuple[str, list[str]]]:
    """Another address of a server, where each answer takes long; the paths that were asked for."""
    requests: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def answer(self) -> None:
            requests.append(self.path)
            time.sleep(0.3)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = urllib.request.Request(
                address + self.path, body or None, dict(self.headers), method=self.command
            )
            try:
                reply = urllib.request.urlopen(request, timeout=60)
            except urllib.error.HTTPError as error:
                reply = error
            with reply:
                content = reply.read()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}", requests
        proxy.shutdown()
