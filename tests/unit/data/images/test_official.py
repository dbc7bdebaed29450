"""Where images come from: folders, mirrors, addresses; and what is refused on the way."""

import gc
import gzip
import hashlib
import io
import re
import socket
import struct
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.official import Official
from inpaint.data.images.pools import Pool
from tests.unit.data.images.loading import load
from tests.unit.data.images.mirror import Handler, Mirror, reply


def idx(array: np.ndarray) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


ARRAYS = {
    "train-images-idx3-ubyte": np.arange(18, dtype=np.uint8).reshape(3, 2, 3),
    "train-labels-idx1-ubyte": np.array([5, 0, 4], np.uint8),
    "t10k-images-idx3-ubyte": np.arange(100, 112, dtype=np.uint8).reshape(2, 2, 3),
    "t10k-labels-idx1-ubyte": np.array([7, 2], np.uint8),
}
# Without the time, which would be another in each process of pytest.
FILES = {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in ARRAYS.items()}
OTHER_FILES = {
    name: gzip.compress(gzip.decompress(content) + b"\x00", mtime=0)
    for name, content in FILES.items()
}
FIRST = "train-images-idx3-ubyte.gz"


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """Has the tiny files below /mnist/, as a mirror, and below /, as the public address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Mirror(("127.0.0.1", 0), Handler) as server:
        server.requested, server.is_silent = [], threading.Event()
        server.is_silent.set()
        server.replies = {f"/mnist/{name}": reply(content) for name, content in FILES.items()}
        server.replies |= {f"/{name}": reply(content) for name, content in FILES.items()}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.is_silent.set()
        server.shutdown()
        thread.join()
    gc.collect()  # a reply that was left open shows up here, as a ResourceWarning


@pytest.fixture
def closed_address() -> Iterator[str]:
    """Nobody listens there, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def tiny_mnist(monkeypatch: pytest.MonkeyPatch, closed_address: str) -> None:
    """The digests of the tiny files stand for the official ones; the public address is closed."""
    digests = {f"{name}.gz": {name: md5(idx(array))} for name, array in ARRAYS.items()}
    change(monkeypatch, "mnist", address=closed_address, files=digests)


def change(monkeypatch: pytest.MonkeyPatch, dataset: str, **changes: Any) -> None:
    """Change what is known of a data set's official files."""
    entry = DATASETS[dataset]
    source = entry.sources["official"]
    assert isinstance(source.load, Official)
    changed = replace(source, load=replace(source.load, **changes))
    monkeypatch.setitem(DATASETS, dataset, replace(entry, sources={"official": changed}))


def load_tiny(raw_dir: Path) -> tuple[Pool, ...]:
    return load("mnist", "official", raw_dir)


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_official_training_and_test_files_become_two_pools(tmp_path: Path) -> None:
    write_files(tmp_path / "mnist", FILES)
    train, test = load_tiny(tmp_path)
    assert train.splits == ("train", "valid")
    assert test.splits == ("test",)
    assert train.labels.tolist() == [5, 0, 4]
    assert test.labels.tolist() == [7, 2]
    np.testing.assert_array_equal(
        train.take(np.array([2, 0]))[..., 0], ARRAYS["train-images-idx3-ubyte"][[2, 0]]
    )
    np.testing.assert_array_equal(
        test.take(np.array([1]))[..., 0], ARRAYS["t10k-images-idx3-ubyte"][[1]]
    )


def test_official_cifar_batches_are_joined_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One image per batch; its label and all its pixels are the batch's number.
    batches = {f"data_batch_{i}.bin": bytes([i]) * 3073 for i in range(1, 6)}
    batches["test_batch.bin"] = bytes([9]) * 3073
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        # The real archive has another order and other files, too.
        for name, content in {"readme.html": b"x", **dict(reversed(batches.items()))}.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    write_files(tmp_path / "cifar10", {"cifar-10-binary.tar.gz": buffer.getvalue()})
    digests = {name: md5(content) for name, content in batches.items()}
    change(monkeypatch, "cifar10", files={"cifar-10-binary.tar.gz": digests})
    train, test = load("cifar10", "official", tmp_path)
    assert train.labels.tolist() == [1, 2, 3, 4, 5]
    assert train.take(np.arange(5))[:, 31, 0, 1].tolist() == [1, 2, 3, 4, 5]
    assert test.labels.tolist() == [9]


