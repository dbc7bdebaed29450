"""Pictures in Parquet files: a column `picture`, a column `mask`, files as bytes in both."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from inpaint.base.errors import InputError
from inpaint.base.files import atomic
from inpaint.commands.restore.work import Outcome, Settings, Work
from inpaint.data.pictures.jobs import jobs
from inpaint.data.pictures.masks import Missing
from inpaint.data.pictures.reading import FORMATS, SUFFIXES, is_picture

SUFFIX = ".parquet"
_PICTURE, _MASK, _RESTORED, _ERROR = "picture", "mask", "restored", "error"


@dataclass(frozen=True)
class Part:
    """A row group of a Parquet file, whose pictures are restored together.

    Attributes:
        table: the file.
        row_group: its number.
        num_pictures: rows.
        has_masks: whether its column `mask` tells what is missing; if not, the settings do.
        output: the Parquet file of these rows: `restored`, `error`, and the other columns.
    """

    table: Path
    row_group: int
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
            Part(table, i, size, has_masks, output / f"{table.stem}-{i:05}{SUFFIX}")
            for i, size in enumerate(_row_groups(table, has_masks))
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


def _row_groups(table: Path, has_masks: bool) -> list[int]:
    """How many rows each row group of a table has, whose columns are checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

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


def restore_part(work: Work, part: Part) -> list[Outcome | InputError]:
    """Restore the pictures of a part, and write them.

    Raises:
        OSError: there is no room, or no right to write.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(part.table) as file:
            rows = file.read_row_group(part.row_group)
    except (OSError, pa.ArrowException) as error:
        told = f"{part.table}, row group {part.row_group}: cannot be read ({_first_line(error)})"
        return [InputError(told)] * part.num_pictures
    done: list[Outcome | InputError] = []
    restored: list[bytes | None] = []
    wanted = (_PICTURE, _MASK) if part.has_masks else (_PICTURE,)
    with tempfile.TemporaryDirectory(prefix="inpaint-") as folder:
        for number in range(rows.num_rows):
            row = {name: rows[name][number].as_py() for name in wanted}
            outcome, content = _restore_row(work, row, Path(folder))
            if isinstance(outcome, InputError):
                where = f"{part.table}, row {number} of row group {part.row_group}"
                outcome = InputError(f"{where}: {str(outcome).replace(f'{folder}/', '')}")
            done.append(outcome)
            restored.append(content)
    errors = [str(each) if isinstance(each, InputError) else None for each in done]
    table = rows.drop_columns(list(wanted))
    table = table.append_column(_RESTORED, pa.array(restored, pa.large_binary()))
    table = table.append_column(_ERROR, pa.array(errors, pa.string()))
    part.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic(part.output) as temporary:
        pq.write_table(table, temporary)
    return done


def _restore_row(
    work: Work, row: Mapping[str, Any], folder: Path
) -> tuple[Outcome | InputError, bytes | None]:
    """By files, as everywhere: the same pixels come of it."""
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
    content = row[column]
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
    path.write_bytes(content)
    return path


def _tables(images: Sequence[Path]) -> list[Path]:
    return [table for image in images for table in (_within(image) or [image])]


def _within(folder: Path) -> list[Path]:
    """The tables of a folder; none if it is one of picture files, or none at all."""
    if not folder.is_dir() or any(map(is_picture, folder.iterdir())):
        return []
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("."))
