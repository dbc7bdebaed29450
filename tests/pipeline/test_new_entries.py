"""A new data set or hole kind is one entry in one file, and nothing else has to be touched."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

DATA_SET = """
    "stripes": DataSet(
        image_shape=(24, 20, 1),
        motif="signs",
        licence="made up",
        sources={
            "bundled": Source(
                "stripes of a test",
                lambda shape, _raw_dir: (
                    Pool.of_images(
                        ("train", "valid", "test"),
                        bundled.np.random.default_rng(0)
                        .integers(256, size=(40, *shape)).astype("uint8"),
                        bundled.np.arange(40) % 2,
                    ),
                ),
            ),
        },
    ),
"""
HOLE_KIND = """
    "slot": lambda _rng, height, width, mask: _box(height, width, 8, 10, 5, 7),
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the project's code."""
    copy = tmp_path / "copy" / "src"
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def add(module: Path, registry: str, entry: str) -> None:
    """Put an entry at the end of a dictionary."""
    before = module.read_text()
    start = before.index(f"\n{registry}")
    end = before.index("\n}", start)
    module.write_text(before[:end] + entry.rstrip() + before[end:])


def run(source: Path, project: Any, stage: str) -> str:
    """Run a stage by the copied code; what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", source, stage],
        cwd=project.paths.root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_data_set_of_40_images_goes_through_all_stages(source: Path, project: Any) -> None:
    add(source / "inpaint" / "data" / "images" / "catalogue.py", "DATASETS", DATA_SET)
    project.set(
        {
            "data": {"dataset": "stripes", "train_size": 20, "valid_size": 10, "test_size": None},
            "train": {"epochs": 1},
        }
    )
    assert "prepared stripes (bundled): 20 train, 10 valid, 10 test" in run(
        source, project, "prepare"
    )
    for stage in ("mask", "train", "evaluate"):
        told = run(source, project, stage)
        assert "error:" not in told
        assert "Traceback" not in told
    assert "drew 4 figures" in run(source, project, "plot")
    result = json.loads(project.paths.metrics.read_text())
    assert result["data"]["dataset"] == "stripes"
    assert result["test"]["model"]["composite"]["ssim_unit"] > 0
    assert project.paths.report.read_text().startswith("# stripes: ")
    manifest = json.loads(project.paths.images_manifest.read_text())
    assert (manifest["licence"], manifest["citation"]) == ("made up", "stripes of a test")
    project.set({"data": {"dataset": "spots"}})
    told = run(source, project, "prepare")
    assert "allowed: mnist, " in told
    assert told.endswith(", textures, folder, folder_grey, stripes\n")


@pytest.mark.slow
def test_a_hole_kind_is_cut_and_trained_on(source: Path, project: Any) -> None:
    add(source / "inpaint" / "data" / "holes.py", "HOLE_KINDS", HOLE_KIND)
    assert project.run("prepare") == 0
    project.set(
        {
            "mask": {"kind": "slot"},
            "train": {"epochs": 1, "holes": "random", "hole_kinds": ["slot", "dots"]},
        }
    )
    assert "cut slot holes" in run(source, project, "mask")
    expected = np.zeros((28, 28), bool)
    expected[8:13, 10:17] = True
    assert (np.load(project.paths.holes("test")) == expected).all()
    assert "trained residual_unet for 1 epochs" in run(source, project, "train")
    project.set({"mask": {"kind": "middle"}})
    assert "allowed: center, box, brush, dots, half, mixed, slot" in run(source, project, "mask")
