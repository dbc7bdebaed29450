"""Writing a picture as the file was that it came from: mode, depth, orientation, profile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image

from inpaint.base.errors import InputError
from inpaint.base.files import atomic
from inpaint.data.pictures.palettes import indices_of
from inpaint.data.pictures.reading import SUFFIXES, Form, Picture, as_stored

# Pillow's names of lossless ones; what was compressed otherwise is deflated.
_COMPRESSIONS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "group4")
_DEFLATED = "tiff_adobe_deflate"
_BLACK_OR_WHITE = 128
# How a format is told to lose as little as it can.
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},
    "TIFF": {},
}


def write(path: Path, picture: Picture) -> None:
    """Write a picture; a folder that is missing is made.

    It is kept as ``picture.form`` says, and comes back bit for bit, but from a JPEG file, which is
    lossy. With a palette, colours that it does not have yet are added as far as there is room;
    then the nearest ones are taken.

    Args:
        path: its suffix, one of SUFFIXES, says the format.
        picture: changed or not.

    Raises:
        InputError: the format cannot hold such a picture.
        OSError: the disk is full, or the folder cannot be written to.
    """
    file_format = SUFFIXES[path.suffix.lower()]
    has_16_bits = picture.colours.dtype == np.uint16
    _check_fits(path, file_format, picture)
    with atomic(path) as temporary, _telling(path):
        if not has_16_bits or picture.colours.shape[2] == 1:
            _as_image(picture, file_format).save(
                temporary, file_format, **_options(picture.form, file_format)
            )
        elif file_format == "PNG":
            _write_16_bit_png(temporary, picture)
        else:
            _write_16_bit_tiff(temporary, picture)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """What Pillow cannot write, such as too wide a WebP, is told with the file's name."""
    try:
        yield
    except ValueError as error:
        raise InputError(f"{path} cannot be written: {error}") from None


def _check_fits(path: Path, file_format: str, picture: Picture) -> None:
    if picture.colours.dtype == np.uint16 and file_format not in ("PNG", "TIFF"):
        raise InputError(f"{path}: the picture has 16 bits, allowed: PNG or TIFF")
    if picture.alpha is not None and file_format == "JPEG":
        raise InputError(f"{path}: the picture has transparency, allowed: PNG, WebP or TIFF")


def _options(form: Form, file_format: str) -> dict[str, Any]:
    options = _OPTIONS[file_format] | form.metadata
    if file_format == "TIFF" and form.format == "TIFF":
        options["compression"] = _compression(form)
    return options


def _compression(form: Form) -> str:
    return form.compression if form.compression in _COMPRESSIONS else _DEFLATED


def _as_image(picture: Picture, file_format: str) -> Image.Image:
    """As Pillow writes it."""
    form = picture.form
    # A palette of a TIFF has no transparency.
    if form.palette and (file_format == "PNG" or (file_format == "TIFF" and picture.alpha is None)):
        indices, palette, alpha = indices_of(picture.colours, picture.alpha, form.palette)
        image = Image.fromarray(as_stored(indices, form.orientation))
        image.putpalette(palette.tobytes())
        if (alpha < 255).any():
            image.info["transparency"] = alpha.tobytes()
        return image
    pixels = as_stored(_pixels(picture), form.orientation)
    image = Image.fromarray(
        np.ascontiguousarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
    )
    if form.mode == "1" and file_format in ("PNG", "TIFF"):
        return image.point(lambda value: 255 * (value >= _BLACK_OR_WHITE)).convert("1")
    return image


def _pixels(picture: Picture) -> np.ndarray:
    """Colours and transparency together: (H, W, 1 to 4)."""
    if picture.alpha is None:
        return picture.colours
    return np.dstack([picture.colours, picture.alpha])


def _write_16_bit_png(path: Path, picture: Picture) -> None:
    pixels = as_stored(_pixels(picture), picture.form.orientation)
    order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    kinds = {"exif": cv2.IMAGE_METADATA_EXIF, "icc_profile": cv2.IMAGE_METADATA_ICCP}
    given = {
        kinds[key]: np.frombuffer(value.removeprefix(b"Exif\0\0"), np.uint8)
        for key, value in picture.form.metadata.items()
        if key in kinds
    }
    _, content = cv2.imencodeWithMetadata(
        ".png", cv2.cvtColor(pixels, order), list(given), list(given.values())
    )
    content.tofile(path)


def _write_16_bit_tiff(path: Path, picture: Picture) -> None:
    form = picture.form
    pixels = as_stored(_pixels(picture), form.orientation)
    orientation = [(274, "H", 1, form.orientation, True)] if form.orientation != 1 else []
    dpi = form.metadata.get("dpi")
    tifffile.imwrite(
        path,
        np.ascontiguousarray(pixels),
        photometric="rgb",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        compression=None if form.compression == "raw" else "zlib",
        iccprofile=form.metadata.get("icc_profile"),
        extratags=orientation,
        metadata=None,
        **({"resolution": dpi, "resolutionunit": "INCH"} if dpi else {}),
    )
