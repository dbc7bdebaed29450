"""What is missing from a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inpaint.base.errors import InputError
from inpaint.data.pictures.masks import Missing
from inpaint.data.pictures.reading import Picture, read

HOLE = np.zeros((30, 40), dtype=bool)
HOLE[5:9, 10:35] = True
LEVELS = np.where(HOLE, 255, 0).astype(np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A coloured picture of 40x30 pixels."""
    colours = np.random.default_rng(0).integers(0, 200, (30, 40, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def hole_of(path: Path, picture: Picture | None = None, **missing: Any) -> np.ndarray:
    return Missing(**missing).hole(path, picture or read(path))


def saved(folder: Path, image: np.ndarray, name: str = "mask.png", **options: Any) -> Path:
    Image.fromarray(image).save(folder / name, **options)
    return folder / name


def test_white_is_missing(path: Path) -> None:
    mask = saved(path.parent, LEVELS)
    np.testing.assert_array_equal(hole_of(path, mask=mask), HOLE)
    np.testing.assert_array_equal(hole_of(path, mask=mask, invert=True), ~HOLE)


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGB", "RGBA", "I;16"])
def test_masks_of_any_kind(path: Path, mode: str) -> None:
    mask = path.with_name("mask.png")
    if mode == "I;16":
        Image.fromarray(LEVELS.astype(np.uint16) * 257).save(mask)
    else:
        Image.fromarray(LEVELS).convert(mode).save(mask)
    np.testing.assert_array_equal(hole_of(path, mask=mask), HOLE)


def test_threshold_is_128(path: Path) -> None:
    levels = np.tile(np.arange(100, 140, dtype=np.uint8), (30, 1))
    expected = levels >= 128
    np.testing.assert_array_equal(hole_of(path, mask=saved(path.parent, levels)), expected)


def test_grey_edges_of_a_jpeg_do_not_matter(path: Path) -> None:
    mask = saved(path.parent, LEVELS, "mask.jpg", quality=60)
    assert len(np.unique(np.asarray(Image.open(mask)))) > 2
    np.testing.assert_array_equal(hole_of(path, mask=mask), HOLE)


def test_transparent_places_of_a_mask_are_known(path: Path) -> None:
    white = np.full((30, 40, 3), 255, np.uint8)
    mask = saved(path.parent, np.dstack([white, LEVELS]))
    np.testing.assert_array_equal(hole_of(path, mask=mask), HOLE)


def test_mask_is_turned_as_people_see_it(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    mask = saved(path.parent, np.rot90(LEVELS), exif=exif)
    np.testing.assert_array_equal(hole_of(path, mask=mask), HOLE)


def test_mask_of_another_size_is_refused(path: Path) -> None:
    mask = saved(path.parent, LEVELS.T)
    with pytest.raises(
        InputError, match=r"mask has 30x40 pixels \(width x height\), the picture 40x30"
    ):
        hole_of(path, mask=mask)


def test_red_paint_is_no_mask(path: Path) -> None:
    red = np.zeros((30, 40, 3), np.uint8)
    red[HOLE] = 255, 0, 0
    with pytest.raises(InputError, match=r"the mask has colours, allowed: white .* --color"):
        hole_of(path, mask=saved(path.parent, red))


@pytest.mark.parametrize("invert", [False, True])
def test_a_picture_of_which_nothing_is_known_is_refused(path: Path, invert: bool) -> None:
    mask = saved(path.parent, np.full((30, 40), 0 if invert else 255, np.uint8))
    with pytest.raises(InputError, match="all of it is missing"):
        hole_of(path, mask=mask, invert=invert)


def test_mask_of_0_and_1_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="lightest pixel has level 1, allowed: white, from 128 on"):
        hole_of(path, mask=saved(path.parent, HOLE.astype(np.uint8)))


def test_empty_mask_hides_nothing(path: Path) -> None:
    assert not hole_of(path, mask=saved(path.parent, np.zeros_like(LEVELS))).any()


def test_masks_in_a_folder_go_by_name(path: Path) -> None:
    folder = path.parent / "masks"
    folder.mkdir()
    saved(folder, LEVELS, "photo_mask.jpg")
    np.testing.assert_array_equal(hole_of(path, mask=folder), HOLE)
    saved(folder, LEVELS, "photo.png")
    with pytest.raises(InputError, match=r"received photo.png, photo_mask.jpg, allowed: photo.png"):
        hole_of(path, mask=folder)
    with pytest.raises(InputError, match=r"mask in .*: received none, allowed: other.png or"):
        hole_of(path.with_name("other.png"), read(path), mask=folder)


def test_transparency_is_missing(path: Path) -> None:
    transparent = np.dstack([read(path).colours, 255 - LEVELS])
    np.testing.assert_array_equal(
        hole_of(saved(path.parent, transparent, "cut_out.png"), mask=Path("alpha")), HOLE
    )
    with pytest.raises(InputError, match="has no transparency, which --mask alpha asks for"):
        hole_of(path, mask=Path("alpha"))


def test_painted_colour_is_missing(path: Path) -> None:
    colours = read(path).colours.copy()
    colours[HOLE] = 255, 0, 255
    painted = saved(path.parent, colours, "painted.png")
    for colour in ("FF00FF", "#ff00ff", "F80AFF"):
        np.testing.assert_array_equal(hole_of(painted, color=colour), HOLE)
    # Of a JPEG, the paint's colour is only about the same.
    painted = saved(path.parent, colours, "painted.jpg", quality=95, subsampling=0)
    assert (hole_of(painted, color="FF00FF") == HOLE).mean() > 0.95


@pytest.mark.parametrize("colour", ["pink", "FF00F", "FF00FF00", ""])
def test_what_is_no_colour_is_refused(path: Path, colour: str) -> None:
    with pytest.raises(InputError, match=r"--color: received .* allowed: such as FF00FF"):
        hole_of(path, color=colour)


def test_box_and_center(path: Path) -> None:
    np.testing.assert_array_equal(hole_of(path, box="5,10,4,25"), HOLE)
    square = np.zeros_like(HOLE)
    square[11:19, 16:24] = True
    np.testing.assert_array_equal(hole_of(path, center=8), square)


@pytest.mark.parametrize(
    "box", ["5,10,4", "a,b,c,d", "5,10,0,3", "27,0,4,4", "0,38,1,3", "-1,0,4,4"]
)
def test_box_that_is_none_is_refused(path: Path, box: str) -> None:
    with pytest.raises(InputError, match=f"--box: received '{box}', allowed: "):
        hole_of(path, box=box)


@pytest.mark.parametrize("size", [31, 1000])
def test_center_that_does_not_fit_is_refused(path: Path, size: int) -> None:
    with pytest.raises(InputError, match=f"--center: received {size}, allowed: .* 30"):
        hole_of(path, center=size)


def test_what_is_no_size_or_mask_is_refused_before_any_picture(tmp_path: Path) -> None:
    for size in (0, -3):
        with pytest.raises(
            InputError, match=f"--center: received {size}, allowed: 1 pixel or more"
        ):
            Missing(center=size)
    with pytest.raises(InputError, match=r"--mask: .*none.png is not there"):
        Missing(mask=tmp_path / "none.png")


def test_one_thing_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="what is missing: received nothing, allowed: one of --mask"
    ):
        Missing()
    with pytest.raises(InputError, match="received --mask and --center"):
        Missing(mask=tmp_path, center=8)
    for missing in ({"center": 8}, {"mask": Path("alpha")}):
        with pytest.raises(InputError, match="--invert: allowed with masks"):
            Missing(**missing, invert=True)
