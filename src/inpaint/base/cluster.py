"""A Ray cluster: this machine alone, or the one that RAY_ADDRESS names."""

import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import inpaint
from inpaint.base.errors import InputError, StageError
from inpaint.base.processes import on_threads

_PACKAGE = Path(inpaint.__file__).parent
_PATIENCE_S = 15.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to Ray's makers
    "RAY_ENABLE_AUTO_CONNECT": "0",  # no cluster but that one
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_LOG_LEVEL": "ERROR",
}


@contextmanager
def connected(needed_by: str, files: Path | None = None) -> Iterator[Any]:
    """Ray, with this process's code and its MLflow store on every node, until the block ends.

    Args:
        needed_by: what a person has typed, for the message.
        files: a folder whose files every worker finds where it works; elsewhere than in the
            project, whose .gitignore Ray heeds.

    Raises:
        InputError: Ray is not installed, or a cluster's workers would not find the store.
        StageError: there is no such cluster, or it could not do what it was given.
    """
    require_ray(needed_by)
    address = cluster_address()
    os.environ.update(_QUIET)
    if not address:
        # Ray listens on all networks, and runs what it is sent: by holders of this token alone.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    # Each worker has a core of its own, so more threads would only get in each other's way.
    variables = on_threads(1) | {"TF_CPP_MIN_LOG_LEVEL": "3"} | _store(address)
    environment: dict[str, Any] = {"py_modules": [str(_PACKAGE)], "env_vars": variables}
    if files is not None:
        environment["working_dir"] = str(files)
        variables["RAY_CHDIR_TO_TRIAL_DIR"] = "0"  # stay there
    # What only a cluster that starts here can be told.
    of_own: dict[str, Any] = (
        {} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    )
    interrupt = signal.getsignal(signal.SIGTERM)
    try:
        _check_answers(address)
        ray.init(
            address=address or "local",
            runtime_env=environment,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **of_own,
        )
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _failure(address, error) from None
    signal.signal(signal.SIGTERM, interrupt)  # Ray has put another one there
    try:
        yield ray
    except ray.exceptions.RayError as error:
        raise _failure(address, error) from None
    finally:
        ray.shutdown()


def cluster_address() -> str | None:
    """Of the cluster that a person names; None for one that starts on this machine."""
    address = os.environ.get("RAY_ADDRESS")
    return None if address in ("", "local") else address


def require_ray(needed_by: str) -> None:
    """Refuse, by an InputError, to begin where Ray is not installed.

    It is not imported: it reads its settings from the environment when it is, and only then.
    """
    with suppress(ValueError):
        if find_spec("ray") is not None:
            return
    raise InputError(f"{needed_by} needs the extra `ray`: pip install 'inpaint[ray]'")


def _failure(address: str | None, error: Exception) -> StageError:
    reason = next(filter(None, str(error).splitlines()), type(error).__name__)
    where = f"the Ray cluster at RAY_ADDRESS={address}" if address else "Ray"
    return StageError(f"{where} cannot be used: {reason}")


def _check_answers(address: str | None) -> None:
    """Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        host = host.rpartition("/")[2].strip("[]")
        socket.create_connection((host, int(port)), _PATIENCE_S).close()


def _store(address: str | None) -> dict[str, str]:
    """Where runs and models are; workers on this machine know it already."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not address or not uri:
        return {}
    if urlparse(uri).password is not None:
        raise InputError(
            "MLFLOW_TRACKING_URI: received an address with a password, which Ray would log, "
            "allowed with RAY_ADDRESS: one without, and MLFLOW_TRACKING_USERNAME and _PASSWORD in "
            "the environment of the cluster's nodes"
        )
    return {"MLFLOW_TRACKING_URI": uri}
