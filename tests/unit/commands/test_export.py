"""`inpaint export`: ONNX that gives what Keras does, and can be used without it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from skimage.data import chelsea
from typer.testing import CliRunner, Result

from inpaint import cli
from inpaint.restoring.fill import biharmonic
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.serving import PRETRAINED, load

EXAMPLE = Path(__file__).parents[3] / "examples" / "restore_onnx.py"
# Without TensorFlow, and without this project.
ALONE = """
import runpy, sys
for name in ("tensorflow", "keras", "inpaint"):
    sys.modules[name] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(autouse=True)
def _in_an_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def export(*arguments: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1"}).invoke(cli.app, ["export", *arguments])


@pytest.mark.parametrize("channels", [1, 3])
def test_it_gives_what_keras_gives_at_any_size(channels: int) -> None:
    result = export("model.onnx", *(["--grey"] if channels == 1 else []))
    assert result.exit_code == 0, result.output
    assert "differs from Keras's by" in result.stdout
    session = onnxruntime.InferenceSession("model.onnx")
    network = load(PRETRAINED[channels])._model
    rng = np.random.default_rng(0)
    for shape in ((1, 28, 28), (2, 33, 50), (1, 101, 61)):
        image = rng.uniform(-1, 1, (*shape, channels)).astype(np.float32)
        hole = (rng.uniform(size=(*shape, 1)) < 0.1).astype(np.float32)
        inputs = {"image": image, "hole": hole}
        [output] = session.run(None, inputs)
        np.testing.assert_allclose(output, network(inputs, training=False), atol=1e-4)


def test_own_networks_are_exported_too(tmp_path: Path) -> None:
    options = {"filters": 4, "dropout": 0.0, "skip_connections": True, "deepest": 8}
    network = NETWORKS["report_unet"].build(1, **options, mirrored=False)
    network.save(tmp_path / "own.keras")
    result = export("own.onnx", "--model", "own.keras")
    assert result.exit_code == 0, result.output
    assert "own.onnx is own.keras" in result.stdout


def test_example_restores_a_picture_without_tensorflow() -> None:
    assert export("model.onnx").exit_code == 0
    image = np.ascontiguousarray(chelsea()[60:180, 100:260])
    hole = np.zeros(image.shape[:2], dtype=bool)
    hole[20:100:16, 10:150] = hole[21:101:16, 10:150] = hole[22:102:16, 10:150] = True
    Image.fromarray(np.where(hole[..., None], 255, image).astype(np.uint8)).save("photo.png")
    Image.fromarray(hole).save("mask.png")
    files = ("model.onnx", "photo.png", "mask.png", "restored.png")
    subprocess.run([sys.executable, "-c", ALONE, EXAMPLE, *files], check=True)
    with Image.open("restored.png") as made:
        restored = np.asarray(made)
    np.testing.assert_array_equal(restored[~hole], image[~hole])
    filled = biharmonic(image[None], hole[None])[0]
    of_model, of_fill = (
        np.square(each[hole].astype(float) - image[hole]).mean() for each in (restored, filled)
    )
    assert of_model < 0.9 * of_fill


def test_nothing_is_overwritten_without_force() -> None:
    Path("model.onnx").write_bytes(b"precious")
    result = export("model.onnx")
    assert result.exit_code == 2
    assert result.stderr == "error: model.onnx is there already: --force replaces it\n"
    assert Path("model.onnx").read_bytes() == b"precious"


def test_what_cannot_be_meant_is_refused() -> None:
    result = export("model.onnx", "--grey", "--model", "x.keras")
    assert (result.exit_code, result.stderr[:14]) == (2, "error: --grey:")
    result = export("model.onnx", "--model", "none.keras")
    assert (result.exit_code, result.stderr) == (2, "error: --model: none.keras is not there\n")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = export("model.onnx")
    assert result.exit_code == 2
    assert "inpaint export needs the extra `onnx`: pip install 'inpaint[onnx]'" in result.stderr
    assert not Path("model.onnx").exists()
