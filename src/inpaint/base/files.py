"""Atomic writes: a file is there whole, or not at all."""

import csv
import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.processes import is_running

_TEMPORARY = re.compile(r"\..+\.(\d{1,9})\.partial(\.[^.]*)?")  # see `temporary_beside`


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    The temporary name keeps the suffix, because writers such as Keras choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename is not None:
            raise
        # Such as that of a full disk, which names no file.
        reason = error.strerror or next(iter(str(error).splitlines()), "")
        raise OSError(error.errno or errno.EIO, reason, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """What a file is called as long as this process writes it."""
    return path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left in a folder."""
    for path in folder.glob(".*.partial*"):
        found = _TEMPORARY.fullmatch(path.name)
        if found is not None and not is_running(int(found[1])):
            path.unlink(missing_ok=True)


def refuse_pipe(path: Path, allowed: str = "a file") -> None:
    """Refuse, by an InputError, a pipe or a device: whoever reads it may wait without end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is a pipe or a device, allowed: {allowed}")


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write valid JSON: infinities and NaN raise ``ValueError`` (write None for "undefined")."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


@contextmanager
def new_array(path: Path, shape: tuple[int, ...], dtype: np.dtype | type) -> Iterator[np.ndarray]:
    """An array that is on the disk while it is filled, so that it may be larger than the memory.

    Raises:
        OSError: the disk has no room for it, which is told before it is filled.
    """
    with atomic(path) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):  # else a full disk ends the process
            with temporary.open("rb+") as file:
                os.posix_fallocate(file.fileno(), 0, temporary.stat().st_size)
        yield array
        array.flush()


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array, of any type but objects; same errors as `new_array`."""
    with new_array(path, array.shape, array.dtype) as written:
        written[...] = array


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def flatten(content: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Nested values by their paths: ``{"train": {"epochs": 40}}`` -> ``{"train.epochs": 40}``."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            nested = flatten(value, separator)
            flat |= {f"{key}{separator}{name}": each for name, each in nested.items()}
        else:
            flat[key] = value
    return flat
