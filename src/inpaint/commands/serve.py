"""`inpaint serve`: a registered model behind MLflow's server, on this machine."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

from inpaint.base.errors import InputError, StageError
from inpaint.params import champion_of
from inpaint.terminal.console import console
from inpaint.tracking.model import model_files
from inpaint.tracking.registry.models import registered_name
from inpaint.tracking.serving import guard
from inpaint.tracking.store import open_client, telling_problems

_LAST_WORDS_S = 15.0
_NO_MODEL = "; if there is no champion yet, `inpaint promote` makes one"


def run(root: Path, *, model: str | None, host: str, port: int, largest_mb: int) -> int:
    _check_free(host, port)
    with telling_problems(root):
        open_client(root)
    uri = model or f"models:/{_of_project(root)}@champion"
    if not uri.startswith("models:/"):
        raise InputError(f"--model: received {uri!r}, allowed: models:/NAME@ALIAS or /VERSION")
    with model_files(uri, _NO_MODEL) as folder:
        console().print(f"{uri} answers at http://{host}:{port}, once it has loaded TensorFlow.")
        return _serve(folder, host, port, largest_mb)


def _of_project(root: Path) -> str:
    champion = champion_of(root)
    assert champion  # without a project, no command has come here
    return registered_name(*champion)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if not host:  # it would mean all there are
            raise OSError(errno.EADDRNOTAVAIL, "no address")
        with socket.create_server((host, port), family=family):
            pass
    except (OSError, TypeError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"--host, --port: received {host!r} and {port}, which cannot be used: {reason}"
        ) from None


def _serve(folder: Path, host: str, port: int, largest_mb: int) -> int:
    """Until it is ended. The model's own code is what runs, not this project's."""
    variables = {
        "__pyfunc_model_path__": str(folder),  # MLflow's
        guard.LARGEST_VARIABLE: str(largest_mb * 1_000_000),
        guard.HOST_VARIABLE: host,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # With one for each thread, each keeps what its largest request took.
        "MALLOC_ARENA_MAX": "1",
    }
    command = ["uvicorn", "--host", host, "--port", str(port), "--log-level", "warning"]
    command += ["--timeout-graceful-shutdown", "5", "--limit-concurrency", "200"]
    command += ["--app-dir", str(Path(guard.__file__).parent), "--factory", "guard:guarded"]
    server = subprocess.Popen([sys.executable, "-m", *command], env=os.environ | variables)
    try:
        code = server.wait()
    finally:
        server.terminate()
        try:
            server.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            server.kill()
    if code:
        raise StageError("the server has ended by itself")
    return 0
