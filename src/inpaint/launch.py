"""Starts stages, for `python src STAGE` and for the command line alike."""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from inpaint.errors import InputError, StageError

STAGES = ("prepare", "mask", "train", "evaluate", "plot")


def launch(*arguments: str, root: Path) -> int:
    """Run one stage on the project tree ``root``, print its result, give the exit code.

    Args:
        arguments: the name of a stage, and nothing else.
        root: the folder that holds params.yaml.
    """
    with exit_codes() as code:
        stage = " ".join(arguments)
        if stage not in STAGES:
            raise InputError(f"stage: received {stage!r}, allowed: {', '.join(STAGES)}")
        from inpaint.params import load_params
        from inpaint.paths import Paths

        paths = Paths(root)
        params = load_params(paths.params)
        print(_import_stage(stage).run(params, paths), flush=True)
    return code.value


def _import_stage(stage: str) -> ModuleType:
    """Import a stage and, with it, the heavy libraries that it needs, without their greetings.

    TensorFlow's C++ part writes to the process's standard error before any setting can stop it.
    What was written is shown if the import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # MLflow would otherwise try a server that does not answer for many minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            module = importlib.import_module(f"inpaint.stages.{stage}")
        except BaseException:
            written.seek(0)
            os.write(kept, written.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    return module


class ExitCode:
    """What the process should exit with: 0 unless something went wrong."""

    value = 0


@contextmanager
def exit_codes() -> Iterator[ExitCode]:
    """Turn the errors meant for people into one line on stderr and an exit code.

    2: what was given cannot be used. 1: the stage failed, or the disk did. 130: interrupted.
    Anything else is a defect and keeps its traceback.
    """
    code = ExitCode()
    try:
        yield code
    except InputError as error:
        code.value = 2
        print(f"error: {error}", file=sys.stderr)
    except StageError as error:
        code.value = 1
        print(f"failed: {error}", file=sys.stderr)
    except OSError as error:
        code.value = 1
        print(f"failed: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
    except KeyboardInterrupt:
        code.value = 130
        print("interrupted", file=sys.stderr)
