"""Scores as people read them."""

from collections.abc import Mapping


def interval(values: Mapping[str, float | None], digits: str) -> str:
    """An estimate and its interval as text, such as ``+0.0570 [+0.0561, +0.0582]``."""
    if values["mean"] is None:
        return "undefined"
    return f"{values['mean']:{digits}} [{values['low']:{digits}}, {values['high']:{digits}}]"
