"""What docs/security.md promises of models in files: nothing that a stranger made is run.

What is run leaves a trace, a file. Other tests see it appear where nothing hinders it.
"""

import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import inpaint
from inpaint.restoring import serving
from inpaint.restoring.networks import NETWORKS
from tests.e2e.server import free_port
from tests.faults.traps import (
    Trap,
    archive_of,
    function,
    gallery,
    lambda_layer,
    touching,
    with_layer,
    write_model,
)

HOLE = ("--center", "8")


@keras.saving.register_keras_serializable(package="other")
class Layer(keras.layers.Layer):
    """Some other program's, which happens to be there, and has more power than ours."""

    def __init__(self, trace: str, **options: Any) -> None:
        super().__init__(**options)
        Path(trace).touch()

    def call(self, image: keras.KerasTensor) -> keras.KerasTensor:
        return image


def bytecode(trace: Path) -> dict[str, Any]:
    """How Keras saves a function's code."""
    leave = eval(f"lambda x: ({touching(trace)}, x)[1]")
    saved: dict[str, Any] = keras.layers.Lambda(leave).get_config()["function"]
    return saved


def legacy(layer: dict[str, Any]) -> dict[str, Any]:
    """As older versions of Keras saved it."""
    code = layer["config"]["function"]["config"]
    layer["config"]["function"] = [code["code"], code["defaults"], code["closure"]]
    return {key: value for key, value in layer.items() if key != "module"}


def activation(found: object) -> dict[str, Any]:
    options = {"name": "trap", "activation": found}
    return {"module": "keras.layers", "class_name": "Activation", "config": options}


def popen(trace: Path, **other: Any) -> dict[str, Any]:
    options = {"args": ["touch", str(trace)]}
    return {"module": "subprocess", "class_name": "Popen", "config": options} | other


def pickled(trace: Path) -> str:
    """As JSON can hold it."""
    return pickle.dumps(Trap(trace), protocol=0).decode("latin-1")


def others(trace: Path, module: str, name: str) -> dict[str, Any]:
    """Somebody else's layer, by the name of another class."""
    options = {"name": "trap", "trace": str(trace)}
    named = {"module": module, "class_name": name, "registered_name": "other>Layer"}
    return named | {"config": options}


LAYERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bytecode": lambda trace: lambda_layer(bytecode(trace)),
    "bytecode, as it was saved formerly": lambda trace: legacy(lambda_layer(bytecode(trace))),
    "bytecode as activation": lambda trace: activation(bytecode(trace)),
    "a function of Keras that writes files": gallery,
    "a function of Keras that fetches files": lambda trace: lambda_layer(
        function("keras.utils", "get_file"), origin=trace.as_uri()
    ),
    "a layer that runs a saved graph": lambda trace: {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": str(trace.parent)},
    },
    "a layer that unpickles": lambda trace: {
        "module": "keras.layers",
        "class_name": "TorchModuleWrapper",
        "config": {"module": pickled(trace)},
    },
    "a layer that reads files": lambda trace: {
        "module": "keras.layers",
        "class_name": "StringLookup",
        "config": {"vocabulary": str(trace)},
    },
    "os.system": lambda trace: lambda_layer(function("os", "system"), command=f"touch {trace}"),
    "posix.system as activation": lambda _: activation(function("posix", "system")),
    "eval": lambda trace: lambda_layer(function("builtins", "eval"), source=touching(trace)),
    "exec by its registered name": lambda _: activation(
        function("keras.activations", "relu", registered_name="builtins>exec")
    ),
    "a class of another package": popen,
    "a class that claims to be Keras's": lambda trace: popen(trace, registered_name="Conv2D"),
    "a class that claims to be ours": lambda trace: popen(trace, registered_name="inpaint>CropTo"),
    "a class in our package's name": lambda trace: popen(trace, registered_name="inpaint>Popen"),
    "a class out of a module of Keras": lambda trace: popen(trace, module="keras.src.utils"),
    "another program's layer": lambda trace: others(trace, __name__, "Layer"),
    "another program's layer as Keras's": lambda trace: others(trace, "keras.layers", "Add"),
    "another program's layer as ours": lambda trace: others(trace, "inpaint", "CropTo"),
    "bytecode where a number should be": lambda trace: {
        "module": "keras.layers",
        "class_name": "Dropout",
        "config": {"name": "trap", "rate": bytecode(trace)},
    },
}


