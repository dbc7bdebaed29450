"""Files that tell if they are not as they were written, by whatever fault or by hand."""

import csv
import hashlib
import io
import json
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.files import refuse_pipe, write_json

# What NumPy raises of a damaged array.
DAMAGES = (ValueError, TypeError, EOFError, SyntaxError, RecursionError, tokenize.TokenError)
_DIGEST = "sha256"  # the name of a JSON file's own digest
# DVC does not look into the files of its cache as long as they cannot be written.
_ADVICE = "`dvc repro` makes it again; if not, `chmod -R u+w .dvc/cache` lets it"


class OlderVersionError(InputError):
    """A file is there, but an older version of inpaint wrote it, without a digest.

    Attributes:
        content: of the file.
    """

    def __init__(self, message: str, content: dict[str, Any]) -> None:
        super().__init__(message)
        self.content = content


def write_checked(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that tells, by a digest of all else, if somebody has changed it since."""
    write_json(path, {**content, _DIGEST: _digest_of(content)})


def read_checked(path: Path) -> dict[str, Any]:
    """Read what `write_checked` wrote.

    Raises:
        InputError: the file is not there, or not as it was written.
    """
    return parse_checked(_read(path, path.read_bytes), str(path))


def parse_checked(text: bytes, name: str, advice: str = _ADVICE) -> dict[str, Any]:
    """The content of a file that `write_checked` wrote.

    Args:
        text: of the file.
        name: for messages.
        advice: what to do if it is not; it ends the message.

    Raises:
        OlderVersionError: it has no digest, nor those of other files, as in older versions.
        InputError: it is not as it was written.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is damaged ({error}): {advice}") from None
    if isinstance(content, dict) and content and not {_DIGEST, "files"} & content.keys():
        raise OlderVersionError(f"{name} is of an older version of inpaint: {advice}", content)
    if not isinstance(content, dict) or content.pop(_DIGEST, None) != _digest_of(content):
        raise InputError(f"{name} is not as it was written: {advice}")
    return content


def read_array(path: Path, digest: str) -> np.ndarray:
    """Memory-map an array that an earlier stage wrote.

    Args:
        path: of the file.
        digest: of the array that was written, see `array_digest`.

    Raises:
        InputError: the file is not there, or holds another array.
    """
    array: np.ndarray = _read(path, lambda: _mapped(path))
    _check(path, array_digest(array), digest)
    return array


def read_columns(path: Path, digest: str) -> dict[str, list[str]]:
    """Read a CSV file with a header into its columns.

    Args:
        path: of the file.
        digest: of the file that was written, see `file_digest`.

    Raises:
        InputError: the file is not there, or not as it was written.
    """
    check_file(path, digest)
    # Not by `splitlines`: names of pictures may hold what else ends a line to Python.
    header, *rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""))
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def check_file(path: Path, digest: str) -> None:
    """Refuse, by an InputError, a file that is not there, or not as it was written."""
    check_there(path)
    _check(path, file_digest(path), digest)


def _check(path: Path, found: str, digest: str) -> None:
    if found != digest:
        raise InputError(f"{path} is not as it was written: {_ADVICE}")


def check_there(path: Path) -> None:
    """Refuse, by an InputError, to go on without a file that an earlier stage writes."""
    if not path.is_file():
        raise _not_there(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as a hexadecimal string."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
    refuse_pipe(path)
    try:
        return parse()
    except FileNotFoundError:
        raise _not_there(path) from None
    except DAMAGES as error:
        raise InputError(f"{path} is damaged ({error}): {_ADVICE}") from None


def _not_there(path: Path) -> InputError:
    return InputError(f"{path} is not there: an earlier stage writes it; run `dvc repro`")
