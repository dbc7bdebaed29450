"""What is written where."""

from pathlib import Path

import pytest

from inpaint.base.errors import InputError
from inpaint.data.pictures.jobs import Job, Partners, jobs


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_one_picture_into_a_file(tmp_path: Path) -> None:
    image, output = tmp_path / "a.png", tmp_path / "b.jpg"
    assert jobs([image], output) == [Job(image, output)]


def test_folder_into_a_folder_keeps_names_and_lossless_formats(tmp_path: Path) -> None:
    scans = touch(
        tmp_path / "scans", "b.PNG", "a.jpg", "c.tiff", "d.webp", "notes.txt", ".e.12.png"
    )
    planned = jobs([scans], tmp_path / "out")
    assert [job.image.name for job in planned] == ["a.jpg", "b.PNG", "c.tiff", "d.webp"]
    assert [job.output.name for job in planned] == ["a.png", "b.PNG", "c.tiff", "d.webp"]


def test_format_can_be_asked_for(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.jpeg", "b.png", "c.tif")
    planned = jobs([scans], tmp_path / "out", "JPEG")
    assert [job.output.name for job in planned] == ["a.jpeg", "b.jpg", "c.jpg"]
    planned = jobs([scans], tmp_path / "out", "TIFF")
    assert [job.output.name for job in planned] == ["a.tif", "b.tif", "c.tif"]


def test_folder_may_be_called_like_a_file(tmp_path: Path) -> None:
    out = touch(tmp_path / "out.png")
    assert jobs([tmp_path / "a.png"], out) == [Job(tmp_path / "a.png", out / "a.png")]


def test_several_pictures_need_a_folder(tmp_path: Path) -> None:
    scans = touch(tmp_path, "a.png", "b.png")
    with pytest.raises(InputError, match=r"the file .*out.png for 2 pictures, allowed: a folder"):
        jobs([scans], tmp_path / "out.png")


@pytest.mark.parametrize("names", [("x/a.png", "y/a.png"), ("x/a.png", "x/a.jpg")])
def test_the_same_name_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"would both be written to .*a.png: rename one"):
        jobs([tmp_path / name for name in names], tmp_path / "out")


def test_a_picture_is_not_written_over_itself(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.png")
    with pytest.raises(InputError, match="is one of the files that are read"):
        jobs([scans], tmp_path / "scans" / ".")
    with pytest.raises(InputError, match="is one of the files that are read"):
        jobs([scans / "a.png"], tmp_path / "scans" / ".." / "scans" / "a.png")


def test_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no picture, allowed: files of .png, .jpg"):
        jobs([touch(tmp_path / "scans", "notes.txt")], tmp_path / "out")


def test_masks_may_lie_beside_the_pictures(tmp_path: Path) -> None:
    both = touch(tmp_path / "both", "a.jpg", "a_mask.png", "b.png", "b_mask.png")
    planned = jobs([both], tmp_path / "out", read=[both])
    assert [job.image.name for job in planned] == ["a.jpg", "b.png"]
    partners = Partners(both, "mask")
    assert [partners.of(job.image).name for job in planned] == ["a_mask.png", "b_mask.png"]
    # Of a folder without masks, all are pictures.
    assert len(jobs([touch(tmp_path / "other", "c.png", "c_mask.png")], tmp_path / "out")) == 2