@pytest.mark.parametrize(
    "what",
    ["bytecode", "a function of Keras that writes files", "another program's layer as Keras's"],
)
def test_these_models_would_leave_a_trace(
    tmp_path: Path, members: dict[str, bytes], what: str
) -> None:
    """All but the first one in Keras's safe mode, too."""
    trace = tmp_path / "trace.png"
    path = write_model(tmp_path / "model.keras", with_layer(members, LAYERS[what](trace)))
    keras.saving.load_model(path, compile=False, safe_mode=what != "bytecode")
    assert trace.exists()


def refusals(path: Path, run: Callable[..., str]) -> list[str]:
    """What people are told, whichever way they come with a model."""
    told = []
    for load in (serving.load, inpaint.load):
        with pytest.raises(ValueError, match="is no model of this project") as caught:
            load(path)
        told.append(str(caught.value))
    model = ("--model", str(path))
    told.append(run("restore", "digit.png", *HOLE, "-o", "out.png", *model, code=2))
    told.append(run("export", "out.onnx", *model, code=2))
    told.append(run("demo", *model, "--port", str(free_port()), code=2))
    return told


@pytest.mark.parametrize("what", LAYERS)
def test_a_model_with_code_is_refused_before_keras_sees_it(
    tmp_path: Path,
    members: dict[str, bytes],
    trace: Path,
    inpaint_command: Callable[..., str],
    what: str,
) -> None:
    path = write_model(tmp_path / "model.keras", with_layer(members, LAYERS[what](trace)))
    for told in refusals(path, inpaint_command):
        assert re.search("it holds '.*', which no network here is made of", told)
        assert told.count("\n") <= 1
    assert not list(tmp_path.glob("out.*"))


MEMBERS: dict[str, Callable[[Path], dict[str, bytes]]] = {
    "weights that are a pickle": lambda trace: {"model.weights.h5": pickle.dumps(Trap(trace))},
    "a pickle beside the weights": lambda trace: {
        "model.weights.npz": archive_of(np.array([Trap(trace)]))
    },
    "a file that would lie outside": lambda trace: {f"assets/../../{trace.name}": b"1"},
    "a file at an absolute place": lambda trace: {f"assets/{trace}": b"1"},
    "settings that are a pickle": lambda trace: {"config.json": pickle.dumps(Trap(trace))},
    "a list of settings": lambda _: {"config.json": b"[1, 2]"},
    "settings that are nested too deeply": lambda _: {"config.json": b"[" * 100_000},
}


@pytest.mark.parametrize("what", MEMBERS)
def test_a_model_of_other_files_is_refused(
    tmp_path: Path,
    members: dict[str, bytes],
    trace: Path,
    inpaint_command: Callable[..., str],
    what: str,
) -> None:
    path = write_model(tmp_path / "model.keras", members | MEMBERS[what](trace))
    for told in refusals(path, inpaint_command):
        assert told.count("\n") <= 1


def test_a_model_that_would_be_any_number_of_times_as_large_is_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        assert archive.getinfo("config.json").compress_size < len(members["config.json"]) / 5
    with pytest.raises(ValueError, match="received compressed files in it, allowed: as Keras"):
        serving.load(path)


MANY = 10**9
CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "a large kernel": {"kernel_size": [40001, 40001]},
    "many filters": {"filters": MANY},
    "many channels": {"build_config": {"input_shape": [None, None, None, MANY]}},
    "many channels, which come first": {
        "data_format": "channels_first",
        "build_config": {"input_shape": [None, MANY, None, 2]},
    },
    "as many as come in": {"build_config": None},
    "a second, low-rank kernel": {"lora_rank": MANY},
    "fewer than none, which would make up for others": {"filters": -MANY},
    "no number": {"filters": float("nan")},
    "a number that is no whole one": {"filters": 1e300},
    "no end of them": {"kernel_size": [float("inf"), 1]},
    "one for all sides": {"kernel_size": 40001},
}


