"""Which pictures are to be restored, which mask belongs to each, and what is written where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inpaint.base.errors import InputError
from inpaint.data.pictures.reading import SUFFIXES, is_picture

MASK_NAMES = ("{}", "{}_mask")  # of a mask in a folder, by its picture's; without suffixes


@dataclass(frozen=True)
class Job:
    """A picture that is to be restored.

    Attributes:
        image: its file.
        output: where the restored one goes.
    """

    image: Path
    output: Path


def jobs(images: Sequence[Path], output: Path, file_format: str | None = None) -> list[Job]:
    """Plan what is written.

    Args:
        images: files, and folders of files.
        output: a file, if its name ends as a picture's, or a folder.
        file_format: of the files in a folder, one of FORMATS; if it is not given, each
            picture's own, but PNG instead of JPEG, which would lose something.

    Raises:
        InputError: there is no picture, several would go to one file, or one over itself.
    """
    files = [file for image in images for file in _files(image)]
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        if len(files) > 1:
            raise InputError(
                f"--output: received the file {output} for {len(files)} pictures, allowed: a folder"
            )
        planned = [Job(files[0], output)]
    else:
        planned = [Job(file, output / f"{file.stem}{_suffix(file, file_format)}") for file in files]
    _refuse_collisions(planned)
    return planned


def partner(image: Path, place: Path, what: str) -> Path:
    """The file that belongs to a picture: ``place`` itself, or one of that name in this folder.

    Raises:
        InputError: the folder has none, or several; ``what`` it is, is told.
    """
    if not place.is_dir():
        return place
    names = {name.format(image.stem) for name in MASK_NAMES}
    found = sorted(file for file in place.iterdir() if file.stem in names and is_picture(file))
    if len(found) == 1:
        return found[0]
    allowed = " or ".join(f"{name.format(image.stem)}.png" for name in MASK_NAMES)
    received = ", ".join(file.name for file in found) or "none"
    raise InputError(
        f"{image}: the {what} in {place}: received {received}, allowed: {allowed}, ..."
    )


def _files(image: Path) -> Iterable[Path]:
    """The pictures of a folder, by name; a file itself."""
    if not image.is_dir():
        return [image]
    files = sorted(file for file in image.iterdir() if is_picture(file))
    if not files:
        raise InputError(f"{image} has no picture, allowed: files of {', '.join(SUFFIXES)}")
    return files


def _suffix(file: Path, file_format: str | None) -> str:
    own = SUFFIXES.get(file.suffix.lower(), "PNG")
    if file_format in (None, own) and (own != "JPEG" or file_format):
        return file.suffix
    return next(suffix for suffix, name in SUFFIXES.items() if name == (file_format or "PNG"))


def _refuse_collisions(planned: list[Job]) -> None:
    images = {job.image.resolve() for job in planned}
    by_output: dict[Path, Path] = {}
    for job in planned:
        other = by_output.setdefault(job.output, job.image)
        if other is not job.image:
            raise InputError(
                f"{other} and {job.image} would both be written to {job.output}: rename one, or "
                "restore them into different folders"
            )
        if job.output.resolve() in images:
            raise InputError(f"--output: {job.output} is one of the pictures themselves")
