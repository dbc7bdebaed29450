"""What is missing from a picture: a mask that somebody painted, a colour, transparency, a box."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from inpaint.base.errors import InputError
from inpaint.data.pictures.jobs import Partners
from inpaint.data.pictures.reading import Picture, in_8_bits, read, size_of

ALPHA = Path("alpha")
WHITE = 128  # of 255: from here on, a mask's pixel is white
_COLOURFUL = 64  # levels between two channels of a pixel; JPEG makes some of grey ones
_FEW = 0.001  # of the pixels
_BOX, _COLOR = re.compile(r"\d{1,9}(,\d{1,9}){3}"), re.compile(r"#?[0-9a-fA-F]{6}")
_ECHO = 50  # characters of a wrong value
_SAME = 16  # levels: what JPEG makes of one colour


@dataclass(frozen=True)
class Missing:
    """What a person says is missing; one of the first four is given.

    Attributes:
        mask: a file, a folder of files by the pictures' names, or ``alpha``: what is transparent.
        center, box, color: see ``of_center``, ``of_box`` and ``of_color``.
        invert: of masks, black = missing.

    Raises:
        InputError: none is given, or several are.
    """

    mask: Path | None = None
    center: int | None = None
    box: str | None = None
    color: str | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        named = {"--mask": self.mask, "--center": self.center, "--box": self.box}
        given = [
            key for key, value in (named | {"--color": self.color}).items() if value is not None
        ]
        if len(given) != 1:
            raise InputError(
                f"what is missing: received {' and '.join(given) or 'nothing'}, allowed: one of "
                "--mask, --center, --box, --color"
            )
        if self.invert and (self.mask is None or self.is_alpha):
            raise InputError("--invert: allowed with masks, --mask PATH")
        if self.mask is not None and not self.is_alpha and not self.mask.exists():
            raise InputError(f"--mask: {self.mask} is not there")
        if self.center is not None and self.center < 1:
            raise InputError(f"--center: received {self.center}, allowed: 1 pixel or more")
        if self.box is not None and not _BOX.fullmatch(self.box):
            raise InputError(
                f"--box: received {self.box[:_ECHO]!r}, allowed: ROW,COLUMN,HEIGHT,WIDTH"
            )
        if self.color is not None and not _COLOR.fullmatch(self.color):
            raise InputError(f"--color: received {self.color[:_ECHO]!r}, allowed: such as FF00FF")

    @property
    def is_alpha(self) -> bool:
        return self.mask == ALPHA

    def hole(self, path: Path, picture: Picture) -> np.ndarray:
        """The hole of a picture, which was read from ``path``: bool (H, W), True = missing.

        Raises:
            InputError: it has none that can be told, or nothing of it is known.
        """
        try:
            hole = self._hole(path, picture)
        except InputError as error:
            named = "" if str(path) in str(error) else f"{path}: "
            raise InputError(f"{named}{error}") from None
        if hole.all():
            raise InputError(f"{path}: all of it is missing, allowed: at least one known pixel")
        return hole

    @cached_property
    def _partners(self) -> Partners:
        assert self.mask
        return Partners(self.mask, "mask")

    def _hole(self, path: Path, picture: Picture) -> np.ndarray:
        if self.is_alpha:
            return of_alpha(path, picture)
        if self.mask is not None:
            return of_mask(self._partners.of(path), picture, invert=self.invert)
        if self.center is not None:
            return of_center(picture, self.center)
        if self.box is not None:
            return of_box(picture, self.box)
        return of_color(picture, self.color or "")


def of_mask(path: Path, picture: Picture, *, invert: bool = False) -> np.ndarray:
    """The hole that a mask, white = missing, tells of: bool (H, W), True = missing.

    Transparent places of a mask are black.

    Args:
        path: a picture file; both are taken as people see them.
        picture: what the mask is for.
        invert: black = missing.

    Raises:
        InputError: it cannot be read, has another size, colours, or nothing that is white, but
            something that is not black.
    """
    mask = read(path)
    if mask.colours.shape[:2] != picture.colours.shape[:2]:
        raise InputError(
            f"{path}: the mask has {size_of(mask.colours)}, the picture {size_of(picture.colours)}"
        )
    levels = in_8_bits(mask.colours)
    spread = levels.max(axis=-1).astype(int) - levels.min(axis=-1)
    if (spread > _COLOURFUL).mean() > _FEW:
        raise InputError(
            f"{path}: the mask has colours, allowed: white where pixels are missing, black "
            "elsewhere; a colour that is painted over the picture itself is named by --color"
        )
    grey = levels.mean(axis=-1)
    if mask.alpha is not None:
        grey = grey * in_8_bits(mask.alpha) / 255
    lightest = int(grey.max())
    if 0 < lightest < WHITE:  # such as of 0 and 1
        raise InputError(
            f"{path}: the mask's lightest pixel has level {lightest}, allowed: white, from {WHITE} "
            "on, or none but black"
        )
    white: np.ndarray = grey >= WHITE
    return ~white if invert else white


def of_alpha(path: Path, picture: Picture) -> np.ndarray:
    """Where a picture is fully transparent: bool (H, W).

    Raises:
        InputError: it has no transparency.
    """
    if picture.alpha is None:
        raise InputError(f"{path} has no transparency, which --mask alpha asks for")
    return picture.alpha == 0


def of_color(picture: Picture, colour: str) -> np.ndarray:
    """Where a colour, such as FF00FF, is painted over a picture: bool (H, W).

    Up to 16 levels off in each channel, of 255, is the same colour.
    """
    wanted = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8).astype(int)
    difference = np.abs(in_8_bits(picture.colours).astype(int) - wanted)
    same: np.ndarray = (difference <= _SAME).all(axis=-1)
    return same


def of_box(picture: Picture, box: str) -> np.ndarray:
    """A rectangle, ROW,COLUMN,HEIGHT,WIDTH in pixels: bool (H, W).

    Raises:
        InputError: it has no pixel, or reaches out of the picture.
    """
    row, column, height, width = map(int, box.split(","))
    rows, columns = picture.colours.shape[:2]
    hole = np.zeros((rows, columns), dtype=bool)
    if min(height, width) < 1 or row + height > rows or column + width > columns:
        raise InputError(
            f"--box: received {box!r}, allowed: a rectangle in the picture's {size_of(hole)}"
        )
    hole[row : row + height, column : column + width] = True
    return hole


def of_center(picture: Picture, size: int) -> np.ndarray:
    """A square of so many pixels in the middle: bool (H, W).

    Raises:
        InputError: it does not fit.
    """
    height, width = picture.colours.shape[:2]
    if not 1 <= size <= min(height, width):
        raise InputError(
            f"--center: received {size}, allowed: a whole number of pixels up to the picture's "
            f"shorter side, {min(height, width)}"
        )
    return of_box(picture, f"{(height - size) // 2},{(width - size) // 2},{size},{size}")
