"""The registry's gate: real trainings, a real registry, and what people are told."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from inpaint import metrics
from inpaint.data.selection import select
from inpaint.launch import launch_command
from inpaint.params import DataParams
from inpaint.rescore import holes_of, images_of
from inpaint.tracking.registry import Registry
from inpaint.tracking.store import local_folder

from .conftest import make_project

GOOD: dict[str, dict[str, Any]] = {
    "data": {"train_size": 300, "valid_size": 100, "test_size": 30, "seed": 0},
    "mask": {"kind": "center"},
    "model": {"network": "residual_unet", "filters": 8, "dropout": 0.0},
    "train": {
        "epochs": 5, "batch_size": 16, "learning_rate": 0.004, "optimizer": "adamw", "seed": 0,
        "loss": "hole_mse_ssim", "augmentation": "joint", "on_collapse": "stop",
    },
}  # fmt: skip
# What makes each run out of the good one.
RUNS: dict[str, dict[str, dict[str, Any]]] = {
    # Its validation images are others, of which some are training images of the others.
    "hopeless": {"data": {"seed": 1}, "train": {"learning_rate": 1e-9, "epochs": 1}},
    "good": {},
    "better": {"train": {"epochs": 12}},
    "boxes": {"mask": {"kind": "box"}, "train": {"epochs": 12}},
    "collapsed": {
        "model": {"network": "report_unet", "filters": 4, "dropout": 0.2},
        "train": {
            "epochs": 1, "batch_size": 4, "learning_rate": 0.01, "optimizer": "adam", "seed": 1,
            "loss": "mse", "augmentation": "input", "on_collapse": "continue",
        },
    },
}  # fmt: skip


@dataclass(frozen=True)
class Arena:
    """A project with runs to promote.

    Attributes:
        root: of the project.
        runs: MLflow's id of each run by the name it has in `RUNS`.
        model: the registered model that belongs to one test.
    """

    root: Path
    runs: dict[str, str]
    model: str = "unused"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.root}/mlflow.db")

    @property
    def aliases(self) -> dict[str, str]:
        """Alias -> the run whose model has it; {} if nothing was registered."""
        try:
            found = self.client.get_registered_model(self.model).aliases
        except MlflowException:
            return {}
        names = {run_id: name for name, run_id in self.runs.items()}
        versions = {a: self.client.get_model_version(self.model, v) for a, v in found.items()}
        return {alias: names[version.run_id or ""] for alias, version in versions.items()}

    def promote(self, name: str, **options: Any) -> int:
        options = {"alias": "champion", "force": False, "reason": None} | options
        return launch_command("promote", self.runs[name], root=self.root, **options)

    def rollback(self, reason: str | None = None) -> int:
        return launch_command("rollback", None, reason=reason, root=self.root)

    def per_image(self, name: str, split: str) -> dict[str, np.ndarray]:
        content = Path(self.client.download_artifacts(self.runs[name], "per_image.csv")).read_text()
        rows = [row for row in csv.DictReader(content.splitlines()) if row["split"] == split]
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    project = make_project(tmp_path_factory.mktemp("arena"))
    runs = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        for variable in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
            monkeypatch.delenv(variable, raising=False)
        for name, changes in RUNS.items():
            project.set(GOOD)
            project.set(changes)
            assert project.run("prepare", "mask", "train", "evaluate") == 0
            runs[name] = json.loads(project.paths.train_summary.read_text())["run_id"]
    return Arena(project.paths.root, runs)


@pytest.fixture
def arena(trained: Arena, request: pytest.FixtureRequest) -> Iterator[Arena]:
    """With a registry in which there is nothing yet."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow leaves the last store's address there
    params = trained.root / "params.yaml"
    before = params.read_text()
    prefix = request.node.originalname
    params.write_text(yaml.safe_dump(yaml.safe_load(before) | {"registry": {"model": prefix}}))
    yield Arena(trained.root, trained.runs, f"{prefix}-mnist")
    params.write_text(before)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Gives what was printed since the last time, outputs and errors."""
    return lambda: "".join(capsys.readouterr())


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves the time that trying the model takes, where another test shows it."""
    monkeypatch.setattr("inpaint.commands.promote._check_restores_as_scored", lambda *_: None)


