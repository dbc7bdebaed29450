"""Pictures as no camera makes them: read, or refused in one line; and no more memory than that."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import coffee

from inpaint.base.errors import InputError
from inpaint.data.pictures.reading import LARGEST, Picture, read

COLOUR = np.ascontiguousarray(coffee()[100:132, 100:140])


def saved(kind: str, image: np.ndarray | Image.Image = COLOUR, **options: object) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of a PNG, with a right checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width: int, height: int, *more: bytes, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG with a header and other chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IEND", b"")


def tiff(**tags: tuple[int, int, int]) -> bytes:
    """A little-endian TIFF with no more than a header: name -> (tag, type, value)."""
    entries = sorted(tags.values())
    content = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    for tag, kind, value in entries:
        content += struct.pack("<HHII", tag, kind, 1, value)
    return content + bytes(4)


WHOLE = {
    "png": saved("PNG"),
    "jpeg": saved("JPEG", quality=90),
    "webp": saved("WEBP", lossless=True),
    "tiff": saved("TIFF"),
    "packed tiff": saved("TIFF", compression="tiff_lzw"),
}
EMPTY_ROWS = chunk(b"IDAT", zlib.compress(bytes(10)))
BAD: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\x89",
    "text": b"just words",
    "html": b"<!DOCTYPE html><p>404",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": saved("GIF"),
    "bmp": saved("BMP"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": b"%PDF-1.7\n",
    "ppm": saved("PPM"),
    "ico": saved("ICO"),
    **{
        f"{name}, cut to {share} of 10": content[: len(content) * share // 10]
        for name, content in WHOLE.items()
        for share in (1, 3, 5, 7)
    },
    "png of 100,000x100,000": png(100_000, 100_000, EMPTY_ROWS),
    "png of 2**31 - 1 rows": png(1, 2**31 - 1, EMPTY_ROWS),
    "png of no rows": png(10, 0, EMPTY_ROWS),
    "png without pixels": png(10, 10),
    "png of few pixels": png(10, 10, EMPTY_ROWS),
    "png of an unknown kind": png(10, 10, EMPTY_ROWS, kind=5),
    "png of 3 bits": png(10, 10, EMPTY_ROWS, depth=3),
    "png whose palette is missing": png(10, 10, EMPTY_ROWS, kind=3),
    "png with a bomb of text": png(
        10, 10, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000))), EMPTY_ROWS
    ),
    "png with a bomb of a profile": png(
        10, 10, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000))), EMPTY_ROWS
    ),
    "png, animated": saved(
        "PNG", save_all=True, append_images=[Image.fromarray(COLOUR[::-1].copy())]
    ),
    "webp, animated": saved(
        "WEBP", save_all=True, append_images=[Image.fromarray(COLOUR[::-1].copy())]
    ),
    "tiff of two pictures": saved("TIFF", save_all=True, append_images=[Image.fromarray(COLOUR)]),
    "tiff of no size": tiff(),
    "tiff of 2**32 - 1 rows": tiff(
        width=(256, 4, 10), height=(257, 4, 2**32 - 1), bits=(258, 3, 8), kind=(262, 3, 1)
    ),
    "tiff whose pixels are beyond its end": tiff(
        width=(256, 4, 10), height=(257, 4, 10), bits=(258, 3, 8), packing=(259, 3, 1),
        kind=(262, 3, 1), where=(273, 4, 2**31), rows=(278, 4, 10), size=(279, 4, 100),
    ),
    "tiff that begins with itself": struct.pack("<2sHI", b"II", 42, 0),
    "tiff of many floats": saved("TIFF", np.zeros((8, 8), np.float32)),
    "tiff of 32 bits": saved("TIFF", np.zeros((8, 8), np.int32)),
    "cmyk jpeg": saved("JPEG", Image.fromarray(COLOUR).convert("CMYK")),
}  # fmt: skip


def read_or_refuse(path: Path) -> Picture | None:
    """The picture, or None if it is refused in one line; any other exception is a defect."""
    told = ""
    try:
        return read(path)
    except InputError as error:
        told = str(error)
    assert "\n" not in told
    assert str(path) in told
    return None


@pytest.mark.parametrize("what", BAD)
def test_bad_picture_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a picture.png"
    path.write_bytes(BAD[what])
    assert read_or_refuse(path) is None


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.filterwarnings("ignore")  # Pillow's, of what it leaves out
def test_garbled_picture_is_read_or_refused(tmp_path: Path, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(WHOLE[kind])
    # Headers are short: half of the bytes are turned there.
    for end in (60, len(content)):
        for place in rng.integers(0, end, 2).tolist():
            content[place] = int(rng.integers(256))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    picture = read_or_refuse(path)
    if picture is not None:
        assert picture.colours.ndim == 3
        assert picture.colours.shape[2] in (1, 3)
        assert picture.colours[..., 0].size <= LARGEST


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        assert read_or_refuse(path) is None


@pytest.mark.parametrize("what", ["/dev/null", "/dev/zero", "/proc/self/mem"])
def test_what_is_no_file_is_refused(what: str) -> None:
    assert read_or_refuse(Path(what)) is None


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert read_or_refuse(path) is None
