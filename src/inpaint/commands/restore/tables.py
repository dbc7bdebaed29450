"""Pictures in Parquet files: a column `picture`, a column `mask`, files as bytes in both."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from PIL import Image

from inpaint.base.errors import InputError
from inpaint.base.files import atomic, refuse_pipe
from inpaint.commands.restore.memory import at_most
from inpaint.commands.restore.work import Outcome, Settings, Work
from inpaint.data.pictures.jobs import jobs
from inpaint.data.pictures.masks import Missing
from inpaint.data.pictures.reading import FORMATS, SUFFIXES, is_picture

SUFFIX = ".parquet"
_PICTURE, _MASK, _RESTORED, _ERROR = "picture", "mask", "restored", "error"
_ROWS = 100  # of a part, at most
_MOST_ROWS = 10_000_000  # of a table: a kilobyte may say that it has any number
_LARGEST = 300_000_000  # bytes of a picture's file
# Bytes for reading: the largest page that the format has, 2 GB, takes some 5 GB.
_READING = 6_000_000_000
_BUFFER = 1_000_000  # bytes; without one, all pages of a column are read at once
_HELD = 64_000_000  # bytes of restored rows, until they are written


@dataclass(frozen=True)
class Part:
    """Rows of a row group of a Parquet file, which are written together.

    Attributes:
        table: the file.
        row_group: its number.
        first: the number of the first row, within the row group.
        num_pictures: rows.
        has_masks: whether its column `mask` tells what is missing; if not, the settings do.
        output: the Parquet file of these rows: `restored`, `error`, and the other columns.
    """

    table: Path
    row_group: int
    first: int
    num_pictures: int
    has_masks: bool
    output: Path


def parts(images: Sequence[Path], output: Path, settings: Settings) -> list[Part]:
    """Plan what is written for Parquet files, and folders of them.

    Raises:
        InputError: one is damaged or lacks a column, two would be written to one file, or what is
            asked for is not to be had for tables.
    """
    if settings.compare or settings.reference:
        raise InputError("--compare, --reference: allowed with picture files, not with Parquet")
    if output.suffix.lower() in (SUFFIX, *SUFFIXES) and not output.is_dir():
        raise InputError(f"--output: received {output}, allowed with Parquet: a folder")
    has_masks = _has_masks(images, settings.missing)
    planned: list[Part] = []
    taken: dict[str, Path] = {}
    for table in _tables(images):
        other = taken.setdefault(table.stem, table)
        if other is not table:
            raise InputError(f"{other} and {table} would both be written to {output / table.stem}")
        if table.parent.resolve() == output.resolve():
            raise InputError(f"--output: {output} is the folder that is read")
        planned += [
            Part(table, *rows, has_masks, output / f"{table.stem}-{number:05}{SUFFIX}")
            for number, rows in enumerate(_runs(_row_groups(table, has_masks)))
        ]
    if not planned:
        raise InputError(f"{', '.join(map(str, images))}: there is no picture in it")
    return planned


def _has_masks(images: Sequence[Path], missing: Missing) -> bool:
    """Whether the masks are those of the tables, which `--mask` names once more."""
    if missing.mask is None or missing.is_alpha:
        return False
    is_own = missing.mask.resolve() in {image.resolve() for image in images}
    if not is_own and (missing.mask.is_dir() or missing.mask.suffix == SUFFIX):
        raise InputError(
            f"--mask: received {missing.mask}, allowed with Parquet: the same file or folder "
            "again, whose column `mask` it is, or one picture for all"
        )
    return is_own


def _runs(row_groups: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Row group, first row, and number of rows of each part, by the row groups' numbers of rows."""
    for row_group, size in enumerate(row_groups):
        for first in range(0, size, _ROWS):
            yield row_group, first, min(_ROWS, size - first)


def _row_groups(table: Path, has_masks: bool) -> list[int]:
    """How many rows each row group of a table has, whose columns are checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_pipe(table)
    try:
        with pq.ParquetFile(table) as file:
            names = file.schema_arrow.names
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{table}: no whole Parquet file ({_first_line(error)})") from None
    wanted = {_PICTURE, _MASK} if has_masks else {_PICTURE}
    if any(names.count(name) != 1 for name in wanted) or set(names) & {_RESTORED, _ERROR}:
        raise InputError(
            f"{table}: received the columns {', '.join(names)}, allowed: "
            f"{' and '.join(sorted(wanted, reverse=True))}, each once, and others than {_RESTORED} "
            f"and {_ERROR}, which are added"
        )
    if sum(sizes) > _MOST_ROWS:
        raise InputError(f"{table}: received {sum(sizes):,} rows, allowed: {_MOST_ROWS:,}")
    return sizes


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def is_of_tables(images: Sequence[Path]) -> bool:
    """Whether these are Parquet files, or folders of them.

    Raises:
        InputError: some are, some are not.
    """
    are = {image.suffix == SUFFIX or bool(_within(image)) for image in images}
    if len(are) > 1:
        raise InputError(f"IMAGE: received {SUFFIX} and other files, allowed: one kind")
    return True in are


def restore_parts(work: Work, parts: Sequence[Part]) -> Iterator[Sequence[Outcome | InputError]]:
    """Restore the pictures of parts, and write them: what came of each part's.

    Args:
        parts: in the order of their rows; each row group is read once, from its beginning.

    Raises:
        OSError: there is no room, or no right to write.
    """
    for (table, row_group), of_one in groupby(parts, lambda part: (part.table, part.row_group)):
        rows = _rows(table, row_group)
        number, unreadable = 0, None
        for part in of_one:
            skipped = part.first - number
            number = part.first + part.num_pictures
            try:
                if unreadable is not None:
                    raise unreadable
                done = _restore_part(work, part, islice(rows, skipped, skipped + part.num_pictures))
            except InputError as error:  # nor can be read what follows
                unreadable = InputError(str(error))  # without frames, which would keep what was
                done = [unreadable] * part.num_pictures
            yield done


def _rows(table: Path, row_group: int) -> Iterator[Any]:
    """The rows of a row group, each a batch of its own, so that no more are in memory: a value
    that is there once may be that of many rows.

    Raises:
        InputError: it is damaged, or has fewer rows than are taken.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(table, pre_buffer=False, buffer_size=_BUFFER) as file:
            rows = file.iter_batches(batch_size=1, row_groups=[row_group], use_threads=False)
            while True:
                with at_most(_READING - pa.total_allocated_bytes()):
                    row = next(rows, None)
                if row is None:
                    reason = "it has fewer rows than it says"
                    break
                yield row
    except MemoryError:
        reason = f"a row takes more than {_READING / 10**9:.0f} GB, or than there is"
    except (OSError, pa.ArrowException) as error:
        reason = _first_line(error)
    raise InputError(f"{table}, row group {row_group}: cannot be read ({reason})")


