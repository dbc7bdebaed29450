"""What is done to a picture, wherever that is: read, filled, written, scored."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inpaint.base.errors import InputError
from inpaint.data.pictures import sheet
from inpaint.data.pictures.jobs import Job, Partners
from inpaint.data.pictures.masks import Missing
from inpaint.data.pictures.reading import Picture, in_8_bits, read, size_of
from inpaint.data.pictures.writing import write
from inpaint.restoring.fill import biharmonic
from inpaint.restoring.restorer import Restorer
from inpaint.terminal.quiet import without_greetings
from inpaint.tracking.registry.choice import Choice

Scores = dict[str, np.ndarray]  # of one picture, as `metrics.score_images` gives them
_MUCH = 0.5  # of a picture
_SSIM_WINDOW = 11  # pixels
# What would happen to the next picture as well: no room, no right to write.
_ENDS_ALL = (
    errno.ENOSPC,
    errno.EEXIST,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
)


@dataclass(frozen=True)
class Settings:
    """How pictures are restored; another process gets it whole.

    Attributes:
        root: the folder that the person is in.
        method, model, champion: see `Choice`.
        missing: what is to be filled.
        reference: a file, or a folder of files by name, of undamaged pictures.
        file_format: of what is written, one of FORMATS; None: each picture's own.
        compare: whether before, mask and after are drawn side by side.
    """

    root: Path
    method: str
    model: str | None
    champion: tuple[str, str] | None
    missing: Missing
    reference: Path | None
    file_format: str | None
    compare: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a picture.

    Attributes:
        missing_pixels: how many were filled.
        by: what filled them.
        notes: what people should know.
        scores: if it has a reference: as restored, and by the biharmonic fill.
    """

    missing_pixels: int
    by: str
    notes: tuple[str, ...] = ()
    scores: tuple[Scores, Scores] | None = None


class Work:
    """Restores pictures.

    Raises:
        InputError: there is no such model.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._choice = Choice(settings.root, settings.method, settings.model, settings.champion)
        self._references = Partners(settings.reference, "reference") if settings.reference else None
        if settings.reference:
            with without_greetings():
                import tensorflow  # noqa: F401 - scores need it; without a model, they are the first

    def attempt(self, job: Job, missing: Missing | None = None) -> Outcome | InputError:
        """Restore a picture, or say why it cannot be.

        Args:
            job: the picture.
            missing: of this picture, if it is not what the settings say.

        Raises:
            OSError: nor can the next one.
        """
        try:
            return self._do(job, missing or self.settings.missing)
        except InputError as error:
            return InputError(str(error))  # without frames, which would keep the picture
        except OSError as error:
            if error.errno in _ENDS_ALL:
                raise
            return InputError(
                f"{job.image}: {job.output} cannot be written: {error.strerror or error}"
            )

    def _do(self, job: Job, missing: Missing) -> Outcome:
        picture = read(job.image)
        hole = missing.hole(job.image, picture)
        true = _true(job.image, picture, self._references) if self._references else None
        by, fill = self._choice.named(picture.colours.shape)
        try:
            colours = Restorer(lambda _: fill).restore(picture.colours, hole)
        except ValueError as error:
            raise InputError(f"{job.image}: {error}") from None
        alpha = picture.alpha
        if missing.is_alpha and alpha is not None:  # so that what was filled can be seen
            alpha = np.where(hole, np.iinfo(alpha.dtype).max, alpha)
        if self.settings.compare:  # before the picture, whose file says that all is done
            sheet.write(job.sheet, picture.colours, hole, colours)
        write(job.output, replace(picture, colours=colours, alpha=alpha))
        notes = list(_notes(picture, job, hole))
        scores = None
        if true is not None:
            try:
                scores = _scores(picture.colours, true, colours, hole)
            except ValueError:
                notes.append("not scored: too much hangs together for the biharmonic fill")
        return Outcome(int(hole.sum()), by, tuple(notes), scores)


def _notes(picture: Picture, job: Job, hole: np.ndarray) -> Iterator[str]:
    if not hole.any():
        yield "nothing is missing, written unchanged"
    if hole.mean() > _MUCH:
        yield "more than half is missing: white is, with --invert black"
    if picture.form.format == "JPEG" and job.output.suffix.lower() == ".png":
        yield "JPEG loses something, written as PNG; see --format"


def _true(image: Path, picture: Picture, references: Partners) -> np.ndarray:
    """The picture as it was before something went missing: of its shape."""
    path = references.of(image)
    true = read(path).colours
    if true.shape != picture.colours.shape:
        raise InputError(
            f"{path}: the reference has {size_of(true)}, {true.shape[2]} channels; the picture "
            f"{size_of(picture.colours)}, {picture.colours.shape[2]} channels"
        )
    if min(true.shape[:2]) < _SSIM_WINDOW:
        raise InputError(
            f"{path}: the reference has {size_of(true)}, to score it takes {_SSIM_WINDOW} each way"
        )
    return true


def _scores(
    damaged: np.ndarray, true: np.ndarray, restored: np.ndarray, hole: np.ndarray
) -> tuple[Scores, Scores]:
    """Of what was restored, and of the biharmonic fill; all of them (H, W, C)."""
    from inpaint.scoring import metrics

    true, damaged, restored = (in_8_bits(each)[np.newaxis] for each in (true, damaged, restored))
    holes = hole[np.newaxis]
    filled = biharmonic(damaged, holes)
    return metrics.score_images(true, restored, holes), metrics.score_images(true, filled, holes)
