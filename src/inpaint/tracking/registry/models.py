"""MLflow's registry: versions of models that others rely on, and the aliases that point to them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from inpaint.base import origin
from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import project_root
from inpaint.tracking.model import model_id_of
from inpaint.tracking.registry.moves import (
    BEGUN,
    CHAMPION,
    Kind,
    Move,
    as_begun,
    as_tag,
    begun_in,
    describe_moves,
    holders,
    moves_of,
)
from inpaint.tracking.store import PATIENCE_S, ignoring, open_client, telling_problems

_TICK = timedelta(microseconds=1)  # a move comes after the one before, also if the clock went back


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
        with telling_problems(root):
            self._client = open_client(root)

    @contextmanager
    def locked(self) -> Iterator[Move | None]:
        """Keep other processes of this project from judging and moving at the same time.

        A move that a process was making when it was killed is brought to its end first: it is the
        block's value.
        """
        with FileLock(project_root(self._root) / "mlflow.db.registry.lock", timeout=PATIENCE_S):
            yield self._finish()

    def version_by_alias(self, alias: str) -> Version | None:
        """The version that an alias points to."""
        with telling_problems(self._root):
            model = self._model()
            if model is None or alias not in model.aliases:
                return None
            return _version(self._client.get_model_version(self.name, model.aliases[alias]))

    def source(self, run_id: str) -> str:
        """MLflow's address of a run's model.

        Raises:
            InputError: the run has no model whose files are there.
        """
        with telling_problems(self._root):
            model_id = model_id_of(self._client, self._client.get_run(run_id))
        if model_id is None:
            raise InputError(f"run {run_id[:8]} has no model to register: `inpaint sync` logs it")
        return f"models:/{model_id}"

    def register(self, run_id: str, source: str, tags: Mapping[str, str]) -> Version:
        """Make a version of a run's model, which is at ``source``, or bring the one there is up to
        date."""
        with telling_problems(self._root):
            same = (version for version in self._versions() if version.source == source)
            found = next(same, None) or self._create(run_id, source)
            for key, value in tags.items():
                self._client.set_model_version_tag(self.name, found.number, key, value)
        return found

    def describe(self, version: Version, card: str) -> None:
        """Give a version its model card."""
        with telling_problems(self._root):
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
        with telling_problems(self._root):
            time = max([datetime.now(UTC), *(at + _TICK for at, _ in self.moves()[-1:])])
            self._client.set_registered_model_tag(self.name, BEGUN, as_begun(time, move))
            self._client.set_registered_model_alias(self.name, alias, to.number)
            self._record(time, move)

    def moves(self) -> list[tuple[datetime, Move]]:
        """All recorded moves with their times, the oldest first."""
        with telling_problems(self._root):
            model = self._model()
        return moves_of(model.tags) if model else []

    def previous(self, alias: str) -> Version | None:
        """The version that an alias goes back to; None if there is none.

        Several rollbacks in a row go further back. Versions that were deleted are left out. If the
        alias was, it goes back to where it was last.
        """
        current = self.version_by_alias(alias)
        with telling_problems(self._root):
            there = {version.number: version for version in self._versions()}
        earlier = [
            number
            for number in holders([move for _, move in self.moves() if move.alias == alias])
            if number in there and (current is None or number != current.number)
        ]
        return there[earlier[-1]] if earlier else None

    def _finish(self) -> Move | None:
        """Record the move that has begun, if the alias was moved; otherwise forget it."""
        with telling_problems(self._root):
            model = self._model()
            if model is None or BEGUN not in model.tags:
                return None
            begun = begun_in(model.tags)
            if begun is not None:
                time, move = begun
                if str(model.aliases.get(move.alias)) == move.after:  # MLflow has a number there
                    self._record(time, move)
                    return move
            self._client.delete_registered_model_tag(self.name, BEGUN)
        return None

    def _record(self, time: datetime, move: Move) -> None:
        """Keep a move that was made, for programs and for people; again, it changes nothing."""
        self._client.set_registered_model_tag(self.name, *as_tag(time, move))
        self._client.update_registered_model(self.name, describe_moves(self.moves()))
        self._client.delete_registered_model_tag(self.name, BEGUN)

    def _model(self) -> RegisteredModel | None:
        with ignoring("RESOURCE_DOES_NOT_EXIST"):
            return self._client.get_registered_model(self.name)
        return None

    def _versions(self) -> list[Version]:
        found = self._client.search_model_versions(f"name = '{self.name}'")
        return [_version(version) for version in found]

    def _create(self, run_id: str, source: str) -> Version:
        with ignoring("RESOURCE_ALREADY_EXISTS"):
            self._client.create_registered_model(self.name)
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
    with telling_problems(root):
        client = open_client(root)
        found = client.search_model_versions(f"run_id = '{run_id}'")
        versions = [client.get_model_version(each.name, each.version) for each in found]
    return [
        ", ".join([f"{version.name} version {version.version}", *sorted(version.aliases)])
        for version in versions
    ]


def champions(root: Path) -> dict[str, str]:
    """The runs that made the champions, with the names of the registered models.

    Raises:
        InputError: the store does not answer.
    """
    with telling_problems(root):
        client = open_client(root)
        found = {
            model.name: client.get_model_version_by_alias(model.name, CHAMPION)
            for model in client.search_registered_models()
            if CHAMPION in model.aliases
        }
    return {version.run_id or "": name for name, version in found.items()}


def _version(version: ModelVersion) -> Version:
    return Version(
        uri=f"models:/{version.name}/{version.version}",
        number=str(version.version),
        source=version.source or "",
        run_id=version.run_id or "",
    )
