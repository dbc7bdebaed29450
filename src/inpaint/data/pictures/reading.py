"""Picture files: their pixels as people see them, and what it takes to write them alike."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from inpaint.base.errors import InputError
from inpaint.base.files import refuse_pipe

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
SUFFIXES = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF",
}  # fmt: skip
LARGEST = Image.MAX_IMAGE_PIXELS or 0  # pixels, Pillow's own limit: 89,478,485

_ORIENTATION = 0x0112
# Of a TIFF, tags that tell of the picture and not of how the file is laid out.
_NESTED = (0x8769, 0x8825)  # Exif's own and those of the place
_TELLING = (0x010E, 0x010F, 0x0110, _ORIENTATION, 0x0131, 0x0132, 0x013B, 0x8298, *_NESTED)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR, _EXTRA_SAMPLES = 258, 262, 284, 338  # of a TIFF
_UNASSOCIATED = (2,)  # transparency that colours are not multiplied with
_NO_RESOLUTION = (1, 1)  # Pillow's, of a TIFF that has none
_EXIF_BEGINS = b"Exif\0\0"
_PNG_DEPTH, _PNG_KIND, _GREY_WITH_ALPHA = 24, 25, 4  # where in the file they are told; a kind
_16_BITS = ("I;16", "I;16B")
_GREY, _COLOUR = ("1", "L", "LA", *_16_BITS), ("P", "RGB", "RGBA")


@dataclass(frozen=True)
class Palette:
    """The colours that a file's pixels are numbers of.

    Attributes:
        indices: uint8 (H, W), upright.
        colours: uint8 (n, 3), n <= 256.
        alpha: uint8 (n,), 255 = opaque.
    """

    indices: np.ndarray
    colours: np.ndarray
    alpha: np.ndarray


@dataclass(frozen=True)
class Form:
    """How a file keeps a picture.

    Attributes:
        format: one of FORMATS.
        mode: Pillow's name for the kind of pixels, 1, L, LA, P, RGB or RGBA; of 16 bits or 8.
        orientation: Exif's number, 1 to 8, for how the stored pixels are turned to be upright.
        metadata: what Pillow takes to write it again: `exif`, `icc_profile`, `dpi`.
        compression: Pillow's name for a TIFF's.
        palette: of mode P.
    """

    format: str
    mode: str
    orientation: int
    metadata: dict[str, Any]
    compression: str | None = None
    palette: Palette | None = None


@dataclass(frozen=True)
class Picture:
    """A picture, upright.

    Attributes:
        colours: uint8 in [0, 255] or uint16 in [0, 65535], (H, W, C); 1 channel is grey, 3 are red,
            green and blue.
        alpha: of the same type, (H, W), 0 = transparent; None if the file has none.
        form: how it was kept.
    """

    colours: np.ndarray
    alpha: np.ndarray | None
    form: Form


def read(path: Path) -> Picture:
    """Read a picture.

    Raises:
        InputError: it is no whole PNG, JPEG, WebP or TIFF file, has kinds of pixels that are not
            known here, holds several pictures, or more than LARGEST pixels, which is told before
            memory is taken for them.
    """
    with _opened(path) as file:
        orientation, metadata = _load(path, file)
        mode = _mode(path, file)
        form = Form(
            format="JPEG" if file.format == "MPO" else file.format or "",
            mode=mode,
            orientation=orientation,
            metadata=metadata,
            compression=file.info.get("compression"),
            palette=_palette(path, file) if mode == "P" else None,
        )
        pixels = np.atleast_3d(_pixels(path, file, mode))
    if form.format != "TIFF":  # which decoders turn themselves
        pixels = upright(pixels, form.orientation)
        if form.palette:
            indices = upright(form.palette.indices, form.orientation)
            form = replace(form, palette=replace(form.palette, indices=indices))
    has_alpha = pixels.shape[2] in (2, 4)
    return Picture(
        np.ascontiguousarray(pixels[..., :-1] if has_alpha else pixels),
        pixels[..., -1] if has_alpha else None,
        form,
    )


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels, (H, W, ...), as Exif's orientation, 1 to 8, tells."""
    turned = stored.swapaxes(0, 1) if orientation >= 5 else stored
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return turned[rows, columns]


