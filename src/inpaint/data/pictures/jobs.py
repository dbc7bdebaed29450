"""Which pictures are to be restored, which mask belongs to each, and what is written where."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from inpaint.base.errors import InputError
from inpaint.data.pictures.reading import SUFFIXES, is_picture

_MASK = "_mask"
MASK_NAMES = ("{}", f"{{}}{_MASK}")  # of a mask in a folder, by its picture's; without suffixes


@dataclass(frozen=True)
class Job:
    """A picture that is to be restored.

    Attributes:
        image: its file.
        output: where the restored one goes.
    """

    image: Path
    output: Path

    @property
    def sheet(self) -> Path:
        """Where before, mask and after go, side by side."""
        return self.output.with_name(f"{self.output.stem}.compare.png")


def jobs(
    images: Sequence[Path],
    output: Path,
    file_format: str | None = None,
    *,
    sheets: bool = False,
    read: Sequence[Path] = (),
) -> list[Job]:
    """Plan what is written.

    Args:
        images: files, and folders of files.
        output: a file, if its name ends as a picture's, or a folder.
        file_format: of the files in a folder, one of FORMATS; if it is not given, each
            picture's own, but PNG instead of JPEG, which would lose something.
        sheets: whether they are written as well.
        read: other files, which must not be written over either.

    Raises:
        InputError: there is no picture, several would go to one file, or over one that is read.
    """
    folders = {_absolute(place) for place in read}
    files = [file for image in images for file in _files(image, _absolute(image) in folders)]
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        if len(files) > 1:
            raise InputError(
                f"--output: received the file {output} for {len(files)} pictures, allowed: a folder"
            )
        if file_format not in (None, SUFFIXES[output.suffix.lower()]):
            raise InputError(
                f"--format: received {file_format} for {output}, allowed: none, or its"
            )
        planned = [Job(files[0], output)]
    elif output.suffix.lower() in Image.registered_extensions() and not output.is_dir():
        raise InputError(
            f"--output: received {output}, allowed: a folder, or a file of {', '.join(SUFFIXES)}"
        )
    else:
        planned = [Job(file, output / f"{file.stem}{_suffix(file, file_format)}") for file in files]
    _refuse_collisions(planned, sheets, [*files, *read])
    return planned


class Partners:
    """The files that belong to pictures: one for all, or of a folder, those of their names.

    Args:
        place: a file or a folder.
        what: they are, for messages.
    """

    def __init__(self, place: Path, what: str) -> None:
        self._place, self._what = place, what

    def of(self, image: Path) -> Path:
        """The file that belongs to a picture.

        Raises:
            InputError: the folder has none, or several.
        """
        if not self._place.is_dir():
            return self._place
        names = [name.format(image.stem) for name in MASK_NAMES]
        found = [
            file
            for name in names
            for file in self._by_stem.get(name, ())
            if _absolute(file) != _absolute(image)
        ]
        if len(found) == 1:
            return found[0]
        allowed = " or ".join(f"{name}.png" for name in names)
        received = ", ".join(file.name for file in found) or "none"
        raise InputError(
            f"{image}: the {self._what} in {self._place}: received {received}, allowed: {allowed}, "
            "..."
        )

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        by_stem: dict[str, list[Path]] = {}
        for file in sorted(self._place.iterdir()):
            if is_picture(file):
                by_stem.setdefault(file.stem, []).append(file)
        return by_stem


def _files(image: Path, has_masks: bool) -> Iterable[Path]:
    """The pictures of a folder, which may have their masks as well, by name; a file itself."""
    if not image.is_dir():
        return [image]
    files = sorted(file for file in image.iterdir() if is_picture(file))
    if has_masks:
        files = [file for file in files if not file.stem.endswith(_MASK)]
    if not files:
        raise InputError(f"{image} has no picture, allowed: files of {', '.join(SUFFIXES)}")
    return files


def _suffix(file: Path, file_format: str | None) -> str:
    own = SUFFIXES.get(file.suffix.lower(), "PNG")
    if file_format in (None, own) and (own != "JPEG" or file_format):
        return file.suffix
    return next(suffix for suffix, name in SUFFIXES.items() if name == (file_format or "PNG"))


def _refuse_collisions(planned: list[Job], sheets: bool, read: Sequence[Path]) -> None:
    taken = {_absolute(file) for file in read}
    by_output: dict[Path, Path] = {}
    for job in planned:
        for output in (job.output, job.sheet) if sheets else (job.output,):
            other = by_output.setdefault(output, job.image)
            if other is not job.image:
                raise InputError(
                    f"{other} and {job.image} would both be written to {output}: rename one, or "
                    "restore them into different folders"
                )
            if _absolute(output) in taken:
                raise InputError(f"--output: {output} is one of the files that are read")


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))
