"""Names of aliases, reasons, and the description that tells of moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inpaint.base.errors import InputError
from inpaint.tracking.registry.moves import (
    CHAMPION,
    Kind,
    Move,
    check_alias,
    check_reason,
    describe_moves,
    holders,
)
from inpaint.tracking.store import open_client

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_aliases_that_are_allowed_are_allowed_by_mlflow_too(tmp_path: Path) -> None:
    client = open_client(tmp_path)
    client.create_registered_model("filler")
    version = client.create_model_version("filler", str(tmp_path)).version
    for alias in (CHAMPION, "a", "Under_score-2", "7", "-", "v", "v1a", "latest2", "x" * 255):
        check_alias(alias)
        client.set_registered_model_alias("filler", alias, version)
        assert client.get_model_version_by_alias("filler", alias).version == version


@pytest.mark.parametrize(
    "alias",
    ["", "latest", "LaTest", "v1", "V23", "a b", "a.b", "a/b", "a:b", "a@b", "größe", "champion\n",
     "v1\n", "x" * 256, "Champion"],
)  # fmt: skip
def test_what_is_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(InputError) as caught:
        check_alias(alias)
    assert str(caught.value) == (
        f"alias: received {alias!r}, allowed: letters, digits, _ and -, other than latest, "
        "v1, v2, ... and other spellings of champion"
    )


@pytest.mark.parametrize("reason", [None, "", "ß" * 150])
def test_a_reason_is_none_or_short(reason: str | None) -> None:
    check_reason(reason)


@pytest.mark.parametrize(
    ("reason", "received"),
    [("x" * 501, "501 characters"), ("first\nsecond", "12 characters")],
)
def test_a_reason_that_fits_no_line_is_refused(reason: str, received: str) -> None:
    with pytest.raises(InputError) as caught:
        check_reason(reason)
    allowed = "up to 500 that can be printed on one line"
    assert str(caught.value) == f"reason: received {received}, allowed: {allowed}"


def move(after: str, *, before: str = "", kind: Kind = "earned", why: str = "") -> Move:
    return Move(CHAMPION, before, after, kind, "ann", why)


def test_moves_are_told_the_newest_first() -> None:
    moves = [
        move("1", why="better than biharmonic"),
        Move("next", "1", "2", "registered without comparison", "bob", ""),
        move("1", before="2", kind="rollback", why="it smears"),
    ]
    times = [NOON, NOON + timedelta(minutes=5), NOON + timedelta(days=1)]
    assert describe_moves(list(zip(times, moves, strict=True))).splitlines()[2:] == [
        "- 2026-05-05 12:00 UTC, ann: champion to version 1, from 2, rollback: it smears",
        "- 2026-05-04 12:05 UTC, bob: next to version 2, from 1, registered without comparison",
        "- 2026-05-04 12:00 UTC, ann: champion to version 1, earned: better than biharmonic",
    ]


def test_a_description_has_as_many_moves_as_mlflow_keeps() -> None:
    moves = [(NOON + timedelta(days=i), move(str(i), why="r" * 700)) for i in range(200)]
    described = describe_moves(moves)
    assert len(described) <= 5000
    lines = [line for line in described.splitlines() if line.startswith("- ")]
    assert len(lines) == 6  # of about 760 characters each
    assert "to version 199, earned" in lines[0]
    assert "to version 194, earned" in lines[-1]


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], []),
        ([move("1"), move("2"), move("3")], ["1", "2", "3"]),
        ([move("1"), move("2"), move("1", kind="rollback")], ["1"]),
        # Two steps back, one after the other.
        (
            [move("1"), move("2"), move("3"), move("2", kind="rollback"),
             move("1", kind="rollback")],
            ["1"],
        ),
        # What was taken back is not gone back to later.
        ([move("1"), move("2"), move("1", kind="rollback"), move("3")], ["1", "3"]),
        # Back over a version that somebody had deleted.
        ([move("1"), move("2"), move("3"), move("1", kind="rollback")], ["1"]),
        # The same version twice: only the last stretch is taken back.
        ([move("1"), move("2"), move("1"), move("3"), move("1", kind="rollback")], ["1", "2", "1"]),
        # Somebody had moved the alias by other means.
        ([move("1"), move("3", before="2")], ["1", "2", "3"]),
        ([move("2", before="1"), move("1", before="2", kind="rollback")], ["1"]),
        ([move("1"), move("7", kind="rollback")], ["7"]),
    ],
)  # fmt: skip
def test_rollbacks_undo_one_move_after_the_other(moves: list[Move], expected: list[str]) -> None:
    assert holders(moves) == expected
