"""dvc.yaml says what each stage depends on; here the code is asked whether that is true."""

import ast
from typing import Any

import pytest
import yaml

from inpaint.launch import STAGES

from .closure import ROOT, import_closure, module_files

PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_import_closure(stage: str) -> None:
    listed = {dep for dep in PIPELINE[stage]["deps"] if dep.startswith("src/")}
    start = {ROOT / "src" / "__main__.py", *module_files(f"inpaint.stages.{stage}")}
    assert listed == {path.relative_to(ROOT).as_posix() for path in import_closure(start)}


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
