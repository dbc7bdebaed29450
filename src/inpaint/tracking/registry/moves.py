"""Moves of aliases between versions, kept so that they can be undone, and read by people.

Each is a tag of the registered model; the last ones are listed in the description on its page.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from inpaint.base.errors import InputError

CHAMPION = "champion"
# The tag of a move as long as it is being made, by which one that was cut short is brought to its
# end.
BEGUN = "move_begun"

_ALIAS = re.compile(r"(?!(?i:latest|v\d+)$)[\w-]{1,255}", re.ASCII)
_LONGEST_REASON = 500
_TAG = "move."  # begins the tags that keep the moves; the rest is the time
_LONGEST_DESCRIPTION = 5000  # characters that MLflow keeps

Kind = Literal["earned", "forced", "registered without comparison", "rollback"]


@dataclass(frozen=True)
class Move:
    """An alias that was made to point to another version.

    Attributes:
        alias: which one.
        before: the version it pointed to, "" if there was none.
        after: the version it points to since.
        kind: what entitled to it.
        by: the login name of who did it.
        why: what it was better than, and the reason that was given, for people.
    """

    alias: str
    before: str
    after: str
    kind: Kind
    by: str
    why: str


def check_reason(reason: str | None) -> None:
    """Refuse a reason that has no place in a line of a list.

    Raises:
        InputError: it is too long, or has more than one line.
    """
    if reason and (len(reason) > _LONGEST_REASON or not reason.isprintable()):
        raise InputError(
            f"reason: received {len(reason)} characters, allowed: up to {_LONGEST_REASON} that can "
            "be printed on one line"
        )


def check_alias(alias: str) -> None:
    """Refuse what MLflow takes for a version or cannot use.

    Raises:
        InputError: that is no alias.
    """
    is_misspelt = alias != CHAMPION and alias.lower() == CHAMPION
    if is_misspelt or not _ALIAS.fullmatch(alias):
        raise InputError(
            f"alias: received {alias!r}, allowed: letters, digits, _ and -, other than latest, v1, "
            f"v2, ... and other spellings of {CHAMPION}"
        )


def as_tag(time: datetime, move: Move) -> tuple[str, str]:
    """The name and the value of the tag that keeps a move."""
    # MLflow takes no plus sign, as of `+00:00`, in a tag's name.
    at = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return _TAG + at, json.dumps(asdict(move), ensure_ascii=False)


def moves_of(tags: Mapping[str, str]) -> list[tuple[datetime, Move]]:
    """All moves that the tags of a registered model keep, with their times, the oldest first."""
    return [found for tag in sorted(tags.items()) if (found := _of_tag(*tag))]


def as_begun(time: datetime, move: Move) -> str:
    """The value of the tag `BEGUN`."""
    return " ".join(as_tag(time, move))


def begun_in(tags: Mapping[str, str]) -> tuple[datetime, Move] | None:
    """The move that the tag `BEGUN` keeps, if there is one."""
    return _of_tag(*tags.get(BEGUN, "").partition(" ")[::2])


def _of_tag(key: str, value: str) -> tuple[datetime, Move] | None:
    with suppress(ValueError, TypeError):  # somebody has edited it
        if key.startswith(_TAG):
            return datetime.fromisoformat(key.removeprefix(_TAG)), Move(**json.loads(value))
    return None


def holders(moves: list[Move]) -> list[str]:
    """The versions that an alias would go back to one by one, the next one last."""
    holders: list[str] = []
    for move in moves:
        # It was there by other means, such as MLflow's own pages.
        if move.before and holders[-1:] != [move.before]:
            holders.append(move.before)
        if move.kind == "rollback":
            while holders and holders.pop() != move.after:
                pass
        holders.append(move.after)
    return holders


def describe_moves(moves: list[tuple[datetime, Move]]) -> str:
    """As many moves as a description holds, the newest first."""
    text = "Fills holes in images. Each version has a model card. Moves, the newest first:\n"
    for time, move in reversed(moves):
        line = (
            f"\n- {time:%Y-%m-%d %H:%M} UTC, {move.by}: {move.alias} to version {move.after}"
            + (f", from {move.before}" if move.before else "")
            + f", {move.kind}"
            + (f": {move.why}" if move.why else "")
        )
        if len(text) + len(line) > _LONGEST_DESCRIPTION:
            break
        text += line
    return text