def test_a_champion_is_earned_and_can_be_taken_back(arena: Arena, said: Any) -> None:
    assert arena.promote("hopeless") == 1
    assert "NO   better than biharmonic, the best method without training: " in (told := said())
    assert "failed: not promoted, for it is not better than biharmonic" in told
    assert arena.aliases == {}

    assert arena.promote("good") == 0
    assert f"{arena.model} version 1 is champion." in said()
    assert arena.aliases == {"champion": "good"}

    assert arena.promote("good") == 1
    assert "better than the champion, version 1 of run" in (told := said())
    assert "that is this very run" in told
    assert arena.aliases == {"champion": "good"}

    assert arena.promote("better") == 0
    assert f"{arena.model} version 2 is champion; it was version 1." in said()
    assert arena.aliases == {"champion": "better"}

    assert arena.promote("good") == 1
    better = arena.runs["better"][:8]
    assert f"it is not better than the champion, version 2 of run {better}: -0." in said()
    assert arena.aliases == {"champion": "better"}

    assert arena.rollback("it is the cat") == 0
    assert f"{arena.model} version 1 is champion again; it was version 2." in said()
    assert arena.aliases == {"champion": "good"}
    assert arena.rollback() == 1
    assert "version 1 is champion, and there was none before" in said()

    moves = [move for _, move in Registry(arena.root, arena.model).moves()]
    assert [(m.before, m.after, m.kind) for m in moves] == [
        ("", "1", "earned"), ("1", "2", "earned"), ("2", "1", "rollback"),
    ]  # fmt: skip
    assert moves[1].why.startswith("better than biharmonic, the best method without training: +0.")
    assert moves[2].why == "it is the cat"


@pytest.mark.usefixtures("untried")
def test_a_champion_carries_its_card_and_its_numbers(arena: Arena) -> None:
    assert arena.promote("good", reason="first") == 0
    version = arena.client.get_model_version_by_alias(arena.model, "champion")
    run = arena.client.get_run(arena.runs["good"])
    assert version.run_id == run.info.run_id
    assert run.outputs is not None
    assert version.source == f"models:/{run.outputs.model_outputs[0].model_id}"
    assert str(version.description).startswith("**mnist, center holes** that hide 8.2% of each")
    for part in ("CC BY-SA 3.0", "## Limits", "## Intended use", "| validation |", "| test |"):
        assert part in str(version.description)
    score = run.data.metrics["test/model/composite/ssim_unit"]
    assert version.tags["test/ssim_unit"] == f"{score:.6f}"
    assert version.tags["digest.train_images"].startswith(run.data.tags["digest.train_images"])
    assert version.tags["valid/gain/ssim_unit"].startswith("+0.")
    assert ", earned: first; better than" in str(
        arena.client.get_registered_model(arena.model).description
    )


@pytest.mark.usefixtures("untried")
def test_a_challenger_needs_no_comparison_and_leaves_the_champion(arena: Arena, said: Any) -> None:
    assert arena.promote("hopeless", alias="challenger") == 0
    assert f"{arena.model} version 1 is challenger." in said()
    assert arena.aliases == {"challenger": "hopeless"}
    card = str(arena.client.get_model_version(arena.model, "1").description)
    assert "**On the test images it is not better than biharmonic" in card


@pytest.mark.usefixtures("untried")
def test_force_needs_a_reason_which_is_kept(arena: Arena, said: Any) -> None:
    for reason in (None, "", "  "):
        assert arena.promote("hopeless", force=True, reason=reason) == 2
        assert "--force: received no --reason, allowed: with --reason TEXT" in said()
    assert arena.promote("hopeless", force=True, reason="x" * 501) == 2
    assert arena.aliases == {}
    assert arena.promote("hopeless", force=True, reason="to show it") == 0
    assert arena.aliases == {"champion": "hopeless"}
    [(_, move)] = Registry(arena.root, arena.model).moves()
    assert (move.kind, move.why) == ("forced", "to show it")