def with_convolution(members: dict[str, bytes], changes: dict[str, Any]) -> dict[str, bytes]:
    """With other settings of the second convolution."""
    config = json.loads(members["config.json"])
    layer = [each for each in config["config"]["layers"] if "filters" in each["config"]][1]
    layer.update({key: value for key, value in changes.items() if key in layer})
    layer["config"].update({key: value for key, value in changes.items() if key not in layer})
    return members | {"config.json": json.dumps(config).encode()}


def with_array(members: dict[str, bytes], **options: Any) -> dict[str, bytes]:
    """With another array for the first one of the weights."""
    file = io.BytesIO(members["model.weights.h5"])
    with h5py.File(file, "r+") as weights:
        del weights["layers/conv2d/vars/0"]
        weights.create_dataset("layers/conv2d/vars/0", **options)
    return members | {"model.weights.h5": file.getvalue()}


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras gets no model to build."""

    def load_model(*_: Any, **__: Any) -> None:
        raise AssertionError("Keras sees it")

    monkeypatch.setattr(keras.saving, "load_model", load_model)


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize("what", CONVOLUTIONS)
def test_a_model_that_asks_for_more_memory_than_it_has_weights_for_is_refused(
    tmp_path: Path, members: dict[str, bytes], what: str
) -> None:
    path = write_model(tmp_path / "model.keras", with_convolution(members, CONVOLUTIONS[what]))
    for load in (serving.load, inpaint.load):
        with pytest.raises(ValueError, match="is no model of this project: "):
            load(path)


@pytest.mark.usefixtures("unbuilt")
def test_many_layers_that_together_ask_for_more_are_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    """None of them does by itself."""
    convolution = json.loads(members["config.json"])["config"]["layers"][1]
    assert convolution["class_name"] == "Conv2D"
    convolution["build_config"]["input_shape"][-1] = 300
    path = write_model(tmp_path / "model.keras", with_layer(members, convolution))
    with pytest.raises(AssertionError, match="Keras sees it"):
        serving.load(path)
    config = json.loads(members["config.json"])
    config["config"]["layers"] += [convolution] * 100
    many = members | {"config.json": json.dumps(config).encode()}
    with pytest.raises(ValueError, match=r"it asks for [0-9,]+ weights, which it has no room for"):
        serving.load(write_model(tmp_path / "model.keras", many))


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize(
    "options",
    [
        {"shape": (20_000, 20_000), "dtype": "float32"},  # of which nothing is there: zeros
        {"data": np.zeros((2000, 2000), np.float32), "compression": "gzip"},
        # One of which alone is kept, and all of the piece it is in is read.
        {"data": np.zeros(1, np.float32), "maxshape": (None,), "chunks": (2_000_000,)},
        {"data": ["text"] * 100, "dtype": h5py.string_dtype()},  # of any length
    ],
)
def test_weights_that_would_be_unpacked_are_refused(
    tmp_path: Path, members: dict[str, bytes], options: dict[str, Any]
) -> None:
    path = write_model(tmp_path / "model.keras", with_array(members, **options))
    with pytest.raises(ValueError, match="it holds 'layers/conv2d/vars/0', which are no weights"):
        serving.load(path)


@pytest.mark.parametrize(
    "error", [MemoryError(), OverflowError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]
)
def test_a_model_that_there_is_no_memory_for_is_told_as_any_other(
    tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load_model(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(keras.saving, "load_model", load_model)
    told = str(error) or type(error).__name__
    with pytest.raises(ValueError, match=f"is no model of this project: {told}"):
        inpaint.load(write_model(tmp_path / "model.keras", members))


def test_a_model_by_another_name_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    """By the name, Keras would choose an older reader."""
    for name in ("model.h5", "model.hdf5", "model.zip"):
        with pytest.raises(ValueError, match=r"its name does not end in \.keras"):
            serving.load(write_model(tmp_path / name, members))


@pytest.mark.parametrize("filters", [1, 2, 64])
def test_every_network_of_the_project_is_taken(tmp_path: Path, filters: int) -> None:
    for name, network in NETWORKS.items():
        for flag in (False, True):
            options = {"skip_connections": flag, "mirrored": flag, "dropout": 0.2 * flag}
            built = network.build(3, filters=filters, deepest=6, **options)
            built.save(tmp_path / f"{name}.keras")
            assert serving.load(tmp_path / f"{name}.keras").channels == 3
