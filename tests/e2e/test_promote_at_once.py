"""Several `inpaint promote` at the same time: real processes, one registry."""

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.checkout import GOOD

pytestmark = pytest.mark.slow

MODEL = "inpaint-mnist"


@pytest.fixture(scope="module")
def project(checkout: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """With a good run in the workspace, and a better one as an experiment."""
    clone = checkout.clone(tmp_path_factory.mktemp("at-once") / "project")
    clone.set(GOOD)
    clone.repro()
    clone.run("git", "commit", "--quiet", "--all", "--message", "a good model")
    clone.run("dvc", "exp", "run", "--name", "better", "-S", "train.epochs=12")
    return clone


def promote_at_once(project: Any, runs: Sequence[str]) -> list[int]:
    """The exit codes of as many processes."""
    started = [
        subprocess.Popen(
            ["inpaint", "promote", run],
            cwd=project.root,
            env=project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for run in runs
    ]
    return [process.wait() for process in started]


def test_one_champion_is_left(project: Any) -> None:
    good = min(project.runs().values(), key=lambda run: run.info.start_time)
    codes = promote_at_once(project, [good.info.run_id, "better", good.info.run_id, "better"])
    client = MlflowClient(f"sqlite:///{project.root}/mlflow.db")
    model = client.get_registered_model(MODEL)
    versions = client.search_model_versions(f"name = '{MODEL}'")
    moves = [key for key in model.tags if key.startswith("move.")]

    assert list(model.aliases) == ["champion"]
    champion = client.get_model_version_by_alias(MODEL, "champion")
    assert client.get_run(champion.run_id or "").data.params["train.epochs"] == "12"
    # The better one wins, and the good one too if it came first; each is moved once.
    assert (codes[1], codes[3]) == (0, 0)
    assert len(versions) == len(moves) == (2 if 0 in (codes[0], codes[2]) else 1)
