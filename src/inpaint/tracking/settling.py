"""Runs whose process is gone: one that was killed could not end its run itself."""

import hashlib
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from inpaint.base.checkpoints import if_free, is_lock
from inpaint.tracking.store import PROBLEMS, TRAINING_ID, all_runs

# Tags of a run: why it has no result; and the machine and the file that its process locks, which
# the system lets go of when the process ends, in whatever way.
FAILURE, WRITER = "failure", "writer"
# Tag of the run of a sweep: what tells it from others.
SWEEP = "sweep"


def writer_tags(lock: Path) -> dict[str, str]:
    """The tags that tell who writes a run: this machine's process that locks a file."""
    return {WRITER: f"{_machine()}:{lock}"}


def settle(client: MlflowClient) -> None:
    """End the runs that are RUNNING, but whose process on this machine is gone, as KILLED.

    The same training goes on with the same run, if it is started again; and `inpaint sync` finishes
    a run whose results are on the disk. A run that cannot be judged, or not ended, is left alone.

    Raises:
        MlflowException, OSError: the store does not list its runs.
    """
    running = "attributes.status = 'RUNNING'"
    for run in [run for tag in (TRAINING_ID, SWEEP) for run in all_runs(client, running, tag=tag)]:
        machine, _, lock = run.data.tags.get(WRITER, "").partition(":")
        if machine == _machine() and is_lock(Path(lock)):
            with suppress(*PROBLEMS):  # such as a run of somebody else's
                _end_if_free(client, run.info.run_id, Path(lock))


def _end_if_free(client: MlflowClient, run_id: str, lock: Path) -> None:
    with if_free(lock) as is_free:
        # What was listed may have ended, or gone on, meanwhile.
        if is_free and client.get_run(run_id).info.status == "RUNNING":
            client.set_tag(run_id, FAILURE, "its process is gone")
            client.set_terminated(run_id, "KILLED")


@cache
def _machine() -> str:
    """This machine's name, with what tells it from others of the same name."""
    identity = b""
    with suppress(OSError):
        identity = Path("/etc/machine-id").read_bytes()
    return f"{platform.node()}-{hashlib.sha256(identity).hexdigest()[:8]}"


def forget_failure(client: MlflowClient, run: Run) -> None:
    """A run that goes on, or has a result after all, has not failed."""
    if FAILURE in run.data.tags:
        client.delete_tag(run.info.run_id, FAILURE)
