"""Command lines as people may mistype them: one line, exit code 2, and never a traceback."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inpaint import cli

ROOT = Path(__file__).parents[2]
MASKED = ("restore", "photo.png", "-o", "out.png")
BAD = [
    (),
    ("--nothing",),
    ("nothing",),
    ("restore",),
    ("restore", "photo.png"),
    ("restore", "-o", "out.png", "-m", "mask.png"),
    MASKED,
    (*MASKED, "-m", "none.png"),
    (*MASKED, "-m", "mask.png", "--center", "8"),
    (*MASKED, "-m", "mask.png", "--box", "0,0,8,8"),
    (*MASKED, "-m", "alpha", "--invert"),
    (*MASKED, "--center", "8", "--invert"),
    (*MASKED, "--center", "0"),
    (*MASKED, "--center", "-1"),
    (*MASKED, "--center", "x"),
    (*MASKED, "--center", "1.5"),
    (*MASKED, "--center", "9" * 5000),
    (*MASKED, "--box", ""),
    (*MASKED, "--box", "1,2,3"),
    (*MASKED, "--box", "1,2,3,4,5"),
    (*MASKED, "--box", "a,b,c,d"),
    (*MASKED, "--box", "-1,0,4,4"),
    (*MASKED, "--box", "0,0,1e9,4"),
    (*MASKED, "--box", "9" * 5000 + ",0,4,4"),
    (*MASKED, "--color", ""),
    (*MASKED, "--color", "red"),
    (*MASKED, "--color", "FF00F"),
    (*MASKED, "--color", "FF00FF00"),
    (*MASKED, "--color", "GGGGGG"),
    (*MASKED, "-m", "mask.png", "--method", "magic"),
    (*MASKED, "-m", "mask.png", "--method", "telea", "--model", "x.keras"),
    (*MASKED, "-m", "mask.png", "--model", ""),
    (*MASKED, "-m", "mask.png", "--model", "none.keras"),
    (*MASKED, "-m", "mask.png", "--model", "photo.png"),
    (*MASKED, "-m", "mask.png", "--model", "models:/none@champion"),
    (*MASKED, "-m", "mask.png", "--model", "models:/"),
    (*MASKED, "-m", "mask.png", "--format", "gif"),
    (*MASKED, "-m", "mask.png", "--reference", "none.png"),
    ("restore", "photo.png", "-m", "mask.png", "-o", "out.gif"),
    ("restore", "photo.png", "-m", "mask.png", "-o", "photo.png"),
    ("restore", "photo.png", "-m", "mask.png", "-o", "mask.png"),
    ("restore", "none.png", "-m", "mask.png", "-o", "out.png"),
    ("restore", "photo.png", "photo.png", "-m", "mask.png", "-o", "out.png"),
    ("restore", "", "-m", "mask.png", "-o", "out.png"),
    ("export",),
    ("export", "out.onnx", "--model", "none.keras"),
    ("export", "out.onnx", "--model", "photo.png"),
    ("demo", "--port", "0"),
    ("demo", "--port", "70000"),
    ("demo", "--port", "x"),
    ("serve", "--port", "0"),
    ("serve", "--port", "70000"),
    ("serve", "--largest-mb", "0"),
    ("serve", "--host", "not a host"),
    ("serve", "--host", "8.8.8.8"),
    ("serve", "--model", "elsewhere"),
    ("serve", "--model", "models:/none@champion"),
    ("show",),
    ("show", ""),
    ("show", "nothing"),
    ("show", "latest", "more"),
    ("show", "x" * 100_000),
    ("show", "' OR 1=1 --"),
    ("compare", "latest"),
    ("compare", "none", "neither"),
    ("reproduce", "none"),
    ("sync", "none"),
    ("promote", "none"),
    ("promote", "latest", "--alias", ""),
    ("promote", "latest", "--alias", "1"),
    ("promote", "latest", "--alias", "v1"),
    ("promote", "latest", "--alias", "a b"),
    ("promote", "latest", "--alias", "x" * 1000),
    ("promote", "latest", "--force"),
    ("promote", "latest", "--force", "--reason", "  "),
    ("rollback", "none"),
    ("rollback", ""),
    ("rollback", "a/b"),
    ("prepare", "more"),
    ("train", "--epochs", "3"),
    ("params", "more"),
    ("runs", "--yaml"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without any run, with a photo.png and its mask.png."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "params.yaml", folder)
    Image.fromarray(np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)).save(folder / "photo.png")
    mask = np.zeros((32, 32), np.uint8)
    mask[10:14, 10:14] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


@pytest.mark.parametrize("words", BAD, ids=lambda words: " ".join(words)[:80] or "nothing")
def test_bad_command_line_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    for variable in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    before = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(cli.app, words)
    assert result.exit_code in (1, 2), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert len(result.output) < 5000 or not words
    assert {path.name: path.read_bytes() for path in folder.glob("*.png")} == before
