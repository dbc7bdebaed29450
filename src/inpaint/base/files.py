"""Atomic writes: a file is there whole, or not at all."""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.errors import InputError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    The temporary name keeps the suffix, because writers such as Keras choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write valid JSON: infinities and NaN raise ``ValueError`` (write None for "undefined")."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_array(path: Path, array: np.ndarray) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def new_array(path: Path, shape: tuple[int, ...], dtype: type) -> Iterator[np.ndarray]:
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


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        InputError: the file is not there or is damaged.
    """
    return _read(path, lambda: json.loads(path.read_text(encoding="utf-8")))


def read_array(path: Path) -> np.ndarray:
    """Memory-map an array that an earlier stage wrote; same errors as :func:`read_json`."""
    return _read(path, lambda: _mapped(path))


def read_columns(path: Path) -> dict[str, list[str]]:
    """Read a CSV file with a header into its columns; same errors as :func:`read_json`."""
    text = _read(path, lambda: path.read_text(encoding="utf-8"))
    header, *rows = csv.reader(text.splitlines(keepends=True))
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


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


def check_there(path: Path) -> None:
    """Refuse, by an InputError, to go on without a file that an earlier stage writes."""
    if not path.is_file():
        raise _not_there(path)


def array_digest(array: np.ndarray) -> str:
    """SHA-256 of an array's dtype, shape and values, as a hexadecimal string."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _mapped(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
            raise ValueError("it holds no array")  # NumPy would advise to unpickle it
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read(path: Path, parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except FileNotFoundError:
        raise _not_there(path) from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path} is damaged ({error}): remove it and run `dvc repro`") from None


def _not_there(path: Path) -> InputError:
    return InputError(f"{path} is not there: an earlier stage writes it; run `dvc repro`")
