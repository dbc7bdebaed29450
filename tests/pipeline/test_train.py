"""The stage train: a model, its history, and an MLflow run in a real sqlite store."""

import csv
import json
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

from inpaint.base import origin
from inpaint.base.checked import array_digest
from inpaint.restoring import serving
from inpaint.restoring.networks.blocks import WithMirrorImages
from inpaint.tracking.live import LiveRun
from inpaint.tracking.store import tracking_uri
from inpaint.training.batches import Batch
from inpaint.training.loop import Trainer, Validation

# The report's own settings; with them its network collapses on MNIST for most seeds.
REPORT = {
    "model": {"network": "report_unet", "filters": 32, "dropout": 0.2},
    "train": {
        "batch_size": 64,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "loss": "mse",
        "augmentation": "input",
        "holes": "fixed",
    },
}


def runs_of(project: Any) -> tuple[MlflowClient, list[Run]]:
    client = MlflowClient(tracking_uri(project.paths.root))
    experiment = client.get_experiment_by_name("inpaint")
    assert experiment is not None
    return client, list(client.search_runs([experiment.experiment_id]))


def run_of(project: Any) -> tuple[MlflowClient, Run]:
    client, [run] = runs_of(project)
    return client, run


def test_train_json_says_what_was_done(finished: Any) -> None:
    summary = json.loads(finished.paths.train_summary.read_text())
    assert summary["epochs"] == 2
    assert summary["images_seen"] == 80
    assert summary["collapsed"] is False
    assert summary["learned_nothing"] is False  # 6 steps are not judged
    assert summary["num_parameters"] == keras.saving.load_model(finished.paths.model).count_params()
    assert summary["run_id"] == run_of(finished)[1].info.run_id


def test_train_json_says_what_the_model_was_made_of(finished: Any) -> None:
    summary = json.loads(finished.paths.train_summary.read_text())
    params = yaml.safe_load(finished.paths.params.read_text())
    assert summary["params"] == {
        section: params[section] for section in ("data", "mask", "model", "train", "tracking")
    }
    for split in ("train", "valid", "test"):
        arrays = {"images": finished.paths.images(split), "holes": finished.paths.holes(split)}
        for what, path in arrays.items():
            assert summary["digests"][f"{split}_{what}"] == array_digest(np.load(path))
    assert summary["versions"]["keras"] == keras.__version__
    assert summary["versions"]["python"] == platform.python_version()
    assert summary["origin"]["code_version"] == origin.code_version()
    assert datetime.fromisoformat(summary["started"]).utcoffset() == timedelta(0)


def test_history_has_a_row_per_epoch(finished: Any) -> None:
    with finished.paths.history.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(0 < float(row["valid_ssim_unit"]) < 1 for row in rows)


def test_run_is_finished_with_all_parameters_of_the_model(finished: Any) -> None:
    _, run = run_of(finished)
    assert run.info.status == "FINISHED"
    params = yaml.safe_load(finished.paths.params.read_text())
    expected = {
        f"{section}.{key}": str(value)
        for section in ("data", "mask", "model", "train", "tracking")
        for key, value in params[section].items()
    }
    assert run.data.params == expected


def test_run_has_curves(finished: Any) -> None:
    client, run = run_of(finished)
    with finished.paths.history.open() as file:
        rows = list(csv.DictReader(file))
    for key, column in (("curves/train_loss", "train_loss"), ("curves/valid_loss", "valid_loss")):
        logged = client.get_metric_history(run.info.run_id, key)
        assert [(m.step, m.value) for m in logged] == [
            (int(row["epoch"]), float(row[column])) for row in rows
        ]


