"""Starts stages, for `python src STAGE` and for the command line alike, and commands."""

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from inpaint.base.errors import InputError, StageError, is_of_memory
from inpaint.base.processes import OWNER, is_running
from inpaint.terminal.interrupts import interruptible
from inpaint.terminal.quiet import without_greetings

_WATCH_S, _LAST_WORDS_S = 0.5, 30.0
STAGES = ("prepare", "mask", "train", "evaluate", "plot")
ANYWHERE = ("restore", "demo", "export")  # commands that need no project


def launch(*arguments: str, root: Path) -> int:
    """Run one stage on the project tree ``root``, print its result, give the exit code.

    Args:
        arguments: the name of a stage, and nothing else.
        root: the folder that holds params.yaml.
    """
    parent = os.getppid()
    with exit_codes() as code:
        if {"DVC_STAGE", OWNER} & os.environ.keys():
            _end_with(parent)
        stage = " ".join(arguments)
        if stage not in STAGES:
            raise InputError(f"stage: received {stage!r}, allowed: {', '.join(STAGES)}")
        from inpaint.base.files import remove_leftovers
        from inpaint.base.paths import Paths
        from inpaint.params import load_params

        paths = Paths(root)
        try:
            params = load_params(paths.params)
        except InputError as error:
            raise InputError(f"{error}{_way_back(root)}") from None
        if stage == "train":
            # TensorFlow has faster convolutions, and leaves them off on many processors. Only here:
            # scores are of the pixels that servers give, and they have TensorFlow as it is.
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        for folder in paths.written:
            remove_leftovers(folder)
        print(_import(f"inpaint.stages.{stage}").run(params, paths), flush=True)
    return code.value


def _end_with(parent: int) -> None:
    """End this process, as by Ctrl-C, soon after the one that started it has ended.

    DVC that is ended alone leaves its stage behind, which would go on beside the next `dvc repro`;
    and so does `inpaint reproduce`, which starts DVC.
    """
    owner = int(os.environ.get(OWNER, parent))

    def watch() -> None:
        while os.getppid() == parent and is_running(owner):
            time.sleep(_WATCH_S)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_WORDS_S)
        os.kill(os.getpid(), signal.SIGKILL)  # somebody has caught the interrupt

    threading.Thread(target=watch, daemon=True).start()


def _way_back(root: Path) -> str:
    """`dvc exp run -S` writes what it was given, and DVC leaves it there."""
    is_experiment = "DVC_EXP_BASELINE_REV" in os.environ
    is_workspace = os.environ.get("DVC_ROOT") == str(root.resolve())
    taken_back = "; `git checkout params.yaml` takes back what `-S` has written"
    return taken_back if is_experiment and is_workspace else ""


def launch_command(command: str, *arguments: Any, root: Path, **options: Any) -> int:
    """Run one of `inpaint.commands` on the project tree ``root``, give the exit code."""
    with exit_codes() as code:
        if command not in ANYWHERE and not (root / "params.yaml").exists():
            raise InputError("params.yaml is not there: run in the project's root, which holds it")
        from rich.console import Console

        with Console().status("Starting ..."):  # MLflow takes seconds
            module = _import(f"inpaint.commands.{command}")
        code.value = module.run(root, *arguments, **options)
    return code.value


def _import(name: str) -> ModuleType:
    """Import a module and, with it, the heavy libraries that it needs."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow would otherwise try a server that does not answer for many minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
    os.environ.setdefault("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false")  # it may say hours
    os.environ.setdefault("PGCONNECT_TIMEOUT", "15")  # libpq waits for ever otherwise, seconds
    with without_greetings():
        return importlib.import_module(name)


class ExitCode:
    """What the process should exit with: 0 unless something went wrong."""

    value = 0


@contextmanager
def exit_codes() -> Iterator[ExitCode]:
    """Turn the errors meant for people into one line on stderr and an exit code.

    2: what was given cannot be used. 1: the stage failed, or the disk did. 130: interrupted. 141:
    nobody reads the output. Anything else is a defect and keeps its traceback.
    """
    code = ExitCode()
    try:
        with interruptible():
            yield code
    except InputError as error:
        code.value = 2
        print(f"error: {error}", file=sys.stderr)
    except StageError as error:
        code.value = 1
        print(f"failed: {error}", file=sys.stderr)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        code.value = 141  # as of a process that SIGPIPE ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        code.value = 1
        print(f"failed: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
    except KeyboardInterrupt:
        code.value = 130
        print("interrupted", file=sys.stderr)
    except Exception as error:
        if not is_of_memory(error):
            raise
        code.value = 1
        [reason, *_] = str(error).splitlines() or ["none left"]
        print(f"failed: not enough memory: {reason}", file=sys.stderr)
