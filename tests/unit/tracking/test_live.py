"""A training that MLflow is told of: a store that is slow or fails takes no part of it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException

from inpaint.base.errors import StageError
from inpaint.tracking import live as live_module
from inpaint.tracking.live import Earlier, LiveRun, training_run
from inpaint.tracking.store import Store
from tests.unit.tracking.live_stand_ins import Clock, Server

RECORD: dict[str, Any] = {
    "started": "2026-01-01T12:00:00.000+00:00",
    "params": {
        "data": {"dataset": "mnist"},
        "mask": {},
        "model": {"network": "residual_unet"},
        "train": {"epochs": 3},
        "tracking": {"experiment": "inpaint"},
    },
    "versions": {},
    "digests": {"train_images": "1a" * 32, "valid_images": "2b" * 32},
    "origin": {"experiment": None, "baseline": None, "diff": "", "code_version": "0.1.0+0"},
}

LOCK = Path("/somewhere/training.lock")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(live_module, "time", clock)
    return clock


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Server:
    server: Any = Server(clock)
    store = Store("http://server", server, "1")
    monkeypatch.setattr(live_module, "connect", lambda *_: store)
    return server


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def run(tmp_path: Path, server: Server, problems: list[str]) -> LiveRun:  # noqa: ARG001
    run = LiveRun(tmp_path, problems.append)
    run.start(RECORD, LOCK)
    return run


def train(run: LiveRun, clock: Clock, epochs: int, seconds: float) -> float:
    """Train epochs that take ``seconds`` each; give the seconds that they took together."""
    began = clock.now
    for epoch in range(1, epochs + 1):
        clock.now += seconds
        run.log_epoch(epoch, {"train/loss": 1 / epoch})
    return clock.now - began


def test_a_fast_server_gets_each_epoch_at_once(run: LiveRun, server: Server, clock: Clock) -> None:
    train(run, clock, epochs=5, seconds=1.0)
    assert [[metric.step for metric in call] for call in server.calls] == [[1], [2], [3], [4], [5]]
    assert [call[0].value for call in server.calls] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert [call[0].timestamp for call in server.calls] == [
        1_001_000, 1_002_000, 1_003_000, 1_004_000, 1_005_000,
    ]  # fmt: skip


def test_a_slow_server_gets_several_epochs_at_a_time(
    run: LiveRun, server: Server, clock: Clock
) -> None:
    server.seconds = 15.0
    took = train(run, clock, epochs=1000, seconds=1.0)
    # A tenth, and what the last call took before anybody could know.
    assert took - 1000 <= 0.1 * took + 15
    assert len(server.calls) > 5  # people still see it go on
    assert server.steps == list(range(1, server.steps[-1] + 1))  # each epoch once, in order


def test_a_server_that_was_slow_once_gets_the_rest_later(
    run: LiveRun, server: Server, clock: Clock
) -> None:
    server.seconds = 3.0
    train(run, clock, epochs=1, seconds=1.0)
    server.seconds = 0.0
    # Three seconds of waiting are a tenth of thirty: at second 1 + 3 + 26, the 27th epoch.
    train(run, clock, epochs=26, seconds=1.0)
    assert len(server.calls) == 2
    assert len(server.calls[1]) == 26


def test_a_server_that_answers_no_more_is_not_asked_again(
    run: LiveRun, server: Server, clock: Clock, problems: list[str]
) -> None:
    server.works_for, server.seconds = 1, 30.0
    took = train(run, clock, epochs=500, seconds=10.0)
    assert server.works_for == -1  # asked once more, and then never
    assert took == 5000 + 2 * 30
    assert len(problems) == 1
    assert problems[0].endswith("cannot be used: no answer")


def test_how_long_the_start_takes_does_not_count(
    tmp_path: Path, server: Server, clock: Clock, problems: list[str]
) -> None:
    """Neither against the server nor in favour of it: there was no training yet."""
    server.seconds = 500.0
    run = LiveRun(tmp_path, problems.append)
    run.start(RECORD, LOCK)
    server.seconds = 10.0
    took = train(run, clock, epochs=20, seconds=1.0)
    assert server.steps == [1]
    assert took == 20 + 10


def test_the_run_is_found_by_the_id_that_train_json_gets(run: LiveRun, server: Server) -> None:
    assert run.run_id == "7e" * 16
    assert server.tags["training_id"] == run.run_id


@pytest.mark.parametrize(
    "problem",
    [
        MlflowException("down"),
        ConnectionError("refused"),
        TimeoutError("too long"),
        ParseError("none of MLflow's"),
    ],
)
def test_without_a_server_a_training_has_an_id_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: list[str], problem: Exception
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(live_module, "connect", fail)
    ids = set()
    for _ in range(2):
        with training_run(tmp_path, RECORD, problems.append, lock=LOCK) as run:
            run.log_epoch(1, {"train/loss": 1.0})
        ids.add(run.run_id)
    assert len(ids) == 2
    assert all(len(run_id) == 32 for run_id in ids)
    assert len(problems) == 2
    assert str(problem) in problems[0]


def test_a_run_whose_id_got_lost_is_found_by_the_trainings_own(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, problems: list[str]
) -> None:
    """The server made the run, but its answer did not arrive."""

    def create_run(*_: object, tags: dict[str, str], **__: object) -> None:
        server.tags |= tags
        raise ConnectionError("reset")

    monkeypatch.setattr(server, "create_run", create_run)
    run = LiveRun(tmp_path, problems.append)
    run.start(RECORD, LOCK)
    assert server.tags["training_id"] == run.run_id
    assert len(problems) == 1


def test_a_run_without_an_id_is_none(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, problems: list[str]
) -> None:
    """As of a server that answers `{}` whatever it is asked."""
    answer = SimpleNamespace(info=SimpleNamespace(run_id=""))
    monkeypatch.setattr(server, "create_run", lambda *_, **__: answer)
    run = LiveRun(tmp_path, problems.append)
    run.start(RECORD, LOCK)
    assert len(run.run_id) == 32
    assert "the server has made no run" in problems[0]


def test_other_errors_are_defects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.ProgrammingError

    monkeypatch.setattr(live_module, "connect", fail)
    with pytest.raises(sqlite3.ProgrammingError):
        LiveRun(tmp_path, problems.append).start(RECORD, LOCK)


def fail_by(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (RuntimeError("the network collapsed"), "FAILED", "the network collapsed"),
        (RuntimeError("long " * 2000), "FAILED", "long " * 1000),
        (KeyboardInterrupt(), "KILLED", "interrupted"),
    ],
)
def test_a_training_without_a_result_ends_its_run_and_says_why(
    tmp_path: Path,
    server: Server,
    clock: Clock,
    problems: list[str],
    error: BaseException,
    status: str,
    failure: str,
) -> None:
    def interrupted() -> None:
        with training_run(tmp_path, RECORD, problems.append, lock=LOCK) as run:
            server.seconds = 100.0  # so that the second epoch has to wait
            train(run, clock, epochs=2, seconds=1.0)
            raise error

    with pytest.raises(type(error)) as caught:
        interrupted()
    assert caught.value is error
    assert server.status == status
    assert server.tags["failure"] == failure
    assert server.steps == [1, 2]
    assert problems == []


def test_a_server_that_is_back_learns_that_the_training_failed(
    tmp_path: Path, server: Server, clock: Clock, problems: list[str]
) -> None:
    def fail() -> None:
        with training_run(tmp_path, RECORD, problems.append, lock=LOCK) as run:
            server.works_for = 0
            clock.now += 1
            run.log_epoch(1, {"train/loss": 0.5})
            server.works_for = 1000
            raise StageError("the network collapsed")

    with pytest.raises(StageError):
        fail()
    assert len(problems) == 1
    assert server.status == "FAILED"
    assert server.tags["failure"] == "the network collapsed"


def test_a_server_that_is_gone_does_not_hide_why_a_training_failed(
    tmp_path: Path, server: Server, problems: list[str]
) -> None:
    def failing() -> None:
        with training_run(tmp_path, RECORD, problems.append, lock=LOCK):
            server.works_for = 0
            raise RuntimeError("the network collapsed")

    with pytest.raises(RuntimeError, match="the network collapsed"):
        failing()
    assert len(problems) == 1
    assert server.status == "RUNNING"


def test_a_mark_is_on_the_run_as_long_as_it_holds(
    run: LiveRun, server: Server, clock: Clock
) -> None:
    found = []
    for holds in (False, True, True, False, True):
        run.mark("learned_nothing", holds=holds)
        train(run, clock, epochs=1, seconds=1.0)
        found.append(server.tags.get("learned_nothing"))
    assert found == [None, "true", "true", None, "true"]


def test_a_mark_waits_for_a_slow_server(run: LiveRun, server: Server, clock: Clock) -> None:
    server.seconds = 15.0
    train(run, clock, epochs=1, seconds=1.0)
    run.mark("learned_nothing", holds=True)
    train(run, clock, epochs=1, seconds=1.0)
    assert "learned_nothing" not in server.tags
    train(run, clock, epochs=200, seconds=1.0)
    assert server.tags["learned_nothing"] == "true"


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_training_that_is_stopped_keeps_its_mark(
    tmp_path: Path, server: Server, clock: Clock, problems: list[str], epochs: int
) -> None:
    def stopped() -> None:
        with training_run(tmp_path, RECORD, problems.append, lock=LOCK) as run:
            server.seconds = 100.0
            train(run, clock, epochs=2, seconds=1.0)
            run.mark("learned_nothing", holds=True)
            train(run, clock, epochs=epochs, seconds=1.0)
            raise StageError("the network has learned nothing")

    with pytest.raises(StageError):
        stopped()
    assert server.status == "FAILED"
    assert server.tags["learned_nothing"] == "true"
    assert server.tags["failure"] == "the network has learned nothing"


def test_a_training_that_ends_well_leaves_its_run_to_be_completed(
    tmp_path: Path, server: Server, problems: list[str]
) -> None:
    with training_run(tmp_path, RECORD, problems.append, lock=LOCK):
        pass
    assert server.status == "RUNNING"
    assert problems == []


def test_epochs_that_are_trained_again_are_not_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: list[str]
) -> None:
    """The run was further than the last checkpoint: here a real store, as to doubles."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    curves = [{"curves/train_loss": 1 / epoch} for epoch in range(1, 7)]
    first = LiveRun(tmp_path, problems.append)
    first.start(RECORD, LOCK)
    for epoch, values in enumerate(curves[:5], start=1):
        first.log_epoch(epoch, values)
    first._send(first._store)  # type: ignore[arg-type]
    again = LiveRun(tmp_path, problems.append)
    again.start(RECORD, LOCK, Earlier(first.run_id, curves[:2]))
    for epoch, values in enumerate(curves[2:], start=3):
        again.log_epoch(epoch, values)
    again._send(again._store)  # type: ignore[arg-type]
    assert again.run_id == first.run_id
    assert problems == []
    client = again._store.client  # type: ignore[union-attr]
    history = client.get_metric_history(first.run_id, "curves/train_loss")
    assert sorted(metric.step for metric in history) == [1, 2, 3, 4, 5, 6]
