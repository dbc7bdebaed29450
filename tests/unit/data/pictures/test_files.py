"""Picture files of every format and mode: what is read, and that it comes back bit for bit."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps
from skimage.data import astronaut

from inpaint.base.errors import InputError
from inpaint.data.pictures.reading import LARGEST, as_stored, read, upright
from inpaint.data.pictures.writing import write

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
COLOUR = np.ascontiguousarray(astronaut()[100:140, 200:230])  # 40 rows, 30 columns
ALPHA = np.arange(40 * 30, dtype=np.uint8).reshape(40, 30)
RGBA = np.dstack([COLOUR, ALPHA])
FINE = COLOUR.astype(np.uint16) * 257 + np.arange(30, dtype=np.uint16)[np.newaxis, :, np.newaxis]


def image_of(mode: str) -> Image.Image:
    colour = Image.fromarray(COLOUR)
    if mode == "P with transparency":
        palette = colour.quantize(60)
        palette.info["transparency"] = 7
        return palette
    return {
        "LA": lambda: Image.fromarray(RGBA).convert("LA"),
        "RGBA": lambda: Image.fromarray(RGBA),
        "P": lambda: colour.quantize(60),
    }.get(mode, lambda: colour.convert(mode))()


KINDS = {
    **{f"{mode}.png": mode for mode in ("1", "L", "LA", "P", "P with transparency", "RGB", "RGBA")},
    **{f"{mode}.tif": mode for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
    **{f"{mode}.webp": mode for mode in ("RGB", "RGBA")},
}


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("name", KINDS)
def test_lossless_file_comes_back_as_it_was(tmp_path: Path, name: str, orientation: int) -> None:
    path, again = tmp_path / name, tmp_path / "written" / name
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a camera"
    lossless: dict[str, Any] = {"lossless": True, "exact": True} if path.suffix == ".webp" else {}
    image_of(KINDS[name]).save(path, exif=exif, icc_profile=PROFILE, dpi=(300, 300), **lossless)
    picture = read(path)
    write(again, picture)
    with path.open("rb") as old, again.open("rb") as new:  # of paths, Pillow garbles some TIFFs
        before, after = Image.open(old), Image.open(new)
        for each in (before, after):
            assert each.format == before.format
            assert each.mode == before.mode
            assert each.getexif().get(0x0112, 1) == orientation
            assert each.getexif()[0x010F] == "a camera"
            assert each.info["icc_profile"] == PROFILE
            if path.suffix != ".webp":  # it has none
                assert [round(float(dots)) for dots in each.info["dpi"]] == [300, 300]
        assert after.size == before.size
        shown = [
            np.asarray(ImageOps.exif_transpose(each).convert("RGBA")) for each in (before, after)
        ]
    np.testing.assert_array_equal(shown[0], shown[1])
    # What was read is what people see.
    assert picture.colours.shape[:2] == shown[0].shape[:2]
    np.testing.assert_array_equal(picture.colours, shown[0][..., : picture.colours.shape[2]])
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, shown[0][..., 3])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", ["grey", "RGB", "RGBA"])
def test_16_bits_come_back_as_they_were(tmp_path: Path, kind: str, suffix: str) -> None:
    fine = {
        "grey": FINE[..., 0],
        "RGB": FINE,
        "RGBA": np.dstack([FINE, ALPHA.astype(np.uint16) * 200]),
    }[kind]
    path, again = tmp_path / f"fine{suffix}", tmp_path / f"again{suffix}"
    if suffix == ".tif":
        samples = ["unassalpha"] if kind == "RGBA" else None
        photometric = "minisblack" if kind == "grey" else "rgb"
        tifffile.imwrite(
            path, fine, photometric=photometric, extrasamples=samples, metadata=None,
            iccprofile=PROFILE, resolution=(300, 300), resolutionunit="INCH",
        )  # fmt: skip
    else:
        places: Any = {"grey": ..., "RGB": (..., [2, 1, 0]), "RGBA": (..., [2, 1, 0, 3])}[kind]
        order = np.ascontiguousarray(fine[places])
        chunks = [np.frombuffer(PROFILE, np.uint8)]
        _, content = cv2.imencodeWithMetadata(".png", order, [cv2.IMAGE_METADATA_ICCP], chunks)
        content.tofile(path)
    picture = read(path)
    assert picture.colours.dtype == np.uint16
    np.testing.assert_array_equal(picture.colours, np.atleast_3d(fine)[..., :3])
    write(again, picture)
    np.testing.assert_array_equal(read(again).colours, picture.colours)
    for each in (path, again):
        with Image.open(each) as image:
            assert image.info["icc_profile"] == PROFILE
    stored: Any = tifffile.imread(again) if suffix == ".tif" else cv2.imread(str(again), -1)
    assert stored.dtype == np.uint16
    assert stored.shape == fine.shape
    if kind == "RGBA":
        np.testing.assert_array_equal(stored[..., 3], fine[..., 3])


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_turned_16_bit_tiff_is_read_upright(tmp_path: Path, orientation: int) -> None:
    path, again = tmp_path / "fine.tif", tmp_path / "again.tif"
    turned = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(path, FINE, photometric="rgb", metadata=None, extratags=turned)
    picture = read(path)
    np.testing.assert_array_equal(picture.colours, upright(FINE, orientation))
    write(again, picture)
    np.testing.assert_array_equal(tifffile.imread(again), FINE)
    np.testing.assert_array_equal(read(again).colours, picture.colours)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_exifs(orientation: int) -> None:
    """As Pillow has them; turning back is the inverse."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(COLOUR)
    image.info["exif"] = exif.tobytes()
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    turned = upright(COLOUR, orientation)
    np.testing.assert_array_equal(turned, expected)
    np.testing.assert_array_equal(as_stored(turned, orientation), COLOUR)


