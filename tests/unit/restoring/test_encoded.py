"""Pictures in requests: base64 of files."""

import base64
import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inpaint.data.pictures.masks import of_mask
from inpaint.data.pictures.reading import read
from inpaint.restoring.encoded import decode, encode, hole_of, image_of

GREY = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def text_of(image: Image.Image, file_format: str = "PNG") -> str:
    file = io.BytesIO()
    image.save(file, file_format)
    return base64.b64encode(file.getvalue()).decode()


def picture_of(image: Image.Image, file_format: str = "PNG") -> Image.Image:
    [picture] = decode("pictures", [text_of(image, file_format)])
    return picture


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_grey_pictures_are_grey_however_they_were_saved(mode: str) -> None:
    picture = picture_of(Image.fromarray(GREY).convert(mode))
    np.testing.assert_array_equal(image_of(0, picture, 1)[..., 0], GREY)
    np.testing.assert_array_equal(image_of(0, picture, 3), np.repeat(GREY[..., None], 3, axis=2))


def test_coloured_pictures_are_for_models_of_colour() -> None:
    picture = picture_of(Image.fromarray(COLOUR))
    np.testing.assert_array_equal(image_of(0, picture, 3), COLOUR)
    with pytest.raises(ValueError, match="pictures, number 7: received colours, allowed: grey"):
        image_of(7, picture, 1)


def test_encoded_pictures_come_back() -> None:
    images = [COLOUR, GREY[:7, :9, np.newaxis]]
    for image, picture in zip(images, decode("pictures", encode(images)), strict=True):
        np.testing.assert_array_equal(image_of(0, picture, image.shape[-1]), image)


def test_white_is_missing_in_png_and_jpeg() -> None:
    hole = np.zeros((32, 48), dtype=bool)
    hole[8:24, 16:32] = True
    mask = Image.fromarray(np.where(hole, 255, 0).astype(np.uint8))
    for file_format in ("PNG", "JPEG"):
        np.testing.assert_array_equal(hole_of(0, picture_of(mask, file_format)), hole)
    levels = np.tile(np.arange(100, 140, dtype=np.uint8), (30, 1))
    np.testing.assert_array_equal(hole_of(0, Image.fromarray(levels)), levels >= 128)


def test_red_is_not_white() -> None:
    red = np.zeros((20, 30, 3), np.uint8)
    red[5:9, 5:9, 0] = 255
    with pytest.raises(ValueError, match="masks, number 2: received colours, allowed: white"):
        hole_of(2, Image.fromarray(red))


def huge() -> str:
    """A PNG file that says that it has 100,000x100,000 pixels."""
    header = b"IHDR" + struct.pack(">2I5B", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    content = b"\x89PNG\r\n\x1a\n" + chunks + struct.pack(">I", 1000) + b"IDAT"
    return base64.b64encode(content).decode()


def with_exif(content: bytes) -> str:
    """A PNG file with that in the place of its Exif."""
    file = base64.b64decode(text_of(Image.fromarray(GREY)))
    chunk = b"eXIf" + content
    chunk = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return base64.b64encode(file[:33] + chunk + file[33:]).decode()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ("text", "pictures: received something else, allowed: a list of PNG or JPEG files"),
        ([], "pictures: received something else"),
        ([[1, 2]], "pictures: received something else"),
        (None, "pictures: received something else"),
        (["%%%"], "pictures, number 0: received no base64"),
        (["Grüße"], "pictures, number 0: received no base64"),
        (["aGVsbG8="], "pictures, number 0: received no whole picture"),
        ([text_of(Image.fromarray(COLOUR))[:80]], "number 0: received no whole picture"),
        ([text_of(Image.fromarray(GREY), "GIF")], "number 0: received no whole picture"),
        ([with_exif(b"abcdefgh")], "number 0: received no whole picture"),
        ([text_of(Image.fromarray(GREY)), huge()], "number 1: received too large a picture"),
        (
            [text_of(Image.fromarray(GREY.astype(np.uint16)))],
            "pixels of the kind 16 bits, allowed: of 8 bits",
        ),
    ],
)
def test_what_is_no_picture_is_refused(files: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode("pictures", files)


def test_pictures_and_masks_are_turned_as_people_see_them() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "PNG", exif=exif)
    [picture] = decode("pictures", [base64.b64encode(file.getvalue()).decode()])
    np.testing.assert_array_equal(image_of(0, picture, 1)[..., 0], np.rot90(GREY, -1))


def test_base64_may_be_in_lines() -> None:
    lines = base64.encodebytes(base64.b64decode(text_of(Image.fromarray(GREY)))).decode()
    [picture] = decode("pictures", [lines])
    np.testing.assert_array_equal(image_of(0, picture, 1)[..., 0], GREY)


def test_masks_mean_what_they_mean_on_the_command_line(tmp_path: Path) -> None:
    levels = np.tile(np.arange(90, 190, dtype=np.uint8), (20, 1))
    tint = np.dstack([levels, levels // 2 + 60, levels])
    white = np.full((20, 100, 3), 255, np.uint8)
    Image.fromarray(white).save(tmp_path / "photo.png")
    picture = read(tmp_path / "photo.png")
    for array in (levels, tint, np.dstack([white, levels])):
        mask = Image.fromarray(array)
        mask.save(tmp_path / "mask.png")
        np.testing.assert_array_equal(hole_of(0, mask), of_mask(tmp_path / "mask.png", picture))


def test_masks_of_any_light_and_transparency_mean_the_same_on_the_command_line(
    tmp_path: Path,
) -> None:
    light, opaque = np.indices((766, 256))  # the sum of three channels
    channels = [(light + i) // 3 for i in range(3)]
    mask = Image.fromarray(np.dstack([*channels, opaque]).astype(np.uint8))
    mask.save(tmp_path / "mask.png")
    Image.new("L", mask.size).save(tmp_path / "photo.png")
    hole = of_mask(tmp_path / "mask.png", read(tmp_path / "photo.png"))
    np.testing.assert_array_equal(hole_of(0, mask), hole)
    np.testing.assert_array_equal(hole, light * opaque >= 128 * 3 * 255)


def test_a_hole_is_told_in_few_bytes_for_each_pixel() -> None:
    mask = Image.new("RGB", (1000, 1000), (255, 255, 255))
    tracemalloc.start()
    try:
        assert hole_of(0, mask).all()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 1_000_000


def test_a_picture_of_24_million_pixels_and_its_mask_may_be_sent_but_not_twice_as_many() -> None:
    """In PNG, white ones take a thousandth of the memory."""
    large = text_of(Image.new("1", (6000, 4000)))
    assert [each.size for each in decode("pictures", [large, large])] == [(6000, 4000)] * 2
    told = "pictures, number 2: received too large a picture, allowed: 50,000,000 pixels in all"
    with pytest.raises(ValueError, match=told):
        decode("pictures", [large, large, large])


def test_short_texts_beside_a_long_one_take_no_more_than_they_are() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    texts = [text_of(Image.fromarray(noise))] + [text_of(Image.fromarray(GREY))] * 100
    assert len(texts[0]) > 4_000_000
    tracemalloc.start()
    try:
        assert len(decode("pictures", texts)) == 101
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(texts[0])  # an array of them would take 404 times as much


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, lambda each: np.asarray(each, object)])
def test_texts_come_in_any_sequence(kind: Any) -> None:
    texts = encode([COLOUR, GREY[..., np.newaxis]])
    assert [each.size for each in decode("pictures", kind(texts))] == [(30, 20)] * 2
