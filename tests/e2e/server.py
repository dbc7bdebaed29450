"""MLflow's servers, and the project's, over a checkout."""

import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 180


@dataclass(frozen=True)
class Server:
    address: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def mlflow_ui(checkout: Any) -> Iterator[str]:
    """Plain `mlflow ui` in the project's root; its address."""
    with _serving(checkout, "mlflow", "ui") as server:
        yield server.address


@contextmanager
def mlflow_server(checkout: Any, folder: Path, store: str | None = None) -> Iterator[Server]:
    """A tracking server that keeps the runs' files in ``folder``, and its database too if
    ``store`` names no other."""
    database = ("--backend-store-uri", store or f"sqlite:///{folder}/server.db")
    files = ("--artifacts-destination", str(folder / "artifacts"))
    with _serving(checkout, "mlflow", "server", *database, *files, "--workers", "1") as server:
        yield server


@contextmanager
def model_server(checkout: Any) -> Iterator[Server]:
    """A server of the champion, as docs/serving.md starts it."""
    with _serving(checkout, "inpaint", "serve") as server:
        yield server


def free_port() -> int:
    """Below those that the system itself gives away, as Ray takes them by the dozen, and by a
    generator of its own: that of a test may be at the same place in two processes."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            return port


@contextmanager
def _serving(checkout: Any, *arguments: str) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [*arguments, "--port", str(port)],
        cwd=checkout.root,
        env=checkout.environment,
        start_new_session=True,  # Ctrl-C reaches the test alone, which ends the server
    )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_up(server)
        yield server
    finally:
        server.stop()


def _wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "it ended by itself"
        try:
            urllib.request.urlopen(f"{server.address}/health", timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)  # between two questions, not instead of one
        else:
            return
    raise AssertionError(f"it did not answer within {_START_SECONDS} s")
