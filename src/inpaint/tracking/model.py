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
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

import inpaint
from inpaint.errors import InputError
from inpaint.files import write_json
from inpaint.params import IMAGE_SHAPES
from inpaint.tracking.store import PROBLEMS

NAME = "inpainter"
# Not imported here, so that no training is out of date when a model is to be served otherwise.
LOADER = "inpaint.tracking.pyfunc_model"
# The modules of this package that it needs, and what these need of other packages.
MODULES = (
    "__init__.py", "errors.py", "fill.py", "inputs.py", "networks/__init__.py",
    "networks/blocks.py", "networks/report_unet.py", "networks/residual_unet.py", "pixels.py",
    "serving.py", "tracking/__init__.py", "tracking/pyfunc_model.py",
)  # fmt: skip
REQUIREMENTS = ("keras", "numpy", "opencv-python-headless", "scipy", "tensorflow")


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
    image_shape = IMAGE_SHAPES[training["params"]["data"]["dataset"]]
    with tempfile.TemporaryDirectory() as folder, _trying_quietly():
        Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            name=NAME,
            run_id=run_id,
            loader_module=LOADER,
            code_paths=[str(_copy_modules(Path(folder)))],
            data_path=str(_write_data(Path(folder), network, training)),
            # What comes in is for the model to check. With types given here, the server would make
            # them fit before anybody sees that 0.7 becomes 0, and 255 true.
            signature=ModelSignature(
                outputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, *image_shape))])
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
            raise InputError(f"the files of {uri} cannot be read: {error}{advice}") from None
        if not Path(folder, "MLmodel").is_file():  # MLflow takes a missing folder for an empty one
            raise InputError(f"the files of {uri} are not where they were{advice}")
        yield Path(folder)


def has_model(client: MlflowClient, run: Run) -> bool:
    """Whether a run has a model whose files are there."""
    return model_id_of(client, run) is not None


def model_id_of(client: MlflowClient, run: Run) -> str | None:
    """MLflow's id of a run's model whose files are there; None if there is none."""
    for output in run.outputs.model_outputs if run.outputs else ():
        try:
            model = client.get_logged_model(output.model_id)
            files = client.list_logged_model_artifacts(output.model_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        else:
            if files and model.status == LoggedModelStatus.READY and model.name == NAME:
                return model.model_id
    return None


def _copy_modules(folder: Path) -> Path:
    package = Path(inpaint.__file__).parent
    for name in MODULES:
        target = folder / package.name / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(package / name, target)
    return folder / package.name


def _write_data(folder: Path, network: Path, training: Mapping[str, Any]) -> Path:
    """The network, and where it comes from; the run has the changed code, which may be long."""
    data = folder / "network"
    data.mkdir()
    shutil.copy(network, data / "inpainter.keras")
    origin = {key: value for key, value in training["origin"].items() if key != "diff"}
    write_json(data / "training.json", dict(training) | {"origin": origin})
    return data
