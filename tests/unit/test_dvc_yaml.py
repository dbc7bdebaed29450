"""dvc.yaml says what each stage depends on; here the code is asked whether that is true."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.launch import STAGES

ROOT = Path(__file__).parents[2]
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def module_files(name: str) -> set[Path]:
    """The file of a dotted module name in src, and the __init__.py of each package above it."""
    parts = name.split(".")
    files = set()
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath("src", *parts[:depth])
        files |= {f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()}
    return files


def imported_files(path: Path) -> set[Path]:
    """The project's files that a file imports, at its top or inside its functions."""
    files: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        files |= {f for name in names if name.startswith("inpaint") for f in module_files(name)}
    return files


def import_closure(stage: str) -> set[str]:
    """Every file of src whose code can run when `python src STAGE` runs."""
    todo = {ROOT / "src" / "__main__.py", *module_files(f"inpaint.stages.{stage}")}
    done: set[Path] = set()
    while todo:
        path = todo.pop()
        done.add(path)
        todo |= imported_files(path) - done
    return {path.relative_to(ROOT).as_posix() for path in done}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_import_closure(stage: str) -> None:
    listed = {dep for dep in PIPELINE[stage]["deps"] if dep.startswith("src/")}
    assert listed == import_closure(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_sections_that_the_stage_reads(stage: str) -> None:
    source = (ROOT / "src" / "inpaint" / "stages" / f"{stage}.py").read_text()
    attributes = {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "params"
    }
    sections = set(yaml.safe_load((ROOT / "params.yaml").read_text()))
    listed = set(PIPELINE[stage]["params"])
    assert listed & sections == attributes & sections
    # A key called `size` has to be listed by name, see test_another_hole_size_cuts_other_holes.
    assert listed - sections == ({"mask.size"} if stage == "mask" else set())


def test_the_command_line_is_no_dependency() -> None:
    for stage in STAGES:
        assert "src/inpaint/cli.py" not in PIPELINE[stage]["deps"]


def test_pipeline_has_exactly_the_stages() -> None:
    assert tuple(PIPELINE) == STAGES
