"""Debian's PostgreSQL, started for a test."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .server import free_port

_START_SECONDS = 60
_USER = "mlflow"


def find_program(name: str) -> str | None:
    """A program of the newest PostgreSQL; Debian has them outside of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@dataclass(frozen=True)
class Database:
    """An empty database that a password protects.

    Attributes:
        uri: without the password.
        password: of its owner.
    """

    uri: str
    password: str


@contextmanager
def postgresql() -> Iterator[Database]:
    """A PostgreSQL server on the loopback, on a free port, which ends with the block."""
    # It refuses to run as root, and others cannot enter pytest's own folders.
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    port, password = free_port(), secrets.token_urlsafe()
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        (folder / "password").write_text(password)
        if as_user:
            for path in (folder, folder / "password"):
                shutil.chown(path, **as_user)
        create = (
            find_program("initdb"), "--pgdata", folder / "data", "--username", _USER,
            "--auth", "scram-sha-256", "--pwfile", folder / "password", "--no-sync",
        )  # fmt: skip
        subprocess.run(list(map(str, create)), check=True, capture_output=True, **as_user)  # type: ignore[call-overload]
        serve = (
            find_program("postgres"), "-D", folder / "data", "-h", "127.0.0.1", "-p", port,
            "-k", folder,
        )  # fmt: skip
        process = subprocess.Popen(
            list(map(str, serve)), stderr=subprocess.DEVNULL, start_new_session=True, **as_user  # type: ignore[call-overload]
        )  # fmt: skip
        try:
            _create_database(process, port, password)
            yield Database(f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/mlflow", password)
        finally:
            process.terminate()
            process.wait()


def _create_database(process: "subprocess.Popen[bytes]", port: int, password: str) -> None:
    """Wait until it can be done."""
    command = ("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", _USER, "mlflow")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "PostgreSQL ended by itself"
        done = subprocess.run(
            command, env=os.environ | {"PGPASSWORD": password}, capture_output=True, check=False
        )
        if done.returncode == 0:
            return
        time.sleep(0.2)  # between two questions, not instead of one
    raise AssertionError(f"PostgreSQL did not answer within {_START_SECONDS} s")
