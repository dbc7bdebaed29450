"""Runs whose process is gone: one that was killed could not end its run itself."""

import platform
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from inpaint.base.checkpoints import is_free
from inpaint.tracking.store import all_runs

# Tags of a run: why it has no result; and the machine and the file that its process locks, which
# the system lets go of when the process ends, in whatever way.
FAILURE, WRITER = "failure", "writer"


def writer_tags(lock: Path) -> dict[str, str]:
    """The tags that tell who writes a run: this machine's process that locks a file."""
    return {WRITER: f"{platform.node()}:{lock}"}


def settle(client: MlflowClient) -> None:
    """End the runs that are RUNNING, but whose process on this machine is gone, as KILLED.

    The same training goes on with the same run, if it is started again; and `inpaint sync` finishes
    a run whose results are on the disk.
    """
    for run in list(all_runs(client, "attributes.status = 'RUNNING'")):
        machine, _, lock = run.data.tags.get(WRITER, "").partition(":")
        if lock and machine == platform.node() and is_free(Path(lock)):
            client.set_tag(run.info.run_id, FAILURE, "its process was killed")
            client.set_terminated(run.info.run_id, "KILLED")


def forget_failure(client: MlflowClient, run: Run) -> None:
    """A run that goes on, or has a result after all, has not failed."""
    if FAILURE in run.data.tags:
        client.delete_tag(run.info.run_id, FAILURE)
