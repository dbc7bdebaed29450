"""dvc.yaml says what each stage depends on; here the code is asked whether that is true."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.commands.launch import STAGES
from tests.unit.closure import ROOT, import_closure, module_files

TEXT = (ROOT / "dvc.yaml").read_text()
PIPELINE: dict[str, Any] = yaml.safe_load(TEXT)["stages"]

# What stages import and need not run again for, with the reason: it changes none of their outputs.
CHANGES_NO_OUTPUT = {
    "inpaint.params": "refuses values or passes them on as they are; DVC tracks the values",
    "inpaint.terminal": "progress and messages: nothing of it reaches a file",
    "inpaint.tracking": "logs to MLflow what the files hold; `inpaint sync` brings runs up to date",
}


def code_deps(stage: str) -> list[str]:
    return [dep for dep in PIPELINE[stage]["deps"] if dep.startswith("src/")]


def files_below(dep: str) -> set[Path]:
    place = ROOT / dep
    return {place} if place.is_file() else set(place.rglob("*.py"))


def says_nothing(path: Path) -> bool:
    """Whether a file, such as a package's __init__.py, has no more than a docstring."""
    [*statements] = ast.parse(path.read_text()).body
    return all(isinstance(each, ast.Expr) for each in statements)


def code_of(stage: str) -> set[Path]:
    """What can change the outputs of a stage: all that its module imports, but for the above.

    The package's own __init__.py holds the version alone.
    """
    closure = import_closure(module_files(f"inpaint.stages.{stage}"), CHANGES_NO_OUTPUT)
    return {
        path
        for path in closure - {ROOT / "src" / "inpaint" / "__init__.py"}
        if not says_nothing(path)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_the_code_that_can_change_outputs(stage: str) -> None:
    covered = {path for dep in code_deps(stage) for path in files_below(dep)}
    assert {path.relative_to(ROOT).as_posix() for path in code_of(stage) - covered} == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_dep_has_code_that_the_stage_imports(stage: str) -> None:
    needed = code_of(stage)
    assert [dep for dep in code_deps(stage) if not files_below(dep) & needed] == []


def test_the_folders_that_stages_depend_on_hold_code_alone() -> None:
    """DVC looks at all files: the models of `make pretrained` in one would outdate a stage."""
    ignored = {line for line in (ROOT / ".dvcignore").read_text().splitlines() if line}
    folders = {ROOT / dep for stage in STAGES for dep in code_deps(stage)}
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    others = {
        path
        for path in files
        if path.suffix != ".py"
        and ignored.isdisjoint(path.parts)
        and ignored.isdisjoint(parent.as_posix() for parent in path.relative_to(ROOT).parents)
    }
    assert others == set()


@pytest.mark.parametrize("stage", STAGES)
def test_what_changes_no_output_is_no_dependency(stage: str) -> None:
    covered = {path for dep in code_deps(stage) for path in files_below(dep)}
    exempt = {
        path
        for name in ("inpaint.cli", "inpaint.commands", *CHANGES_NO_OUTPUT)
        for path in files_below(f"src/{name.replace('.', '/')}") | module_files(name)
    }
    assert covered & exempt == set()


def test_every_exemption_is_imported_by_some_stage() -> None:
    imported = {
        path for stage in STAGES for path in import_closure(module_files(f"inpaint.stages.{stage}"))
    }
    for name in CHANGES_NO_OUTPUT:
        assert module_files(name) <= imported


def test_the_pipeline_is_read_in_one_sitting() -> None:
    assert len(TEXT.splitlines()) < 150
    assert max(len(code_deps(stage)) for stage in STAGES) <= 10


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


def test_pipeline_has_exactly_the_stages() -> None:
    assert tuple(PIPELINE) == STAGES
