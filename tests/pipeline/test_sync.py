"""MLflow runs brought to what the files of a project say, in real sqlite stores."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Run, ViewType
from mlflow.exceptions import MlflowException

from inpaint.errors import InputError
from inpaint.paths import Paths
from inpaint.tracking.model import model_files
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import Store, connect
from inpaint.tracking.sync import Synced, complete

FIGURES = {f"figures/{name}.png" for name in ("restored", "curves", "histogram", "baselines")}
FILES = {"train.json", "metrics.json", "per_image.csv", "report.md", "examples.npz"} | FIGURES
CURVES = {"train/loss", "valid/loss", "valid/ssim_unit", "learning_rate"}


def store_of(project: Any) -> Store:
    """The project's own store, as a new process finds it."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow leaves the last store's address there
    return connect(project.paths.root, "inpaint")


def sync(project: Any) -> Synced:
    """As `inpaint sync` does for the workspace."""
    return complete(store_of(project), read_record(project.paths))


def runs_of(store: Store) -> list[Run]:
    """All runs of the experiment, also those that people have deleted."""
    return list(store.client.search_runs([store.experiment_id], run_view_type=ViewType.ALL))


def histories(store: Store, run: Run) -> dict[str, list[tuple[int, float]]]:
    """Every metric's steps and values, ordered by step, then by time."""
    found = {}
    for key in run.data.metrics:
        values = store.client.get_metric_history(run.info.run_id, key)
        ordered = sorted(values, key=lambda metric: (metric.step, metric.timestamp))
        found[key] = [(metric.step, metric.value) for metric in ordered]
    return found


def contents(client: MlflowClient, run: Run) -> dict[str, bytes]:
    """The run's artifacts by their path below it, but for the table of the network's layers."""
    entries = [*client.list_artifacts(run.info.run_id)]
    entries += client.list_artifacts(run.info.run_id, "figures")
    return {
        entry.path: Path(client.download_artifacts(run.info.run_id, entry.path)).read_bytes()
        for entry in entries
        if not entry.is_dir and entry.path != "model_summary.txt"
    }


def history_of(project: Any) -> list[dict[str, float]]:
    with project.paths.history.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def leaves(content: Mapping[str, Any], path: str) -> dict[str, float]:
    flat: dict[str, float] = {}
    for key, value in content.items():
        flat |= (
            leaves(value, f"{path}/{key}") if isinstance(value, dict) else {f"{path}/{key}": value}
        )
    return flat


def assert_each_epoch_once(store: Store, run: Run, project: Any) -> None:
    rows = history_of(project)
    columns = {
        "train/loss": "train_loss",
        "valid/loss": "valid_loss",
        "valid/ssim_unit": "valid_ssim_unit",
        "learning_rate": "learning_rate",
    }
    logged = histories(store, run)
    for key, column in columns.items():
        assert logged[key] == [(int(row["epoch"]), row[column]) for row in rows]


