"""A project with runs that compete for the alias champion."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from inpaint.commands.launch import launch_command
from inpaint.tracking.registry.models import Registry
from inpaint.tracking.store import local_folder

GOOD: dict[str, dict[str, Any]] = {
    "data": {"train_size": 300, "valid_size": 100, "test_size": 30, "seed": 0},
    "mask": {"kind": "center"},
    "model": {"network": "residual_unet", "filters": 8, "dropout": 0.0},
    "train": {
        "epochs": 5, "batch_size": 16, "learning_rate": 0.004, "optimizer": "adamw", "seed": 0,
        "loss": "hole_rmse_ssim", "augmentation": "joint", "on_collapse": "stop",
    },
}  # fmt: skip


# What makes each run out of the good one.
RUNS: dict[str, dict[str, dict[str, Any]]] = {
    # It learns something, but little. Its validation images are others, of which some are training
    # images of the others.
    "hopeless": {
        "data": {"seed": 1},
        "model": {"network": "report_unet", "filters": 4},
        "train": {"epochs": 2},
    },
    # Better than what it is given by no grey level; but it may go on.
    "idle": {"train": {"epochs": 1, "learning_rate": 1e-12, "on_collapse": "continue"}},
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


def make_champion(arena: Arena, name: str) -> None:
    """Without the time that trying the model takes."""
    registry = Registry(arena.root, arena.model)
    run_id = arena.runs[name]
    version = registry.register(run_id, registry.source(run_id), {})
    before = registry.version_by_alias("champion")
    registry.move("champion", before, version, "forced", "for a test")


def model_folder(arena: Arena, name: str) -> Path:
    run = arena.client.get_run(arena.runs[name])
    assert run.outputs is not None
    model = arena.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    folder = local_folder(model.artifact_location)
    assert folder is not None
    return folder
