"""Moves of an alias that are cut short, or dated by a wrong clock, in a real registry."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from inpaint.commands.launch import launch_command
from inpaint.tracking.registry.models import Registry, Version
from inpaint.tracking.registry.moves import BEGUN
from inpaint.tracking.store import open_client

NAME = "inpaint-mnist"
# What a move asks of MLflow, in this order.
STEPS = (
    "set_registered_model_tag", "set_registered_model_alias", "set_registered_model_tag",
    "update_registered_model", "delete_registered_model_tag",
)  # fmt: skip


class Killed(BaseException):
    """What nobody catches, as SIGKILL is."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two versions of a model, the first of them champion."""
    (tmp_path / "params.yaml").write_bytes(Path("params.yaml").read_bytes())
    (tmp_path / "model").mkdir()
    client = open_client(tmp_path)
    client.create_registered_model(NAME)
    for _ in range(2):
        client.create_model_version(NAME, str(tmp_path / "model"), await_creation_for=0)
    registry = Registry(tmp_path, NAME)
    registry.move("champion", None, version(registry, "1"), "earned", "the first")
    return tmp_path


def version(registry: Registry, number: str) -> Version:
    [found] = [each for each in registry._versions() if each.number == number]
    return found


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, *, after: bool) -> None:
    """Before or after the step's request has reached MLflow."""
    asked: list[str] = []

    def patched(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def ask(client: MlflowClient, *arguments: Any) -> None:
            asked.append(name)
            is_now = len(asked) == step + 1
            if not is_now or after:
                action(client, *arguments)
            if is_now:
                raise Killed

        return ask

    for name in set(STEPS):
        monkeypatch.setattr(MlflowClient, name, patched(name, getattr(MlflowClient, name)))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_it_was_made_and_is_recorded_once_or_it_was_not(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    registry = Registry(root, NAME)
    first, second = version(registry, "1"), version(registry, "2")
    with monkeypatch.context() as patch:
        kill_at(patch, step, after=after)
        with pytest.raises(Killed):
            registry.move("champion", first, second, "earned", "better")

    again = Registry(root, NAME)
    with again.locked() as finished:
        champion = again.version_by_alias("champion")
    assert champion is not None
    is_made = (step, after) >= (1, True)
    assert champion.number == ("2" if is_made else "1")
    assert [(move.before, move.after) for _, move in again.moves()] == [
        ("", "1"), *([("1", "2")] if is_made else []),
    ]  # fmt: skip
    is_told = "champion to version 2, from 1, earned: better" in description(again)
    assert is_told == is_made
    was_done = (step, after) == (4, True)
    assert (finished is not None) == (is_made and not was_done)
    assert BEGUN not in open_client(root).get_registered_model(NAME).tags


def description(registry: Registry) -> str:
    return str(registry._client.get_registered_model(NAME).description)


def test_a_rollback_that_is_repeated_goes_back_no_further(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(root, NAME)
    registry.move("champion", version(registry, "1"), version(registry, "2"), "forced", "so")
    first, second = version(registry, "1"), version(registry, "2")
    with monkeypatch.context() as patch:
        kill_at(patch, 1, after=True)
        with pytest.raises(Killed):
            registry.move("champion", second, first, "rollback", "")
    assert launch_command("rollback", None, reason=None, root=root) == 0
    assert "version 1 is champion again: a rollback that was cut short is done now." in (
        capsys.readouterr().out
    )
    assert [(move.after, move.kind) for _, move in registry.moves()] == [
        ("1", "earned"), ("2", "forced"), ("1", "rollback"),
    ]  # fmt: skip


def test_moves_keep_their_order_if_the_clock_goes_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, _zone: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("inpaint.tracking.registry.models.datetime", Earlier)
    registry = Registry(root, NAME)
    first, second = version(registry, "1"), version(registry, "2")
    registry.move("champion", first, second, "earned", "better")
    registry.move("champion", second, first, "forced", "no")
    assert [move.after for _, move in registry.moves()] == ["1", "2", "1"]
    previous = registry.previous("champion")
    assert previous is not None
    assert previous.number == "2"


def test_a_mark_that_somebody_has_edited_is_forgotten(root: Path) -> None:
    open_client(root).set_registered_model_tag(NAME, BEGUN, "by hand")
    with Registry(root, NAME).locked() as finished:
        assert finished is None
    assert BEGUN not in open_client(root).get_registered_model(NAME).tags
