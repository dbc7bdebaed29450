"""The model of a run, as somebody gets it who has nothing but MLflow and its requirements."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, load_model

from inpaint import restoring
from inpaint.base.checked import read_checked
from inpaint.restoring import serving
from inpaint.tracking.model import model_files
from inpaint.tracking.store import connect

# Prints where the code came from; saves what the model makes of the images.
ELSEWHERE = """
import sys, numpy, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
images, holes = (numpy.load(path) for path in sys.argv[2:4])
numpy.save(sys.argv[4], model.predict({"images": images, "holes": holes}))
import inpaint
print(inpaint.__file__)
"""


@pytest.fixture(scope="module")
def folder(finished: Any) -> Iterator[Path]:
    """The files of the model that the stage train logged."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = connect(finished.paths.root, "inpaint")
        run = store.find(json.loads(finished.paths.train_summary.read_text())["run_id"])
        assert run is not None
        assert run.outputs is not None
        [output] = run.outputs.model_outputs
        with model_files(f"models:/{output.model_id}") as folder:
            yield folder


@pytest.fixture(scope="module")
def model(folder: Path) -> PyFuncModel:
    return load_model(str(folder))


def test_another_process_restores_the_very_pixels_that_were_scored(
    finished: Any, folder: Path, tmp_path: Path
) -> None:
    """With the code that came with the model: this project's own is importable there, too."""
    paths = finished.paths
    restored = tmp_path / "restored.npy"
    # -B: no bytecode is left among the model's files.
    interpreter = (sys.executable, "-B", "-c", ELSEWHERE)
    arguments = (folder, paths.images("test"), paths.holes("test"), restored)
    done = subprocess.run(
        [*interpreter, *map(str, arguments)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_relative_to(folder)
    np.testing.assert_array_equal(np.load(restored), np.load(paths.restored))


def test_nothing_of_it_is_a_pickle(folder: Path) -> None:
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes == {"", ".py", ".txt", ".yaml", ".json", ".keras"}
    with zipfile.ZipFile(folder / "data" / "network" / "inpainter.keras") as saved:
        assert {Path(name).suffix for name in saved.namelist()} == {".json", ".h5"}


def test_of_the_projects_code_it_has_one_package(folder: Path) -> None:
    package = Path(restoring.__file__).parent
    code = folder / "code"
    files = {path.relative_to(code) for path in code.rglob("*.py")}
    assert files == {
        Path("inpaint", "__init__.py"),
        *(path.relative_to(package.parents[1]) for path in package.rglob("*.py")),
    } - {Path("inpaint", "restoring", "restorer.py")}  # chooses between models


def test_it_pins_what_it_needs(folder: Path) -> None:
    pinned = set((folder / "requirements.txt").read_text().split())
    names = (
        "h5py", "keras", "mlflow", "numpy", "opencv-python-headless", "pillow", "scipy",
        "tensorflow", "threadpoolctl",
    )  # fmt: skip
    assert pinned == {f"{name}=={version(name)}" for name in names}


def test_it_says_where_it_comes_from(finished: Any, folder: Path) -> None:
    training = read_checked(folder / "data" / "network" / "training.json")
    summary = read_checked(finished.paths.train_summary)
    del summary["origin"]["diff"]
    assert training == summary
    holes = np.concatenate([np.load(finished.paths.holes(split)) for split in ("train", "valid")])
    assert training["largest_hole"] == holes.mean(axis=(1, 2)).max()
    manifest = json.loads(finished.paths.images_manifest.read_text())
    assert training["terms"] == {key: manifest[key] for key in ("licence", "citation")}


def test_it_comes_with_an_example_to_try(finished: Any, folder: Path, model: PyFuncModel) -> None:
    request = json.loads((folder / "serving_input_example.json").read_text())
    images, holes = (np.array(request["inputs"][name]) for name in ("images", "holes"))
    np.testing.assert_array_equal(images, np.load(finished.paths.images("valid"))[:2])
    np.testing.assert_array_equal(holes, np.load(finished.paths.holes("valid"))[:2])
    restored: np.ndarray = np.asarray(model.predict({"images": images, "holes": holes}))
    np.testing.assert_array_equal(restored[~holes], images[~holes])


def test_it_says_what_it_gives(model: PyFuncModel) -> None:
    signature = model.metadata.signature
    assert signature is not None
    assert signature.inputs is None  # the model checks them itself
    assert [(t.type, t.shape) for t in signature.outputs] == [(np.uint8, (-1, -1, -1, 1))]


def test_it_knows_how_deep_a_hole_it_fills_at_once(folder: Path) -> None:
    network = serving.load(folder / "data" / "network" / "inpainter.keras")
    assert network._deepest == 1.5 * 4  # half as deep again as 8x8 pixels


def test_it_takes_pictures_of_another_size(finished: Any, model: PyFuncModel) -> None:
    images = np.load(finished.paths.images("test"))
    # Six digits side by side, of which 5 rows and 9 columns are cut off: 51x75.
    picture = np.block([[[images[0]], [images[1]], [images[2]]], [[each] for each in images[3:6]]])
    picture = picture[np.newaxis, :51, :75]
    hole = np.zeros((1, 51, 75), bool)
    hole[0, 20:29, 33:40] = True
    restored: np.ndarray = np.asarray(model.predict({"images": picture, "holes": hole}))
    assert restored.shape == (1, 51, 75, 1)
    np.testing.assert_array_equal(restored[~hole], picture[~hole])


def test_it_refuses_holes_of_the_other_polarity(finished: Any, model: PyFuncModel) -> None:
    images, holes = (np.load(path)[:3] for path in (
        finished.paths.images("test"), finished.paths.holes("test")
    ))  # fmt: skip
    with pytest.raises(MlflowException) as caught:
        model.predict({"images": images, "holes": ~holes})
    message = (
        "holes: received one, number 0, that hides 91.8% of its image, allowed: up to 54.1%. "
        "1 and true mean missing, 0 and false mean known"
    )
    refusal: Any = caught.value
    assert refusal.message == message
    assert refusal.get_http_status_code() == 400
    # A server has put all that it received before the message.
    refusal.message = f"Failed to predict data '{images}'. Error: {message}"
    assert json.loads(refusal.serialize_as_json())["message"] == message