@pytest.mark.parametrize(
    "options", [{}, {"alias": "challenger"}, {"force": True, "reason": "please"}]
)
def test_a_collapsed_network_is_never_promoted(
    arena: Arena, said: Any, options: dict[str, Any]
) -> None:
    assert arena.promote("collapsed", **options) == 1
    assert "is never promoted: its network collapsed" in said()
    assert arena.aliases == {}


def make_champion(arena: Arena, name: str) -> None:
    """Without the time that trying the model takes."""
    registry = Registry(arena.root, arena.model)
    run_id = arena.runs[name]
    version = registry.register(run_id, registry.source(run_id), {})
    before = registry.version_by_alias("champion")
    registry.move("champion", before, version, "forced", "for a test")


@pytest.mark.usefixtures("untried")
def test_a_champion_of_other_holes_is_scored_again(arena: Arena, said: Any) -> None:
    """On the candidate's holes: it is the same images that both have not been trained on."""
    make_champion(arena, "good")
    assert arena.promote("boxes") == 0
    told = said()
    ours = arena.per_image("boxes", "valid")
    theirs = stranger_scores(arena)
    gain = metrics.ssim_unit(ours["composite/ssim"].astype(float)) - metrics.ssim_unit(theirs)
    assert f"scored again on these images: {gain.mean():+.4f} [" in told
    assert arena.aliases == {"champion": "boxes"}


def stranger_scores(arena: Arena) -> np.ndarray:
    """SSIM of the champion on the images and holes of the run `boxes`, by MLflow's way to load."""
    record = arena.client.download_artifacts(arena.runs["boxes"], "train.json")
    trained = json.loads(Path(record).read_text())
    images = images_of(arena.root, trained, "valid")
    holes = holes_of(trained, "valid", images)
    model = mlflow.pyfunc.load_model(f"models:/{arena.model}/1")
    restored: np.ndarray = np.asarray(model.predict({"images": images, "holes": holes}))
    return metrics.ssim_tensorflow(images, restored)


def test_a_champion_that_was_trained_on_the_images_cannot_be_compared(
    arena: Arena, said: Any
) -> None:
    make_champion(arena, "good")
    assert arena.promote("hopeless") == 1
    known = count_known(arena)
    assert known > 0
    told = f"for it was trained on {known} of these 100 validation images (data.seed 0, here 1)"
    assert told in said()
    assert arena.aliases == {"champion": "good"}


def count_known(arena: Arena) -> int:
    """By their places in the package's 5,000 digits, which both runs took them from."""

    def places(seed: int, split: str) -> set[int]:
        data = GOOD["data"] | {"seed": seed, "dataset": "mnist", "source": "auto"}
        _, selected = select(DataParams.model_validate(data), arena.root)
        return set(selected[split].indices.tolist())

    return len(places(0, "train") & places(1, "valid"))


def test_a_champion_without_its_own_scores_is_scored_again(arena: Arena, said: Any) -> None:
    make_champion(arena, "better")
    folder = local_folder(arena.client.get_run(arena.runs["better"]).info.artifact_uri or "")
    assert folder is not None
    (folder / "per_image.csv").rename(folder / "elsewhere.csv")
    try:
        assert arena.promote("good") == 1
    finally:
        (folder / "elsewhere.csv").rename(folder / "per_image.csv")
    again = said()
    assert arena.promote("good") == 1
    stored = said()
    assert "scored again on these images: -0." in again
    # The same difference to the last digit that is printed.
    assert again.split("images: ")[-1] == stored.split(f"{arena.runs['better'][:8]}: ")[-1]