def test_run_names_data_and_versions(finished: Any) -> None:
    _, run = run_of(finished)
    manifest = json.loads(finished.paths.images_manifest.read_text())
    digest = manifest["splits"]["train"]["sha256"]
    assert run.data.tags["digest.train_images"] == digest[:12]
    assert run.inputs is not None
    inputs = {entry.dataset.name: entry for entry in run.inputs.dataset_inputs}
    assert set(inputs) == {"mnist-train", "mnist-valid"}
    assert inputs["mnist-train"].dataset.digest == digest[:36]
    assert f"keras {keras.__version__}," in run.data.tags["versions"]
    assert run.data.tags["code_version"] == origin.code_version()


def test_run_starts_with_the_training_and_lasts_as_long(finished: Any) -> None:
    _, run = run_of(finished)
    summary = json.loads(finished.paths.train_summary.read_text())
    started = datetime.fromisoformat(summary["started"]).timestamp()
    assert run.info.start_time / 1000 == pytest.approx(started, abs=0.002)
    assert run.info.end_time is not None
    took = (run.info.end_time - run.info.start_time) / 1000
    assert took == pytest.approx(summary["seconds"], abs=0.002)


def test_artifacts_lie_below_the_project(finished: Any) -> None:
    _, run = run_of(finished)
    assert run.info.artifact_uri.startswith((finished.paths.root / "mlruns").as_uri())


