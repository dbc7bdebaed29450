"""The published files of data sets: found or fetched, and used only if their digests are right."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inpaint.data import formats
from inpaint.data.pools import Pool, Source
from inpaint.errors import InputError
from inpaint.files import atomic
from inpaint.paths import project_root
from inpaint.progress import ProgressBar

MIRROR_VARIABLE = "INPAINT_DATA_MIRROR"
_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 16

MNIST_LICENCE = "CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)"


@dataclass(frozen=True)
class Official:
    """An official data set: its files, and the MD5 of what is in them once extracted."""

    address: str
    licence: str
    citation: str
    # Archive or compressed file -> {extracted file: MD5}, training files first, the test file last.
    files: dict[str, dict[str, str]]


def idx_files(*digests: str) -> dict[str, dict[str, str]]:
    stems = [f"{part}-{kind}-ubyte" for part in ("train", "t10k")
             for kind in ("images-idx3", "labels-idx1")]  # fmt: skip
    return {f"{stem}.gz": {stem: digest} for stem, digest in zip(stems, digests, strict=True)}


OFFICIAL = {
    "mnist": Official(
        address="https://storage.googleapis.com/cvdf-datasets/mnist/",
        licence=MNIST_LICENCE,
        citation="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
        "recognition, 1998",
        files=idx_files(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    "fashion_mnist": Official(
        address="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        licence="MIT (Zalando SE)",
        citation="Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, arXiv 1708.07747",
        files=idx_files(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    "cifar10": Official(
        address="https://www.cs.toronto.edu/~kriz/",
        licence="none stated by its authors; its page asks to cite the report",
        citation="Krizhevsky: Learning multiple layers of features from tiny images, 2009",
        files={
            "cifar-10-binary.tar.gz": {
                "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
                "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
                "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
                "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
                "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
                "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
            }
        },
    ),
}


def load(dataset: str, raw_dir: Path) -> Source:
    """Get an official data set: one pool for training and validation, one for testing.

    Args:
        dataset: a key of ``OFFICIAL``.
        raw_dir: the folder of this data set's official files; downloads are kept there.

    Raises:
        InputError: a file cannot be had, or is not the official one; nothing is left behind.
    """
    official = OFFICIAL[dataset]
    extracted: dict[str, bytes] = {}
    for name, digests in official.files.items():
        extracted |= _extract(name, digests, official.address, raw_dir)
    if "test_batch.bin" in extracted:
        batches = [formats.read_cifar(content, name) for name, content in extracted.items()]
        train = tuple(np.concatenate(part) for part in zip(*batches[:-1], strict=True))
        test = batches[-1]
    else:
        arrays = [formats.read_idx(content, name) for name, content in extracted.items()]
        train, test = (arrays[0], arrays[1]), (arrays[2], arrays[3])
    return Source(
        pools=(Pool.of_images(("train", "valid"), *train), Pool.of_images(("test",), *test)),
        licence=official.licence,
        citation=official.citation,
    )


def _extract(name: str, digests: dict[str, str], address: str, raw_dir: Path) -> dict[str, bytes]:
    """Find or fetch one official file; give its extracted contents once their digests agree.

    A fetched file is kept in ``raw_dir`` only after the check.
    """
    kept = raw_dir / name
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    mirrored = _mirror_folder(mirror) / raw_dir.name / name if mirror else None
    if kept.is_file():
        return _checked(kept.read_bytes(), name, digests, where=str(kept))
    if mirrored is not None and "://" not in mirror:
        if not mirrored.is_file():
            raise InputError(f"{mirrored} is not there ({MIRROR_VARIABLE}={mirror})")
        return _checked(mirrored.read_bytes(), name, digests, where=str(mirrored))
    url = f"{mirror.rstrip('/')}/{raw_dir.name}/{name}" if mirror else address + name
    with atomic(kept) as temporary:
        _download(url, temporary, kept)
        return _checked(temporary.read_bytes(), name, digests, where=url)


def _mirror_folder(mirror: str) -> Path:
    """A relative mirror means the original project's root, also in temporary directories."""
    return project_root(Path()) / Path(mirror).expanduser()


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
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply, target.open("wb") as file:
            num_bytes = int(reply.headers.get("Content-Length") or 0)
            with ProgressBar(f"Fetching {kept.name} (bytes)", num_bytes) as bar:
                while chunk := reply.read(_CHUNK_BYTES):
                    file.write(chunk)
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
