"""What docs/security.md promises: nothing that a stranger made is run, and servers are for this
machine alone. Passwords are in test_passwords.py.

What is run leaves a trace, a file. Other tests see it appear where nothing hinders it.
"""

import asyncio
import hashlib
import io
import json
import pickle
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import mlflow
import numpy as np
import pytest
import yaml
from mlflow.entities import LoggedModelOutput

import inpaint
from inpaint.base import checkpoints
from inpaint.base.checked import array_digest, write_checked
from inpaint.base.errors import InputError
from inpaint.commands import demo, serve
from inpaint.commands.launch import launch
from inpaint.data.store import load_split
from inpaint.restoring import serving
from inpaint.restoring.networks import NETWORKS
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import connect
from tests.checkout import ROOT
from tests.e2e.server import free_port
from tests.pipeline.conftest import make_project

HOLE = ("--center", "8")


class Trap:
    """Whoever unpickles it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Path]:
    """A file that must not be there in the end."""
    path = tmp_path / "trace.png"
    yield path
    assert not path.exists()


# Models in files


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a saved network of this project consists of."""
    network = NETWORKS["report_unet"].build(
        1, filters=2, dropout=0.0, skip_connections=True, deepest=6, mirrored=False
    )
    path = tmp_path_factory.mktemp("model") / "model.keras"
    network.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_model(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_layer(members: dict[str, bytes], layer: dict[str, Any]) -> dict[str, bytes]:
    """With one more layer, which looks at the image."""
    config = json.loads(members["config.json"])
    image = {"shape": [None, None, None, 1], "dtype": "float32", "keras_history": ["image", 0, 0]}
    node = {"args": [{"class_name": "__keras_tensor__", "config": image}], "kwargs": {}}
    usual = {"registered_name": None, "name": "trap", "inbound_nodes": [node]}
    config["config"]["layers"].append(usual | layer)
    return members | {"config.json": json.dumps(config).encode()}


@keras.saving.register_keras_serializable(package="other")
class Layer(keras.layers.Layer):
    """Some other program's, which happens to be there, and has more power than ours."""

    def __init__(self, trace: str, **options: Any) -> None:
        super().__init__(**options)
        Path(trace).touch()

    def call(self, image: keras.KerasTensor) -> keras.KerasTensor:
        return image


def lambda_layer(function: Any, **arguments: Any) -> dict[str, Any]:
    options = {"name": "trap", "function": function, "arguments": arguments}
    return {"module": "keras.layers", "class_name": "Lambda", "config": options}


def touching(trace: Path) -> str:
    """Python that leaves a trace."""
    return f"__import__('pathlib').Path({str(trace)!r}).touch()"


def bytecode(trace: Path) -> dict[str, Any]:
    """How Keras saves a function's code."""
    leave = eval(f"lambda x: ({touching(trace)}, x)[1]")
    saved: dict[str, Any] = keras.layers.Lambda(leave).get_config()["function"]
    return saved


def function(module: str, name: str, **other: Any) -> dict[str, Any]:
    named = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    return named | other


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


def gallery(trace: Path) -> dict[str, Any]:
    """A function of Keras's own draws images into a file, as the network is loaded."""
    options = {"path": str(trace), "value_range": [0, 255], "rows": 1, "cols": 1}
    layer = lambda_layer(function("keras.visualization", "plot_image_gallery"), **options)
    images = {"value": np.zeros((4, 8, 8, 3)).tolist(), "dtype": "uint8"}
    node = {"args": [{"class_name": "__numpy__", "config": images}], "kwargs": {}}
    return layer | {"inbound_nodes": [node]}


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


def archive_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, array_0000=array, facts=np.frombuffer(b"{}", np.uint8))
    return file.getvalue()


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


def test_a_model_by_another_name_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    """By the name, Keras would choose an older reader."""
    for name in ("model.h5", "model.hdf5", "model.zip"):
        with pytest.raises(ValueError, match=r"its name does not end in \.keras"):
            serving.load(write_model(tmp_path / name, members))


