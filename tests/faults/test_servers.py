"""Servers of runs that refuse, hang, or answer with something else: no training is lost."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.checkout import Checkout
from tests.faults.killing import leftovers, results, runs

pytestmark = pytest.mark.slow


@contextmanager
def refusing() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def hanging() -> Iterator[str]:
    """It takes connections, and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """Always the same."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "refuses": refusing,
    "hangs": hanging,
    "500": lambda: answering(500, b"Internal Server Error"),
    "503 in JSON": lambda: answering(503, b'{"error_code": "TEMPORARILY_UNAVAILABLE"}'),
    "503 for an hour": lambda: answering(503, b"Maintenance", **{"Retry-After": "3600"}),
    "401": lambda: answering(401, b"You are not authenticated."),
    "a page": lambda: answering(200, b"<html>Please log in</html>"),
    "empty JSON": lambda: answering(200, b"{}"),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_a_training_goes_on_without_its_server(
    fresh: Checkout, undisturbed: dict[str, Any], kind: str
) -> None:
    with SERVERS[kind]() as address:
        environment = {"MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_TIMEOUT": "2"}
        cut_off = Checkout(fresh.root, environment)
        printed = cut_off.run("dvc", "repro")
        told = cut_off.run("inpaint", "sync", code=2)
    assert "training goes on without MLflow: the MLflow store" in printed
    assert printed.count("kept on the disk, but not logged; `inpaint sync` does that") >= 1
    assert "Traceback" not in printed + told
    assert told.startswith("error: the MLflow store")
    assert results(fresh.root) == undisturbed
    assert "logged the whole run" in fresh.run("inpaint", "sync")
    assert [run.status for run in runs(fresh.root)] == ["FINISHED"]
    assert leftovers(fresh.root) == []
