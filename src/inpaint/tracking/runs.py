"""Reading runs from the store, for people to look at, choose from and compare."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from mlflow.entities import Run

from inpaint.base.checked import DAMAGES, OlderVersionError, parse_checked
from inpaint.base.errors import InputError
from inpaint.tracking import store
from inpaint.tracking.model import is_of_training, model_id_of
from inpaint.tracking.record import LEARNED_NOTHING, LOGGED_BY, logging_code
from inpaint.tracking.settling import settle

# What runs that were logged before had as names of their curves.
_FORMER_NAMES = {
    "train/loss": "curves/train_loss",
    "valid/loss": "curves/valid_loss",
    "valid/ssim_unit": "curves/valid_ssim_unit",
    "learning_rate": "train/learning_rate",
}
# What the ranking is by: a choice, so it is made on the validation images.
SCORE = "valid/score/ssim_unit/mean"
TEST_SCORE = "test/model/composite/ssim_unit"


@dataclass(frozen=True)
class RunInfo:
    """A run as the store has it.

    Attributes:
        run_id: MLflow's.
        training_id: `run_id` of reports/train.json; MLflow's id, or that of the store it was first
            logged to.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: in UTC.
        artifacts: where its files are; told without user and password.
    """

    run_id: str
    training_id: str
    name: str
    status: str
    started: datetime
    artifacts: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]

    @property
    def experiment(self) -> str | None:
        """The DVC experiment it was made in."""
        return self.tags.get("experiment_name")

    @property
    def task(self) -> tuple[str, str]:
        """What it was validated on: only runs of equal tasks can be ranked."""
        return self.tags.get("digest.valid_images", ""), self.tags.get("digest.valid_holes", "")

    @property
    def troubles(self) -> list[str]:
        """What is wrong with its network, in words."""
        words = {"collapsed": "collapsed", LEARNED_NOTHING: "learned nothing"}
        return [told for tag, told in words.items() if tag in self.tags]


class Runs:
    """The runs of the project.

    Attributes:
        all: the newest first; of a training that was logged twice, the run that has its files.

    Raises:
        InputError: the store does not answer.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with store.telling_problems(root):
            self._client = store.open_client(root)
            settle(self._client)
            self._logged = [_info(run) for run in store.all_runs(self._client)]
        best: dict[str, RunInfo] = {}
        for run in self._logged:
            other = best.setdefault(run.training_id, run)
            best[run.training_id] = max(other, run, key=self._is_in_place)
        self.all = list(best.values())

    def find(self, wanted: str, experiments: Iterable[tuple[str, str]]) -> RunInfo:
        """The run that a person means.

        Args:
            wanted: a run id or the first characters of one, the name of a DVC experiment, or
                `latest`.
            experiments: the names of DVC's experiments with the training ids that they hold; the
                newest first. An experiment may hold a run that was made in another one.

        Raises:
            InputError: no run, or more than one, is meant.
        """
        if not self.all:
            raise InputError("there is no run yet: `dvc repro` makes one")
        if wanted == "latest":
            return self.all[0]
        held = {training for name, training in experiments if name == wanted}
        choices = [run for run in self.all if run.training_id in held or run.run_id in held]
        choices = choices or [run for run in self.all if wanted == run.experiment]
        if not choices and (num := len(wanted)) >= _SHORTEST_PREFIX:
            choices = [r for r in self.all if wanted in (r.run_id[:num], r.training_id[:num])]
        if len(choices) == 1:
            return choices[0]
        if choices:
            ids = ", ".join(run.run_id[:8] for run in choices)
            raise InputError(f"run: received {wanted!r}, which means {len(choices)} runs: {ids}")
        raise InputError(
            f"run: received {wanted!r}, allowed: a run id, its first {_SHORTEST_PREFIX} or more "
            "characters, the name of an experiment, or latest; `inpaint runs` lists them"
        )

    def of_training(self, training_id: str) -> RunInfo | None:
        """The run of a training; None if it is not logged, or was deleted."""
        return next((run for run in self.all if run.training_id == training_id), None)

    def is_complete(self, training_id: str, score: float) -> bool:
        """Whether a training is here with its whole model, its whole scores, and its report.

        What DVC keeps of an experiment in Git is enough to ask this. What other code has logged may
        lack something.
        """
        run = self.of_training(training_id)
        if run is None or not self._is_in_place(run) or run.tags.get(LOGGED_BY) != logging_code():
            return False
        if run.status != "FINISHED" or run.metrics.get(TEST_SCORE) != score:
            return False
        try:
            self.per_image(run)
            training = self.record(run, "train.json")
        except InputError:
            return False
        with store.telling_problems(self._root):
            files = {entry.path for entry in self._client.list_artifacts(run.run_id)}
            return "report.md" in files and self._has_model(run, training)

    def check_model(self, run: RunInfo, training: Mapping[str, Any]) -> None:
        """Refuse, by an InputError, a model that is not the one that was trained.

        Args:
            run: the run.
            training: the content of its train.json.
        """
        with store.telling_problems(self._root):
            has_model = self._has_model(run, training)
        if not has_model:
            raise InputError(f"the model of run {run.run_id[:8]} is not as it was saved: {_SYNC}")

    def _has_model(self, run: RunInfo, training: Mapping[str, Any]) -> bool:
        model_id = model_id_of(self._client, self._client.get_run(run.run_id))
        return model_id is not None and is_of_training(self._client, model_id, training)

    def _is_in_place(self, run: RunInfo) -> bool:
        return store.is_in_place(self._root, run.artifacts)

    def file(self, run: RunInfo, name: str) -> bytes:
        """One of a run's artifacts.

        Raises:
            InputError: it is not there.
        """
        try:
            with TemporaryDirectory() as folder:
                return Path(self._client.download_artifacts(run.run_id, name, folder)).read_bytes()
        except store.PROBLEMS:
            raise InputError(
                f"run {run.run_id[:8]} has no file {name} in {run.artifacts}; {_SYNC}"
            ) from None

    def record(self, run: RunInfo, name: str) -> dict[str, Any]:
        """One of a run's JSON files, also of older versions, which had no digests.

        Raises:
            InputError: it is not there, not as it was written, or another training's.
        """
        try:
            return self.checked(run, name)
        except OlderVersionError as error:
            return _own(error.content, run, name)

    def checked(self, run: RunInfo, name: str) -> dict[str, Any]:
        """One of a run's JSON files, by its digest.

        Raises:
            OlderVersionError: it has none.
            InputError: it is not there, not as it was written, or another training's.
        """
        content = self.file(run, name)
        return _own(parse_checked(content, f"{name} of run {run.run_id[:8]}", _SYNC), run, name)

    def per_image(self, run: RunInfo) -> bytes:
        """A run's per_image.csv, as the stage evaluate wrote it; same errors as `record`."""
        recorded = self.record(run, "metrics.json").get("files")
        content = self.file(run, "per_image.csv")
        if recorded and hashlib.sha256(content).hexdigest() != recorded["per_image"]:
            raise InputError(
                f"per_image.csv of run {run.run_id[:8]} is not as it was written: {_SYNC}"
            )
        return content

    def examples(self, run: RunInfo) -> dict[str, np.ndarray]:
        """Test images, their holes and what the model made of them: the arrays of examples.npz.

        Raises:
            InputError: the file is not there, or damaged.
        """
        content = self.file(run, "examples.npz")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(member.file_size for member in archive.infolist()) > _LARGEST_EXAMPLES:
                    raise ValueError(f"it holds more than {_LARGEST_EXAMPLES:,} bytes")
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return _examples(arrays)
        except _ARCHIVE_DAMAGES as error:
            told = f"examples.npz of run {run.run_id[:8]} is damaged ({error}): {_SYNC}"
            raise InputError(told) from None

    def without_files(self) -> list[RunInfo]:
        """Finished runs whose artifacts were on this machine and are not where they were."""
        return [
            run
            for run in self._logged
            if run.status == "FINISHED"
            and (folder := store.local_folder(run.artifacts)) is not None
            and not folder.is_dir()
        ]