def test_archive_without_an_expected_file_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    write_files(tmp_path / "cifar10", {"cifar-10-binary.tar.gz": buffer.getvalue()})
    with pytest.raises(InputError, match=r"cifar-10-binary.tar.gz holds no data_batch_1.bin"):
        load("cifar10", "official", tmp_path)


def test_raw_folder_comes_before_the_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "raw" / "mnist", FILES)
    write_files(tmp_path / "mirror" / "mnist", OTHER_FILES)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(tmp_path / "mirror"))
    assert load_tiny(tmp_path / "raw")[0].labels.tolist() == [5, 0, 4]


def test_mirror_folder_comes_before_the_public_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    change(monkeypatch, "mnist", address=mirror.address)
    write_files(tmp_path / "mirror" / "mnist", FILES)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(tmp_path / "mirror"))
    assert load_tiny(tmp_path / "raw")[0].labels.tolist() == [5, 0, 4]
    assert mirror.requested == []
    assert files_below(tmp_path / "raw") == []


def test_mirror_address_comes_before_the_public_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    change(monkeypatch, "mnist", address=mirror.address)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    load_tiny(tmp_path)
    assert mirror.requested == [f"/mnist/{name}" for name in FILES]


def test_public_address_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    change(monkeypatch, "mnist", address=mirror.address)
    assert load_tiny(tmp_path)[0].labels.tolist() == [5, 0, 4]
    assert mirror.requested == [f"/{name}" for name in FILES]


def test_mirror_folder_without_the_file_is_refused_and_nothing_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    change(monkeypatch, "mnist", address=mirror.address)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(InputError, match=rf"{FIRST} is not there \(INPAINT_DATA_MIRROR="):
        load_tiny(tmp_path / "raw")
    assert mirror.requested == []


def test_relative_mirror_is_below_the_original_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "project" / "mirror" / "mnist", FILES)
    (tmp_path / "experiment").mkdir()
    monkeypatch.chdir(tmp_path / "experiment")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    monkeypatch.setenv("INPAINT_DATA_MIRROR", "mirror")
    assert load_tiny(tmp_path / "raw")[0].labels.tolist() == [5, 0, 4]


def test_relative_mirror_is_below_the_working_folder_without_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "mirror" / "mnist", FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", "mirror")
    assert load_tiny(tmp_path / "raw")[0].labels.tolist() == [5, 0, 4]


@pytest.mark.parametrize("slash", ["", "/"])
def test_download_is_kept_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror, slash: str
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address.rstrip("/") + slash)
    assert load_tiny(tmp_path)[1].labels.tolist() == [7, 2]
    assert files_below(tmp_path) == sorted(FILES)
    assert (tmp_path / "mnist" / FIRST).read_bytes() == FILES[FIRST]
    mirror.requested.clear()
    assert load_tiny(tmp_path)[1].labels.tolist() == [7, 2]
    assert mirror.requested == []


def test_download_of_unstated_length_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    for name, content in FILES.items():
        mirror.replies[f"/mnist/{name}"] = b"HTTP/1.0 200 OK\r\n\r\n" + content
    load_tiny(tmp_path)
    assert files_below(tmp_path) == sorted(FILES)


def wrong_digest() -> str:
    """What a file with one byte too many is refused with, as a regular expression."""
    received = md5(gzip.decompress(OTHER_FILES[FIRST]))
    expected = md5(gzip.decompress(FILES[FIRST]))
    return f"train-images-idx3-ubyte has MD5 {received}, allowed: {expected}"


def test_kept_file_with_a_wrong_digest_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path / "mnist", OTHER_FILES)
    with pytest.raises(InputError, match=wrong_digest()) as caught:
        load_tiny(tmp_path)
    assert str(tmp_path / "mnist" / FIRST) in str(caught.value)


