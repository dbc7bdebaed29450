"""`inpaint restore`, as people type it, in a folder that is no project."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea
from typer.testing import CliRunner, Result

from inpaint import cli
from inpaint.restoring.serving import load_pretrained

COLOUR = np.ascontiguousarray(chelsea()[100:148, 120:200])
HOLE = np.zeros(COLOUR.shape[:2], dtype=bool)
HOLE[20:25, 30:60] = True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a damaged photo.png, and its mask.png."""
    monkeypatch.chdir(tmp_path)
    damaged = np.where(HOLE[..., np.newaxis], 255, COLOUR).astype(np.uint8)
    Image.fromarray(damaged).save("photo.png")
    Image.fromarray(np.where(HOLE, 255, 0).astype(np.uint8)).save("mask.png")
    return tmp_path


def restore(*arguments: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1"}).invoke(cli.app, ["restore", *arguments])


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_photo_is_restored_by_the_package_s_model() -> None:
    Image.fromarray(COLOUR).save("true.png")
    result = restore(
        "photo.png", "-m", "mask.png", "-o", "new/restored.png", "--reference", "true.png"
    )
    assert result.exit_code == 0, result.output
    restored = pixels("new/restored.png")
    expected = load_pretrained(3).restore(pixels("photo.png")[np.newaxis], HOLE[np.newaxis])[0]
    np.testing.assert_array_equal(restored, expected)
    np.testing.assert_array_equal(restored[~HOLE], COLOUR[~HOLE])
    assert "1 restored to new/restored.png, 150 missing pixels filled by the" in result.stdout
    assert "by the package's model for colour pictures" in result.stdout
    assert "dB in the hole, +" in result.stdout
    assert "over the biharmonic fill" in result.stdout


@pytest.mark.parametrize("method", ["biharmonic", "telea", "navier-stokes"])
def test_by_a_method_without_a_model(method: str) -> None:
    result = restore("photo.png", "-m", "mask.png", "-o", "out.png", "--method", method)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(pixels("out.png")[~HOLE], COLOUR[~HOLE])
    assert (pixels("out.png")[HOLE] != 255).any()
    assert f"by method {method}" in result.stdout


def test_what_libraries_say_when_they_are_imported_is_not_shown() -> None:
    Image.fromarray(COLOUR).save("true.png")
    arguments = "restore photo.png -m mask.png -o out.png --reference true.png --method telea"
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    done = subprocess.run(
        [sys.executable, "-c", "from inpaint.cli import app; app()", *arguments.split()],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0
    assert "in ssim_unit" in done.stdout
    assert done.stderr == ""


def test_nothing_is_overwritten_without_force() -> None:
    Path("out.png").write_bytes(b"precious")
    arguments = ("photo.png", "-m", "mask.png", "-o", "out.png", "--method", "telea")
    result = restore(*arguments)
    assert result.exit_code == 2
    assert result.stderr == "error: out.png is there already: --force replaces it\n"
    assert Path("out.png").read_bytes() == b"precious"
    assert restore(*arguments, "--force").exit_code == 0
    assert pixels("out.png").shape == COLOUR.shape


def test_folder_goes_on_where_it_was_and_past_what_is_damaged(folder: Path) -> None:
    scans, masks = folder / "scans", folder / "masks"
    for place in (scans, masks):
        place.mkdir()
    for name in ("a", "b", "c d ü", "e"):
        Image.fromarray(COLOUR).save(scans / f"{name}.png")
        Image.fromarray(HOLE).save(masks / f"{name}.png")
    (scans / "b.png").write_bytes(b"")
    (masks / "e.png").unlink()
    arguments = ("scans", "-m", "masks", "-o", "out", "--method", "telea")
    result = restore(*arguments)
    assert result.exit_code == 1
    assert "error: scans/b.png is empty, allowed: a PNG, JPEG, WebP or TIFF file" in result.stderr
    assert "error: scans/e.png: the mask in masks: received none" in result.stderr
    assert "2 restored to out, 300 missing pixels" in result.stdout
    assert "2 failed" in result.stdout
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "c d ü.png"]
    before = (folder / "out" / "a.png").stat().st_mtime_ns
    Image.fromarray(COLOUR).save(scans / "b.png")
    Image.fromarray(HOLE).save(masks / "e.png")
    result = restore(*arguments)
    assert result.exit_code == 0, result.output
    assert "2 restored" in result.stdout
    assert "2 pictures: there already, left alone" in result.stdout
    assert (folder / "out" / "a.png").stat().st_mtime_ns == before
    result = restore(*arguments)
    assert result.exit_code == 0
    assert result.stdout == "4 pictures: there already, left alone; --force replaces\n"


def test_what_people_should_know_is_told() -> None:
    Image.fromarray(COLOUR).save("photo.jpg")
    Image.new("L", (80, 48)).save("empty.png")
    result = restore("photo.jpg", "-m", "empty.png", "-o", "out", "--method", "telea")
    assert result.exit_code == 0
    assert "1 picture: nothing is missing, written unchanged" in result.stdout
    assert "1 picture: JPEG loses something, written as PNG; see --format" in result.stdout
    np.testing.assert_array_equal(pixels("out/photo.png"), pixels("photo.jpg"))
    result = restore(
        "photo.png", "-m", "mask.png", "--invert", "-o", "other.png", "--method", "telea"
    )
    assert "1 picture: more than half is missing: white is" in result.stdout


def test_what_is_filled_of_transparent_places_is_opaque() -> None:
    cut_out = np.dstack([COLOUR, np.where(HOLE, 0, 200).astype(np.uint8)])
    Image.fromarray(cut_out).save("cut_out.png")
    result = restore("cut_out.png", "-m", "alpha", "-o", "out.png", "--method", "biharmonic")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(pixels("out.png")[..., 3], np.where(HOLE, 255, 200))
    np.testing.assert_array_equal(pixels("out.png")[~HOLE], cut_out[~HOLE])


def test_sheet_shows_before_mask_and_after() -> None:
    result = restore(
        "photo.png", "--box", "20,30,5,30", "-o", "out.png", "--method", "telea", "--compare"
    )
    assert result.exit_code == 0, result.output
    sheet = pixels("out.compare.png")
    assert sheet.shape == (48, 3 * 80 + 2 * 8, 3)
    np.testing.assert_array_equal(sheet[:, -80:], pixels("out.png"))
    np.testing.assert_array_equal(sheet[:, 88:168, 0] == 255, HOLE)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-o", "out.png"), "what is missing: received nothing, allowed: one of --mask"),
        (("--center", "8", "-o", "photo.png"), "photo.png is one of the files that are read"),
        (("--center", "8", "-o", "out.png", "--model", "no.keras"), "no.keras is not there"),
        (
            ("--center", "8", "-o", "out.png", "--model", "x", "--method", "telea"),
            "--model: received x with --method telea, allowed: model",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], reason: str) -> None:
    result = restore("photo.png", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("out.png").exists()


def test_output_folder_that_cannot_be_written_ends_it() -> None:
    Path("out").write_text("a file")
    result = restore("photo.png", "-m", "mask.png", "-o", "out/restored.png", "--method", "telea")
    assert result.exit_code == 1
    assert result.stderr.startswith("failed: ")
    assert "out" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_write_that_is_cut_off_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Image.Image, "save", fail)
    result = restore("photo.png", "-m", "mask.png", "-o", "out.png", "--method", "telea")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["mask.png", "photo.png"]


