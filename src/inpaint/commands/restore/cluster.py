"""A Ray cluster: this machine alone, or the one that RAY_ADDRESS names."""

import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import inpaint
from inpaint.base.errors import InputError, StageError

_PACKAGE = Path(inpaint.__file__).parent
# Each worker has a core of its own, so more threads would only get in each other's way.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_PATIENCE_S = 15.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_LOG_LEVEL": "ERROR",
}


@contextmanager
def connected(needed_by: str) -> Iterator[Any]:
    """Ray, with this process's code and its MLflow store on every node, until the block ends.

    Args:
        needed_by: what a person has typed, for the message.

    Raises:
        InputError: Ray is not installed.
        StageError: there is no such cluster.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ.update(_QUIET)
    if not address:
        # Ray listens on all networks, and runs what it is sent: by holders of this token alone.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    try:
        import ray
    except ImportError as error:
        raise InputError(
            f"{needed_by} needs the extra `ray`: pip install 'inpaint[ray]' ({error})"
        ) from None
    variables = dict.fromkeys(_THREADS, "1") | {"TF_CPP_MIN_LOG_LEVEL": "3"} | _store()
    # What only a cluster that starts here can be told.
    of_own: dict[str, Any] = (
        {} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    )
    interrupt = signal.getsignal(signal.SIGTERM)
    try:
        _check_answers(address)
        ray.init(
            address=address or "local",
            runtime_env={"py_modules": [str(_PACKAGE)], "env_vars": variables},
            log_to_driver=False,
            logging_level=logging.ERROR,
            **of_own,
        )
    except (OSError, ValueError, RuntimeError) as error:
        [reason, *_] = str(error).splitlines() or [type(error).__name__]
        where = f"the Ray cluster at RAY_ADDRESS={address}" if address else "Ray"
        raise StageError(f"{where} cannot be used: {reason}") from None
    signal.signal(signal.SIGTERM, interrupt)  # Ray has put another one there
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.rpartition("/")[2], int(port)), _PATIENCE_S).close()


def _store() -> dict[str, str]:
    """Where runs and models are; not with a password, for Ray logs what it is told."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return {"MLFLOW_TRACKING_URI": uri} if uri and urlparse(uri).password is None else {}
