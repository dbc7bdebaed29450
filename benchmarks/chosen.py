"""What a program is asked for on its command line, by the beginnings of names."""

from collections.abc import Iterable, Sequence

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
