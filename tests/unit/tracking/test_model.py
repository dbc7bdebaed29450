"""What is put into a logged model: all that it needs of this project and of others, no more."""

import importlib
import sys
from pathlib import Path

import keras

from inpaint.tracking.model import LOADER, REQUIREMENTS, _copy_code
from tests.unit.closure import ROOT, import_closure, imported_names, module_files

PROJECT = ROOT / "src" / "inpaint"
CODE = {PROJECT / "__init__.py", *(PROJECT / "restoring").rglob("*.py")}
CODE -= {PROJECT / "restoring" / "restorer.py"}  # chooses between models
# What a distribution is called whose modules have another name.
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow"}


def test_the_code_imports_nothing_else_of_the_project() -> None:
    assert import_closure(CODE) == CODE


def test_the_code_is_what_mlflow_loads() -> None:
    assert import_closure(module_files(LOADER)) == CODE
    assert callable(importlib.import_module(LOADER)._load_pyfunc)


def test_the_code_is_copied_whole(tmp_path: Path) -> None:
    copy = _copy_code(tmp_path)
    files = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    assert files == {path.relative_to(PROJECT) for path in CODE}
    assert all((copy / name).read_bytes() == (PROJECT / name).read_bytes() for name in files)


def test_requirements_are_what_the_code_imports() -> None:
    names = {name.split(".")[0] for file in CODE for name in imported_names(file)}
    # MLflow adds itself.
    others = names - sys.stdlib_module_names - {"inpaint", "mlflow"}
    # Keras imports its backend, which it does not require.
    needed = {DISTRIBUTIONS.get(name, name) for name in others} | {keras.config.backend()}
    assert set(REQUIREMENTS) == needed
