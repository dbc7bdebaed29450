"""Official files and archives as nobody should serve them: an InputError, and no more memory."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.data.images import formats


def idx(kind: int, *shape: int, content: bytes = b"") -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


WHOLE_IDX = idx(8, 2, 3, 4, content=bytes(24))
BAD_IDX: dict[str, bytes] = {
    "no values": idx(8, 0, 28, 28),
    "no values, of impossible sizes": idx(8, 0xFFFF2AFF, 0xFFFFFF03, 0),
    "empty": b"",
    **{f"cut to {size} bytes": WHOLE_IDX[:size] for size in (1, 2, 3, 4, 5, 8, 12, 15, 16, 39)},
    "one byte too many": WHOLE_IDX + b"\0",
    "twice": WHOLE_IDX * 2,
    **{f"type {kind:#x}": idx(kind, 24, content=bytes(24)) for kind in (0, 9, 11, 12, 13, 14, 255)},
    "first byte": b"\1" + WHOLE_IDX[1:],
    "second byte": b"\0\1" + WHOLE_IDX[2:],
    "no dimension": idx(8, content=b""),
    "no dimension, one value": idx(8, content=b"\7"),
    "4 dimensions": idx(8, 1, 2, 3, 4, content=bytes(24)),
    "255 dimensions": idx(8, *[1] * 255, content=b"\7"),
    "count of 2**32 - 1": idx(8, 2**32 - 1, 28, 28, content=bytes(784)),
    "product of 2**64": idx(8, 2**31, 2**31, 4),
    "product of 2**64, with values": idx(8, 2**31, 2**31, 4, content=bytes(16)),
    "little-endian": bytes([0, 0, 8, 1]) + struct.pack("<I", 24) + bytes(24),
    "compressed": gzip.compress(WHOLE_IDX),
    "html": b"<!DOCTYPE html><p>404",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("what", BAD_IDX)
def test_bad_idx_is_refused(what: str) -> None:
    with pytest.raises(InputError, match=r"^digits "):
        formats.read_idx(BAD_IDX[what], "digits")


@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 3073 * 2 - 1, 3073 * 2 + 1, 10**6])
def test_bad_cifar_is_refused(size: int) -> None:
    with pytest.raises(InputError, match=r"^batch is cut short"):
        formats.read_cifar(bytes(size), "batch")


WHOLE_GZ = gzip.compress(bytes(range(256)) * 40, mtime=0)
BAD_GZ: dict[str, bytes] = {
    "empty": b"",
    **{f"cut to {size} bytes": WHOLE_GZ[:size] for size in range(1, len(WHOLE_GZ), 20)},
    **{
        f"bit {place} turned": bytes(
            byte ^ (1 if i == place else 0) for i, byte in enumerate(WHOLE_GZ)
        )
        for place in (0, 1, 2, 20, 50, len(WHOLE_GZ) - 8, len(WHOLE_GZ) - 1)
    },
    "something after it": WHOLE_GZ + b"more",
    "bzip2": b"BZh91AY&SY" + bytes(50),
    "zip": b"PK\3\4" + bytes(50),
    "html": b"<!DOCTYPE html><p>404",
}


@pytest.mark.parametrize("what", BAD_GZ)
def test_bad_gzip_is_refused(what: str) -> None:
    with pytest.raises(InputError, match=r"^it is damaged or cut short"):
        formats.gunzip(BAD_GZ[what], "it")


@pytest.mark.parametrize("read", [formats.gunzip, formats.untar])
def test_a_bomb_is_refused_before_it_is_in_memory(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes, str], object]
) -> None:
    monkeypatch.setattr(formats, "_LARGEST", 1_000_000)
    bomb = gzip.compress(bytes(200_000_000), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(InputError, match="holds more than 1,000,000 bytes"):
        read(bomb, "it")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("read", [formats.gunzip, formats.untar])
def test_what_is_just_not_too_large_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes, str], object]
) -> None:
    content = gzip.decompress(archive(member("a"), content=b"1"))
    monkeypatch.setattr(formats, "_LARGEST", len(content))
    assert read(gzip.compress(content), "it") in (content, {"a": b"1"})
    monkeypatch.setattr(formats, "_LARGEST", len(content) - 1)
    with pytest.raises(InputError, match=r"^it holds more than [0-9,]+ bytes: it is not the off"):
        read(gzip.compress(content), "it")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_within_a_compressed_file_is_refused(compress: Any) -> None:
    """It would be as large as it likes: what is uncompressed is bounded once."""
    twice = gzip.compress(compress(gzip.decompress(archive(member("a"), content=b"1"))))
    with pytest.raises(InputError, match="it is damaged or cut short"):
        formats.untar(twice, "it")


def archive(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


LINKS = {
    "symbolic link": member("data_batch_1.bin", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": member("data_batch_1.bin", tarfile.LNKTYPE, "../../etc/passwd"),
    "device": member("data_batch_1.bin", tarfile.CHRTYPE),
    "block device": member("data_batch_1.bin", tarfile.BLKTYPE),
    "pipe": member("data_batch_1.bin", tarfile.FIFOTYPE),
    "folder": member("data_batch_1.bin", tarfile.DIRTYPE),
}


@pytest.mark.parametrize("what", LINKS)
def test_links_and_devices_are_left_out(what: str) -> None:
    assert formats.untar(archive(LINKS[what]), "it") == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_to_a_file_of_the_archive_are_left_out(kind: bytes) -> None:
    there = archive(member("a"), member("b", kind, "a"), content=b"1")
    assert formats.untar(there, "it") == {"a": b"1"}


@pytest.mark.parametrize(
    "name", ["../../escaped", "/etc/escaped", "a/../../escaped", "./escaped", "C:\\a/escaped"]
)
def test_a_name_reaches_no_place_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    assert formats.untar(archive(member(name), content=b"1"), "it") == {"escaped": b"1"}
    assert [path.name for path in tmp_path.rglob("*")] == ["inside"]


def test_a_file_with_holes_is_left_out() -> None:
    """Of a header of 512 bytes, it would make 8 GB of zeros."""
    info = member("data_batch_1.bin", tarfile.GNUTYPE_SPARSE)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:398], header[398:410] = b"00000000000\0", b"00000000000\0"  # a piece: where, size
    header[483:495] = b"77777777777\0"  # the size it is said to have, in octal
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert formats.untar(gzip.compress(bytes(header) + bytes(1024)), "it") == {}


WHOLE_TAR = gzip.decompress(archive(member("a"), member("b"), content=bytes(700)))


@pytest.mark.parametrize("size", [0, 1, 100, 511, 513, 1000, 1500, 2000, 2500])
def test_a_cut_archive_has_not_all_files(size: int) -> None:
    """Or it is refused: either way it is none of the official ones."""
    found: dict[str, bytes] = {}
    with suppress(InputError):
        found = formats.untar(gzip.compress(WHOLE_TAR[:size]), "it")
    assert found.keys() != {"a", "b"}


@pytest.mark.parametrize("seed", range(20))
def test_garbled_archives_end_in_files_or_in_a_refusal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(WHOLE_TAR)
    for place in rng.integers(0, 1024, 6).tolist():
        content[place] = int(rng.integers(256))
    try:
        found = formats.untar(gzip.compress(bytes(content)), "it")
    except InputError:
        return
    assert sum(map(len, found.values())) <= len(WHOLE_TAR)
