"""The README's section on experiments, its commands run as written."""

import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()


def commands() -> list[str]:
    section = README.partition("\n## Experiments\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.slow
def test_the_tutorial_works_as_written(
    checkout: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = checkout.copy(tmp_path_factory.mktemp("tutorial") / "project")
    printed = {command: clone.run("bash", "-c", command) for command in commands()}
    clone.end_workers()

    assert len(clone.runs()) == 4 + 7  # of the sweep: its own, and six trials'
    assert "longer" in printed["inpaint runs"]
    comparison = printed["inpaint compare longer latest"]
    assert re.search(r"(is better|may be chance)", comparison)
    assert (clone.root / "reports" / "compare.png").stat().st_size > 10_000
    scores = printed["dvc exp show --drop '.*[./]'"]
    assert "learning_rate" not in scores
    page = (clone.root / "dvc_plots" / "index.html").read_text()
    for plot in ("Loss", "Validation score", "Scores of the test images", "restored.png"):
        assert plot in page
    assert "digit for digit" in printed["inpaint reproduce longer"]
    assert clone.run("git", "log", "-1", "--format=%s").strip() == "Train for 100 epochs"
    assert clone.repro() == []
    synced = printed["inpaint sync"].splitlines()
    assert synced
    assert all(line.endswith("complete") for line in synced), synced
