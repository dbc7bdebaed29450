"""Projects that are moved or copied, shared stores, and stores that stop answering."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from inpaint.base.paths import Paths
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import Store, connect
from inpaint.tracking.sync import Synced
from tests.pipeline.stored_runs import (
    assert_complete,
    assert_each_epoch_once,
    assert_model_is_the_saved_one,
    contents,
    histories,
    history_of,
    runs_of,
    store_of,
    sync,
)


def moved(project: Any, name: str) -> Any:
    """The project after its folder, with the store in it, was moved."""
    target = project.paths.root.with_name(name)
    shutil.move(project.paths.root, target)
    return replace(project, paths=Paths(target))


def experiments_of(store: Store) -> dict[str, tuple[str, str]]:
    """Name -> id and where the artifacts are, of every experiment but MLflow's own."""
    return {
        found.name: (found.experiment_id, found.artifact_location)
        for found in store.client.search_experiments()
        if found.name != "Default"
    }


def artifacts_of(project: Any) -> str:
    uri: str = (project.paths.root / "mlruns").as_uri()
    return uri


def test_a_moved_project_goes_on_in_its_new_place(pulled: Any) -> None:
    first = sync(pulled)
    old, old_id = pulled.paths.root, store_of(pulled).experiment_id
    there = moved(pulled, "there, with a space")
    synced = sync(there)
    assert synced.added == ("the whole run",)
    assert synced.run_id != first.run_id
    store = store_of(there)
    assert experiments_of(store) == {
        f"inpaint (made in {old})": (old_id, artifacts_of(pulled)),
        "inpaint": (store.experiment_id, artifacts_of(there)),
    }
    [run] = runs_of(store)
    assert_complete(store, run, there)
    assert run.info.artifact_uri.startswith(artifacts_of(there))
    runs = Runs(there.paths.root)
    assert [run.run_id for run in runs.all] == [synced.run_id]
    assert [run.run_id for run in runs.without_files()] == [first.run_id]
    assert sync(there) == Synced(synced.run_id)


def test_a_project_that_was_moved_back_goes_on_with_its_first_experiment(pulled: Any) -> None:
    first = sync(pulled)
    first_id = store_of(pulled).experiment_id
    there = moved(pulled, "there")
    second, second_id = sync(there), store_of(there).experiment_id
    back = moved(there, pulled.paths.root.name)
    assert sync(back) == Synced(first.run_id)
    assert experiments_of(store_of(back)) == {
        "inpaint": (first_id, artifacts_of(pulled)),
        f"inpaint (made in {there.paths.root})": (second_id, artifacts_of(there)),
    }
    runs = Runs(back.paths.root)
    assert [run.run_id for run in runs.all] == [first.run_id]
    assert [run.run_id for run in runs.without_files()] == [second.run_id]
    # And once more, to where an experiment waits, too.
    again = moved(back, "there")
    assert sync(again) == Synced(second.run_id)
    assert set(experiments_of(store_of(again))) == {
        "inpaint",
        f"inpaint (made in {back.paths.root})",
    }


def test_an_experiment_with_a_longer_name_is_not_taken_for_the_first(pulled: Any) -> None:
    first_id = store_of(pulled).experiment_id
    other_id = connect(pulled.paths.root, "inpaint again").experiment_id
    there = moved(pulled, "there")
    store_of(there)
    back = moved(there, pulled.paths.root.name)
    found = experiments_of(store_of(back))
    assert found["inpaint"][0] == first_id
    assert found["inpaint again"][0] == other_id


def test_a_copied_project_leaves_the_runs_of_the_other_alone(finished: Any, tmp_path: Path) -> None:
    original = read_record(finished.paths).training_id  # MLflow's own id of its run, too
    store = store_of(finished)
    before = contents(store.client, store.client.get_run(original))
    copied = replace(finished, paths=Paths(tmp_path / "copied"))
    shutil.copytree(finished.paths.root, copied.paths.root)
    score = json.loads(finished.paths.summary.read_text())["test_ssim_unit"]
    assert Runs(finished.paths.root).is_complete(original, score)
    store_of(copied)
    assert not Runs(copied.paths.root).is_complete(original, score)
    second = sync(copied)
    assert Runs(copied.paths.root).is_complete(original, score)
    assert second.added == ("the whole run",)
    assert second.run_id != original
    assert_complete(store_of(copied), store_of(copied).client.get_run(second.run_id), copied)
    runs = Runs(copied.paths.root)
    assert [run.run_id for run in runs.all] == [second.run_id]
    assert runs.without_files() == []  # the other project still has them
    assert list(experiments_of(store_of(finished))) == ["inpaint"]
    assert sync(finished) == Synced(original)
    store = store_of(finished)
    assert contents(store.client, store.client.get_run(original)) == before


def test_a_store_of_a_persons_own_keeps_its_experiment(
    pulled: Any, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Projects that share a store use one experiment, wherever they are."""
    shutil.copy(empty_database, tmp_path / "shared.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/shared.db")
    first = connect(pulled.paths.root, "inpaint")
    (tmp_path / "other").mkdir()
    other = connect(tmp_path / "other", "inpaint")
    assert first.experiment_id == other.experiment_id
    assert list(experiments_of(other)) == ["inpaint"]


def test_a_store_that_stops_answering_costs_no_training(
    project: Any, empty_database: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copy(empty_database, project.paths.root)
    project.set({"train": {"epochs": 3, "optimizer": "adam", "loss": "mse"}})
    log_batch, calls = MlflowClient.log_batch, iter(range(100))

    def failing(self: MlflowClient, *arguments: Any, **options: Any) -> Any:
        if next(calls) >= 2:  # the start's and the first epoch's
            raise MlflowException("gone away")
        return log_batch(self, *arguments, **options)

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_batch", failing)
        broken.setattr("inpaint.tracking.live._SHARE", 100)  # every epoch is logged at once
        assert project.run("prepare", "mask", "train") == 0
    out, err = capsys.readouterr()
    uri = f"sqlite:///{project.paths.root}/mlflow.db"
    problem = f"the MLflow store {uri} cannot be used: gone away"
    assert err == f"training goes on without MLflow: {problem}\n"
    assert out.splitlines()[-1] == (
        f"kept on the disk, but not logged; `inpaint sync` does that: {problem}"
    )
    assert next(calls) == 4  # the second epoch's, and once more at the end
    assert len(history_of(project)) == 3
    keras.saving.load_model(project.paths.model)
    store = store_of(project)
    [run] = runs_of(store)
    assert run.info.status == "RUNNING"
    assert json.loads(project.paths.train_summary.read_text())["run_id"] == run.info.run_id
    assert [step for step, _ in histories(store, run)["curves/train_loss"]] == [1]
    assert sync(project) == Synced(run.info.run_id, ("curves", "model", "scores", "files", "end"))
    [run] = runs_of(store)
    assert run.info.status == "FINISHED"
    assert_each_epoch_once(store, run, project)
    assert_model_is_the_saved_one(store, run, project)
