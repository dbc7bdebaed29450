"""People's own pictures, cut into crops.

What a picture holds, not its name or place, decides which split it is in, so that more pictures
move none from one split to another, and copies of a picture are counted once.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inpaint.base.checked import array_digest
from inpaint.base.errors import InputError
from inpaint.base.paths import SPLITS
from inpaint.base.seeds import generator
from inpaint.data.images.pools import Pool
from inpaint.data.pictures.reading import in_8_bits, is_picture, read
from inpaint.terminal.progress import ProgressBar

# Of all pictures: training has the rest.
_SHARES = {"valid": 0.15, "test": 0.15}
_STRIDE = 8  # pixels between two crops
_MOST_CROPS = 1_000_000  # that are chosen from, of all pictures together
_THUMBNAIL = 16  # pixels a side
_AT_ONCE = 256  # thumbnails, compared with all others
_CONTRAST = 4.0  # grey levels, standard deviation of a thumbnail, at least
_ALIKE = 1.0  # grey levels, root mean square between thumbnails: what saving again changes


@dataclass(frozen=True)
class _Picture:
    """What is kept of a picture.

    Attributes:
        path: its file.
        name: the path within the folder.
        digest: of its pixels.
        height, width: pixels.
        thumbnail: uint8 (256,).
    """

    path: Path
    name: str
    digest: str
    height: int
    width: int
    thumbnail: np.ndarray


def crops(shape: tuple[int, int, int], folder: Path) -> tuple[Pool, ...]:
    """Crops of the pictures in a folder and those below it, one pool for each split.

    A file that cannot be read, is smaller than a crop, or a copy of another one is left out; the
    pools say so.

    Args:
        shape: height, width (pixels) and channels of the crops; a picture that has others is made
            grey, or grey in three channels.
        folder: of PNG, JPEG, WebP and TIFF files.

    Raises:
        InputError: the folder is not there; a split has no picture; or two splits have one that is
            the same to the eye, only saved again.
    """
    found, left_out = _look_at(folder, shape)
    by_split = {
        split: [each for each in found if split_of(each.digest) == split] for split in SPLITS
    }
    counts = ", ".join(f"{len(pictures)} {split}" for split, pictures in by_split.items())
    if not all(by_split.values()):
        raise InputError(
            f"{folder}: received {len(found)} pictures that can be used, {counts}, allowed: at "
            "least one for each; what they hold decides where they go, so 60 or more will do"
            f"{_first_of(left_out)}"
        )
    _refuse_alike(folder, found)
    most = max(1, _MOST_CROPS // len(found))
    return tuple(
        _pool(split, pictures, shape, most, left_out) for split, pictures in by_split.items()
    )


def _first_of(left_out: Mapping[str, str]) -> str:
    """The first file that is no use, with the reason."""
    if not left_out:
        return ""
    name, reason = next(iter(left_out.items()))
    return f"; {len(left_out)} others are left out: {name} {reason}, ..."


def split_of(digest: str) -> str:
    """The split of a picture, by the digest of its pixels."""
    place = int(digest[:8], 16) / 2**32  # evenly in [0, 1)
    for split, share in _SHARES.items():
        if place < share:
            return split
        place -= share
    return "train"


def _look_at(folder: Path, shape: tuple[int, int, int]) -> tuple[list[_Picture], dict[str, str]]:
    """The pictures that can be used, by digest, and why the other files are left out."""
    if not folder.is_dir():
        raise InputError(f"data.path: received {folder}, allowed: a folder of pictures")
    files = sorted(path for path in folder.rglob("*") if is_picture(path))
    found: dict[str, _Picture] = {}
    left_out: dict[str, str] = {}
    with ProgressBar("Reading picture", total=len(files)) as bar:
        for number, path in enumerate(files, start=1):
            # Not all names of files are text, and this one is written down.
            name = os.fsencode(path.relative_to(folder).as_posix()).decode(
                errors="backslashreplace"
            )
            try:
                picture = _summary(path, name, shape)
            except InputError as error:
                left_out[name] = str(error).removeprefix(f"{path} ")
            else:
                first = found.setdefault(picture.digest, picture)
                if first is not picture:
                    left_out[name] = f"is a copy of {first.name}"
            bar.update(number)
    return sorted(found.values(), key=lambda picture: picture.digest), left_out


def _summary(path: Path, name: str, shape: tuple[int, int, int]) -> _Picture:
    pixels = in_8_bits(read(path).colours)
    height, width = pixels.shape[:2]
    if height < shape[0] or width < shape[1]:
        raise InputError(f"{path} is smaller than a crop of {shape[1]}x{shape[0]} pixels")
    grey = _with_channels(pixels, 1)[..., 0]
    thumbnail = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return _Picture(path, name, array_digest(pixels), height, width, thumbnail.ravel())


def _refuse_alike(folder: Path, pictures: Sequence[_Picture]) -> None:
    """A picture that was saved again, smaller or as JPEG, would be tested after training on it."""
    thumbnails = np.stack([picture.thumbnail for picture in pictures])
    for first, second in _alike(thumbnails.astype(np.float32)):
        a, b = pictures[first], pictures[second]
        if split_of(a.digest) != split_of(b.digest):
            raise InputError(
                f"{folder}: {a.name} ({split_of(a.digest)}) and {b.name} ({split_of(b.digest)}) "
                "are the same picture, saved twice: remove one"
            )


def _alike(thumbnails: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs that differ by less than _ALIKE, root mean square: of float32 (N, pixels)."""
    # Of even pictures, such as scans of empty paper, a thumbnail tells nothing.
    telling = np.flatnonzero(thumbnails.std(axis=1) > _CONTRAST)
    thumbnails = thumbnails[telling]
    centered = thumbnails - thumbnails.mean()  # so that float32 is fine enough
    squares = np.square(centered).sum(axis=1)
    with ProgressBar("Comparing picture", total=len(centered)) as bar:
        for start in range(0, len(centered), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            distances = squares[some, np.newaxis] + squares - 2 * centered[some] @ centered.T
            near = np.argwhere(distances < _ALIKE**2 * centered.shape[1])
            yield from (
                (int(telling[start + i]), int(telling[j]))
                for i, j in near.tolist()
                if start + i < j
            )
            bar.update(min(start + _AT_ONCE, len(centered)))


class _Names(Sequence[str]):
    """What the crops are called, such as ``beach/a.jpg:16:240``, made when asked for."""

    def __init__(
        self, pictures: Sequence[_Picture], owners: np.ndarray, places: np.ndarray
    ) -> None:
        self._pictures, self._owners, self._places = pictures, owners, places

    def __len__(self) -> int:
        return len(self._owners)

    def __getitem__(self, i: int) -> str:  # type: ignore[override]
        row, column = self._places[i]
        return f"{self._pictures[self._owners[i]].name}:{row}:{column}"


def _pool(
    split: str,
    pictures: Sequence[_Picture],
    shape: tuple[int, int, int],
    most: int,
    left_out: dict[str, str],
) -> Pool:
    """At most so many crops of each picture, cut only when taken."""
    chosen = [_places(picture, shape, most) for picture in pictures]
    owners = np.repeat(np.arange(len(pictures)), [len(each) for each in chosen])
    places = np.concatenate(chosen)
    height, width, channels = shape

    def take(indices: np.ndarray) -> np.ndarray:
        taken = np.empty((len(indices), *shape), np.uint8)
        for owner in np.unique(owners[indices]):
            pixels = _with_channels(in_8_bits(read(pictures[owner].path).colours), channels)
            for i in np.flatnonzero(owners[indices] == owner):
                row, column = places[indices[i]]
                taken[i] = pixels[row : row + height, column : column + width]
        return taken

    return Pool(
        (split,),
        labels=owners,
        names=_Names(pictures, owners, places),
        groups=owners,
        take=take,
        left_out=left_out,
    )


def _places(picture: _Picture, shape: tuple[int, int, int], most: int) -> np.ndarray:
    """Rows and columns of crops on a regular grid, int32 (n, 2).

    If there are more than ``most``, some are drawn by what the picture holds: with another limit,
    some more of them, or some less.
    """
    rows = np.arange(0, picture.height - shape[0] + 1, _STRIDE)
    columns = np.arange(0, picture.width - shape[1] + 1, _STRIDE)
    num = len(rows) * len(columns)
    drawn = generator(0, "places", picture.digest).permutation(num)[:most]
    places = np.stack([rows[drawn // len(columns)], columns[drawn % len(columns)]], axis=1)
    return places.astype(np.int32)


def _with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """uint8 (H, W, 1 or 3) -> (H, W, channels)."""
    if pixels.shape[2] == channels:
        return pixels
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))[..., np.newaxis]
    return np.repeat(pixels, channels, axis=2)