def test_every_network_of_the_project_is_taken(tmp_path: Path) -> None:
    for name, network in NETWORKS.items():
        for flag in (False, True):
            options = {"skip_connections": flag, "mirrored": flag, "dropout": 0.2 * flag}
            network.build(3, filters=2, deepest=6, **options).save(tmp_path / f"{name}.keras")
            assert serving.load(tmp_path / f"{name}.keras").channels == 3


# Models and files in MLflow

LOADER = """
from pathlib import Path
Path({trace!r}).touch()
def _load_pyfunc(_path):
    return None
"""


def stored_model(folder: Path, members: dict[str, bytes], trace: Path) -> Path:
    """A model as MLflow keeps it, whose own code leaves a trace."""
    (folder / "data" / "network").mkdir(parents=True)
    write_model(folder / "data" / "network" / "inpainter.keras", members)
    (folder / "code" / "inpaint").mkdir(parents=True)
    for name in ("trapped_loader.py", "inpaint/__init__.py", "sitecustomize.py"):
        (folder / "code" / name).write_text(LOADER.format(trace=str(trace)))
    (folder / "python_model.pkl").write_bytes(pickle.dumps(Trap(trace)))
    flavor = {"loader_module": "trapped_loader", "code": "code", "data": "data"}
    about = {
        "flavors": {"python_function": flavor | {"python_version": "3.11.0"}},
        "model_uuid": "0" * 32,
        "utc_time_created": "2026-01-01 00:00:00.0",
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    return folder


def test_a_stored_model_would_leave_a_trace(
    tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    trace = tmp_path / "trace"
    with suppress(Exception):
        mlflow.pyfunc.load_model(str(stored_model(tmp_path / "model", members, trace)))
    assert trace.exists()


def log_run(project: Path, files: dict[str, bytes]) -> str:
    """A run that has these files; its id."""
    store = connect(project, "inpaint")
    made = store.client.create_run(store.experiment_id, tags={"training_id": "7e" * 16})
    run_id = str(made.info.run_id)
    store.client.set_tag(run_id, "training_id", run_id)
    for name, content in files.items():
        path = project / name
        path.write_bytes(content)
        store.client.log_artifact(run_id, str(path))
        path.unlink()
    return run_id


def register(project: Path, folder: Path) -> str:
    """Make a stored model that of a run, and the champion; the run's id."""
    store = connect(project, "inpaint")
    run_id = log_run(project, {})
    model = store.client.create_logged_model(
        store.experiment_id, name="inpainter", source_run_id=run_id
    )
    store.client.log_model_artifacts(model.model_id, str(folder))
    store.client.finalize_logged_model(model.model_id, "READY")
    store.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    store.client.create_registered_model("inpaint-mnist")
    version = store.client.create_model_version(
        "inpaint-mnist", f"models:/{model.model_id}", run_id, await_creation_for=0
    )
    store.client.set_registered_model_alias("inpaint-mnist", "champion", version.version)
    return run_id


@pytest.mark.parametrize("asked", ["models:/inpaint-mnist@champion", "the run", "nothing"])
def test_of_a_registered_model_only_the_network_is_taken(
    project: Path,
    members: dict[str, bytes],
    trace: Path,
    inpaint_command: Callable[..., str],
    asked: str,
) -> None:
    run_id = register(project, stored_model(project / "model", members, trace))
    model = {"the run": ["--model", run_id], "nothing": []}.get(asked, ["--model", asked])
    told = inpaint_command("restore", "digit.png", *HOLE, "-o", "out.png", *model, code=0)
    assert re.search(r"filled by (models:/inpaint-mnist|run )", told)


@pytest.mark.parametrize("command", ["restore", "export"])
def test_a_registered_model_whose_network_has_code_is_refused(
    project: Path,
    members: dict[str, bytes],
    trace: Path,
    inpaint_command: Callable[..., str],
    command: str,
) -> None:
    with_code = with_layer(members, LAYERS["a function of Keras that writes files"](trace))
    register(project, stored_model(project / "model", with_code, trace))
    words = {
        "restore": ("restore", "digit.png", *HOLE, "-o", "out.png"),
        "export": ("export", "out.onnx"),
    }[command]
    told = inpaint_command(*words, "--model", "models:/inpaint-mnist@champion", code=2)
    assert "it holds 'Lambda', which no network here is made of" in told


def digested(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, sort_keys=True).encode()
    return json.dumps(content | {"sha256": hashlib.sha256(text).hexdigest()}).encode()


RUN_FILES: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "pickled arrays": ("examples.npz", lambda trace: archive_of(np.array([Trap(trace)]))),
    "a pickle for arrays": ("examples.npz", lambda trace: pickle.dumps(Trap(trace))),
    "a pickle for scores": ("per_image.csv", lambda trace: pickle.dumps(Trap(trace))),
    "a pickle for JSON": ("train.json", lambda trace: pickle.dumps(Trap(trace))),
    "YAML for JSON": ("train.json", lambda trace: apply("os.system", f"touch {trace}").encode()),
}


@pytest.mark.parametrize("what", RUN_FILES)
def test_files_of_a_run_are_not_unpickled(project: Path, trace: Path, what: str) -> None:
    name, content = RUN_FILES[what]
    digest = hashlib.sha256(b"another one").hexdigest()
    files = {"metrics.json": digested({"files": {"per_image": digest}}), name: content(trace)}
    run_id = log_run(project, files)
    runs = Runs(project)
    run = runs.find(run_id, [])
    read: dict[str, Callable[[], object]] = {
        "examples.npz": lambda: runs.examples(run),
        "per_image.csv": lambda: runs.per_image(run),
        "train.json": lambda: runs.record(run, "train.json"),
    }
    with pytest.raises(InputError, match=rf"{name} of run {run_id[:8]} is (damaged|not as it was)"):
        read[name]()


# Files of the pipeline


def test_a_checkpoint_is_not_unpickled(tmp_path: Path, trace: Path) -> None:
    """Though its digest is right: anybody can compute one."""
    content = archive_of(np.array([Trap(trace)]))
    with checkpoints.claimed(tmp_path, "key") as slot:
        slot.path.write_bytes(hashlib.sha256(content).digest() + content)
        with suppress(ValueError):
            assert slot.load() is None


@pytest.mark.parametrize("what", ["images", "holes"])
@pytest.mark.parametrize("how", ["an array of objects", "a pickle"])
def test_arrays_between_stages_are_not_unpickled(
    tmp_path: Path, trace: Path, capsys: pytest.CaptureFixture[str], what: str, how: str
) -> None:
    project = make_project(tmp_path)
    paths = project.paths
    arrays = {
        paths.images_manifest: (paths.images, np.zeros((2, 28, 28, 1), np.uint8)),
        paths.holes_manifest: (paths.holes, np.zeros((2, 28, 28), np.bool_)),
    }
    for manifest, (place, array) in arrays.items():
        content = {split: {"sha256": array_digest(array)} for split in ("train", "valid", "test")}
        write_checked(manifest, {"splits": content, "params": {}})
        for split in content:
            np.save(place(split), array)
    path = {"images": paths.images, "holes": paths.holes}[what]("train")
    if how == "a pickle":
        path.write_bytes(pickle.dumps(Trap(trace)))
    else:
        np.save(path, np.array([Trap(trace)]), allow_pickle=True)
    with pytest.raises(InputError, match=r"train\.npy is damaged"):
        load_split(paths, "train")
    stage = {"images": "mask", "holes": "train"}[what]
    assert launch(stage, root=tmp_path) == 2
    assert "train.npy is damaged" in capsys.readouterr().err


def apply(called: str, *arguments: object, tag: str = "!!python/object/apply:") -> str:
    """YAML that would call something, were it let."""
    return f"data: {tag}{called} {json.dumps(arguments)}\n"


PARAMS: dict[str, Callable[[Path], str]] = {
    "os.system": lambda trace: apply("os.system", f"touch {trace}"),
    "subprocess": lambda trace: apply("subprocess.check_output", ["touch", str(trace)]),
    "eval": lambda trace: apply("eval", touching(trace)),
    "exec, as a new object": lambda trace: apply(
        "exec", touching(trace), tag="!!python/object/new:"
    ),
    "a whole tag": lambda trace: apply(
        "os.system>", f"touch {trace}", tag="!<tag:yaml.org,2002:python/object/apply:"
    ),
    "a tag's own prefix": lambda trace: (
        "%TAG !x! tag:yaml.org,2002:python/object/apply:\n---\n"
        + apply("os.system", f"touch {trace}", tag="!x!")
    ),
    "as a key": lambda trace: f"? !!python/object/apply:os.system ['touch {trace}']\n: 1\n",
    "in a value": lambda trace: (
        f"train:\n  epochs: !!python/object/apply:os.system ['touch {trace}']\n"
    ),
}


@pytest.mark.parametrize("what", PARAMS)
def test_parameters_run_nothing(
    tmp_path: Path, trace: Path, inpaint_command: Callable[..., str], what: str
) -> None:
    text = PARAMS[what](trace)
    (tmp_path / "params.yaml").write_text(text)
    for command in ("params", "prepare", "train"):
        assert "params.yaml is not YAML: received the tag " in inpaint_command(command, code=2)


@pytest.mark.parametrize("what", PARAMS)
def test_these_parameters_would_leave_a_trace(tmp_path: Path, what: str) -> None:
    with suppress(yaml.YAMLError, TypeError):  # what came of it is no key, or no object
        yaml.unsafe_load(PARAMS[what](tmp_path / "trace"))
    assert (tmp_path / "trace").exists()


# Servers


def test_a_model_is_served_to_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inpaint_command: Callable[..., str]
) -> None:
    started: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

        def wait(self, _seconds: float | None = None) -> int:
            return 0

        def terminate(self) -> None:
            """It has ended."""

    @contextmanager
    def folder(*_: object) -> Iterator[Path]:
        yield tmp_path

    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setattr(serve, "open_client", lambda _: None)
    monkeypatch.setattr(serve, "model_files", folder)
    monkeypatch.setattr(serve, "subprocess", SimpleNamespace(Popen=Server))
    port = free_port()
    told = inpaint_command("serve", "--port", str(port), code=0)
    assert f"http://127.0.0.1:{port}" in told
    [command] = started
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--factory") + 1] == "guard:guarded"


