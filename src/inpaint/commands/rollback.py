"""`inpaint rollback`: the champion before this one."""

from pathlib import Path

from inpaint.console import console
from inpaint.errors import StageError
from inpaint.params import load_params
from inpaint.paths import Paths
from inpaint.tracking.model import model_files
from inpaint.tracking.registry import CHAMPION, Registry, check_reason


def run(root: Path, name: str | None, *, reason: str | None) -> int:
    check_reason(reason)
    params = load_params(Paths(root).params)
    registry = Registry(root, name or f"{params.registry.model}-{params.data.dataset}")
    with registry.alone():
        current, previous = registry.holder(CHAMPION), registry.previous(CHAMPION)
        if current is None:
            raise StageError(f"{registry.name} has no champion to go back from")
        if previous is None:
            raise StageError(
                f"{registry.name} version {current.number} is champion; there was none before it"
            )
        with model_files(previous.uri):  # they are there
            registry.move(CHAMPION, previous, reason or "rollback", is_back=True)
    console().print(
        f"{registry.name} version {previous.number} is {CHAMPION} again; it was version "
        f"{current.number}."
    )
    return 0
