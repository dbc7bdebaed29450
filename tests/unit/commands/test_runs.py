"""`inpaint runs`: the order in which runs are listed, and their ranks."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inpaint.commands import runs
from inpaint.commands.runs import different, grouped
from inpaint.tracking.runs import SCORE, RunInfo

Listed = list[tuple[int | None, str]]


def made(run_id: str, score: float | None, *, task: str = "a", minute: int = 0) -> RunInfo:
    """A run whose validation images and holes are named by two letters."""
    metrics = {} if score is None else {SCORE: score, "valid/gain/ssim_unit/mean": 0.01}
    for end in ("low", "high"):
        metrics |= {} if score is None else {SCORE.replace("mean", end): score}
    images, holes = task[0], task[-1]
    return RunInfo(
        run_id=run_id,
        training_id=run_id,
        name=f"name of {run_id}",
        status="FAILED" if score is None else "FINISHED",
        started=datetime(2026, 1, 1, 12, minute, tzinfo=UTC),
        artifacts="file:///nowhere",
        params={"data.dataset": "mnist"},
        metrics=metrics,
        tags={"digest.valid_images": images, "digest.valid_holes": holes},
    )


def with_tags(run: RunInfo, *tags: str) -> RunInfo:
    return replace(run, tags=run.tags | dict.fromkeys(tags, "true"))


def listed(*members: RunInfo) -> list[Listed]:
    return [[(rank, run.run_id) for rank, run in group] for group in grouped(list(members))]


def test_no_run_no_group() -> None:
    assert listed() == []


def test_the_best_comes_first() -> None:
    assert listed(made("low", 0.8), made("high", 0.95), made("middle", 0.9)) == [
        [(1, "high"), (2, "middle"), (3, "low")]
    ]


def test_equal_scores_get_equal_ranks_and_the_next_its_place() -> None:
    members = [made("b", 0.9), made("worst", 0.7), made("a", 0.9), made("c", 0.9), made("d", 0.8)]
    [group] = listed(*members)
    assert [rank for rank, _ in group] == [1, 1, 1, 4, 5]
    assert {run_id for _, run_id in group[:3]} == {"a", "b", "c"}


def test_runs_without_a_score_come_last_and_have_no_rank() -> None:
    # -1 is a score, the worst there is.
    members = [made("failed", None), made("worst", -0.999), made("killed", None), made("good", 0.9)]
    [group] = listed(*members)
    assert group[:2] == [(1, "good"), (2, "worst")]
    assert group[2:] == [(None, "failed"), (None, "killed")]


def test_only_runs_of_one_task_are_ranked_together() -> None:
    members = [
        made("other holes", 0.99, task="ab", minute=1),
        made("good", 0.9, task="aa", minute=2),
        made("other images", 0.97, task="ba", minute=0),
        made("bad", 0.8, task="aa", minute=0),
    ]
    assert listed(*members) == [
        [(1, "good"), (2, "bad")], [(1, "other holes")], [(1, "other images")]
    ]  # fmt: skip


def test_the_group_with_the_newest_run_comes_first() -> None:
    old, older, new = (
        made("old", 0.99, task="b", minute=5),
        made("older", 0.98, task="b", minute=1),
        made("new", None, task="a", minute=9),
    )
    expected = [[(None, "new")], [(1, "old"), (2, "older")]]
    assert listed(old, older, new) == expected
    assert listed(new, older, old) == expected


def test_tasks_whose_newest_runs_started_together_are_not_mixed() -> None:
    members = [made(f"{task}{i}", 0.9 - i / 10, task=task) for i in range(2) for task in "ab"]
    assert sorted(listed(*members)) == [[(1, "a0"), (2, "a1")], [(1, "b0"), (2, "b1")]]


def test_what_makes_a_run_another_one_is_named() -> None:
    usual = {"train.epochs": "50", "train.seed": "0", "model.filters": "16"}
    members = [
        replace(made("a", 0.9), params=usual),
        replace(made("b", 0.9), params=usual | {"train.epochs": "100"}),
        replace(made("c", 0.9), params=usual | {"train.seed": "3", "model.filters": "8"}),
        replace(made("d", 0.9), params={k: v for k, v in usual.items() if k != "train.seed"}),
    ]
    assert different(members) == [
        "",
        "train.epochs=100",
        "model.filters=8, train.seed=3",
        "train.seed=none",
    ]


class Stored:
    """Stands for the store's runs."""

    def __init__(self, _: Path) -> None:
        self.all = [made("4f" * 16, 0.91234, minute=1), made("7e" * 16, None)]


@pytest.fixture
def _stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "Runs", Stored)
    monkeypatch.setattr(runs, "champions", lambda _: {"4f" * 16: "inpaint-mnist"})


@pytest.mark.usefixtures("_stored")
def test_programs_get_all_that_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs.run(tmp_path, as_json=True) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "rank": 1,
        "run_id": "4f" * 16,
        "name": f"name of {'4f' * 16}",
        "experiment": None,
        "status": "FINISHED",
        "started": "2026-01-01T12:01:00+00:00",
        "valid_images_digest": "a",
        "valid_holes_digest": "a",
        "params": {"data.dataset": "mnist"},
        "metrics": Stored(tmp_path).all[0].metrics,
        "champion_of": "inpaint-mnist",
    }
    assert second["champion_of"] is None
    assert (second["rank"], second["status"]) == (None, "FAILED")


@pytest.mark.usefixtures("_stored")
def test_people_get_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert runs.run(tmp_path, as_json=False) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    [ranked] = [line for line in lines if line[:2] == ["1", "4f4f4f4f"]]
    assert ranked[3:7] == ["0.9123", "[0.9123,", "0.9123]", "+0.0100"]
    assert ranked[-1] == "champion"
    [unranked] = [line for line in lines if line[:1] == ["7e7e7e7e"]]
    assert unranked[2] == "failed"


@pytest.mark.usefixtures("_stored")
def test_people_are_told_what_is_wrong_with_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = [
        with_tags(made("4f" * 16, 0.91234, minute=1), "collapsed", "learned_nothing"),
        with_tags(made("7e" * 16, None), "learned_nothing"),
    ]
    monkeypatch.setattr(Stored, "__init__", lambda self, _: setattr(self, "all", marked))
    monkeypatch.setenv("COLUMNS", "150")
    assert runs.run(tmp_path, as_json=False) == 0
    told = capsys.readouterr().out
    assert "0.9123 [0.9123, 0.9123], collapsed, learned nothing " in told
    assert "failed, learned nothing " in told
