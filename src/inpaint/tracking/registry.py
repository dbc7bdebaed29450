"""MLflow's registry: versions of models that others rely on, and the aliases that point to them.

Every move of an alias is kept as a tag of the registered model, so that it can be undone, and read
by people in the description on the model's page.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from inpaint import origin
from inpaint.errors import InputError
from inpaint.paths import project_root
from inpaint.tracking.model import model_id_of
from inpaint.tracking.store import PROBLEMS, TRAINING_ID, describe_problem, open_client

CHAMPION = "champion"

_ALIAS = re.compile(r"(?!(?i:latest|v\d+)$)[\w-]{1,255}", re.ASCII)
_MOVE = "move."  # begins the tags that keep the moves; the rest is the time
_SHOWN_MOVES = 8  # in a description, of which MLflow keeps 5,000 characters
_LONGEST_REASON = 150
_MOVED_BY = {True: "back to", False: "to"}


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        uri: MLflow's address of it.
        number: counts from "1".
        source: MLflow's address of the model that it is.
        run_id: MLflow's, of the run that made it.
        training_id: `run_id` of reports/train.json; "" if somebody registered it by other means.
    """

    uri: str
    number: str
    source: str
    run_id: str
    training_id: str


@dataclass(frozen=True)
class Move:
    """An alias that was made to point to another version.

    Attributes:
        alias: which one.
        before: the version it pointed to, "" if there was none.
        after: the version it points to since.
        is_back: whether it was a rollback.
        by: the login name of who did it.
        why: the reason, for people.
    """

    alias: str
    before: str
    after: str
    is_back: bool
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
        with self._problems():
            self._client = open_client(root)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this project from judging and moving at the same time."""
        with FileLock(project_root(self._root) / "mlflow.db.registry.lock"):
            yield

    def holder(self, alias: str) -> Version | None:
        """The version that an alias points to."""
        with self._problems():
            model = self._model()
            if model is None or alias not in model.aliases:
                return None
            return _version(self._client.get_model_version(self.name, model.aliases[alias]))

    def source(self, run_id: str) -> str:
        """MLflow's address of a run's model.

        Raises:
            InputError: the run has no model whose files are there.
        """
        with self._problems():
            model_id = model_id_of(self._client, self._client.get_run(run_id))
        if model_id is None:
            raise InputError(f"run {run_id[:8]} has no model to register: `inpaint sync` logs it")
        return f"models:/{model_id}"

    def register(self, run_id: str, tags: Mapping[str, str], card: str) -> Version:
        """Make a version of a run's model, or bring the one there is up to date; errors as
        `source` has."""
        source = self.source(run_id)
        with self._problems():
            found = self._version_of(source) or self._create(run_id, source)
            for key, value in tags.items():
                self._client.set_model_version_tag(self.name, found.number, key, value)
            self._client.update_model_version(self.name, found.number, card)
            return _version(self._client.get_model_version(self.name, found.number))

    def move(self, alias: str, to: Version, why: str, *, is_back: bool = False) -> None:
        """Point an alias to a version, and record it."""
        before = self.holder(alias)
        move = Move(
            alias, before.number if before else "", to.number, is_back, origin.user() or "", why
        )
        with self._problems():
            self._client.set_registered_model_alias(self.name, alias, to.number)
            # MLflow takes no plus sign, as of `+00:00`, in a tag's name.
            now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            self._client.set_registered_model_tag(
                self.name, _MOVE + now, json.dumps(asdict(move), ensure_ascii=False)
            )
            self._client.update_registered_model(self.name, _describe_moves(self.moves()))

    def moves(self) -> list[tuple[datetime, Move]]:
        """All recorded moves with their times, the oldest first."""
        with self._problems():
            model = self._model()
        tags = sorted(model.tags.items()) if model else []
        return [
            (datetime.fromisoformat(key.removeprefix(_MOVE)), Move(**json.loads(value)))
            for key, value in tags
            if key.startswith(_MOVE)
        ]

    def previous(self, alias: str) -> Version | None:
        """The version that an alias goes back to: several rollbacks in a row go further back."""
        holders: list[str] = []
        for _, move in self.moves():
            if move.alias != alias:
                continue
            if move.is_back:
                while holders and holders.pop() != move.after:
                    pass
            holders.append(move.after)
        current = self.holder(alias)
        # Somebody may have moved the alias by other means.
        earlier = [number for number in holders if current is None or number != current.number]
        if not earlier:
            return None
        with self._problems():
            return _version(self._client.get_model_version(self.name, earlier[-1]))

    def _model(self) -> RegisteredModel | None:
        try:
            return self._client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _version_of(self, source: str) -> Version | None:
        versions = map(_version, self._client.search_model_versions(f"name = '{self.name}'"))
        return next((version for version in versions if version.source == source), None)

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

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except PROBLEMS as error:
            raise InputError(describe_problem(self._root, error)) from None


def registered(root: Path, run_id: str) -> list[str]:
    """The versions made of a run with their aliases, in words.

    Raises:
        InputError: the store does not answer.
    """
    try:
        client = open_client(root)
        found = client.search_model_versions(f"run_id = '{run_id}'")
        versions = [client.get_model_version(each.name, each.version) for each in found]
    except PROBLEMS as error:
        raise InputError(describe_problem(root, error)) from None
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
            f"--reason: received {len(reason)} characters on {len(reason.splitlines())} lines, "
            f"allowed: up to {_LONGEST_REASON} characters on one"
        )


def check_alias(alias: str) -> None:
    """Refuse what MLflow takes for a version or cannot use.

    Raises:
        InputError: that is no alias.
    """
    if not _ALIAS.fullmatch(alias):
        raise InputError(
            f"--alias: received {alias!r}, allowed: letters, digits, _ and -, other than latest "
            "and v1, v2, ..."
        )


def _version(version: ModelVersion) -> Version:
    return Version(
        uri=f"models:/{version.name}/{version.version}",
        number=str(version.version),
        source=version.source or "",
        run_id=version.run_id or "",
        training_id=version.tags.get(TRAINING_ID, ""),
    )


def _describe_moves(moves: list[tuple[datetime, Move]]) -> str:
    lines = [
        f"- {time:%Y-%m-%d %H:%M} UTC, {move.by}: {move.alias} {_MOVED_BY[move.is_back]} "
        f"version {move.after}" + (f", from {move.before}" if move.before else "") + f": {move.why}"
        for time, move in reversed(moves[-_SHOWN_MOVES:])
    ]
    return "\n".join(
        ["Fills holes in small images. Each version has a model card. Moves, the newest first:", "",
         *lines]
    )  # fmt: skip
