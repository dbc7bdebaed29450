"""What is put into a logged model: all that it needs of this package and of others, no more."""

import importlib
import sys
from pathlib import Path

import keras

from inpaint.tracking.model import LOADER, MODULES, REQUIREMENTS
from tests.unit.closure import ROOT, import_closure, imported_names, module_files

PACKAGE = ROOT / "src" / "inpaint"
# What a distribution is called whose modules have another name.
DISTRIBUTIONS = {"cv2": "opencv-python-headless"}


def test_modules_are_the_import_closure_of_what_mlflow_loads() -> None:
    closure = import_closure(module_files(LOADER))
    assert set(MODULES) == {path.relative_to(PACKAGE).as_posix() for path in closure}
    assert len(set(MODULES)) == len(MODULES)


def test_mlflow_finds_the_function_that_it_calls() -> None:
    module = importlib.import_module(LOADER)
    assert Path(str(module.__file__)).relative_to(PACKAGE).as_posix() in MODULES
    assert callable(module._load_pyfunc)


def test_requirements_are_what_the_modules_import() -> None:
    names = {name.split(".")[0] for file in MODULES for name in imported_names(PACKAGE / file)}
    # MLflow adds itself.
    others = names - sys.stdlib_module_names - {"inpaint", "mlflow"}
    # Keras imports its backend, which it does not require.
    needed = {DISTRIBUTIONS.get(name, name) for name in others} | {keras.config.backend()}
    assert set(REQUIREMENTS) == needed