def assert_model_is_the_saved_one(store: Store, run: Run, project: Any) -> None:
    """Exactly one of the run's models is whole; it is loaded through MLflow."""
    models = store.client.search_logged_models(
        [store.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    [model] = [
        model
        for model in models
        if model.status == LoggedModelStatus.READY
        and store.client.list_logged_model_artifacts(model.model_id)
    ]
    assert run.outputs is not None
    assert model.model_id in {output.model_id for output in run.outputs.model_outputs}
    mlflow.set_tracking_uri(store.uri)
    with model_files(f"models:/{model.model_id}") as folder:
        saved = folder / "data" / "network" / "inpainter.keras"
        assert saved.read_bytes() == project.paths.model.read_bytes()


def assert_complete(store: Store, run: Run, project: Any) -> None:
    assert run.info.status == "FINISHED"
    assert_each_epoch_once(store, run, project)
    assert_model_is_the_saved_one(store, run, project)
    assert contents(store.client, run).keys() == FILES


def test_an_empty_store_gets_the_whole_run(pulled: Any) -> None:
    synced = sync(pulled)
    assert synced.added == ("the whole run",)
    assert not synced.is_deleted
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.info.run_id == synced.run_id
    assert_complete(store, run, pulled)


def test_the_run_has_parameters_and_tags_of_the_training(pulled: Any) -> None:
    sync(pulled)
    [run] = runs_of(store_of(pulled))
    trained = json.loads(pulled.paths.train_summary.read_text())
    params = yaml.safe_load(pulled.paths.params.read_text())
    assert run.data.params == {
        f"{section}.{key}": str(value)
        for section in ("data", "mask", "model", "train", "tracking")
        for key, value in params[section].items()
    }
    expected = {
        "training_id": trained["run_id"],
        "code_version": trained["origin"]["code_version"],
        "evaluate.parity_images": "20",
        "evaluate.bootstrap_samples": "50",
    }
    expected |= {f"digest.{name}": digest[:12] for name, digest in trained["digests"].items()}
    assert expected.items() <= run.data.tags.items()
    assert run.info.run_id != trained["run_id"]
    assert run.info.run_name == "mnist-residual_unet-2"
    versions = dict(pair.split(" ") for pair in run.data.tags["versions"].split(", "))
    assert versions == trained["versions"]
    assert run.data.tags["mlflow.note.content"].startswith("**mnist, center holes** that hide 8.2%")
    assert run.inputs is not None
    assert {entry.dataset.name for entry in run.inputs.dataset_inputs} == {
        "mnist-train", "mnist-valid",
    }  # fmt: skip


def test_the_run_has_the_times_of_the_training(pulled: Any) -> None:
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    trained = json.loads(pulled.paths.train_summary.read_text())
    started = datetime.fromisoformat(trained["started"]).timestamp()
    assert run.info.start_time / 1000 == pytest.approx(started, abs=0.001)
    assert run.info.end_time is not None
    took = (run.info.end_time - run.info.start_time) / 1000
    assert took == pytest.approx(trained["seconds"], abs=0.002)
    [first, last] = store.client.get_metric_history(run.info.run_id, "train/loss")
    assert first.timestamp == pytest.approx((run.info.start_time + run.info.end_time) / 2, abs=1)
    assert last.timestamp == run.info.end_time


def test_the_run_has_the_scores_worth_comparing_and_all_files(pulled: Any) -> None:
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    result = json.loads(pulled.paths.metrics.read_text())
    trained = json.loads(pulled.paths.train_summary.read_text())
    expected = {
        "num_parameters": trained["num_parameters"],
        "train/seconds": trained["seconds"],
        "parity/max_abs_diff": result["parity"]["max_abs_diff"],
    }
    for split in ("valid", "test"):
        for part in ("score", "gain"):
            expected |= leaves(result[split][part], f"{split}/{part}")
        composite, raw = (result[split]["model"][part] for part in ("composite", "raw"))
        expected |= leaves(composite, f"{split}/model/composite")
        scored = {"model/raw": raw}
        scored |= {f"baselines/{key}": value for key, value in result[split]["baselines"].items()}
        for name, scores in scored.items():
            for score in ("ssim_unit", "hole_psnr_db"):
                expected[f"{split}/{name}/{score}"] = scores[score]
    logged = histories(store, run)
    assert {key: logged[key] for key in logged.keys() - CURVES} == {
        key: [(0, value)] for key, value in expected.items() if value is not None
    }
    files = contents(store.client, run)
    examples = np.load(io.BytesIO(files.pop("examples.npz")))
    assert files == {
        name: (pulled.paths.train_summary.parent / name).read_bytes() for name in files
    }
    paths = pulled.paths
    for key, path in (
        ("images", paths.images("test")), ("holes", paths.holes("test")),
        ("restored", paths.restored),
    ):  # fmt: skip
        np.testing.assert_array_equal(examples[key], np.load(path)[:20])


def test_doing_it_again_adds_nothing(pulled: Any) -> None:
    first = sync(pulled)
    store = store_of(pulled)
    [before] = runs_of(store)
    logged = histories(store, before)
    files = {path: path.stat().st_mtime_ns for path in (pulled.paths.root / "mlruns").rglob("*")}
    assert sync(pulled) == Synced(first.run_id)
    [after] = runs_of(store_of(pulled))
    assert after.to_dictionary() == before.to_dictionary()
    assert histories(store, after) == logged
    assert files == {
        path: path.stat().st_mtime_ns for path in (pulled.paths.root / "mlruns").rglob("*")
    }


def test_the_run_that_the_stages_logged_lacks_nothing(finished: Any) -> None:
    store = store_of(finished)
    record = read_record(finished.paths)
    run = store.client.get_run(record.training_id)
    assert complete(store, record) == Synced(record.training_id)
    assert_complete(store, run, finished)


def delete_model(store: Store, model_id: str) -> None:
    store.client.delete_logged_model(model_id)


def lose_files_of_model(store: Store, model_id: str) -> None:
    location = store.client.get_logged_model(model_id).artifact_location
    shutil.rmtree(location.removeprefix("file://"))


def interrupt_logging_of_model(store: Store, model_id: str) -> None:
    store.client.finalize_logged_model(model_id, LoggedModelStatus.FAILED)


@pytest.mark.parametrize("lose", [delete_model, lose_files_of_model, interrupt_logging_of_model])
def test_a_run_gets_exactly_what_it_lacks(pulled: Any, lose: Callable[[Store, str], None]) -> None:
    store, record = store_of(pulled), read_record(pulled.paths)
    # As left by a server that went away in the middle of it.
    some = {name: content for name, content in record.files.items() if name != "metrics.json"}
    some["report.md"] = b"x" * len(record.files["report.md"])  # and of another report's length
    del some["figures/curves.png"]
    complete(store, replace(record, curves=record.curves[:1], files=some))
    [run] = runs_of(store)
    assert run.outputs is not None
    lose(store, run.outputs.model_outputs[0].model_id)
    logged = histories(store, run)
    assert sync(pulled) == Synced(run.info.run_id, ("curves", "model", "files"))
    [run] = runs_of(store)
    assert_complete(store, run, pulled)
    assert contents(store.client, run) == record.files
    after = histories(store, run)
    assert {key: after[key] for key in after.keys() - CURVES} == {
        key: logged[key] for key in logged.keys() - CURVES
    }
    assert sync(pulled).added == ()


def test_a_run_whose_end_got_lost_is_finished(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    store = store_of(pulled)
    [run] = runs_of(store)
    store.client.update_run(run_id, status="RUNNING")
    assert sync(pulled) == Synced(run_id, ("end",))
    [again] = runs_of(store)
    assert again.info.status == "FINISHED"
    assert again.info.end_time == run.info.end_time


def test_a_run_is_not_made_somebody_elses(pulled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "first")
    sync(pulled)
    monkeypatch.setattr("getpass.getuser", lambda: "second")
    assert sync(pulled).added == ()
    [run] = runs_of(store_of(pulled))
    assert run.data.tags["mlflow.user"] == "first"


def test_a_run_that_people_deleted_is_left_alone(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    store = store_of(pulled)
    store.client.delete_run(run_id)
    before = store.client.get_run(run_id)
    pulled.paths.report.write_text(f"another report of `{read_record(pulled.paths).training_id}`")
    assert sync(pulled) == Synced(run_id, is_deleted=True)
    [after] = runs_of(store)
    assert after.to_dictionary() == before.to_dictionary()
    assert after.info.lifecycle_stage == "deleted"


def test_scores_of_another_training_are_not_logged(pulled: Any) -> None:
    paths = pulled.paths
    training_id = read_record(paths).training_id
    result, report = paths.metrics.read_text(), paths.report.read_text()
    paths.metrics.write_text(result.replace(training_id, "0" * 32))
    paths.report.write_text(report.replace(training_id, "0" * 32))
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.info.status == "FINISHED"
    assert run.data.metrics.keys() == CURVES | {"num_parameters", "train/seconds"}
    assert contents(store.client, run).keys() == {"train.json"}
    assert not [key for key in run.data.tags if key.startswith(("evaluate.", "mlflow.note"))]
    # Then evaluate and plot have run.
    paths.metrics.write_text(result)
    paths.report.write_text(report)
    assert sync(pulled) == Synced(run.info.run_id, ("tags", "scores", "files"))
    [run] = runs_of(store)
    assert_complete(store, run, pulled)


def test_the_newest_scores_stay_whatever_is_synced_after(pulled: Any) -> None:
    """A workspace and an experiment may hold the same training with other scores."""
    older = pulled.paths.metrics.read_text()
    result = json.loads(older)
    result["valid"]["score"]["ssim_unit"]["mean"] = 0.5
    result["evaluated"] = "2999-01-01T00:00:00.000+00:00"
    result["origin"] |= {"baseline": "f" * 40, "diff": "diff --git a/src/a.py b/src/a.py\n"}
    for text in (older, json.dumps(result)):
        pulled.paths.metrics.write_text(text)
        assert sync(pulled).added
    pulled.paths.metrics.write_text(older)
    assert sync(pulled).added == ()
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.data.metrics["valid/score/ssim_unit/mean"] == 0.5
    assert run.data.tags["baseline_commit"] == "f" * 40
    assert json.loads(contents(store.client, run)["metrics.json"]) == result
    # A stage has the last word: it was run, or restored, because these are the scores wanted now.
    assert pulled.run("plot") == 0
    [run] = runs_of(store)
    assert contents(store.client, run)["metrics.json"].decode() == older


@pytest.mark.parametrize("content", ["{}", "[]", '{"run_id": "7e", "epochs": 2}', "no JSON"])
def test_results_of_another_version_are_an_error_of_one_line(pulled: Any, content: str) -> None:
    pulled.paths.train_summary.write_text(content)
    with pytest.raises(InputError, match=r"train\.json .*run `dvc repro`$"):
        read_record(pulled.paths)


def test_results_that_are_not_there_are_named(pulled: Any) -> None:
    pulled.paths.per_image.unlink()
    with pytest.raises(InputError, match=r"per_image\.csv is not there: run `dvc repro`$"):
        read_record(pulled.paths)


def test_a_deleted_experiment_is_told(pulled: Any) -> None:
    store = store_of(pulled)
    store.client.delete_experiment(store.experiment_id)
    with pytest.raises(MlflowException, match="was deleted: restore it"):
        store_of(pulled)


def test_other_settings_of_evaluate_change_the_same_run(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    store = store_of(pulled)
    before = histories(store, store.client.get_run(run_id))
    pulled.set({"evaluate": {"bootstrap_samples": 60, "parity_images": 1}})
    assert pulled.run("evaluate") == 0
    [run] = runs_of(store)
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["evaluate.bootstrap_samples"] == "60"
    result = json.loads(pulled.paths.metrics.read_text())
    after = histories(store, run)
    low = "test/score/ssim_unit/low"
    assert run.data.metrics[low] == result["test"]["score"]["ssim_unit"]["low"]
    assert after[low] == [*before[low], (0, run.data.metrics[low])]
    assert after[low][0] != after[low][1]
    # What has not changed is not logged again.
    assert after.keys() == before.keys()
    same = {key for key in after if after[key] == before[key]}
    assert {"test/model/composite/ssim_unit", "num_parameters"} | CURVES <= same
    assert contents(store.client, run)["metrics.json"] == pulled.paths.metrics.read_bytes()


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
    assert [step for step, _ in histories(store, run)["train/loss"]] == [1]
    assert sync(project) == Synced(run.info.run_id, ("curves", "model", "scores", "files", "end"))
    [run] = runs_of(store)
    assert run.info.status == "FINISHED"
    assert_each_epoch_once(store, run, project)
    assert_model_is_the_saved_one(store, run, project)