def test_the_demo_is_for_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch, inpaint_command: Callable[..., str]
) -> None:
    monkeypatch.setattr(demo, "Choice", lambda *_: lambda _: None)
    inpaint_command("demo", "--port", str(free_port()), code=0)
    page: Any = sys.modules["gradio"].Blocks.return_value.__enter__.return_value
    options = page.launch.call_args.kwargs
    assert (options["server_name"], options["share"]) == ("127.0.0.1", False)


@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi is deprecated")
@pytest.mark.parametrize(
    ("host", "is_known"), [("127.0.0.1:5000", True), ("evil.example.org", False)]
)
def test_mlflows_own_server_answers_for_the_hosts_it_knows(host: str, is_known: bool) -> None:
    from mlflow.server.fastapi_app import create_fastapi_app

    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    request = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/none", "raw_path": b"/none", "root_path": "",
        "query_string": b"", "headers": [(b"host", host.encode())], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 5000),
    }  # fmt: skip
    asyncio.run(create_fastapi_app()(request, receive, send))
    assert answers[0]["status"] == (404 if is_known else 403)


def test_every_locked_package_has_a_digest() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    locked = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(locked) > 100
    assert [line for line in locked if not re.search("==.* --hash=sha256:[0-9a-f]{64}", line)] == []
