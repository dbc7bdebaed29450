"""All of MLflow: one run per training run; later stages add to it."""

import hashlib
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from inpaint import __version__
from inpaint.errors import InputError
from inpaint.files import read_array
from inpaint.params import Params, flatten
from inpaint.paths import Paths, project_root

_VERSIONS = ("tensorflow", "keras", "numpy", "scikit-image", "opencv-python-headless", "mlflow")
# What a program needs that loads the logged Keras model.
_MODEL_REQUIREMENTS = ("tensorflow", "keras", "numpy")


def tracking_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, else the database in the project's root.

    Plain `mlflow ui` there shows it, also what ran in DVC's temporary directories.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root(root)}/mlflow.db"


@contextmanager
def training_run(
    root: Path, params: Params, manifests: Mapping[str, Any]
) -> Iterator["TrainingRun"]:
    """An MLflow run that is RUNNING inside the block, then FINISHED.

    An exception makes it FAILED, with the reason as the tag `failure`; an interrupt KILLED.

    Args:
        root: the project tree.
        params: the sections model, train and tracking are read.
        manifests: `data` and `mask`, what the earlier stages wrote, their parameters included.

    Raises:
        InputError: the store cannot be used.
    """
    dataset, network = manifests["data"]["dataset"], params.model.network
    name = os.environ.get("DVC_EXP_NAME") or f"{dataset}-{network}-{params.train.epochs}"
    try:
        mlflow.set_tracking_uri(tracking_uri(root))
        experiment_id = _experiment(root, params.tracking.experiment)
        run = mlflow.start_run(experiment_id=experiment_id, run_name=name, tags=_tags(manifests))
    except MlflowException as error:
        raise InputError(
            f"the MLflow store {tracking_uri(root)} cannot be used: {_first_line(error)}; "
            "MLFLOW_TRACKING_URI and tracking.experiment say where runs go"
        ) from None
    status = "FAILED"
    try:
        mlflow.log_params(_all_params(params, manifests))
        for split in ("train", "valid"):
            _log_input(split, root, manifests["data"])
        yield TrainingRun(run.info.run_id)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except Exception as error:
        mlflow.set_tag("failure", str(error)[:5000])
        raise
    finally:
        mlflow.end_run(status)


class TrainingRun:
    """What training writes to its MLflow run."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        mlflow.log_metrics(dict(metrics), step=epoch)

    def tag(self, key: str, value: str) -> None:
        mlflow.set_tag(key, value)

    def log_model_summary(self, model: Any) -> None:
        lines: list[str] = []
        model.summary(print_fn=lines.append, line_length=100)
        mlflow.log_text("\n".join(lines), "model_summary.txt")
        mlflow.log_metric("num_parameters", model.count_params())

    def log_result(self, model: Any, example: Mapping[str, np.ndarray]) -> None:
        """Log the trained Keras model, with what it takes and gives."""
        mlflow.tensorflow.log_model(
            model,
            name="model",
            signature=infer_signature(example, model.predict_on_batch(example)),
            input_example=example,
            # Without them MLflow loads the model in another process to find out.
            pip_requirements=[f"{name}=={version(name)}" for name in _MODEL_REQUIREMENTS],
        )


def add_to_run(
    root: Path,
    run_id: str,
    *,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    artifacts: Mapping[Path, str] | None = None,
) -> str | None:
    """Add results to a training run without touching its status.

    Args:
        root: the project tree.
        run_id: from reports/train.json.
        metrics: values by name.
        tags: values by name; what was there under the name is replaced.
        artifacts: files by the folder of the run that they go to ("" = its top).

    Returns:
        None, or why nothing was added: the run was made in another store, or deleted, or the
        store does not answer. The results are on the disk all the same, so that is no error.
    """
    try:
        client = MlflowClient(tracking_uri(root))
        if client.get_run(run_id).info.lifecycle_stage != "active":
            return f"MLflow run {run_id} was deleted"
        _add(client, run_id, metrics or {}, tags or {}, artifacts or {})
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return f"MLflow run {run_id} is not in the store {tracking_uri(root)}"
        return f"the MLflow store {tracking_uri(root)} cannot be used: {_first_line(error)}"
    return None


def _add(
    client: MlflowClient,
    run_id: str,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    artifacts: Mapping[Path, str],
) -> None:
    now = int(time.time() * 1000)  # of several values MLflow shows the latest
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    for path, folder in artifacts.items():
        client.log_artifact(run_id, str(path), folder or None)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def code_version() -> str:
    """The package's version and a digest of the source files that are running."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def _experiment(root: Path, name: str) -> str:
    """Find or create the experiment; several processes may meet a missing database at once.

    The artifact location is absolute, because a relative one would follow the directory of the
    process that creates the experiment, which DVC may delete afterwards.
    """
    # Otherwise MLflow tells about every table that it creates.
    logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)
    client = MlflowClient()
    with FileLock(project_root(root) / "mlflow.db.lock"):
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        is_server = mlflow.get_tracking_uri().startswith(("http://", "https://"))
        location = None if is_server else (project_root(root) / "mlruns").as_uri()
        return str(client.create_experiment(name, artifact_location=location))


def _tags(manifests: Mapping[str, Any]) -> dict[str, str]:
    tags = {f"version.{name}": version(name) for name in _VERSIONS}
    tags |= {
        "version.python": platform.python_version(),
        "code_version": code_version(),
        "data_digest": manifests["data"]["splits"]["train"]["sha256"],
        "holes_digest": manifests["mask"]["splits"]["train"]["sha256"],
    }
    experiment = ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
    return tags | {name: os.environ[name] for name in experiment if os.environ.get(name)}


def _all_params(params: Params, manifests: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that made the model: data and mask as the earlier stages had them."""
    flat = {
        f"{section}.{key}": value
        for section in ("data", "mask")
        for key, value in manifests[section]["params"].items()
    }
    for section in ("model", "train", "tracking"):
        flat |= flatten(getattr(params, section), f"{section}.")
    return flat


def _log_input(split: str, root: Path, manifest: Mapping[str, Any]) -> None:
    entry = manifest["splits"][split]
    dataset = from_numpy(
        read_array(Paths(root).images(split)),
        source=CodeDatasetSource({"dataset": manifest["dataset"], "source": manifest["source"]}),
        name=f"{manifest['dataset']}-{split}",
        digest=entry["sha256"][:36],  # MLflow keeps 36 characters
    )
    mlflow.log_input(dataset, context="training" if split == "train" else "validation")
