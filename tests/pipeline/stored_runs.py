"""Runs in a real sqlite store, held against the files that they were made from."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Run, ViewType

from inpaint.tracking.model import model_files
from inpaint.tracking.record import read_record
from inpaint.tracking.store import Store, connect
from inpaint.tracking.sync import Synced, complete

FIGURES = {f"figures/{name}.png" for name in ("restored", "curves", "histogram", "baselines")}


FILES = {"train.json", "metrics.json", "per_image.csv", "report.md", "examples.npz"} | FIGURES


CURVES = {
    "curves/train_loss",
    "curves/valid_loss",
    "curves/valid_ssim_unit",
    "train/learning_rate",
}


def store_of(project: Any) -> Store:
    """The project's own store, as a new process finds it."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow leaves the last store's address there
    return connect(project.paths.root, "inpaint")


def sync(project: Any) -> Synced:
    """As `inpaint sync` does for the workspace."""
    return complete(project.paths.root, store_of(project), read_record(project.paths))


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
        "curves/train_loss": "train_loss",
        "curves/valid_loss": "valid_loss",
        "curves/valid_ssim_unit": "valid_ssim_unit",
        "train/learning_rate": "learning_rate",
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
