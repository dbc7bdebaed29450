"""A checkout whose results are known, to be disturbed; small projects, for commands to fail; and
what hostile models are made of.
"""

import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from inpaint import cli
from tests.checkout import ROOT, Checkout, make_checkout
from tests.faults.killing import results

EPOCHS = 20


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One for all tests; its training takes some seconds."""
    made = make_checkout(tmp_path_factory.mktemp("faults") / "project")
    made.set({"data": {"train_size": 300}, "train": {"epochs": EPOCHS, "optimizer": "muon"}})
    made.run("git", "commit", "--quiet", "--all", "--message", "settings")
    return made


@pytest.fixture(scope="session")
def undisturbed(checkout: Checkout) -> dict[str, Any]:
    """What comes of `dvc repro` that nobody disturbs."""
    assert checkout.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    return results(checkout.root)


@pytest.fixture
def fresh(checkout: Checkout, undisturbed: dict[str, Any]) -> Checkout:  # noqa: ARG001
    """The checkout without any results."""
    checkout.start_anew()
    return checkout


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an MLflow store, in which there is nothing: making one takes seconds."""
    from inpaint.tracking.store import open_client

    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_client(root)
    return root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a store of its own; MLflow leaves the address of the last one in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(database, tmp_path)
    return tmp_path


@pytest.fixture
def inpaint_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs `inpaint` in the test's folder, where a digit.png is.

    It gives what was printed, once the exit code is the expected one.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "digit.png", tmp_path)
    monkeypatch.setitem(sys.modules, "gradio", MagicMock())
    for variable in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(variable, "")  # so that it is gone after the test

    def run(*words: str, code: int) -> str:
        result = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "1000"}).invoke(cli.app, words)
        printed = result.output + "".join(capfd.readouterr())
        assert result.exit_code == code, printed
        return printed

    return run


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Path]:
    """A file that must not be there in the end."""
    path = tmp_path / "trace.png"
    yield path
    assert not path.exists()


@pytest.fixture(scope="session")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a saved network of this project consists of."""
    from inpaint.restoring.networks import NETWORKS

    network = NETWORKS["report_unet"].build(
        1, filters=2, dropout=0.0, skip_connections=True, deepest=6, mirrored=False
    )
    path = tmp_path_factory.mktemp("model") / "model.keras"
    network.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
