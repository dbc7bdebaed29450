"""Training on one's own pictures: in the workspace, in directories of experiments, in a clone."""

import json
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture
def own(checkout: Any, tmp_path: Path) -> Any:
    """A copy of the project that trains on pictures kept by DVC in data/own/holidays."""
    project = checkout.clone(tmp_path / "own" / "project")
    pictures = project.root / "data" / "own" / "holidays"
    pictures.mkdir()
    number = 0
    for photo in (skimage.data.astronaut(), skimage.data.coffee()):
        for row in range(0, 384, 64):
            for column in range(0, 480, 80):
                Image.fromarray(photo[row : row + 64, column : column + 80]).save(
                    pictures / f"{number:02}.png"
                )
                number += 1
    project.set({"data": {"dataset": "folder", "valid_size": 30, "test_size": 30}})
    project.run("dvc", "add", "--quiet", "data/own/holidays")
    project.run("git", "add", "--all")
    assert "data/own/holidays/00.png" not in project.run("git", "ls-files")
    project.run("git", "commit", "--quiet", "--message", "own pictures")
    assert project.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    project.run("git", "commit", "--quiet", "--all", "--message", "results")
    return project


def manifest(project: Any) -> dict[str, Any]:
    return dict(json.loads((project.root / "data" / "prepared" / "manifest.json").read_text()))


def test_own_pictures_in_every_way_of_working(own: Any, tmp_path: Path) -> None:
    assert own.repro() == []
    before = manifest(own)
    # Directories of experiments have the pictures, and find that nothing about them has changed.
    printed = own.run("dvc", "exp", "run", "--temp", "-n", "there", "-S", "train.seed=3")
    assert "python src train" in printed
    assert "python src prepare" not in printed
    printed = own.run("dvc", "exp", "run", "--temp", "-n", "other", "-S", "data.seed=3")
    assert "python src prepare" in printed
    own.run("dvc", "exp", "run", "--queue", "-S", "data.seed=4,5")
    own.run_queue()
    assert len(own.runs()) == 5
    # A clone has what DVC keeps.
    remote = tmp_path / "remote"
    own.run("dvc", "remote", "add", "--quiet", "--default", "shared", str(remote))
    own.run("git", "commit", "--quiet", "--all", "--message", "remote")
    own.run("dvc", "push", "--quiet")
    clone = own.clone(tmp_path / "clone" / "project")
    clone.run("dvc", "pull", "--quiet")
    assert clone.repro() == []
    assert manifest(clone) == before
    # A picture that has changed runs all again; pictures that were added move none.
    changed = own.root / "data" / "own" / "holidays" / "05.png"
    Image.fromarray(skimage.data.chelsea()[:64, :80]).save(changed)
    assert own.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    for split, entry in manifest(own)["splits"].items():
        pictures = {name.partition(":")[0] for name in entry["original"]}
        for other in before["splits"].keys() - {split}:
            of_other = {name.partition(":")[0] for name in before["splits"][other]["original"]}
            assert pictures & of_other <= {"holidays/05.png"}
