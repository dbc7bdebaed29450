"""Checkpoints: whole or not there, one process's alone, and found again by what decides them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inpaint.base import checkpoints
from inpaint.base.files import atomic

ARRAYS: list[np.ndarray] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array(7, np.int64),
    np.array([], np.float32),
]
FACTS = {"history": [[1, 0.1, float(np.float32(1 / 3))]], "run_id": "7e"}
TRAINING: dict[str, Any] = {
    "digests": {"train_images": "1a", "params": "2b"},
    "versions": {"keras": "3"},
    "origin": {"code_version": "0.1.0+0", "baseline": "c0ffee"},
    "started": "2026-01-01",
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_PATIENCE", 0.0)
    monkeypatch.delenv("DVC_ROOT", raising=False)


def files(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "models" / "checkpoints").iterdir())


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    with checkpoints.claimed(tmp_path, "key") as slot:
        assert slot.load() is None
        slot.save(ARRAYS, FACTS)
    with checkpoints.claimed(tmp_path, "key") as slot:
        found = slot.load()
    assert found is not None
    assert found.facts == FACTS
    for array, expected in zip(found.arrays, ARRAYS, strict=True):
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(array, expected)
    assert files(tmp_path) == ["key-1.npz"]


def test_more_than_ten_arrays_keep_their_order(tmp_path: Path) -> None:
    with checkpoints.claimed(tmp_path, "key") as slot:
        slot.save([np.array(i) for i in range(120)], FACTS)
        found = slot.load()
    assert found is not None
    assert [int(array) for array in found.arrays] == list(range(120))


@pytest.mark.parametrize("damage", ["empty", "cut", "other", *range(0, 1000, 8)])
def test_a_damaged_checkpoint_is_none(tmp_path: Path, damage: str | int) -> None:
    with checkpoints.claimed(tmp_path, "key") as slot:
        slot.save([np.arange(100.0)], FACTS)
        content = bytearray(slot.path.read_bytes())
        if isinstance(damage, int):
            content[damage % len(content)] ^= 1
        others = {"empty": b"", "cut": bytes(content[:-100]), "other": b"no archive at all"}
        slot.path.write_bytes(others.get(str(damage), bytes(content)))
        assert slot.load() is None


def test_two_trainings_of_a_key_have_each_a_place(tmp_path: Path) -> None:
    with checkpoints.claimed(tmp_path, "key") as first:
        first.save(ARRAYS, FACTS)
        with checkpoints.claimed(tmp_path, "key") as second:
            assert second.path != first.path
            assert second.load() is None
    with checkpoints.claimed(tmp_path, "key") as again:
        assert again.path == first.path


HOLDER = """
import sys
from pathlib import Path
from inpaint.base import checkpoints
with checkpoints.claimed(Path(sys.argv[1]), "key") as slot:
    print(slot.lock, flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        lock = Path(holder.stdout.readline().strip())
        assert lock.is_file()
        assert not is_free(lock)
        with checkpoints.claimed(tmp_path, "key") as slot:
            assert slot.lock != lock
        holder.kill()
    assert lock.is_file()
    assert is_free(lock)
    assert files(tmp_path) == []


def test_no_lock_is_free_and_none_is_left(tmp_path: Path) -> None:
    assert is_free(tmp_path / "none.lock")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_whose_models_are_removed_is_free(tmp_path: Path) -> None:
    assert is_free(tmp_path / "models" / "checkpoints" / "none.lock")
    assert not (tmp_path / "models").exists()


def test_what_cannot_be_told_is_not_free(tmp_path: Path) -> None:
    """The project was moved away, or there is something else."""
    assert not is_free(tmp_path / "gone" / "models" / "checkpoints" / "none.lock")
    (tmp_path / "folder.lock").mkdir()
    assert not is_free(tmp_path / "folder.lock")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/models/checkpoints/0123456789abcdef-1.lock", True),
        ("/models/checkpoints/0123456789abcdef-12.lock", True),
        ("models/checkpoints/0123456789abcdef-1.lock", False),
        ("/a/models/checkpoints/../0123456789abcdef-1.lock", False),
        ("/a/checkpoints/0123456789abcdef-1.lock", False),
        ("/a/models/checkpoints/0123456789abcdef-1.npz", False),
        ("/a/models/checkpoints/thesis.lock", False),
        ("/home/me/thesis.tex", False),
        ("", False),
    ],
)
def test_a_lock_is_known_by_its_path(path: str, expected: bool) -> None:
    assert checkpoints.is_lock(Path(path)) is expected


def is_free(lock: Path) -> bool:
    with checkpoints.if_free(lock) as found:
        return found


def test_a_training_that_is_done_removes_its_own_alone(tmp_path: Path) -> None:
    key = checkpoints.key_of(TRAINING)
    done = TRAINING | {"run_id": FACTS["run_id"]}
    for each in (key, "other"):
        with checkpoints.claimed(tmp_path, each) as slot:
            slot.save(ARRAYS, FACTS)
    with checkpoints.claimed(tmp_path, key):
        checkpoints.discard(tmp_path, done)
        assert f"{key}-1.npz" in files(tmp_path)  # somebody is at it
    checkpoints.discard(tmp_path, done | {"run_id": "another's"})
    assert f"{key}-1.npz" in files(tmp_path)
    checkpoints.discard(tmp_path, done)
    assert files(tmp_path) == ["other-1.npz"]