def test_mirrored_file_with_a_wrong_digest_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "mirror" / "mnist", OTHER_FILES)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(InputError, match=wrong_digest()):
        load_tiny(tmp_path / "raw")
    assert files_below(tmp_path / "raw") == []


def test_downloaded_file_with_a_wrong_digest_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = reply(OTHER_FILES[FIRST])
    with pytest.raises(InputError, match=wrong_digest()) as caught:
        load_tiny(tmp_path)
    assert f"{mirror.address}mnist/{FIRST}" in str(caught.value)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [FILES[FIRST][:-4], b"<html>Please log in</html>", b""],
    ids=["cut", "a page", "empty"],
)
def test_damaged_download_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror, content: bytes
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = reply(content)
    with pytest.raises(InputError, match=re.escape(f"{mirror.address}mnist/{FIRST} is ")):
        load_tiny(tmp_path)
    assert files_below(tmp_path) == []


def test_download_that_ends_early_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = reply(FILES[FIRST], missing=1000)
    num = len(FILES[FIRST])
    with pytest.raises(InputError, match=f"{FIRST} ended after {num} of {num + 1000} bytes"):
        load_tiny(tmp_path)
    assert files_below(tmp_path) == []


BODY = FILES[FIRST]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "wire",
    [
        reply(BODY[:-10], missing=10),
        CHUNKED + b"%x\r\n" % len(BODY) + BODY[:-10],
        b"HTTP/1.0 404 Not Found\r\n\r\n",
        b"HTTP/1.0 500 Internal Server Error\r\n\r\n",
        b"this is no HTTP\r\n\r\n",
        b"",
    ],
    ids=["cut", "cut within a chunk", "404", "500", "no HTTP", "no reply"],
)
def test_failed_download_is_an_input_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror, wire: bytes
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = wire
    with pytest.raises(InputError, match=re.escape(f"{mirror.address}mnist/{FIRST}")) as caught:
        load_tiny(tmp_path)
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    ("limits", "pause", "told"),
    [
        ({"_TIMEOUT_S": 1}, 10.0, "timed out"),
        ({"_TIMEOUT_S": 2}, 0.02, "less than 65536 bytes came in 2 s"),
        ({"_LARGEST_BYTES": 2000}, 0.0, "it is larger than 2000 bytes"),
    ],
    ids=["stalled", "by drops", "endless"],
)
def test_a_download_that_does_not_end_is_given_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mirror: Mirror,
    limits: dict[str, float],
    pause: float,
    told: str,
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(f"inpaint.data.images.official.{name}", value)
    mirror.pause = pause
    mirror.is_silent.clear()
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = b"HTTP/1.0 200 OK\r\n\r\n"
    with pytest.raises(InputError, match=told):
        load_tiny(tmp_path)
    assert files_below(tmp_path) == []


def test_an_answer_whose_first_line_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: Mirror
) -> None:
    """Its bytes come one by one, each well within the time that a byte may take."""
    monkeypatch.setattr("inpaint.data.images.official._TIMEOUT_S", 1)
    mirror.pause = 0.02
    mirror.is_silent.clear()
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror.address)
    mirror.replies[f"/mnist/{FIRST}"] = b"HTTP/1.0 "
    with pytest.raises(InputError, match=r"cannot fetch .* \(no answer in 2 s\)"):
        load_tiny(tmp_path)
    assert files_below(tmp_path) == []


def test_refused_connection_is_an_input_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot fetch http://127\.0\.0\.1:.*refused") as caught:
        load_tiny(tmp_path)
    assert f"put the file at {tmp_path / 'mnist' / FIRST}" in str(caught.value)
    assert "name a mirror in INPAINT_DATA_MIRROR" in str(caught.value)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:port/", "gopher://127.0.0.1/", "http://"])
def test_mirror_that_is_no_address_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", address)
    with pytest.raises(InputError, match="cannot fetch"):
        load_tiny(tmp_path)
    assert files_below(tmp_path) == []
