"""Stages run in this process, on tiny data, in temporary project trees."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.base.paths import Paths
from inpaint.commands.launch import launch
from tests.pipeline.arena import GOOD, RUNS, Arena

ROOT = Path(__file__).parents[2]

# Small enough for seconds, large enough for every split to hold every digit. Whether so short a
# training is of any use is not asked.
TINY: dict[str, dict[str, Any]] = {
    "data": {"train_size": 40, "valid_size": 30, "test_size": 50},
    "model": {"filters": 4},
    "train": {"epochs": 2, "batch_size": 16, "on_collapse": "continue"},
    "evaluate": {"parity_images": 20, "bootstrap_samples": 50},
}


@dataclass(frozen=True)
class Project:
    """A project tree whose params.yaml is the real one with some values changed."""

    paths: Paths

    def set(self, changes: dict[str, dict[str, Any]]) -> None:
        content = yaml.safe_load(self.paths.params.read_text())
        for section, values in changes.items():
            content[section] |= values
        self.paths.params.write_text(yaml.safe_dump(content))

    def run(self, *stages: str) -> int:
        """Run stages until one fails; give its exit code."""
        return next((code for stage in stages if (code := launch(stage, root=self.paths.root))), 0)


def make_project(root: Path) -> Project:
    project = Project(Paths(root))
    project.paths.params.write_text((ROOT / "params.yaml").read_text())
    project.set(TINY)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project tree."""
    return make_project(tmp_path)


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[[str], Project]:
    """Makes empty project trees by name."""

    def make(name: str) -> Project:
        (tmp_path / name).mkdir()
        return make_project(tmp_path / name)

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project tree in which all stages have run. Read it; do not change it."""
    project = make_project(tmp_path_factory.mktemp("finished"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        for variable in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
            monkeypatch.delenv(variable, raising=False)
        assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    return project


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's in which there is nothing: making one takes seconds."""
    from inpaint.tracking.store import open_client

    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_client(root)
    return root / "mlflow.db"


@pytest.fixture
def pulled(finished: Project, empty_database: Path, tmp_path: Path) -> Project:
    """The finished project as a fresh clone with its results: MLflow knows nothing of it."""
    root = tmp_path / "pulled"
    without_store = shutil.ignore_patterns("mlflow.db*", "mlruns")
    shutil.copytree(finished.paths.root, root, ignore=without_store)
    shutil.copy(empty_database, root)
    return Project(Paths(root))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """Trained once for all tests: it takes a minute."""
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
