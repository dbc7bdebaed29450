"""Runs of sweeps and their trials, in a real sqlite store."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from inpaint.base.errors import InputError
from inpaint.tracking.settling import settle, writer_tags
from inpaint.tracking.store import connect
from inpaint.tracking.sweeps import SweepRun, sweep_run

PARAMS = {"search": "grid", "trials": "2"}


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)


@contextmanager
def sweep_of(root: Path, earlier: str = "") -> Iterator[SweepRun]:
    lock = lock_in(root, "fedcba9876543210-1")
    started = sweep_run(root, "inpaint", "0123", "wide", PARAMS, lock, earlier)
    with FileLock(lock), started as sweep:
        yield sweep


def lock_in(root: Path, name: str) -> Path:
    lock = root / "models" / "checkpoints" / f"{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock


def trial_of(sweep: SweepRun, trial: int, training: str, status: str | None = "FINISHED") -> str:
    """A run as the stage train makes it, ended unless there is no status."""
    tags = {"training_id": training, "trial": str(trial), "mlflow.parentRunId": sweep.run_id}
    tags |= writer_tags(lock_in(sweep.root, "0123456789abcdef-1"))
    run_id = sweep.store.create("digits", time.time_ns() // 1_000_000, tags).info.run_id
    if status is not None:
        sweep.store.client.set_terminated(run_id, status)
    return str(run_id)


def stages(sweep: SweepRun, *run_ids: str) -> list[str]:
    return [sweep.store.client.get_run(each).info.lifecycle_stage for each in run_ids]


def status(client: MlflowClient, run_id: str) -> str:
    return str(client.get_run(run_id).info.status)


def test_a_sweep_runs_until_its_end(tmp_path: Path) -> None:
    report = tmp_path / "trials.csv"
    report.write_text("trial\n0\n")
    with sweep_of(tmp_path) as sweep:
        client = sweep.store.client
        assert status(client, sweep.run_id) == "RUNNING"
        settle(client)  # as other processes do meanwhile
        assert status(client, sweep.run_id) == "RUNNING"
        sweep.log([report], {"sweep.yaml": "search: grid"}, {"sweep/epochs": 6.0}, "2 trials")
    run = client.get_run(sweep.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == PARAMS
    assert run.data.metrics == {"sweep/epochs": 6.0}
    assert run.data.tags["mlflow.note.content"] == "2 trials"
    files = {entry.path for entry in client.list_artifacts(sweep.run_id)}
    assert files == {"sweep.yaml", "trials.csv"}


@pytest.mark.parametrize(
    ("error", "ends", "failure"),
    [(KeyboardInterrupt(), "KILLED", "interrupted"), (InputError("no room"), "FAILED", "no room")],
)
def test_a_sweep_that_is_ended_goes_on_as_the_same_run(
    tmp_path: Path, error: BaseException, ends: str, failure: str
) -> None:
    with pytest.raises(type(error)), sweep_of(tmp_path) as first:
        raise error
    run = first.store.client.get_run(first.run_id)
    assert (run.info.status, run.data.tags["failure"]) == (ends, failure)
    with sweep_of(tmp_path) as other:
        assert other.run_id != first.run_id  # of another clone, say
    with sweep_of(tmp_path, first.run_id) as again:
        assert again.run_id == first.run_id
        run = again.store.client.get_run(first.run_id)
        assert run.info.status == "RUNNING"
        assert "failure" not in run.data.tags


def test_a_killed_sweep_is_settled(tmp_path: Path) -> None:
    store = connect(tmp_path, "inpaint")
    tags = {"sweep": "0123"} | writer_tags(lock_in(tmp_path, "fedcba9876543210-1"))
    run_id = store.create("wide", 0, tags).info.run_id
    settle(store.client)
    assert status(store.client, run_id) == "KILLED"


def test_a_trial_without_result_keeps_its_newest_run_which_tells_why(tmp_path: Path) -> None:
    with sweep_of(tmp_path) as sweep:
        other, first = trial_of(sweep, 1, "other"), trial_of(sweep, 0, "a", "FAILED")
        time.sleep(0.01)
        run_id = trial_of(sweep, 0, "b", status=None)
        assert sweep.keep_newest(0, "given up early") == run_id
        run = sweep.store.client.get_run(run_id)
        assert (run.info.status, run.data.tags["failure"]) == ("KILLED", "given up early")
        assert sweep.keep_newest(2, "given up early") == ""  # it had no store
        ended = run.info.end_time
        assert sweep.keep_newest(0, "given up early") == run_id
        assert sweep.store.client.get_run(run_id).info.end_time == ended
        assert stages(sweep, other, first) == ["active", "deleted"]


def test_a_run_with_scores_is_left_alone(tmp_path: Path) -> None:
    """Of an attempt whose worker was lost while figures were drawn; the next one has failed."""
    with sweep_of(tmp_path) as sweep:
        scored = trial_of(sweep, 0, "a")
        sweep.store.client.log_metric(scored, "valid/score/ssim_unit/mean", 0.9)
        assert sweep.keep_newest(0, "no room") == ""
        assert stages(sweep, scored) == ["active"]
        assert status(sweep.store.client, scored) == "FINISHED"


def test_a_sweep_of_a_store_that_is_gone_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sweep_of(tmp_path) as first:
        pass
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow tells it all processes that come of this one
    with sweep_of(tmp_path / "elsewhere", first.run_id) as other:
        assert other.run_id != first.run_id


def test_a_trial_with_a_result_keeps_that_run_alone(tmp_path: Path) -> None:
    with sweep_of(tmp_path) as sweep:
        lost = [trial_of(sweep, 0, "a", ends) for ends in ("KILLED", "FINISHED")]
        kept = [trial_of(sweep, 0, "b"), trial_of(sweep, 1, "c", "KILLED")]
        sweep.keep(0, "b")
        assert stages(sweep, *lost, *kept) == ["deleted"] * 2 + ["active"] * 2


def test_a_run_counts_where_it_is_there_with_scores(tmp_path: Path) -> None:
    with sweep_of(tmp_path) as sweep:
        run_id = trial_of(sweep, 0, "a")
        assert not sweep.has_scores("a")
        sweep.store.client.log_metric(run_id, "valid/score/ssim_unit/mean", 0.9)
        assert sweep.has_scores("a")
        sweep.store.client.delete_run(run_id)
        assert not sweep.has_scores("a")
        assert not sweep.has_scores("another")


def test_a_store_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with (
        pytest.raises(InputError, match=r"http://127\.0\.0\.1:1 cannot be used"),
        sweep_of(tmp_path),
    ):
        pass