def _restore_part(work: Work, part: Part, rows: Iterator[Any]) -> list[Outcome | InputError]:
    """Restore and write the rows of a part; same errors as `_rows` and `restore_parts`."""
    done: list[Outcome | InputError] = []
    with (
        tempfile.TemporaryDirectory(prefix="inpaint-") as folder,
        atomic(part.output) as temporary,
    ):
        _write(temporary, _restored(work, part, rows, Path(folder), done))
    return done


def _restored(
    work: Work, part: Part, rows: Iterator[Any], folder: Path, done: list[Outcome | InputError]
) -> Iterator[Any]:
    """Rows as they are written; what came of them is added to `done`."""
    import pyarrow as pa

    wanted = (_PICTURE, _MASK) if part.has_masks else (_PICTURE,)
    for number, row in enumerate(rows, part.first):
        outcome, content = _restore_row(work, {name: row[name] for name in wanted}, folder)
        error = None
        if isinstance(outcome, InputError):
            where = f"{part.table}, row {number} of row group {part.row_group}"
            error = f"{where}: {str(outcome).replace(f'{folder}/', '')}"
            outcome = InputError(error)
        done.append(outcome)
        rest = row.drop_columns(list(wanted))
        rest = rest.append_column(_RESTORED, pa.array([content], pa.large_binary()))
        yield rest.append_column(_ERROR, pa.array([error], pa.string()))


def _write(path: Path, rows: Iterator[Any]) -> None:
    """Write rows, each a batch, some at a time: restored, they may be larger than the memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = next(rows)
    with pq.ParquetWriter(path, first.schema) as writer:
        held: list[Any] = []
        for row in chain([first], rows):
            if sum(each.nbytes for each in held) > _HELD:
                writer.write_table(pa.Table.from_batches(held).unify_dictionaries())
                held = []
            held.append(row)
        # Of several dictionaries, one value would be written as often as it is used.
        writer.write_table(pa.Table.from_batches(held).unify_dictionaries())


def _restore_row(
    work: Work, row: Mapping[str, Any], folder: Path
) -> tuple[Outcome | InputError, bytes | None]:
    """By files, as everywhere: the same pixels come of it; each column has this row alone."""
    try:
        picture = _unpacked(row, _PICTURE, folder)
        missing = work.settings.missing
        if _MASK in row:
            missing = replace(missing, mask=_unpacked(row, _MASK, folder))
        [job] = jobs([picture], folder / _RESTORED, work.settings.file_format)
    except InputError as error:
        return error, None
    outcome = work.attempt(job, missing)
    if isinstance(outcome, InputError):
        return outcome, None
    content = job.output.read_bytes()
    job.output.unlink()
    return outcome, content


def _unpacked(row: Mapping[str, Any], column: str, folder: Path) -> Path:
    """A picture as a file; in a table, it is its bytes, or a structure that has them."""
    cell = row[column]
    if cell.nbytes > _LARGEST:
        raise InputError(
            f"{column}: received {-(-cell.nbytes // 10**6):,} MB, allowed: {_LARGEST // 10**6:,} MB"
        )
    content = cell[0].as_py()
    content = content.get("bytes") if isinstance(content, Mapping) else content
    if not isinstance(content, bytes):
        raise InputError(f"{column}: received {type(content).__name__}, allowed: a file's bytes")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            kind = "JPEG" if image.format == "MPO" else image.format
    except Exception:  # which reading it tells
        kind = "PNG"
    suffix = next(suffix for suffix, name in SUFFIXES.items() if name == kind)
    path = folder / f"{column}{suffix}"
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return path


def _tables(images: Sequence[Path]) -> list[Path]:
    return [table for image in images for table in (_within(image) or [image])]


def _within(folder: Path) -> list[Path]:
    """The tables of a folder; none if it is one of picture files, or none at all."""
    if not folder.is_dir() or any(map(is_picture, folder.iterdir())):
        return []
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))
