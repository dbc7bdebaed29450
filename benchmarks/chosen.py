"""Which results a program is asked for, and which of those that are there still hold."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from inpaint.base.errors import InputError


def names_beginning(words: Sequence[str], names: Iterable[str], kind: str, known: str) -> list[str]:
    """The names that begin with one of the words; all of them if there are no words.

    Args:
        words: from the command line.
        names: all there are, in their order.
        kind: what they are names of.
        known: all of them, for people.

    Raises:
        InputError: no name begins with a word.
    """
    every = list(names)
    for word in words:
        if not any(name.startswith(word) for name in every):
            raise InputError(f"{kind}: received {word!r}, allowed: a beginning of {known}")
    return [name for name in every if name.startswith(tuple(words or [""]))]


def of_present_settings(
    results: Mapping[str, dict[str, Any]], settings: Mapping[str, object]
) -> dict[str, dict[str, Any]]:
    """The results, in the order of the settings by name, whose `settings` are still these."""
    return {
        name: results[name]
        for name, present in settings.items()
        if name in results and results[name]["settings"] == present
    }