def test_jpeg_is_read_as_people_see_it_and_kept_as_png(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path, again = tmp_path / "photo.jpg", tmp_path / "photo.png"
    Image.fromarray(COLOUR).save(path, exif=exif, icc_profile=PROFILE)
    picture = read(path)
    assert picture.colours.shape == (30, 40, 3)
    write(again, picture)
    with Image.open(path) as before, Image.open(again) as after:
        assert after.format == "PNG"
        assert after.getexif()[0x0112] == 6
        assert after.info["icc_profile"] == PROFILE
        np.testing.assert_array_equal(np.asarray(after), np.asarray(before))


def test_jpeg_that_is_asked_for_is_of_good_quality(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(COLOUR).save(path)
    write(tmp_path / "photo.jpg", read(path))
    with Image.open(tmp_path / "photo.jpg") as lossy:
        error = np.asarray(lossy).astype(float) - COLOUR
    assert np.sqrt(np.square(error).mean()) < 3  # grey levels


@pytest.mark.parametrize(
    ("suffix", "kind", "reason"),
    [
        (".jpg", "RGBA", "transparency, allowed: PNG, WebP or TIFF"),
        (".jpg", "fine", "16 bits, allowed: PNG or TIFF"),
        (".webp", "fine", "16 bits, allowed: PNG or TIFF"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    tmp_path: Path, suffix: str, kind: str, reason: str
) -> None:
    path = tmp_path / "picture.png"
    if kind == "fine":
        cv2.imwrite(str(path), FINE)
    else:
        image_of(kind).save(path)
    with pytest.raises(InputError, match=reason):
        write(tmp_path / f"other{suffix}", read(path))
    assert not (tmp_path / f"other{suffix}").exists()


def header_of(width: int, height: int) -> bytes:
    """A PNG file that says how large it is, and has no pixels."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    begun = struct.pack(">I", 1000) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + checksum + begun


def whole(suffix: str) -> bytes:
    _, content = cv2.imencode(suffix, COLOUR)
    return bytes(content)


BAD = {
    "nothing.png": (b"", "is empty"),
    "text.png": (b"no picture at all", "is no such picture, or is damaged"),
    "cut.png": (whole(".png")[:-900], "is damaged"),
    "cut.jpg": (whole(".jpg")[:-300], "is damaged"),
    "cut.webp": (whole(".webp")[:-300], "damaged"),
    "huge.png": (header_of(100_000, 100_000), f"more pixels than are allowed: {LARGEST:,}"),
    "large.png": (header_of(10_000, 10_000), f"more pixels than are allowed: {LARGEST:,}"),
    "other.gif": (b"GIF89a" + bytes(30), "is no such picture"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_picture_is_refused(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason) as refused:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(refused.value)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        read(tmp_path / "none.png")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("mode", ["CMYK", "F", "I"])
def test_other_kinds_of_pixels_are_refused(tmp_path: Path, mode: str) -> None:
    Image.fromarray(COLOUR).convert("L" if mode in "FI" else "RGB").convert(mode).save(
        tmp_path / "other.tif"
    )
    with pytest.raises(
        InputError, match=r"of the kind CMYK, allowed: grey|has 32 bits, allowed: 8"
    ):
        read(tmp_path / "other.tif")


def test_several_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    pages = [image_of("RGB"), image_of("RGB")]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="holds 2 pictures, allowed: one"):
        read(tmp_path / "pages.tif")


def test_name_may_have_spaces_and_any_letters(tmp_path: Path) -> None:
    path = tmp_path / "Grüße aus Łódź 水.png"
    Image.fromarray(COLOUR).save(path)
    picture = read(path)
    np.testing.assert_array_equal(picture.colours, COLOUR)
    write(tmp_path / "ö ä" / "水.tif", picture)
    np.testing.assert_array_equal(read(tmp_path / "ö ä" / "水.tif").colours, COLOUR)


def test_webp_that_is_turned_is_so_as_jpeg_and_png(tmp_path: Path) -> None:
    """Pillow's Exif data of a WebP lack their first bytes, which a JPEG needs."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(tmp_path / "turned.webp", exif=exif, lossless=True)
    picture = read(tmp_path / "turned.webp")
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        write(tmp_path / name, picture)
        with (tmp_path / name).open("rb") as file:
            assert Image.open(file).getexif()[0x0112] == 6
        assert read(tmp_path / name).colours.shape == (30, 40, 3)


def test_orientation_that_is_told_by_xmp_alone_is_kept(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(COLOUR).save(tmp_path / "turned.jpg", xmp=xmp)
    picture = read(tmp_path / "turned.jpg")
    assert picture.colours.shape == (30, 40, 3)
    write(tmp_path / "turned.png", picture)
    assert read(tmp_path / "turned.png").colours.shape == (30, 40, 3)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_whose_white_is_0_is_seen_as_it_is(tmp_path: Path, bits: int) -> None:
    grey = FINE[..., 0] if bits == 16 else COLOUR[..., 0]
    most = np.iinfo(grey.dtype).max
    tifffile.imwrite(tmp_path / "white.tif", most - grey, photometric="miniswhite", metadata=None)
    picture = read(tmp_path / "white.tif")
    np.testing.assert_array_equal(picture.colours[..., 0], grey)
    write(tmp_path / "again.tif", picture)
    np.testing.assert_array_equal(read(tmp_path / "again.tif").colours[..., 0], grey)


def test_16_bit_tiff_of_the_other_byte_order_is_read(tmp_path: Path) -> None:
    grey = FINE[..., 0]
    tifffile.imwrite(tmp_path / "big.tif", grey.astype(">u2"), byteorder=">", metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "big.tif").colours[..., 0], grey)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"planarconfig": "separate"}, "16 bits in planes, allowed: pixel by pixel"),
        ({"extrasamples": ["assocalpha"]}, "channels of the kind 1, allowed: colours"),
        ({"extrasamples": ["unspecified"]}, "channels of the kind 0, allowed: colours"),
    ],
)
def test_tiff_that_would_be_misread_is_refused(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    fine = np.dstack([FINE, FINE[..., 0]]) if "extrasamples" in options else FINE
    if "planarconfig" in options:
        fine = fine.transpose(2, 0, 1)
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, np.ascontiguousarray(fine), photometric="rgb", metadata=None, **options)
    with pytest.raises(InputError, match=reason):
        read(path)


