"""Names of aliases, reasons, and the description that tells of moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inpaint import fill, promotion, rescore
from inpaint.errors import InputError
from inpaint.files import write_json
from inpaint.tracking.registry import (
    CHAMPION,
    Move,
    Version,
    _describe_moves,
    check_alias,
    check_reason,
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
     "v1\n", "x" * 256],
)  # fmt: skip
def test_what_is_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(InputError) as caught:
        check_alias(alias)
    assert str(caught.value) == (
        f"--alias: received {alias!r}, allowed: letters, digits, _ and -, other than latest and "
        "v1, v2, ..."
    )


@pytest.mark.parametrize("reason", [None, "", "ß" * 150])
def test_a_reason_is_none_or_short(reason: str | None) -> None:
    check_reason(reason)


@pytest.mark.parametrize(
    ("reason", "received"),
    [("x" * 151, "151 characters on 1 lines"), ("first\nsecond", "12 characters on 2 lines")],
)
def test_a_reason_that_fits_no_line_is_refused(reason: str, received: str) -> None:
    with pytest.raises(InputError) as caught:
        check_reason(reason)
    allowed = "up to 150 characters on one"
    assert str(caught.value) == f"--reason: received {received}, allowed: {allowed}"


def test_moves_are_told_the_newest_first() -> None:
    there = Move(CHAMPION, "", "1", False, "ann", "the first")
    on = Move("candidate", "1", "2", False, "bob", "better")
    back = Move(CHAMPION, "2", "1", True, "ann", "rollback")
    times = [NOON, NOON + timedelta(minutes=5), NOON + timedelta(days=1)]
    assert _describe_moves(list(zip(times, (there, on, back), strict=True))).splitlines()[2:] == [
        "- 2026-05-05 12:00 UTC, ann: champion back to version 1, from 2: rollback",
        "- 2026-05-04 12:05 UTC, bob: candidate to version 2, from 1: better",
        "- 2026-05-04 12:00 UTC, ann: champion to version 1: the first",
    ]


def conditions_in_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The longest that a champion has to fulfil: the old one is scored again on other images."""
    write_json(
        root / "data" / "network" / "training.json",
        {"run_id": "b" * 32, "digests": {"valid_images": "others"}},
    )

    @contextmanager
    def files(_uri: str) -> Iterator[Path]:
        yield root

    nothing: Any = SimpleNamespace(all=[])
    header = "split,index,original,group,hole_pixels,composite/ssim,composite/hole_mse\n"
    rows = "valid,0,7,0,40,0.9,0.001\nvalid,1,8,1,50,0.8,0.002\n"
    candidate = promotion.Candidate(
        run=nothing,
        trained={"run_id": "a" * 32, "digests": {"valid_images": "these"}},
        result={},
        per_image=(header + rows).encode(),
    )
    scores = {"ssim": np.zeros(2), "hole_mse": np.full(2, 0.5), "hole_pixels": np.full(2, 40.0)}
    monkeypatch.setattr(promotion, "model_files", files)
    monkeypatch.setattr(rescore, "images_of", lambda *_: np.zeros((2, 24, 40, 3), np.uint8))
    monkeypatch.setattr(rescore, "holes_of", lambda *_: np.zeros((2, 24, 40), bool))
    monkeypatch.setattr(rescore, "score", lambda *_: scores)
    champion = Version("models:/filler/1234567", "1234567", "models:/m-1", "c" * 32, "b" * 32)
    gain = {"mean": 0.2, "low": 0.1, "high": 0.3}
    longest = max(fill.baselines(np.zeros((1, 24, 40, 3), np.uint8)), key=len)
    found = [
        promotion._beats_baseline({"best_baseline": longest, "gain": {"ssim_unit": gain}}),
        promotion._beats_champion(root, nothing, champion, candidate),
    ]
    assert all(condition.holds for condition in found)
    assert "scored again" in found[1].text
    return "; ".join(condition.text for condition in found)


def test_longest_description_fits_into_mlflows_5000_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = "u" * 32  # the longest one of Linux
    earned = f"{'r' * 150}; {conditions_in_words(tmp_path, monkeypatch)}"
    for alias, why in ((CHAMPION, earned), ("x" * 255, "r" * 150)):
        move = Move(alias, "1234567", "1234568", True, login, why)
        described = _describe_moves([(NOON, move)] * 20)
        assert described.count(why) > 5
        assert len(described) < 5000