def test_same_seed_same_model(new_project: Callable[[str], Any]) -> None:
    weights = []
    for name in ("first", "second"):
        project = new_project(name)
        project.set({"train": {"epochs": 1}, "model": {"dropout": 0.1}})
        assert project.run("prepare", "mask", "train") == 0
        weights.append(keras.saving.load_model(project.paths.model).get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


@pytest.fixture
def collapsing(project: Any) -> Any:
    """The report's network with a seed and a rate for which its tanh saturates at once."""
    project.set(REPORT)
    train = {"epochs": 2, "learning_rate": 0.05, "batch_size": 8, "on_collapse": "stop"}
    project.set({"train": train})
    assert project.run("prepare", "mask") == 0
    return project


def test_a_collapsed_network_stops_and_fails_the_run(
    collapsing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collapsing.run("train") == 1
    line = capsys.readouterr().err
    assert "the network collapsed" in line
    assert "train.learning_rate" in line
    assert line.count("\n") == 1
    _, run = run_of(collapsing)
    assert run.info.status == "FAILED"
    assert "the network collapsed" in run.data.tags["failure"]
    assert not collapsing.paths.model.exists()
    assert not collapsing.paths.train_summary.exists()


def test_a_collapsed_network_may_finish_and_is_tagged(collapsing: Any) -> None:
    collapsing.set({"train": {"on_collapse": "continue"}})
    assert collapsing.run("train", "evaluate", "plot") == 0
    _, run = run_of(collapsing)
    assert run.info.status == "FINISHED"
    assert run.data.tags["collapsed"] == "true"
    assert json.loads(collapsing.paths.train_summary.read_text())["collapsed"] is True
    assert "The network collapsed" in collapsing.paths.report.read_text()


@pytest.fixture
def idle(project: Any) -> Any:
    """A training of 600 steps, of which none changes anything."""
    project.set({"train": {"epochs": 12, "learning_rate": 1e-12, "batch_size": 1}})
    project.set({"data": {"train_size": 50}})
    assert project.run("prepare", "mask") == 0
    return project


def test_a_network_that_learns_nothing_stops_and_fails_the_run(
    idle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    idle.set({"train": {"on_collapse": "stop"}})
    capsys.readouterr()
    assert idle.run("train") == 1
    out, line = capsys.readouterr()
    # The first to be judged is at step 150, the third (a tenth of the epochs is two); one more.
    assert "Epoch 4/12" in out
    assert "Epoch 5/12" not in out
    assert line.startswith("failed: after epoch 4, the network has learned nothing: ssim_unit 0.")
    assert "train.on_collapse=continue" in line
    assert line.count("\n") == 1
    _, run = run_of(idle)
    assert run.info.status == "FAILED"
    assert run.data.tags["learned_nothing"] == "true"
    assert "the network has learned nothing" in run.data.tags["failure"]
    assert not idle.paths.model.exists()
    assert not idle.paths.train_summary.exists()


def test_a_network_that_learns_nothing_may_finish_and_is_tagged(
    idle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert idle.run("train") == 0
    out, line = capsys.readouterr()
    assert line.startswith("after epoch 4, the network has learned nothing: ")
    assert line.count("\n") == 1
    assert ", LEARNED NOTHING" in out
    assert json.loads(idle.paths.train_summary.read_text())["learned_nothing"] is True
    _, run = run_of(idle)
    assert run.info.status == "FINISHED"
    assert run.data.tags["learned_nothing"] == "true"

    assert idle.run("evaluate", "plot") == 0
    assert ", LEARNED NOTHING\nthe network learned nothing: on the" in capsys.readouterr().out
    for path in (idle.paths.metrics, idle.paths.summary):
        assert json.loads(path.read_text())["learned_nothing"] is True
    assert "**The network learned nothing**: on the validation" in idle.paths.report.read_text()
    _, run = run_of(idle)
    assert run.data.tags["learned_nothing"] == "true"
    assert run.data.tags["mlflow.note.content"].startswith("**The network learned nothing**")


def test_a_network_that_recovers_loses_the_tag(idle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told of scores that are those of its fill up to the middle of the training."""
    fill_score, tagged = [], []
    validate, log_epoch = Trainer.validate, LiveRun.log_epoch

    def scores(trainer: Trainer, data: Batch) -> Validation:
        valid = validate(trainer, data)
        fill_score.append(valid.ssim_unit)
        return replace(valid, ssim_unit=valid.ssim_unit + (0.01 if len(fill_score) > 6 else 0))

    def log(live: LiveRun, epoch: int, metrics: dict[str, float]) -> None:
        log_epoch(live, epoch, metrics)
        tagged.append("learned_nothing" in run_of(idle)[1].data.tags)

    monkeypatch.setattr(Trainer, "validate", scores)
    monkeypatch.setattr(LiveRun, "log_epoch", log)
    monkeypatch.setattr("inpaint.tracking.live._SHARE", 100)  # every epoch is logged at once
    assert idle.run("train") == 0
    assert tagged == [False] * 3 + [True] * 3 + [False] * 6
    assert json.loads(idle.paths.train_summary.read_text())["learned_nothing"] is False
    assert "learned_nothing" not in run_of(idle)[1].data.tags
    # The stage evaluate sees that there is nothing, and its word is the last.
    assert idle.run("evaluate") == 0
    assert run_of(idle)[1].data.tags["learned_nothing"] == "true"


def test_a_diverged_loss_is_one_line(
    project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: float("nan"))
    assert project.run("prepare", "mask", "train") == 1
    assert "try a smaller train.learning_rate" in capsys.readouterr().err
    _, run = run_of(project)
    assert run.info.status == "FAILED"
    assert "try a smaller train.learning_rate" in run.data.tags["failure"]


def looks_at_mirror_images(project: Any) -> bool:
    model = keras.saving.load_model(project.paths.model, compile=False)
    return any(isinstance(layer, WithMirrorImages) for layer in model.layers)


def test_a_network_of_digits_looks_at_no_mirror_images(finished: Any) -> None:
    assert not looks_at_mirror_images(finished)


def test_what_is_not_trained_on_mirror_images_looks_at_none(project: Any) -> None:
    project.set({"data": {"dataset": "photos"}, "train": {"epochs": 1, "augmentation": "none"}})
    assert project.run("prepare", "mask", "train") == 0
    assert not looks_at_mirror_images(project)


def test_photographs_run_through_as_crops_of_a_few_pictures(project: Any) -> None:
    project.set({"data": {"dataset": "photos"}, "mask": {"kind": "half"}, "train": {"epochs": 1}})
    assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    assert looks_at_mirror_images(project)
    # Half of 32 pixels is 16 deep: its inside comes from the smaller picture.
    assert serving.load(project.paths.model)._deepest == 9
    gain = json.loads(project.paths.metrics.read_text())["test"]["gain"]["ssim_unit"]
    assert gain["low"] <= gain["mean"] <= gain["high"]


def test_all_kinds_of_holes_run_through(project: Any) -> None:
    kinds = ["center", "box", "brush", "dots", "half", "mixed"]
    project.set(
        {"mask": {"kind": "mixed"}, "train": {"epochs": 1, "holes": "random", "hole_kinds": kinds}}
    )
    assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    assert run_of(project)[1].data.params["train.hole_kinds"] == str(kinds)
    metrics = json.loads(project.paths.metrics.read_text())
    assert metrics["holes"]["kind"] == "mixed"
    # Far from trained, the network still is the biharmonic fill, but for a little.
    ours, biharmonic = (
        metrics["test"][part][name]["ssim_unit"]
        for part, name in (("model", "composite"), ("baselines", "biharmonic"))
    )
    assert ours == pytest.approx(biharmonic, abs=0.02)


def test_random_holes_for_training_leave_those_for_scoring_alone(
    new_project: Callable[[str], Any],
) -> None:
    digests = []
    for kinds in (["dots"], ["half", "brush"]):
        project = new_project(kinds[0])
        project.set({"train": {"epochs": 1, "holes": "random", "hole_kinds": kinds}})
        assert project.run("prepare", "mask", "train", "evaluate") == 0
        digests.append(json.loads(project.paths.metrics.read_text())["holes"]["digest"])
    assert digests[0] == digests[1]


def test_batches_larger_than_the_training_set_work(project: Any) -> None:
    project.set({"train": {"epochs": 1, "batch_size": 500, "holes": "random"}})
    assert project.run("prepare", "mask", "train") == 0


def test_an_address_of_no_store_is_one_line_before_training(
    finished: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://store")
    before = finished.paths.train_summary.read_bytes()
    assert finished.run("train") == 2
    out, line = capsys.readouterr()
    assert out == ""
    assert "MLFLOW_TRACKING_URI: received 'nonsense://store', allowed: " in line
    assert line.count("\n") == 1
    assert finished.paths.train_summary.read_bytes() == before


def test_an_interrupt_kills_the_run_and_leaves_no_model(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert project.run("prepare", "mask") == 0
    monkeypatch.setattr("inpaint.training.loop.Trainer.train_epoch", interrupt)
    assert project.run("train") == 130
    _, run = run_of(project)
    assert run.info.status == "KILLED"
    assert run.data.tags["failure"] == "interrupted"
    assert not project.paths.model.exists()


def test_holes_of_other_images_are_refused(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("prepare", "mask") == 0
    project.set({"data": {"train_size": 50}})
    assert project.run("prepare", "train") == 2
    line = capsys.readouterr().err
    assert "(40, 28, 28)" in line
    assert "(50, 28, 28)" in line
    assert "run `dvc repro`" in line


def test_train_without_prepared_data_is_one_line(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("train") == 2
    assert "run `dvc repro`" in capsys.readouterr().err


def test_scores_that_others_left_stop_no_training(pulled: Any) -> None:
    """Of an older version, or half of a file: the stage evaluate writes new ones."""
    for content in ("{}", '{"run_id": "7e"}', ""):
        pulled.paths.metrics.write_text(content)
        assert pulled.run("train") == 0
        assert run_of_newest(pulled).info.status == "FINISHED"


def test_a_report_that_is_no_text_stops_no_training(pulled: Any) -> None:
    """The stage plot writes a new one."""
    pulled.paths.report.write_bytes(pulled.paths.report.read_bytes() + b"\xff")
    assert pulled.run("train") == 0
    assert run_of_newest(pulled).info.status == "FINISHED"


def run_of_newest(project: Any) -> Run:
    _, runs = runs_of(project)
    return runs[0]
