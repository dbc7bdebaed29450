"""`inpaint restore IMAGE...`: people's own pictures, by a model or a classical method."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.files import remove_leftovers
from inpaint.commands.restore.engine import Done, Task, one_after_the_other
from inpaint.commands.restore.tables import Part, is_of_tables, parts
from inpaint.commands.restore.work import Outcome, Scores, Settings
from inpaint.data.pictures.jobs import jobs
from inpaint.data.pictures.masks import Missing
from inpaint.params import champion_of
from inpaint.terminal.console import console
from inpaint.terminal.progress import ProgressBar

Engine = Callable[[Settings, Sequence[Task]], Generator[Done]]


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
    engine: str,
) -> int:
    settings = Settings(
        root, method, model, _champion_of(root), missing, reference, file_format, compare
    )
    also_read = [path for path in (missing.mask, reference) if path is not None]
    planned = _plan(images, output, settings, also_read)
    to_do = [task for task in planned if force or not task.output.exists()]
    if not to_do and planned[0].output == output:
        raise InputError(f"{output} is there already: --force replaces it")
    written = {task.output.parent for task in to_do}
    for folder in written:
        remove_leftovers(folder)
    tally = _Tally()
    num_there = _num_pictures(planned) - _num_pictures(to_do)
    tally.notes["there already, left alone; --force replaces"] = num_there
    started = time.monotonic()
    _do_all(_engine(engine), settings, to_do, tally)
    for folder in written:
        remove_leftovers(folder)  # of workers that were lost
    _tell(tally, output, time.monotonic() - started)
    for folder in _left_alone(images, [*also_read, output]):
        console().print(f"{folder}: a folder within, left alone; name it to have it restored too")
    return 1 if tally.failed else 0


def _plan(
    images: Sequence[Path], output: Path, settings: Settings, also_read: Sequence[Path]
) -> Sequence[Task]:
    if is_of_tables(images):
        return parts(images, output, settings)
    return jobs(images, output, settings.file_format, sheets=settings.compare, read=also_read)


def _engine(name: str) -> Engine:
    if name == "ray":
        from inpaint.commands.restore.on_ray import on_ray

        return on_ray
    return one_after_the_other


def _num_pictures(tasks: Iterable[Task]) -> int:
    return sum(task.num_pictures if isinstance(task, Part) else 1 for task in tasks)


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
class _Tally:
    """What came of all pictures.

    Attributes:
        missing_pixels: of each that was restored.
        by: what filled how many.
        scores: of each that has a reference.
        notes: what people should know, and of how many pictures.
        failed: how many.
    """

    missing_pixels: list[int] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    scores: list[tuple[Scores, Scores]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, outcome: Outcome | InputError) -> None:
        """Count a picture, and tell at once why it failed."""
        if isinstance(outcome, InputError):
            self.failed += 1
            print(f"error: {outcome}", file=sys.stderr, flush=True)
            return
        self.missing_pixels.append(outcome.missing_pixels)
        self.by[outcome.by] += 1
        self.notes.update(outcome.notes)
        if outcome.scores:
            self.scores.append(outcome.scores)


def _do_all(engine: Engine, settings: Settings, to_do: Sequence[Task], tally: _Tally) -> None:
    if not to_do:
        return
    number = 0
    with (
        ProgressBar("Picture", total=_num_pictures(to_do)) as bar,
        closing(engine(settings, to_do)) as all_done,
    ):
        for done in all_done:
            for outcome in done:
                tally.add(outcome)
                number += 1
                bar.update(number)


def _tell(tally: _Tally, output: Path, seconds: float) -> None:
    out, num = console(), len(tally.missing_pixels)
    if num:
        used = tally.by.items()
        by = ", ".join(name if count == num else f"{name} ({count})" for name, count in used)
        speed = f", {num / seconds:.1f} a second" if num > 1 else ""
        out.print(
            f"{num} restored to {output}, {sum(tally.missing_pixels):,} missing pixels filled by "
            f"{by}: {seconds:.1f} s{speed}"
        )
    for note, count in tally.notes.items():
        if count:
            out.print(f"{count} {'picture' if count == 1 else 'pictures'}: {note}")
    if tally.scores:
        out.print(_verdict(tally.scores))
    if tally.failed:
        out.print(f"{tally.failed} failed")


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