def test_killed_in_the_middle_it_does_no_picture_twice_and_loses_none(folder: Path) -> None:
    scans, out = folder / "scans", folder / "out"
    scans.mkdir()
    large = np.tile(COLOUR, (10, 10, 1))  # for each to take a while
    for number in range(40):
        Image.fromarray(np.roll(large, number, axis=0)).save(scans / f"{number:02}.png")
    arguments = ("scans", "--center", "60", "-o", "out", "--method", "telea")
    command = [sys.executable, "-c", "from inpaint.cli import main; main()", "restore", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not out.exists() or len(list(out.glob("[0-9]*.png"))) < 5:
        assert process.poll() is None
    process.kill()
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("[0-9]*.png")}
    assert 5 <= len(done) < 40
    assert restore(*arguments).exit_code == 0
    after = {path.name: path.stat().st_mtime_ns for path in out.glob("[0-9]*.png")}
    assert sorted(after) == [f"{number:02}.png" for number in range(40)]
    assert done.items() <= after.items()
    assert all(pixels(out / name).shape == large.shape for name in after)


def test_sheet_is_written_over_nothing_that_is_read() -> None:
    Path("mask.png").rename("out.compare.png")
    before = Path("out.compare.png").read_bytes()
    arguments = ("-m", "out.compare.png", "-o", "out.png", "--method", "telea", "--compare")
    result = restore("photo.png", *arguments)
    assert result.exit_code == 2
    assert "out.compare.png is one of the files that are read" in result.stderr
    assert Path("out.compare.png").read_bytes() == before


