"""`inpaint restore IMAGE...`: people's own pictures, by a model or a classical method."""

import errno
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.files import remove_leftovers
from inpaint.data.pictures import sheet
from inpaint.data.pictures.jobs import Job, Partners, jobs
from inpaint.data.pictures.masks import Missing
from inpaint.data.pictures.reading import Picture, in_8_bits, read, size_of
from inpaint.data.pictures.writing import write
from inpaint.params import champion_of
from inpaint.restoring.fill import biharmonic
from inpaint.restoring.restorer import Restorer
from inpaint.terminal.console import console
from inpaint.terminal.progress import ProgressBar
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


def run(
    root: Path,
    images: Sequence[Path],
    *,
    output: Path,
    missing: Missing,
    method: str,
    model: str | None,
    reference: Path | None,
    file_format: str | None,
    compare: bool,
    force: bool,
) -> int:
    also_read = [path for path in (missing.mask, reference) if path is not None]
    planned = jobs(images, output, file_format, sheets=compare, read=also_read)
    to_do = [job for job in planned if force or not job.output.exists()]
    if not to_do and planned[0].output == output:
        raise InputError(f"{output} is there already: --force replaces it")
    for folder in {job.output.parent for job in to_do}:
        remove_leftovers(folder)
    references = Partners(reference, "reference") if reference else None
    work = _Work(Choice(root, method, model, _champion_of(root)), missing, references, compare)
    work.notes["there already, left alone; --force replaces"] = len(planned) - len(to_do)
    started = time.monotonic()
    failed = _do_all(work, to_do)
    _tell(work, failed, output, time.monotonic() - started)
    for folder in _left_alone(images, [*also_read, output]):
        console().print(f"{folder}: a folder within, left alone; name it to have it restored too")
    return 1 if failed else 0


def _left_alone(images: Sequence[Path], known: Sequence[Path]) -> list[Path]:
    """Folders within those of the pictures, but for those that have a part of their own."""
    within = [each for image in images if image.is_dir() for each in sorted(image.iterdir())]
    kept = {path.resolve() for path in (*images, *known)}
    return [
        each
        for each in within
        if each.is_dir() and not each.name.startswith(".") and each.resolve() not in kept
    ]


def _champion_of(root: Path) -> tuple[str, str] | None:
    """As `champion_of`; the params.yaml of another project is none of ours."""
    try:
        return champion_of(root)
    except InputError:
        return None


@dataclass
class _Work:
    """What is done to each picture, and what came of it.

    Attributes:
        missing_pixels: of each that was restored.
        scores: of each that has a reference: as restored, and by the biharmonic fill.
        notes: what people should know, and of how many pictures.
    """

    choice: Choice
    missing: Missing
    references: Partners | None
    compare: bool
    missing_pixels: list[int] = field(default_factory=list)
    scores: list[tuple[Scores, Scores]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def do(self, job: Job) -> None:
        """Restore a picture.

        Raises:
            InputError: it, its mask or its reference cannot be used.
        """
        picture = read(job.image)
        hole = self.missing.hole(job.image, picture)
        true = _true(job.image, picture, self.references) if self.references else None
        try:
            colours = Restorer(self.choice).restore(picture.colours, hole)
        except ValueError as error:
            raise InputError(f"{job.image}: {error}") from None
        alpha = picture.alpha
        if self.missing.is_alpha and alpha is not None:  # so that what was filled can be seen
            alpha = np.where(hole, np.iinfo(alpha.dtype).max, alpha)
        if self.compare:  # before the picture, whose file says that all is done
            sheet.write(job.sheet, picture.colours, hole, colours)
        write(job.output, replace(picture, colours=colours, alpha=alpha))
        if true is not None:
            try:
                self.scores.append(_scores(picture.colours, true, colours, hole))
            except ValueError:
                self.notes["not scored: too much hangs together for the biharmonic fill"] += 1
        self._note(picture, job, hole)

    def _note(self, picture: Picture, job: Job, hole: np.ndarray) -> None:
        self.missing_pixels.append(int(hole.sum()))
        if not hole.any():
            self.notes["nothing is missing, written unchanged"] += 1
        if hole.mean() > _MUCH:
            self.notes["more than half is missing: white is, with --invert black"] += 1
        if picture.form.format == "JPEG" and job.output.suffix.lower() == ".png":
            self.notes["JPEG loses something, written as PNG; see --format"] += 1


def _do_all(work: _Work, to_do: Sequence[Job]) -> int:
    """Restore one picture after the other; give how many failed, after telling why."""
    failed = 0
    with ProgressBar("Picture", total=len(to_do)) as bar:
        for number, job in enumerate(to_do, start=1):
            try:
                work.do(job)
            except InputError as error:
                told = str(error)
            except OSError as error:
                if error.errno in _ENDS_ALL:
                    raise
                told = f"{job.image}: {job.output} cannot be written: {error.strerror or error}"
            else:
                told = ""
            if told:
                failed += 1
                print(f"error: {told}", file=sys.stderr, flush=True)
            bar.update(number)
    return failed


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


def _tell(work: _Work, failed: int, output: Path, seconds: float) -> None:
    out, num = console(), len(work.missing_pixels)
    if num:
        used = work.choice.used.items()
        by = ", ".join(name if count == num else f"{name} ({count})" for name, count in used)
        speed = f", {num / seconds:.1f} a second" if num > 1 else ""
        out.print(
            f"{num} restored to {output}, {sum(work.missing_pixels):,} missing pixels filled by "
            f"{by}: {seconds:.1f} s{speed}"
        )
    for note, count in work.notes.items():
        if count:
            out.print(f"{count} {'picture' if count == 1 else 'pictures'}: {note}")
    if work.scores:
        out.print(_verdict(work.scores))
    if failed:
        out.print(f"{failed} failed")


def _verdict(scores: Sequence[tuple[Scores, Scores]]) -> str:
    """How good they are, and by how much better than the biharmonic fill."""
    from inpaint.scoring import metrics

    restored, filled = (
        metrics.summarize({key: np.concatenate([each[key] for each in of]) for key in of[0]})
        for of in zip(*scores, strict=True)
    )
    told = []
    for key, what, digits in (
        ("ssim_unit", "in ssim_unit", ".4f"),
        ("hole_psnr_db", "dB in the hole", ".2f"),
    ):
        ours, others = restored[key], filled[key]
        if ours is None or others is None:  # without any error
            continue
        told.append(f"{ours:{digits}} {what}, {ours - others:+{digits}} over the biharmonic fill")
    return "; ".join(told) or "restored without any error"