def is_picture(path: Path) -> bool:
    """Whether a file has a picture's name; hidden ones, such as those half written, are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def as_stored(turned: np.ndarray, orientation: int) -> np.ndarray:
    """The inverse of :func:`upright`: only quarter turns are not their own."""
    return upright(turned, {6: 8, 8: 6}.get(orientation, orientation))


def in_8_bits(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 -> uint8."""
    return (
        pixels
        if pixels.dtype == np.uint8
        else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    )


def size_of(pixels: np.ndarray) -> str:
    """Width and height of (H, W, ...), as people say it."""
    height, width = pixels.shape[:2]
    return f"{width}x{height} pixels (width x height)"


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture file of which no more than the header has been read."""
    allowed = "allowed: a PNG, JPEG, WebP or TIFF file"
    # Of a path, Pillow 13 maps uncompressed TIFFs into memory, and garbles those that are turned.
    with _readable(path) as content:
        try:
            # Pillow warns of more pixels than it likes, and refuses twice as many.
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                file = Image.open(content, formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise InputError(
                f"{path} says that it has more pixels than are allowed: {LARGEST:,}"
            ) from None
        except UnidentifiedImageError:
            what = "is empty" if path.stat().st_size == 0 else "is no such picture, or is damaged"
            raise InputError(f"{path} {what}, {allowed}") from None
        except Exception as error:  # as below
            raise InputError(f"{path} is damaged: {error}") from None
        with file:
            yield file


def _readable(path: Path) -> BinaryIO:
    try:
        refuse_pipe(path, "a picture file")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path} is not there") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, allowed: a picture file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _load(path: Path, file: Image.Image) -> tuple[int, dict[str, Any]]:
    """Read the pixels; give the orientation and what else Pillow takes to write it again."""
    try:
        num = getattr(file, "n_frames", 1)
        exif = file.getexif()  # of a TIFF, the orientation is gone when the pixels are read
        orientation, telling = exif.get(_ORIENTATION, 1), _telling(exif)
        file.load()
    except Exception as error:  # a decoder says in many ways that a file is not whole
        raise InputError(f"{path} is damaged: {error}") from None
    if num > 1 and file.format != "MPO":  # of a telephone: the picture, and a preview
        raise InputError(f"{path} holds {num} pictures, allowed: one")
    metadata: dict[str, Any] = {
        key: file.info[key] for key in ("icc_profile", "dpi", "exif") if key in file.info
    }
    if file.format == "TIFF":
        metadata["exif"] = telling
        _check_tiff(path, file)
        if metadata.get("dpi") == _NO_RESOLUTION:
            del metadata["dpi"]
    orientation = orientation if orientation in range(1, 9) else 1
    if "exif" in metadata or orientation != 1:
        metadata["exif"] = _with_orientation(metadata.get("exif", b""), orientation)
    return orientation, metadata


def _check_tiff(path: Path, file: Image.Image) -> None:
    """Refuse what would be read as something else than it is."""
    tags = getattr(file, "tag_v2", {})
    bits, extra = set(tags.get(_BITS_PER_SAMPLE, (1,))), tags.get(_EXTRA_SAMPLES, _UNASSOCIATED)
    if not bits <= {1, 2, 4, 8, 16}:
        raise InputError(f"{path} has {max(bits)} bits, allowed: 8 or 16")
    if tuple(extra) != _UNASSOCIATED:
        raise InputError(
            f"{path} has channels of the kind {', '.join(map(str, extra))}, allowed: colours, and "
            "transparency that they are not multiplied with"
        )
    if 16 in bits and tags.get(_PLANAR, 1) != 1:
        raise InputError(f"{path} has 16 bits in planes, allowed: pixel by pixel")


def _with_orientation(raw: bytes, orientation: int) -> bytes:
    """Exif data that tell of an orientation, which may have come from elsewhere in the file."""
    raw = raw if not raw or raw.startswith(_EXIF_BEGINS) else _EXIF_BEGINS + raw
    exif = Image.Exif()
    exif.load(raw)
    if exif.get(_ORIENTATION, 1) == orientation:
        return raw
    exif[_ORIENTATION] = orientation
    return exif.tobytes()


def _telling(exif: Image.Exif) -> bytes:
    """Without the tags that say how a TIFF is laid out."""
    told = Image.Exif()
    for tag in _TELLING:
        if tag in exif:
            told[tag] = exif.get_ifd(tag) if tag in _NESTED else exif[tag]
    return told.tobytes()


def _mode(path: Path, file: Image.Image) -> str:
    if file.mode not in _GREY + _COLOUR:
        raise InputError(
            f"{path} has pixels of the kind {file.mode}, allowed: grey, RGB, either with "
            "transparency, palette, of 8 bits or 16"
        )
    if "transparency" in file.info and file.mode in ("1", "L", "RGB"):  # one colour is
        return "RGBA" if file.mode == "RGB" else "LA"
    has_key = file.mode in _16_BITS and "transparency" in file.info
    if has_key or (file.format == "PNG" and _is_fine_grey_with_alpha(_png_header(path))):
        raise InputError(
            f"{path} is grey of 16 bits with transparency, allowed: without, or colour"
        )
    return "L" if file.mode in _16_BITS else file.mode


def _is_fine_grey_with_alpha(header: bytes) -> bool:
    return header[_PNG_DEPTH] == 16 and header[_PNG_KIND] == _GREY_WITH_ALPHA


def _png_header(path: Path) -> bytes:
    with path.open("rb") as content:
        return content.read(_PNG_KIND + 1)


def _pixels(path: Path, file: Image.Image, mode: str) -> np.ndarray:
    """As stored: (H, W) or (H, W, C)."""
    if file.mode in _16_BITS:
        pixels = np.asarray(file).astype(np.uint16)
        is_white_first = getattr(file, "tag_v2", {}).get(_PHOTOMETRIC) == 0
        return np.uint16(65535) - pixels if is_white_first else pixels
    if _has_16_bits(path, file):  # of which Pillow gives the upper 8
        return _colours_of_16_bits(path)
    if file.mode == "1" and mode == "LA":
        grey, key = np.asarray(file.convert("L")), 255 * bool(file.info["transparency"])
        return np.dstack([grey, np.where(grey == key, 0, 255)]).astype(np.uint8)
    if mode == "1":
        return np.asarray(file.convert("L"))
    if mode == "P":
        return np.asarray(file.convert("RGBA" if "transparency" in file.info else "RGB"))
    return np.asarray(file if file.mode == mode else file.convert(mode))


def _has_16_bits(path: Path, file: Image.Image) -> bool:
    if file.format == "PNG":
        return _png_header(path)[_PNG_DEPTH] == 16
    return file.format == "TIFF" and 16 in getattr(file, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())


def _colours_of_16_bits(path: Path) -> np.ndarray:
    """uint16 (H, W, 3 or 4)."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise InputError(f"{path} has 16 bits of a kind that is not read, allowed: grey, RGB, RGBA")
    order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(pixels, order))


def _palette(path: Path, file: Image.Image) -> Palette:
    colours = np.array(file.getpalette("RGB"), np.uint8).reshape(-1, 3)
    alpha = np.full(len(colours), 255, np.uint8)
    transparent = file.info.get("transparency")
    if isinstance(transparent, bytes):
        alpha[: len(transparent)] = np.frombuffer(transparent, np.uint8)[: len(alpha)]
    elif transparent is not None:
        alpha[transparent : transparent + 1] = 0
    indices = np.asarray(file)
    if int(indices.max()) >= len(colours):
        raise InputError(f"{path} is damaged: it has colours that are not in its palette")
    return Palette(indices, colours, alpha)