def test_trials_that_were_given_up_leave_no_checkpoint(tmp_path: Path) -> None:
    trials = {"a": ["one", 0], "b": ["one", 1], "c": ["two", 0], "d": [], "e": ["one", 2]}
    for key, trial in trials.items():
        with checkpoints.claimed(tmp_path, key) as slot:
            slot.save(ARRAYS, FACTS | {"trial": trial})
    with checkpoints.claimed(tmp_path, "e"):
        checkpoints.discard_trials(tmp_path, "one", {0, 2})
        assert [name[0] for name in files(tmp_path) if name.endswith("npz")] == ["b", "c", "d", "e"]
    checkpoints.discard_trials(tmp_path, "one", {0, 2})
    assert [name[0] for name in files(tmp_path)] == ["b", "c", "d"]


def test_a_place_with_a_checkpoint_comes_first(tmp_path: Path) -> None:
    """Of two trainings at once the second was killed, and the first has come to its end."""
    with (
        checkpoints.claimed(tmp_path, "key") as first,
        checkpoints.claimed(tmp_path, "key") as second,
    ):
        second.save(ARRAYS, FACTS)
    assert first.path < second.path
    with checkpoints.claimed(tmp_path, "key") as again:
        assert again.path == second.path
        assert again.load() is not None


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(13):
        with checkpoints.claimed(tmp_path, f"{number:02}") as slot:
            slot.save(ARRAYS, FACTS)
            os.utime(slot.path, (number, number))
    with checkpoints.claimed(tmp_path, "another"):
        assert [name[:2] for name in files(tmp_path)][:10] == [f"{i:02}" for i in range(3, 13)]


def test_those_of_a_sweep_take_nobodys_place(tmp_path: Path) -> None:
    for number in range(12):
        with checkpoints.claimed(tmp_path, f"trial{number:02}") as slot:
            slot.save(ARRAYS, FACTS | {"trial": ["one", number]})
            os.utime(slot.path, (100 + number, 100 + number))
    for number in range(11):
        with checkpoints.claimed(tmp_path, f"{number:02}") as slot:
            slot.save(ARRAYS, FACTS)
            os.utime(slot.path, (number, number))
    with checkpoints.claimed(tmp_path, "another"):
        kept = [name for name in files(tmp_path) if name.endswith(".npz")]
    assert [name[:2] for name in kept if not name.startswith("trial")] == [
        f"{number:02}" for number in range(1, 11)
    ]
    assert sum(name.startswith("trial") for name in kept) == 12


def test_experiments_elsewhere_share_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    with checkpoints.claimed(tmp_path / "temporary", "key") as slot:
        slot.save(ARRAYS, FACTS)
    assert files(tmp_path / "project") == ["key-1.npz"]


@pytest.mark.parametrize(
    ("path", "is_other"),
    [
        (("digests", "params"), True),
        (("digests", "train_images"), True),
        (("versions", "keras"), True),
        (("threads",), True),
        (("origin", "code_version"), True),
        (("origin", "sweep"), True),
        (("origin", "trial"), True),
        (("origin", "baseline"), False),
        (("started",), False),
    ],
)
def test_the_key_is_of_what_decides_the_weights(path: tuple[str, ...], is_other: bool) -> None:
    changed = deepcopy(TRAINING)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = "another"
    assert (checkpoints.key_of(changed) != checkpoints.key_of(TRAINING)) is is_other


def test_saving_takes_a_small_part_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Asked; began, ended and asked twice.
    now = iter([0.0, 10.0, 12.0, 51.9, 52.1])
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: next(now)))
    slot = checkpoints.Slot(tmp_path / "key-1.npz")
    assert slot.is_due()
    slot.save(ARRAYS, FACTS)  # 2 s, so not before 40 s later
    assert not slot.is_due()
    assert slot.is_due()


@pytest.mark.parametrize(
    ("epoch", "saving", "most"),
    [
        *((10.0, 0.1, 10.0), (10.0, 1.0, 20.0), (10.0, 10.0, 120.0), (50.0, 9.0, 100.0)),
        *((59.0, 1.0, 59.0), (61.0, 10.0, 61.0), (100.0, 30.0, 100.0), (500.0, 60.0, 500.0)),
    ],
)
def test_no_more_is_lost_than_an_epoch_or_two_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: float, saving: float, most: float
) -> None:
    clock = SimpleNamespace(now=1000.0)

    @contextmanager
    def slowly(path: Path) -> Iterator[Path]:
        clock.now += saving
        with atomic(path) as temporary:
            yield temporary

    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(checkpoints, "atomic", slowly)
    slot = checkpoints.Slot(tmp_path / "key-1.npz")
    since, lost = 0.0, []
    for _ in range(60):
        clock.now += epoch
        since += epoch
        lost.append(since)
        if slot.is_due():
            slot.save(ARRAYS, FACTS)
            since = 0.0
    assert max(lost) == most


def test_the_checkpoint_to_go_on_from_is_kept_however_old_it_is(tmp_path: Path) -> None:
    with checkpoints.claimed(tmp_path, "mine") as slot:
        slot.save(ARRAYS, FACTS)
    os.utime(slot.path, (1.0, 1.0))
    for number in range(10):
        with checkpoints.claimed(tmp_path, f"other{number}") as other:
            other.save(ARRAYS, FACTS)
    with checkpoints.claimed(tmp_path, "mine") as again:
        assert again.load() is not None
    with checkpoints.claimed(tmp_path, "another"):
        assert not slot.path.exists()
