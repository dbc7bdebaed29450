"""The model of a run, which holds all it needs: code, network, requirements, where it comes from.

It lies in the run as ``inpainter`` and works where this project is not installed:
``mlflow.pyfunc.load_model(uri).predict({"images": ..., "holes": ...})``.
"""

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Run
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from inpaint import restoring
from inpaint.base.checked import OlderVersionError, file_digest, read_checked, write_checked
from inpaint.base.errors import InputError
from inpaint.data.images.catalogue import DATASETS
from inpaint.tracking.store import PROBLEMS, ignoring, without_secrets

NAME = "inpainter"
# Where in it the network is.
_DATA, _NETWORK, _TRAINING = "data/network", "inpainter.keras", "training.json"
# What MLflow loads; the package `restoring` is all of a model's own code.
LOADER = "inpaint.restoring.pyfunc_model"
# What that code needs of other packages.
REQUIREMENTS = (
    "h5py", "keras", "numpy", "opencv-python-headless", "pillow", "scipy", "tensorflow",
    "threadpoolctl",
)  # fmt: skip


def log_model(
    run_id: str, network: Path, training: Mapping[str, Any], example: Mapping[str, np.ndarray]
) -> None:
    """Log the model of a run, to the store that `store.connect` has reached last.

    Args:
        run_id: of the run.
        network: the saved Keras network.
        training: the content of reports/train.json.
        example: `images` and `holes` that people can try the model with.
    """
    channels = DATASETS[training["params"]["data"]["dataset"]].image_shape[2]
    with tempfile.TemporaryDirectory() as folder, _trying_quietly():
        Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            name=NAME,
            run_id=run_id,
            loader_module=LOADER,
            code_paths=[str(_copy_code(Path(folder)))],
            data_path=str(_write_data(Path(folder), network, training)),
            # What comes in is for the model to check. With types given here, the server would make
            # them fit before anybody sees that 0.7 becomes 0, and 255 true.
            signature=ModelSignature(
                outputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, -1, channels))])
            ),
            input_example=dict(example),
            # Without them MLflow loads the model in another process to find out.
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )


@contextmanager
def _trying_quietly() -> Iterator[None]:
    """MLflow tries a model with its example. It tells so, and leaves a temporary folder among those
    that modules are imported from."""
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    kept = sys.path
    try:
        yield
    finally:
        sys.path = kept


@contextmanager
def model_files(uri: str, advice: str = "") -> Iterator[Path]:
    """A folder with the files of a model, which goes when the block ends.

    Raises:
        InputError: they are not where they were; ``advice`` ends its message.
    """
    logging.getLogger("mlflow.store.artifact.artifact_repo").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.artifacts.download_artifacts(uri, dst_path=folder)
        except PROBLEMS as error:
            told = without_secrets(str(error), mlflow.get_tracking_uri())
            raise InputError(f"the files of {uri} cannot be read: {told}{advice}") from None
        if not Path(folder, "MLmodel").is_file():  # MLflow takes a missing folder for an empty one
            raise InputError(f"the files of {uri} are not where they were{advice}")
        yield Path(folder)


def model_id_of(client: MlflowClient, run: Run) -> str | None:
    """MLflow's id of a run's model whose files are there; None if there is none."""
    for output in run.outputs.model_outputs if run.outputs else ():
        with ignoring("RESOURCE_DOES_NOT_EXIST"):
            model = client.get_logged_model(output.model_id)
            files = client.list_logged_model_artifacts(output.model_id)
            if files and model.status == LoggedModelStatus.READY and model.name == NAME:
                return model.model_id
    return None


def is_of_training(client: MlflowClient, model_id: str, training: Mapping[str, Any]) -> bool:
    """Whether a logged model's network is there, as it was saved, and says where it comes from.

    Args:
        client: of the store that `store.connect` has reached last.
        model_id: MLflow's.
        training: the content of reports/train.json.

    Raises:
        MlflowException, OSError: the store, or where it keeps files, does not answer.
    """
    there = {entry.path for entry in client.list_logged_model_artifacts(model_id, _DATA)}
    if not {f"{_DATA}/{_NETWORK}", f"{_DATA}/{_TRAINING}"} <= there:
        return False
    uri = f"{client.get_logged_model(model_id).artifact_location}/{_DATA}"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        if file_digest(data / _NETWORK) != training.get("files", {}).get("model"):
            return False
        try:
            origin = read_checked(data / _TRAINING)
        except OlderVersionError as error:
            origin = error.content
        except InputError:
            return False
        return origin.get("run_id") == training["run_id"]


def _copy_code(folder: Path) -> Path:
    source, copy = Path(restoring.__file__).parent, folder / "inpaint"
    # A model needs no other one, and nothing that chooses between them.
    left_out = shutil.ignore_patterns("__pycache__", "pretrained", "restorer.py")
    shutil.copytree(source, copy / source.name, ignore=left_out)
    shutil.copy(source.with_name("__init__.py"), copy)
    return copy


def _write_data(folder: Path, network: Path, training: Mapping[str, Any]) -> Path:
    """The network, and where it comes from; the run has the changed code, which may be long."""
    data = folder / "network"
    data.mkdir()
    shutil.copy(network, data / _NETWORK)
    origin = {key: value for key, value in training["origin"].items() if key != "diff"}
    write_checked(data / _TRAINING, dict(training) | {"origin": origin})
    return data