def _examples(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `Runs.examples` gives; a ValueError or KeyError if it is something else."""
    examples = {name: arrays[name] for name in ("images", "holes", "restored")}
    images, holes, restored = examples.values()
    is_shaped = holes.ndim == 3 and images.shape[:-1] == holes.shape
    is_typed = [each.dtype for each in examples.values()] == [np.uint8, bool, np.uint8]
    if not (is_shaped and is_typed and len(images) and restored.shape == images.shape):
        raise ValueError("it holds no images, holes and restored images")
    return examples


def _own(content: dict[str, Any], run: RunInfo, name: str) -> dict[str, Any]:
    """What a run's file holds; whole files of another training are refused, by an InputError."""
    if content.get("run_id", run.training_id) != run.training_id:
        raise InputError(
            f"{name} of run {run.run_id[:8]} is that of another training, "
            f"{str(content['run_id'])[:8]}: {_SYNC}"
        )
    return content


def with_scores(run: RunInfo) -> RunInfo:
    """The run itself.

    Raises:
        InputError: it has not come as far as the stage evaluate.
    """
    if SCORE not in run.metrics:
        raise InputError(f"run {run.run_id[:8]} has no scores; it is {run.status}")
    return run


_SHORTEST_PREFIX = 4
_LARGEST_EXAMPLES = 100_000_000  # bytes: of 20 images of 300x300 pixels they are 13 million
# What zipfile raises besides: of an unknown compression, a kind of RuntimeError.
_ARCHIVE_DAMAGES = (*DAMAGES, KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
_SYNC = "if it is the workspace's or an experiment's, `inpaint sync` logs it again"


def _info(run: Run) -> RunInfo:
    artifacts = run.info.artifact_uri or ""
    return RunInfo(
        run_id=run.info.run_id,
        training_id=run.data.tags[store.TRAINING_ID],
        name=run.info.run_name or "",
        status=run.info.status,
        started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        artifacts=store.without_secrets(artifacts, artifacts),
        params=run.data.params,
        metrics={_FORMER_NAMES.get(name, name): value for name, value in run.data.metrics.items()},
        tags=run.data.tags,
    )
