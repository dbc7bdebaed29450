"""MLflow runs brought to what the files of a project say, in real sqlite stores."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlflow.entities import LoggedModelStatus, Metric

from inpaint.base.errors import InputError
from inpaint.commands.launch import launch_command
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import Runs
from inpaint.tracking.settling import settle
from inpaint.tracking.store import TRAINING_ID, Store
from inpaint.tracking.sync import Synced, complete, log_results
from tests.pipeline.stored_runs import (
    CURVES,
    assert_complete,
    contents,
    histories,
    leaves,
    runs_of,
    store_of,
    sync,
)


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
    assert "**mnist, center holes** that hide 8.2%" in run.data.tags["mlflow.note.content"]
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
    [first, last] = store.client.get_metric_history(run.info.run_id, "curves/train_loss")
    assert first.timestamp == pytest.approx((run.info.start_time + run.info.end_time) / 2, abs=1)
    assert last.timestamp == run.info.end_time


def test_an_epoch_is_not_before_one_that_was_logged_as_it_ended(pulled: Any) -> None:
    trained = json.loads(pulled.paths.train_summary.read_text())
    store = store_of(pulled)
    record = read_record(pulled.paths)
    run = store.create(record.name, record.started, {TRAINING_ID: trained["run_id"]})
    logged_at = record.ended + 1000  # getting ready took longer than the second epoch
    [first, _] = record.curves
    metrics = [Metric(key, value, logged_at, 1) for key, value in first.items()]
    store.client.log_batch(run.info.run_id, metrics=metrics)
    assert "curves" in sync(pulled).added
    history = store.client.get_metric_history(run.info.run_id, "curves/train_loss")
    assert [(metric.step, metric.timestamp) for metric in history] == [
        (1, logged_at), (2, logged_at),
    ]  # fmt: skip


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
        for score in ("ssim_unit", "hole_psnr_db", "hole_mse", "hole_mae"):
            expected[f"{split}/model/composite/{score}"] = composite[score]
        expected[f"{split}/model/raw/ssim_unit"] = raw["ssim_unit"]
        best = result[split]["best_baseline"]
        scores = result[split]["baselines"][best]
        expected[f"{split}/baselines/{best}/ssim_unit"] = scores["ssim_unit"]
    logged = histories(store, run)
    assert len(logged) <= 40  # what people can take in
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
    assert complete(finished.paths.root, store, record) == Synced(record.training_id)
    assert_complete(store, run, finished)


def test_a_process_that_is_gone_before_its_new_run_has_ended_leaves_none_running(
    pulled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_terminated", die)
        with pytest.raises(KeyboardInterrupt):
            sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.info.status == "RUNNING"
    settle(store.client)  # as whatever lists or logs runs does
    [run] = runs_of(store)
    assert run.info.status == "KILLED"
    assert sync(pulled).run_id == run.info.run_id
    [run] = runs_of(store)
    assert_complete(store, run, pulled)


def delete_model(store: Store, model_id: str) -> None:
    store.client.delete_logged_model(model_id)


def lose_files_of_model(store: Store, model_id: str) -> None:
    location = store.client.get_logged_model(model_id).artifact_location
    shutil.rmtree(location.removeprefix("file://"))


def cut_model(store: Store, model_id: str) -> None:
    network = network_of(store, model_id)
    network.write_bytes(network.read_bytes()[:-100])


def lose_network_of_model(store: Store, model_id: str) -> None:
    network_of(store, model_id).unlink()


def network_of(store: Store, model_id: str) -> Path:
    location = store.client.get_logged_model(model_id).artifact_location.removeprefix("file://")
    return Path(location, "data", "network", "inpainter.keras")


def interrupt_logging_of_model(store: Store, model_id: str) -> None:
    store.client.finalize_logged_model(model_id, LoggedModelStatus.FAILED)


@pytest.mark.parametrize(
    "lose",
    [
        *(delete_model, lose_files_of_model, interrupt_logging_of_model),
        *(cut_model, lose_network_of_model),
    ],
)
def test_a_run_gets_exactly_what_it_lacks(pulled: Any, lose: Callable[[Store, str], None]) -> None:
    store, record = store_of(pulled), read_record(pulled.paths)
    # As left by a server that went away in the middle of it.
    some = {name: content for name, content in record.files.items() if name != "metrics.json"}
    some["report.md"] = b"x" * len(record.files["report.md"])  # and of another report's length
    del some["figures/curves.png"]
    complete(pulled.paths.root, store, replace(record, curves=record.curves[:1], files=some))
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


def test_a_run_whose_logging_is_killed_is_not_running_for_ever(
    pulled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as killing:
        killing.setattr("inpaint.tracking.sync.log_model", die)
        with pytest.raises(SystemExit):
            sync(pulled)
    store = store_of(pulled)
    assert [run.info.status for run in runs_of(store)] == ["KILLED"]
    sync(pulled)
    [run] = runs_of(store)
    assert_complete(store, run, pulled)


def test_other_holes_than_those_that_were_scored_are_not_logged(pulled: Any) -> None:
    """They would be beside what was restored of the old ones."""
    sync(pulled)
    pulled.set({"mask": {"seed": 1, "kind": "box"}})
    assert pulled.run("mask") == 0
    with pytest.raises(InputError, match="holes are not those that the model was trained beside"):
        read_record(pulled.paths)


def test_a_run_with_damaged_scores_is_not_complete(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    trained = json.loads(pulled.paths.train_summary.read_text())
    score = json.loads(pulled.paths.summary.read_text())["test_ssim_unit"]
    root = pulled.paths.root
    assert Runs(root).is_complete(trained["run_id"], score)
    [scores] = (root / "mlruns").rglob(f"{run_id}/artifacts/per_image.csv")
    scores.write_bytes(scores.read_bytes()[:-100])
    assert not Runs(root).is_complete(trained["run_id"], score)
    assert sync(pulled).added == ("files",)
    assert Runs(root).is_complete(trained["run_id"], score)
    [training] = (root / "mlruns").rglob(f"{run_id}/artifacts/train.json")
    training.unlink()
    assert not Runs(root).is_complete(trained["run_id"], score)
    assert sync(pulled).added == ("files",)
    [network] = (root / "mlruns").rglob("inpainter.keras")
    network.write_bytes(network.read_bytes()[:-100])
    assert not Runs(root).is_complete(trained["run_id"], score)


def test_a_run_is_not_made_somebody_elses(pulled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "first")
    sync(pulled)
    monkeypatch.setattr("getpass.getuser", lambda: "second")
    assert sync(pulled).added == ()
    [run] = runs_of(store_of(pulled))
    assert run.data.tags["mlflow.user"] == "first"


def test_a_model_that_cannot_be_loaded_is_told(
    pulled: Any, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: Path) -> None:
        raise ValueError("there is no memory for it")

    monkeypatch.setattr("inpaint.restoring.serving.load", load)
    assert launch_command("sync", (), root=pulled.paths.root) == 1
    assert "workspace: not logged: there is no memory for it" in said()
    assert "not logged: there is no memory for it" in log_results(pulled.paths)
    assert [run.info.status for run in runs_of(store_of(pulled))] == ["KILLED"]
    monkeypatch.undo()
    assert "model" in sync(pulled).added
