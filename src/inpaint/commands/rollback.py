"""`inpaint rollback`: the champion before this one."""

from pathlib import Path

from inpaint.base.errors import StageError
from inpaint.base.paths import Paths
from inpaint.params import load_params
from inpaint.terminal.console import console
from inpaint.tracking.model import model_files
from inpaint.tracking.registry.models import Registry, registered_name
from inpaint.tracking.registry.moves import CHAMPION, check_reason


def run(root: Path, name: str | None, *, reason: str | None) -> int:
    check_reason(reason)
    params = load_params(Paths(root).params)
    if name is None:
        name = registered_name(params.registry.model, params.data.dataset)
    registry = Registry(root, name)
    with registry.locked() as cut_short:
        if cut_short is not None and cut_short.kind == "rollback":
            console().print(
                f"{registry.name} version {cut_short.after} is champion again: a rollback that was "
                "cut short is done now."
            )
            return 0
        current = registry.version_by_alias(CHAMPION)
        previous = registry.previous(CHAMPION)
        now = f"version {current.number} is champion" if current else "it has no champion"
        if previous is None:
            raise StageError(f"{registry.name}: {now}, and there was none before")
        with model_files(previous.uri):  # they are there
            registry.move(CHAMPION, current, previous, "rollback", reason or "")
    was = f"; it was version {current.number}" if current else ""
    console().print(f"{registry.name} version {previous.number} is champion again{was}.")
    return 0
