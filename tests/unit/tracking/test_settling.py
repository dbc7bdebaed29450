"""Runs whose process was killed, in a real sqlite store."""

import platform
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from inpaint.tracking import settling
from inpaint.tracking.store import TRAINING_ID, all_runs, connect


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    for variable in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    return connect(tmp_path, "inpaint").client


def running(client: MlflowClient, **tags: str) -> str:
    experiment = client.get_experiment_by_name("inpaint")
    assert experiment is not None
    run = client.create_run(experiment.experiment_id, tags={"training_id": "7e"} | tags)
    return str(run.info.run_id)


def lock_in(root: Path) -> Path:
    """The lock of a training in the project ``root``."""
    lock = root / "models" / "checkpoints" / "0123456789abcdef-1.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock


def status(client: MlflowClient, run_id: str) -> str:
    return str(client.get_run(run_id).info.status)


def test_a_run_whose_process_is_gone_was_killed(client: MlflowClient, tmp_path: Path) -> None:
    lock = lock_in(tmp_path)
    lock.touch()
    run_id = running(client, **settling.writer_tags(lock))
    settling.settle(client)
    assert status(client, run_id) == "KILLED"
    assert client.get_run(run_id).data.tags["failure"] == "its process is gone"


def test_a_run_under_way_is_left_alone(client: MlflowClient, tmp_path: Path) -> None:
    lock = lock_in(tmp_path)
    run_id = running(client, **settling.writer_tags(lock))
    with FileLock(lock):
        settling.settle(client)
    assert status(client, run_id) == "RUNNING"


def test_other_machines_and_other_programs_runs_are_left_alone(client: MlflowClient) -> None:
    others = [
        running(client),
        running(client, writer=f"not-{platform.node()}:/gone.lock"),
        running(client, writer="no machine"),
    ]
    settling.settle(client)
    assert {status(client, run_id) for run_id in others} == {"RUNNING"}


def test_a_run_that_has_ended_stays_as_it_is(client: MlflowClient, tmp_path: Path) -> None:
    run_id = running(client, **settling.writer_tags(lock_in(tmp_path)))
    client.set_terminated(run_id, "FAILED")
    settling.settle(client)
    assert status(client, run_id) == "FAILED"


def test_several_runs_at_once(client: MlflowClient, tmp_path: Path) -> None:
    tags = settling.writer_tags(lock_in(tmp_path))
    run_ids = [running(client, **tags) for _ in range(3)]
    settling.settle(client)
    assert {status(client, run_id) for run_id in run_ids} == {"KILLED"}


def test_a_file_that_is_no_lock_is_left_alone(client: MlflowClient, tmp_path: Path) -> None:
    """Whoever may write to the store may name any file."""
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("all of it")
    run_id = running(client, **settling.writer_tags(thesis))
    settling.settle(client)
    assert thesis.read_text() == "all of it"
    assert status(client, run_id) == "RUNNING"


def test_a_run_that_ended_meanwhile_stays_as_it_is(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = running(client, **settling.writer_tags(lock_in(tmp_path)))
    listed = list(all_runs(client))
    client.set_terminated(run_id, "FINISHED")
    monkeypatch.setattr(settling, "all_runs", lambda *_, tag: listed * (tag == TRAINING_ID))
    settling.settle(client)
    assert status(client, run_id) == "FINISHED"


def test_a_run_that_cannot_be_ended_stops_nothing(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's, whose server knows permissions."""

    def refuse(*_: object) -> None:
        raise MlflowException("403")

    run_id = running(client, **settling.writer_tags(lock_in(tmp_path)))
    monkeypatch.setattr(client, "set_terminated", refuse)
    settling.settle(client)
    assert status(client, run_id) == "RUNNING"
