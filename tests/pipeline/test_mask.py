"""The stage mask: a hole for each image, drawn from `mask.*` and the split alone."""

import json
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from inpaint.base.files import temporary_beside

SPLITS = ("train", "valid", "test")


def test_the_default_hole_is_the_reports(finished: Any) -> None:
    for split in SPLITS:
        holes = np.load(finished.paths.holes(split))
        assert holes.dtype == np.bool_
        assert holes.shape == np.load(finished.paths.images(split)).shape[:3]
        expected = np.zeros(holes.shape, bool)
        expected[:, 10:18, 10:18] = True  # rows and columns 28 // 2 - 4 ... 28 // 2 + 4
        assert np.array_equal(holes, expected)


def test_manifest_and_preview(finished: Any) -> None:
    manifest = json.loads(finished.paths.holes_manifest.read_text())
    assert manifest["kind"] == "center"
    assert manifest["splits"]["test"]["share"] == 64 / 784
    assert finished.paths.holes_preview.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("dataset", ["mnist", "photos"])
def test_the_preview_shows_images_above_the_same_with_their_holes(
    project: Any, dataset: str
) -> None:
    project.set({"data": {"dataset": dataset}, "mask": {"kind": "brush"}})
    assert project.run("prepare", "mask") == 0
    preview = plt.imread(project.paths.holes_preview)[..., :3] * 255
    images, holes = (np.load(of("train")) for of in (project.paths.images, project.paths.holes))
    side = 4 * images.shape[1]  # zoomed
    for i in range(10):
        columns = slice(i * (side + 8), i * (side + 8) + side)
        above, below = preview[:side, columns][::4, ::4], preview[side + 8 :, columns][:side:4, ::4]
        np.testing.assert_allclose(above, np.broadcast_to(images[i], above.shape), atol=0.01)
        expected = np.where(holes[i][..., np.newaxis], (230, 159, 0), images[i])
        np.testing.assert_allclose(below, expected, atol=0.01)


def test_a_disk_that_is_full_when_the_preview_is_written_is_told(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """/dev/full is a disk without room."""
    assert project.run("prepare") == 0
    preview = project.paths.holes_preview
    preview.parent.mkdir(exist_ok=True)
    temporary_beside(preview).symlink_to("/dev/full")
    assert project.run("mask") == 1
    assert f"No space left on device: {preview}" in capsys.readouterr().err
    assert not preview.exists()


def test_images_of_another_data_set_are_refused(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("prepare") == 0
    project.set({"data": {"dataset": "photos"}})
    assert project.run("mask") == 2
    line = capsys.readouterr().err
    assert "(28, 28, 1)" in line
    assert "(32, 32, 3)" in line


def test_random_holes_depend_on_nothing_but_mask_and_split(
    new_project: Callable[[str], Any],
) -> None:
    first, other = new_project("first"), new_project("other")
    for project in (first, other):
        project.set({"mask": {"kind": "box", "box_sides": [5, 5], "seed": 3}})
    other.set({"data": {"train_size": 70}, "train": {"seed": 9, "holes": "random"}})
    assert first.run("prepare", "mask") == other.run("prepare", "mask") == 0
    for split in ("valid", "test"):
        assert first.paths.holes(split).read_bytes() == other.paths.holes(split).read_bytes()
    drawn = np.load(first.paths.holes("test"))
    assert (drawn.sum(axis=(1, 2)) == 25).all()
    assert len(np.unique(drawn, axis=0)) > 10
    assert not np.array_equal(drawn[:30], np.load(first.paths.holes("valid")))


@pytest.mark.parametrize(
    ("mask", "pixels"),
    [
        ({"kind": "center", "size": 0.25}, 7 * 7),
        ({"kind": "center", "size": 27}, 27 * 27),
        ({"kind": "box", "box_sides": [1, 1]}, 1),
        ({"kind": "dots", "share": 0.1}, 78),
        ({"kind": "half"}, 28 * 14),
    ],
)
def test_lengths_and_shares_become_pixels(project: Any, mask: dict[str, Any], pixels: int) -> None:
    project.set({"mask": mask})
    assert project.run("prepare", "mask") == 0
    holes = np.load(project.paths.holes("test"))
    assert (holes.sum(axis=(1, 2)) == pixels).all()
    assert json.loads(project.paths.holes_manifest.read_text())["kind"] == mask["kind"]
