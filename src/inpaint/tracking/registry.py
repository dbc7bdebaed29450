"""MLflow's registry: versions of models that others rely on, and the aliases that point to them.

Every move of an alias is kept as a tag of the registered model, so that it can be undone, and read
by people in the description on the model's page.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from inpaint import origin
from inpaint.errors import InputError, StageError
from inpaint.paths import project_root
from inpaint.tracking.model import model_id_of
from inpaint.tracking.store import PROBLEMS, describe_problem, open_client

CHAMPION = "champion"

_ALIAS = re.compile(r"(?!(?i:latest|v\d+)$)[\w-]{1,255}", re.ASCII)
_MOVE = "move."  # begins the tags that keep the moves; the rest is the time
_LONGEST_DESCRIPTION = 5000  # characters that MLflow keeps
_LONGEST_REASON = 500

Kind = Literal["earned", "forced", "registered without comparison", "rollback"]


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        uri: MLflow's address of it.
        number: counts from "1".
        source: MLflow's address of the model that it is.
        run_id: MLflow's, of the run that made it.
    """

    uri: str
    number: str
    source: str
    run_id: str


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


class Registry:
    """One registered model, which need not exist before the first version.

    Attributes:
        name: of the registered model.

    Raises:
        InputError: the store does not answer.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._root = root
        with _problems(self._root):
            self._client = open_client(root)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of this project from judging and moving at the same time."""
        with FileLock(project_root(self._root) / "mlflow.db.registry.lock"):
            yield

    def version_by_alias(self, alias: str) -> Version | None:
        """The version that an alias points to."""
        with _problems(self._root):
            model = self._model()
            if model is None or alias not in model.aliases:
                return None
            return _version(self._client.get_model_version(self.name, model.aliases[alias]))

    def source(self, run_id: str) -> str:
        """MLflow's address of a run's model.

        Raises:
            InputError: the run has no model whose files are there.
        """
        with _problems(self._root):
            model_id = model_id_of(self._client, self._client.get_run(run_id))
        if model_id is None:
            raise InputError(f"run {run_id[:8]} has no model to register: `inpaint sync` logs it")
        return f"models:/{model_id}"

    def register(self, run_id: str, source: str, tags: Mapping[str, str]) -> Version:
        """Make a version of a run's model, which is at ``source``, or bring the one there is up to
        date."""
        with _problems(self._root):
            same = (version for version in self._versions() if version.source == source)
            found = next(same, None) or self._create(run_id, source)
            for key, value in tags.items():
                self._client.set_model_version_tag(self.name, found.number, key, value)
        return found

    def describe(self, version: Version, card: str) -> None:
        """Give a version its model card."""
        with _problems(self._root):
            self._client.update_model_version(self.name, version.number, card)

    def move(self, alias: str, before: Version | None, to: Version, kind: Kind, why: str) -> None:
        """Point an alias to a version, and record it.

        Raises:
            StageError: the alias does not point to ``before`` any more. MLflow cannot compare and
                set at once: between machines, a moment remains.
        """
        number = before.number if before else ""
        move = Move(alias, number, to.number, kind, origin.user() or "", why)
        if self.version_by_alias(alias) != before:
            raise StageError(f"somebody else has moved {alias} meanwhile: try again")
        with _problems(self._root):
            self._client.set_registered_model_alias(self.name, alias, to.number)
            # MLflow takes no plus sign, as of `+00:00`, in a tag's name.
            now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            self._client.set_registered_model_tag(
                self.name, _MOVE + now, json.dumps(asdict(move), ensure_ascii=False)
            )
            self._client.update_registered_model(self.name, _describe_moves(self.moves()))

    def moves(self) -> list[tuple[datetime, Move]]:
        """All recorded moves with their times, the oldest first."""
        with _problems(self._root):
            model = self._model()
        found = []
        for key, value in sorted(model.tags.items()) if model else ():
            with suppress(ValueError, TypeError):  # somebody has edited it
                if key.startswith(_MOVE):
                    time = datetime.fromisoformat(key.removeprefix(_MOVE))
                    found.append((time, Move(**json.loads(value))))
        return found

    def previous(self, alias: str) -> Version | None:
        """The version that an alias goes back to; None if there is none.

        Several rollbacks in a row go further back. Versions that were deleted are left out. If the
        alias was, it goes back to where it was last.
        """
        current = self.version_by_alias(alias)
        with _problems(self._root):
            there = {version.number: version for version in self._versions()}
        earlier = [
            number
            for number in _holders([move for _, move in self.moves() if move.alias == alias])
            if number in there and (current is None or number != current.number)
        ]
        return there[earlier[-1]] if earlier else None

    def _model(self) -> RegisteredModel | None:
        try:
            return self._client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _versions(self) -> list[Version]:
        found = self._client.search_model_versions(f"name = '{self.name}'")
        return [_version(version) for version in found]

    def _create(self, run_id: str, source: str) -> Version:
        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return _version(
            self._client.create_model_version(
                self.name,
                source,
                run_id,
                await_creation_for=0,  # it is there at once, and waiting is announced
                model_id=source.removeprefix("models:/"),
            )
        )


def registered_name(prefix: str, dataset: str) -> str:
    """What the registered model of a data set is called; the prefix is `registry.model`."""
    return f"{prefix}-{dataset}"


def registered(root: Path, run_id: str) -> list[str]:
    """The versions made of a run with their aliases, in words.

    Raises:
        InputError: the store does not answer.
    """
    with _problems(root):
        client = open_client(root)
        found = client.search_model_versions(f"run_id = '{run_id}'")
        versions = [client.get_model_version(each.name, each.version) for each in found]
    return [
        ", ".join([f"{version.name} version {version.version}", *sorted(version.aliases)])
        for version in versions
    ]


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


@contextmanager
def _problems(root: Path) -> Iterator[None]:
    """What the store raises is told to people."""
    try:
        yield
    except PROBLEMS as error:
        raise InputError(describe_problem(root, error)) from None


def _version(version: ModelVersion) -> Version:
    return Version(
        uri=f"models:/{version.name}/{version.version}",
        number=str(version.version),
        source=version.source or "",
        run_id=version.run_id or "",
    )


def _holders(moves: list[Move]) -> list[str]:
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


def _describe_moves(moves: list[tuple[datetime, Move]]) -> str:
    """As many moves as a description holds, the newest first."""
    text = "Fills holes in small images. Each version has a model card. Moves, the newest first:\n"
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
