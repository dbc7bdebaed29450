"""Official formats: files of a few bytes, written out by hand, whole and damaged."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.data.images import formats

# Two images of 2 rows and 3 columns, as an idx3 file.
IDX_HEADER = b"\x00\x00\x08\x03" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03"
IDX_VALUES = b"\x00\x01\x02\x03\x04\x05" + b"\xfa\xfb\xfc\xfd\xfe\xff"
# One CIFAR-10 record: label 7; red counts up row by row, green is 100, blue counts down.
CIFAR_RECORD = b"\x07" + bytes(range(256)) * 4 + bytes([100]) * 1024 + bytes(range(255, -1, -1)) * 4


def tar_of(members: dict[str, bytes | None]) -> bytes:
    """A tar archive: name -> content, None for a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_idx_values_come_in_the_shape_of_the_header() -> None:
    array = formats.read_idx(IDX_HEADER + IDX_VALUES, "x")
    assert array.dtype == np.uint8
    assert array.tolist() == [[[0, 1, 2], [3, 4, 5]], [[250, 251, 252], [253, 254, 255]]]


def test_idx_labels_have_one_dimension() -> None:
    labels = formats.read_idx(b"\x00\x00\x08\x01\x00\x00\x00\x04\x05\x00\x04\x01", "x")
    assert labels.tolist() == [5, 0, 4, 1]


def test_idx_sizes_are_big_endian() -> None:
    assert formats.read_idx(b"\x00\x00\x08\x01\x00\x00\x01\x00" + bytes(256), "x").shape == (256,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x08",
        b"\x01\x00\x08\x01\x00\x00\x00\x01\x05",  # does not start with two zero bytes
        b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00\x00",  # 0x0d: floats
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",  # still compressed
    ],
)
def test_idx_with_a_wrong_start_is_refused(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        formats.read_idx(content, "labels")
    told = f"labels is not an idx file of unsigned bytes: starts {content[:4]!r}"
    assert str(caught.value) == told


def test_idx_of_four_bytes_is_one_that_was_cut() -> None:
    with pytest.raises(InputError, match=r"^images is cut short: 4 bytes, header 16$"):
        formats.read_idx(IDX_HEADER[:4], "images")


def test_idx_cut_in_its_header_is_refused() -> None:
    with pytest.raises(InputError, match="images is cut short: 10 bytes, header 16"):
        formats.read_idx(IDX_HEADER[:10], "images")


@pytest.mark.parametrize(
    ("values", "received"), [(IDX_VALUES[:-1], 11), (IDX_VALUES + b"\x00", 13), (b"", 0)]
)
def test_idx_of_another_length_than_its_header_says_is_refused(
    values: bytes, received: int
) -> None:
    with pytest.raises(InputError, match=rf"images holds {received} values, .* \(2, 2, 3\)"):
        formats.read_idx(IDX_HEADER + values, "images")


def test_cifar_planes_become_channels() -> None:
    images, labels = formats.read_cifar(CIFAR_RECORD, "x")
    assert labels.tolist() == [7]
    assert images.shape == (1, 32, 32, 3)
    assert images.dtype == np.uint8
    # Row 1, column 2 is value 34 of each plane; row 31, column 31 is value 1023, 255 again.
    assert images[0, 1, 2].tolist() == [34, 100, 221]
    assert images[0, 2, 1].tolist() == [65, 100, 190]
    assert images[0, 31, 31].tolist() == [255, 100, 0]


def test_cifar_records_come_in_order() -> None:
    second = b"\x03" + bytes(3072)
    images, labels = formats.read_cifar(CIFAR_RECORD + second, "x")
    assert labels.tolist() == [7, 3]
    assert images[0].any()
    assert not images[1].any()


@pytest.mark.parametrize("content", [b"", CIFAR_RECORD[:-1], CIFAR_RECORD + b"\x00"])
def test_cifar_of_a_wrong_length_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=f"batch is cut short: {len(content)} bytes.*3073"):
        formats.read_cifar(content, "batch")


def test_gunzip_gives_the_content() -> None:
    assert formats.gunzip(gzip.compress(b"content"), "x") == b"content"


def damaged(content: bytes) -> bytes:
    """The same with one bit in the middle turned over."""
    half = len(content) // 2
    return content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(bytes(range(256)))[:-1],
        gzip.compress(bytes(range(256)))[:5],
        damaged(gzip.compress(bytes(range(256)))),
        gzip.compress(b"")[:10] + b"\xff" * 20,  # a block of a type that deflate has not got
        b"<!DOCTYPE html><p>Not found",
    ],
    ids=["cut", "cut in its header", "damaged", "no deflate", "html"],
)
def test_gunzip_refuses_what_is_not_whole(content: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.gz is damaged or cut short"):
        formats.gunzip(content, "x.gz")


def test_untar_gives_files_by_their_base_names_without_folders() -> None:
    archive = tar_of({"top": None, "top/inner/a.bin": b"1", "b.bin": b"22"})
    assert formats.untar(gzip.compress(archive), "x") == {"a.bin": b"1", "b.bin": b"22"}


def test_untar_writes_nothing_wherever_a_name_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    archive = gzip.compress(tar_of({"../escaped": b"1", f"{tmp_path}/absolute": b"2"}))
    assert formats.untar(archive, "x") == {"escaped": b"1", "absolute": b"2"}
    assert list(tmp_path.rglob("*")) == [inside]


@pytest.mark.parametrize("cut", [-1, 20])
def test_untar_refuses_a_cut_archive(cut: int) -> None:
    content = gzip.compress(tar_of({"a.bin": bytes(5000)}))
    with pytest.raises(InputError, match=r"x\.tar\.gz is damaged or cut short"):
        formats.untar(content[:cut], "x.tar.gz")


@pytest.mark.parametrize(
    "content",
    [tar_of({"a.bin": bytes(5000)})[:2000], b"no archive at all", b""],
    ids=["cut", "text", "empty"],
)
def test_untar_refuses_a_whole_gzip_of_something_else(content: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.tar\.gz is damaged or cut short"):
        formats.untar(gzip.compress(content), "x.tar.gz")
