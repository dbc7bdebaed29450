"""Pictures as a request can carry them, whatever their size: files of PNG or JPEG, in base64."""

import base64
import binascii
import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

# Of all pictures and masks of a request together: one of 24 million, and its mask, as cameras make.
MOST_PIXELS = 50_000_000

_FORMATS = ("PNG", "JPEG")
_WHITE = 128  # of 255: from here on, a mask's pixel is missing
_COLOURFUL, _FEW = 64, 0.001  # levels between two channels of a grey pixel, at most; of the pixels
_PNG_DEPTH = 24  # where in the file it is told


def decode(name: str, files: object, most: int = MOST_PIXELS) -> list[Image.Image]:
    """The pictures of a request, upright.

    Args:
        name: what they are called in it.
        files: texts, each a file in base64.
        most: pixels of all of them together.

    Raises:
        ValueError: they are no texts, or no whole picture of 8 bits, which is told by its number;
            or have more pixels, which is told before memory is taken for them.
    """
    allowed = f"allowed: a list of {' or '.join(_FORMATS)} files, each in base64"
    texts = files
    if isinstance(files, np.ndarray) and files.ndim == 1 and files.dtype.kind in "UO":
        texts = files.tolist()
    # A list is not made an array, in which the shortest text takes as much as the longest.
    if (
        not isinstance(texts, list | tuple)
        or not texts
        or not all(isinstance(text, str) for text in texts)
    ):
        raise ValueError(f"{name}: received something else, {allowed}")
    pictures = []
    for i, text in enumerate(texts):
        pictures.append(_decode(f"{name}, number {i}", text, allowed, most))
        most -= pictures[-1].width * pictures[-1].height
    return pictures


def _decode(what: str, text: str, allowed: str, largest: int) -> Image.Image:
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{what}: received no base64, {allowed}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            if picture.width * picture.height > largest:
                raise Image.DecompressionBombError
            picture.load()
            turned = ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"{what}: received too large a picture, allowed: {MOST_PIXELS:,} pixels in all "
            "pictures and masks together"
        ) from None
    except Exception:  # a decoder says in many ways that a file is not whole
        raise ValueError(f"{what}: received no whole picture, {allowed}") from None
    is_fine = picture.format == "PNG" and content[_PNG_DEPTH] == 16
    if is_fine or picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        kind = "16 bits" if is_fine else picture.mode
        raise ValueError(f"{what}: received pixels of the kind {kind}, allowed: of 8 bits")
    return turned


def image_of(number: int, picture: Image.Image, channels: int) -> np.ndarray:
    """A picture as a network takes it, without transparency: uint8 (H, W, channels).

    Raises:
        ValueError: it has colours, and the network takes grey pictures. Grey ones pass as coloured.
    """
    colours = np.asarray(picture.convert("RGB"))
    if channels == 1 and (colours != colours[..., :1]).any():
        raise ValueError(f"pictures, number {number}: received colours, allowed: grey")
    return colours[..., :channels]


def hole_of(number: int, mask: Image.Image) -> np.ndarray:
    """What a mask tells of, whose transparent places are black: bool (H, W), True = missing.

    Raises:
        ValueError: it has colours: a red stroke may be meant, and would not be white.
    """
    red, green, blue, opaque = np.moveaxis(np.asarray(mask.convert("RGBA")), -1, 0)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if (spread > _COLOURFUL).mean() > _FEW:
        raise ValueError(
            f"masks, number {number}: received colours, allowed: white where pixels are missing, "
            "black elsewhere"
        )
    light = red.astype(np.uint16) + green + blue
    white: np.ndarray = light.astype(np.uint32) * opaque >= 3 * 255 * _WHITE
    return white


def encode(images: Sequence[np.ndarray]) -> list[str]:
    """Pictures, uint8 (H, W, 1 or 3), as PNG files in base64."""
    texts = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "PNG")
        texts.append(base64.b64encode(file.getvalue()).decode())
    return texts