def test_transparency_of_a_palette_is_kept_in_a_tiff(tmp_path: Path) -> None:
    image_of("P with transparency").save(tmp_path / "palette.png")
    picture = read(tmp_path / "palette.png")
    assert picture.alpha is not None
    assert (picture.alpha == 0).any()
    write(tmp_path / "palette.tif", picture)
    again = read(tmp_path / "palette.tif")
    np.testing.assert_array_equal(again.alpha, picture.alpha)
    np.testing.assert_array_equal(again.colours, picture.colours)


def test_one_transparent_colour_is_transparency(tmp_path: Path) -> None:
    for mode, key in (("1", 1), ("L", 77), ("RGB", (1, 2, 3))):
        image = image_of(mode)
        if mode == "L":
            image.putpixel((3, 4), 77)
        if mode == "RGB":
            image.putpixel((3, 4), (1, 2, 3))
        image.save(tmp_path / "key.png", transparency=key)
        alpha = read(tmp_path / "key.png").alpha
        assert alpha is not None
        if mode != "1":
            assert alpha[4, 3] == 0
        assert 0 < (alpha == 0).mean() < 1


def test_palette_without_some_of_its_colours_is_damaged(tmp_path: Path) -> None:
    image_of("P").save(tmp_path / "palette.png")
    content = bytearray((tmp_path / "palette.png").read_bytes())
    start = content.index(b"PLTE")
    length = struct.unpack(">I", content[start - 4 : start])[0]
    chunk = b"PLTE" + bytes(content[start + 4 : start + 10])
    short = struct.pack(">I", 6) + chunk + struct.pack(">I", zlib.crc32(chunk))
    content[start - 4 : start + 8 + length] = short
    (tmp_path / "palette.png").write_bytes(content)
    with pytest.raises(InputError, match="is damaged: it has colours that are not in its palette"):
        read(tmp_path / "palette.png")
