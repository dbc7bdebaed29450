"""The published files of data sets: found or fetched, and used only if their digests are right."""

import hashlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from inpaint.base.errors import InputError
from inpaint.base.files import atomic
from inpaint.base.paths import project_root
from inpaint.data.images import formats
from inpaint.data.images.pools import Pool
from inpaint.terminal.progress import ProgressBar

MIRROR_VARIABLE = "INPAINT_DATA_MIRROR"
_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 16  # at least so many have to come within the time
_LARGEST_BYTES = 500_000_000  # the largest file there is has 170 million

_Labelled = tuple[np.ndarray, np.ndarray]  # images and their classes


@dataclass(frozen=True)
class Official:
    """The published files of a data set.

    Attributes:
        address: public, where the files are.
        files: archive or compressed file -> {extracted file: its MD5}.
        read: contents of the extracted files, in the order of ``files`` -> training and test images
            with their classes.
    """

    address: str
    files: Mapping[str, dict[str, str]]
    read: Callable[[dict[str, bytes]], tuple[_Labelled, _Labelled]]

    def __call__(self, _shape: tuple[int, int, int], raw_dir: Path) -> tuple[Pool, ...]:
        """Get the images: one pool for training and validation, one for testing.

        Args:
            raw_dir: the folder of this data set's official files; downloads are kept there.

        Raises:
            InputError: a file cannot be had, or is not the official one; nothing is left behind.
        """
        extracted: dict[str, bytes] = {}
        for name, digests in self.files.items():
            extracted |= _extract(name, digests, self.address, raw_dir)
        train, test = self.read(extracted)
        return Pool.of_images(("train", "valid"), *train), Pool.of_images(("test",), *test)


def idx_images(address: str, *digests: str) -> Official:
    """A data set in MNIST's four files: training images, their classes, test images, theirs."""
    stems = [f"{part}-{kind}-ubyte" for part in ("train", "t10k")
             for kind in ("images-idx3", "labels-idx1")]  # fmt: skip
    files = {f"{stem}.gz": {stem: digest} for stem, digest in zip(stems, digests, strict=True)}
    return Official(address, files, _read_idx)


def cifar_images(address: str, *digests: str) -> Official:
    """CIFAR-10's binary version: five batches of training images, then the test batch."""
    names = [*(f"data_batch_{i}.bin" for i in range(1, len(digests))), "test_batch.bin"]
    archive = {"cifar-10-binary.tar.gz": dict(zip(names, digests, strict=True))}
    return Official(address, archive, _read_cifar)


def _read_idx(extracted: dict[str, bytes]) -> tuple[_Labelled, _Labelled]:
    train, train_labels, test, test_labels = (
        formats.read_idx(content, name) for name, content in extracted.items()
    )
    return (train, train_labels), (test, test_labels)


def _read_cifar(extracted: dict[str, bytes]) -> tuple[_Labelled, _Labelled]:
    *batches, test = (formats.read_cifar(content, name) for name, content in extracted.items())
    images, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    return (images, labels), test


def _extract(name: str, digests: dict[str, str], address: str, raw_dir: Path) -> dict[str, bytes]:
    """Find or fetch one official file; give its extracted contents once their digests agree.

    A fetched file is kept in ``raw_dir`` only after the check.
    """
    kept = raw_dir / name
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    if kept.is_file():
        return _checked(kept.read_bytes(), name, digests, where=str(kept))
    if mirror and "://" not in mirror:
        # A relative mirror means the original project's root, also in temporary directories.
        mirrored = project_root(Path()) / Path(mirror).expanduser() / raw_dir.name / name
        if not mirrored.is_file():
            raise InputError(f"{mirrored} is not there ({MIRROR_VARIABLE}={mirror})")
        return _checked(mirrored.read_bytes(), name, digests, where=str(mirrored))
    _check_mirror(mirror)
    url = f"{mirror.rstrip('/')}/{raw_dir.name}/{name}" if mirror else address + name
    with atomic(kept) as temporary:
        _download(url, temporary, kept)
        return _checked(temporary.read_bytes(), name, digests, where=url)


def _check_mirror(address: str) -> None:
    """Refuse an address that holds a password, without repeating it: none would be sent."""
    try:
        parts = urlsplit(address)
        is_plain = "@" not in parts.netloc and not (parts.query or parts.fragment)
        is_plain = is_plain and parts.port != 0
    except ValueError:  # no port: what follows the colon is a password with a slash
        is_plain = False
    if not is_plain:
        raise InputError(
            f"cannot fetch from {MIRROR_VARIABLE}: received an address with a user, a query or a "
            "port that is no number, allowed: https://HOST/PATH or https://HOST:PORT/PATH"
        )


def _checked(content: bytes, name: str, digests: dict[str, str], where: str) -> dict[str, bytes]:
    if name.endswith(".tar.gz"):
        files = formats.untar(content, where)
    else:
        files = {name.removesuffix(".gz"): formats.gunzip(content, where)}
    for file, expected in digests.items():
        if file not in files:
            raise InputError(f"{where} holds no {file}: it is not the official file")
        # MD5 identifies the published bytes here; it is not meant to withstand an attacker.
        received = hashlib.md5(files[file], usedforsecurity=False).hexdigest()
        if received != expected:
            raise InputError(
                f"{where} is not the official file: {file} has MD5 {received}, allowed: {expected}"
            )
    return {file: files[file] for file in digests}


def _download(url: str, target: Path, kept: Path) -> None:
    try:
        with _opened(url) as reply, target.open("wb") as file:
            num_bytes = int(reply.headers.get("Content-Length") or 0)
            with ProgressBar(f"Fetching {kept.name} (bytes)", num_bytes) as bar:
                for portion in _portions(reply):
                    file.write(portion)
                    bar.update(file.tell())
            if file.tell() < num_bytes:
                raise InputError(f"{url} ended after {file.tell()} of {num_bytes} bytes")
    except InputError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise InputError(
            f"cannot fetch {url} ({' '.join(str(reason).split())}); put the file at {kept}, "
            f"or name a mirror in {MIRROR_VARIABLE}"
        ) from None


def _opened(url: str) -> http.client.HTTPResponse:
    """A server's answer, whose head may come by drops: each is within the time of a connection.

    Raises:
        TimeoutError: it did not come in the time for two connections; a thread, which ends with
            this process, goes on to wait.
    """
    answer: Future[http.client.HTTPResponse] = Future()

    def fetch() -> None:
        try:
            answer.set_result(urllib.request.urlopen(url, timeout=_TIMEOUT_S))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=fetch, daemon=True).start()
    if not wait([answer], 2 * _TIMEOUT_S).done:
        raise TimeoutError(f"no answer in {2 * _TIMEOUT_S} s")
    return answer.result()


def _portions(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """What a server sends, as long as it goes on and comes to an end."""
    num_bytes, next_check = 0, _CHUNK_BYTES
    deadline = time.monotonic() + _TIMEOUT_S
    while portion := reply.read1(_CHUNK_BYTES):
        yield portion
        num_bytes += len(portion)
        if num_bytes > _LARGEST_BYTES:
            raise OSError(f"it is larger than {_LARGEST_BYTES} bytes")
        if num_bytes >= next_check:
            next_check = num_bytes + _CHUNK_BYTES
            deadline = time.monotonic() + _TIMEOUT_S
        elif time.monotonic() > deadline:
            raise TimeoutError(f"less than {_CHUNK_BYTES} bytes came in {_TIMEOUT_S} s")