def test_a_picture_and_a_sheet_of_one_name_are_refused(folder: Path) -> None:
    (folder / "scans").mkdir()
    for name in ("a.png", "a.compare.png"):
        Image.fromarray(COLOUR).save(folder / "scans" / name)
    result = restore("scans", "--center", "8", "-o", "out", "--method", "telea", "--compare")
    assert result.exit_code == 2
    assert "would both be written to out/a.compare.png" in result.stderr


def test_params_of_another_project_do_not_matter() -> None:
    Path("params.yaml").write_text("lr: 0.1\n")
    result = restore("photo.png", "-m", "mask.png", "-o", "out.png", "--method", "telea")
    assert result.exit_code == 0, result.output


def test_no_store_is_made_where_there_is_none(folder: Path) -> None:
    result = restore("photo.png", "-m", "mask.png", "-o", "out.png", "--model", "longer")
    assert result.exit_code == 2
    assert "allowed where no runs are kept: a .keras file" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["mask.png", "photo.png"]


def test_a_name_too_long_ends_no_folder(folder: Path) -> None:
    (folder / "scans").mkdir()
    for name in ("a" * 250 + ".png", "b.png"):
        Image.fromarray(COLOUR).save(folder / "scans" / name)
    result = restore("scans", "--center", "8", "-o", "out", "--method", "telea")
    assert result.exit_code == 1
    assert "cannot be written: File name too long" in result.stderr
    assert [path.name for path in (folder / "out").iterdir()] == ["b.png"]


def test_reference_that_is_too_small_to_score_is_refused_before_anything_is_written() -> None:
    for name in ("small.png", "true.png"):
        Image.fromarray(COLOUR[:8, :8]).save(name)
    arguments = ("--center", "2", "-o", "out.png", "--method", "telea", "--reference", "true.png")
    result = restore("small.png", *arguments)
    assert result.exit_code == 1
    assert "to score it takes 11 each way" in result.stderr
    assert not Path("out.png").exists()


@pytest.mark.parametrize("output", ["new.bmp", "new.gif"])
def test_other_formats_are_no_folders(output: str) -> None:
    result = restore("photo.png", "-m", "mask.png", "-o", output, "--method", "telea")
    assert result.exit_code == 2
    assert f"--output: received {output}, allowed: a folder, or a file of .png" in result.stderr


def test_what_the_biharmonic_fill_cannot_take_is_restored_without_a_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("holes: received 1516346 missing pixels that hang together")

    monkeypatch.setattr("inpaint.commands.restore.work.biharmonic", refuse)
    Image.fromarray(COLOUR).save("true.png")
    result = restore(
        "photo.png", "-m", "mask.png", "-o", "out.png", "--method", "telea", "--reference",
        "true.png",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 picture: not scored: too much hangs together" in result.stdout
    assert Path("out.png").exists()


def test_folders_within_a_folder_are_told(folder: Path) -> None:
    for name in ("pictures/more", "pictures/masks", "pictures/.hidden", "pictures/out"):
        (folder / name).mkdir(parents=True)
    Path("photo.png").rename("pictures/photo.png")
    Path("mask.png").rename("pictures/masks/photo.png")
    result = restore("pictures", "-m", "pictures/masks", "-o", "pictures/out", "--method", "telea")
    assert result.exit_code == 0, result.output
    assert "pictures/more: a folder within, left alone" in result.stdout
    assert result.stdout.count("left alone") == 1