def test_a_champion_that_somebody_else_moves_meanwhile_is_left(
    arena: Arena, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from another machine, which shares the server, but no lock."""

    def try_slowly(*_: object) -> None:
        make_champion(arena, "better")

    monkeypatch.setattr("inpaint.commands.promote._check_restores_as_scored", try_slowly)
    assert arena.promote("good") == 1
    assert "somebody else has moved champion meanwhile: try again" in said()
    assert arena.aliases == {"champion": "better"}


def model_folder(arena: Arena, name: str) -> Path:
    run = arena.client.get_run(arena.runs[name])
    assert run.outputs is not None
    model = arena.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    folder = local_folder(model.artifact_location)
    assert folder is not None
    return folder


def test_a_model_that_restores_otherwise_than_it_was_scored_is_refused(
    arena: Arena, said: Any
) -> None:
    folder = model_folder(arena, "good")
    code = folder / "code" / "inpaint" / "pixels.py"
    before = code.read_text()
    code.write_text(before.replace("* 127.5)", "* 100)"))
    try:
        assert arena.promote("good") == 1
    finally:
        code.write_text(before)
    assert "the model restores test images otherwise than they were scored, by up to" in said()
    assert arena.aliases == {}


def test_without_run_it_is_the_workspaces(arena: Arena, said: Any) -> None:
    options = {"alias": "champion", "force": False, "reason": None}
    # The last training in the tree.
    assert launch_command("promote", None, root=arena.root, **options) == 1
    assert f"run {arena.runs['collapsed'][:8]} is never promoted" in said()


def test_a_registry_without_champion_cannot_go_back(arena: Arena, said: Any) -> None:
    assert arena.rollback() == 1
    assert f"{arena.model}: it has no champion, and there was none before" in said()


def test_a_rollback_leaves_out_what_was_deleted(arena: Arena, said: Any) -> None:
    for name in ("hopeless", "good", "better"):
        make_champion(arena, name)
    arena.client.delete_model_version(arena.model, "2")
    assert arena.rollback() == 0
    assert arena.aliases == {"champion": "hopeless"}
    # The alias of a deleted champion is gone.
    make_champion(arena, "better")
    arena.client.delete_model_version(arena.model, "3")
    assert arena.aliases == {}
    assert arena.rollback() == 0
    assert "version 1 is champion again." in said()
    assert arena.aliases == {"champion": "hopeless"}


def test_a_move_that_somebody_has_edited_stops_nobody(arena: Arena) -> None:
    for name in ("hopeless", "good"):
        make_champion(arena, name)
    for key, value in (("move.yesterday", "{}"), ("move.2026-11-23T15:00:00Z", "by hand")):
        arena.client.set_registered_model_tag(arena.model, key, value)
    assert arena.rollback() == 0
    assert arena.aliases == {"champion": "hopeless"}


def test_lost_files_are_neither_compared_with_nor_gone_back_to(arena: Arena, said: Any) -> None:
    """As after the project was moved: MLflow takes a missing folder for an empty one."""
    for name in ("good", "better"):
        make_champion(arena, name)
    folders = {name: model_folder(arena, name) for name in ("good", "better")}
    for folder in folders.values():
        folder.rename(folder.with_name("elsewhere"))
    try:
        assert arena.rollback() == 2
        assert f"the files of models:/{arena.model}/1 are not where they were" in said()
        assert arena.promote("boxes") == 2
        assert "are not where they were; `inpaint promote --force --reason TEXT` makes" in said()
    finally:
        for folder in folders.values():
            folder.with_name("elsewhere").rename(folder)
    assert arena.aliases == {"champion": "better"}


def test_a_champion_of_another_kind_is_no_measure(arena: Arena, said: Any) -> None:
    make_champion(arena, "better")
    training = model_folder(arena, "better") / "data" / "network" / "training.json"
    before = training.read_text()
    try:
        for content in (before.replace('"mnist"', '"photos"'), "{}"):
            training.write_text(content)
            assert arena.promote("good") == 2
            told = "the champion, version 1, is no model for mnist made by this project; "
            assert told in said()
    finally:
        training.write_text(before)


def test_a_damaged_record_of_the_workspace_is_told(tmp_path: Path, said: Any) -> None:
    project = make_project(tmp_path)
    project.paths.train_summary.parent.mkdir()
    options = {"alias": "champion", "force": False, "reason": None}
    for content in ("{}", "[]"):
        project.paths.train_summary.write_text(content)
        assert launch_command("promote", None, root=tmp_path, **options) == 2
        assert "train.json is damaged: run `dvc repro`" in said()
