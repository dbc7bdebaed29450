"""What docs/security.md promises of what a stranger put into MLflow: restore and export take only
the network of a model, and no file of a run is run.

What is run leaves a trace, a file. Other tests see it appear where nothing hinders it.
"""

import hashlib
import io
import json
import pickle
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml
from mlflow.entities import LoggedModelOutput

from inpaint.base.errors import InputError
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import connect
from tests.faults.traps import Trap, apply, archive_of, gallery, with_layer, write_model

HOLE = ("--center", "8")

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
    with_code = with_layer(members, gallery(trace))
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


PICTURES = {
    "images": np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28, 1),
    "holes": np.zeros((2, 28, 28), bool),
    "restored": np.zeros((2, 28, 28, 1), np.uint8),
}


def arrays(**changes: np.ndarray) -> bytes:
    """What examples.npz holds, changed."""
    content = io.BytesIO()
    np.savez_compressed(content, **PICTURES | changes)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        arrays(restored=np.zeros((1, 28, 28, 1), np.uint8)),
        arrays(restored=np.zeros((2, 28, 28, 1), np.float32)),
        arrays(holes=np.zeros((2, 28, 28), np.uint8)),
        arrays(holes=np.zeros((2, 28, 1), bool)),
        arrays(images=np.zeros((2, 28, 28), np.uint8)),
        arrays(**{name: each[:0] for name, each in PICTURES.items()}),
        archive_of(np.zeros(3)),
    ],
)
def test_arrays_of_a_run_are_what_they_have_to_be(project: Path, content: bytes) -> None:
    for files in ({"examples.npz": arrays()}, {"examples.npz": content}):
        run_id = log_run(project, files)
    runs = Runs(project)
    before, run = runs.all[1], runs.find(run_id, [])
    assert runs.examples(before).keys() == {"images", "holes", "restored"}
    with pytest.raises(InputError, match=rf"examples.npz of run {run_id[:8]} is damaged"):
        runs.examples(run)


def test_arrays_of_a_run_that_are_damaged_are_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever bit it is; some are of no consequence."""
    run_id = log_run(project, {})
    runs = Runs(project)
    run = runs.find(run_id, [])
    whole, num_told = arrays(), 0
    for position in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        monkeypatch.setattr(runs, "file", lambda *_, content=bytes(damaged): content)
        try:
            runs.examples(run)
        except InputError:
            num_told += 1
    assert num_told > 0.5 * len(whole) / 5


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
