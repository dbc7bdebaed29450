"""Atomic writes: a file is there whole, or not at all."""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.errors import InputError


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
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _not_there(path) from None
    except ValueError as error:
        raise _damaged(path, error) from None
    return content


def read_array(path: Path) -> np.ndarray:
    """Memory-map an array that an earlier stage wrote; same errors as :func:`read_json`."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise _not_there(path) from None
    except (ValueError, EOFError) as error:
        raise _damaged(path, error) from None
    return array


def read_columns(path: Path) -> dict[str, list[str]]:
    """Read a CSV file with a header into its columns; same errors as :func:`read_json`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    except FileNotFoundError:
        raise _not_there(path) from None
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def array_digest(array: np.ndarray) -> str:
    """SHA-256 of an array's dtype, shape and values, as a hexadecimal string."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is damaged ({error}): remove it and run `dvc repro`")


def _not_there(path: Path) -> InputError:
    return InputError(f"{path} is not there: an earlier stage writes it; run `dvc repro`")
