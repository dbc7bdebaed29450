"""Pictures in Parquet files: a column `picture`, a column `mask`, files as bytes in both."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from inpaint.base.errors import InputError
from inpaint.base.files import atomic
from inpaint.commands.restore.work import Outcome, Settings, Work
from inpaint.data.pictures.jobs import jobs
from inpaint.data.pictures.reading import FORMATS, SUFFIXES, is_picture

SUFFIX = ".parquet"
_OWN = _PICTURE, _MASK, _RESTORED, _ERROR = "picture", "mask", "restored", "error"


@dataclass(frozen=True)
class Part:
    """A row group of a Parquet file, whose pictures are restored together.

    Attributes:
        table: the file.
        row_group: its number.
        num_pictures: rows.
        output: the Parquet file of these rows: `restored`, `error`, and the other columns.
    """

    table: Path
    row_group: int
    num_pictures: int
    output: Path


def parts(images: Sequence[Path], output: Path, settings: Settings) -> list[Part]:
    """Plan what is written for Parquet files, and folders of them.

    Raises:
        InputError: one is damaged or lacks a column, two would be written to one file, or what is
            asked for is not to be had for tables.
    """
    import pyarrow.parquet as pq

    if settings.compare or settings.reference:
        raise InputError("--compare, --reference: allowed with picture files, not with Parquet")
    if output.suffix:
        raise InputError(f"--output: received {output}, allowed with Parquet: a folder")
    planned: list[Part] = []
    taken: dict[str, Path] = {}
    for table in _tables(images):
        other = taken.setdefault(table.stem, table)
        if other is not table:
            raise InputError(f"{other} and {table} would both be written to {output / table.stem}")
        if table.parent.resolve() == output.resolve():
            raise InputError(f"--output: {output} is the folder that is read")
        try:
            file = pq.ParquetFile(table)
        except (OSError, ValueError) as error:
            raise InputError(f"{table}: no whole Parquet file ({error})") from None
        with file:
            wanted = {_PICTURE, _MASK} if masks_of(settings) else {_PICTURE}
            if lacking := wanted - set(file.schema_arrow.names):
                raise InputError(
                    f"{table}: received the columns {', '.join(file.schema_arrow.names)}; it lacks "
                    f"{' and '.join(sorted(lacking))}"
                )
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        planned += [
            Part(table, i, size, output / f"{table.stem}-{i:05}{SUFFIX}")
            for i, size in enumerate(sizes)
        ]
    return planned


def is_of_tables(images: Sequence[Path]) -> bool:
    """Whether these are Parquet files, or folders of them.

    Raises:
        InputError: some are, some are not.
    """
    are = {kind for image in images for kind in _kinds(image)}
    if len(are) > 1:
        raise InputError(f"IMAGE: received {SUFFIX} and other files, allowed: one kind")
    return True in are


def restore_part(work: Work, part: Part) -> list[Outcome | InputError]:
    """Restore the pictures of a part, and write them.

    Raises:
        OSError: there is no room, or the part is not there any more.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(part.table) as file:
        rows = file.read_row_group(part.row_group)
    done: list[Outcome | InputError] = []
    restored: list[bytes | None] = []
    with tempfile.TemporaryDirectory(prefix="inpaint-") as folder:
        for number in range(rows.num_rows):
            row = {
                name: rows[name][number].as_py()
                for name in (_PICTURE, _MASK)
                if name in rows.column_names
            }
            outcome, content = _restore_row(work, row, Path(folder))
            if isinstance(outcome, InputError):
                where = f"{part.table}, row {number} of row group {part.row_group}"
                outcome = InputError(f"{where}: {str(outcome).replace(f'{folder}/', '')}")
            done.append(outcome)
            restored.append(content)
    table = rows.drop_columns([name for name in _OWN if name in rows.column_names])
    table = table.append_column(_RESTORED, pa.array(restored, pa.large_binary()))
    told = [str(each) if isinstance(each, InputError) else None for each in done]
    table = table.append_column(_ERROR, pa.array(told, pa.string()))
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
        if masks_of(work.settings):
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


def masks_of(settings: Settings) -> bool:
    """Whether what is missing is told by masks."""
    return settings.missing.mask is not None and not settings.missing.is_alpha


def _kinds(image: Path) -> Iterator[bool]:
    """Whether it, or what is in it, are tables."""
    if not image.is_dir():
        yield image.suffix == SUFFIX
        return
    for file in image.iterdir():
        if file.suffix == SUFFIX or is_picture(file):
            yield file.suffix == SUFFIX


def _tables(images: Sequence[Path]) -> list[Path]:
    return [
        table
        for image in images
        for table in (sorted(image.glob(f"*{SUFFIX}")) if image.is_dir() else [image])
    ]
