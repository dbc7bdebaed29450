"""Files that come back as they were written, or not at all."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint.base import checked
from inpaint.base.errors import InputError
from inpaint.base.files import write_array, write_csv, write_json

CONTENT: dict[str, Any] = {
    "scores": {"ssim": 0.1 + 0.2, "best": None},
    "groups": [1, 2, 3],
    "diff": "+Größe\udcff\n",  # a patch may hold any bytes
}


def test_a_record_comes_back_equal(tmp_path: Path) -> None:
    checked.write_checked(tmp_path / "x.json", CONTENT)
    assert checked.read_checked(tmp_path / "x.json") == CONTENT
    assert json.loads((tmp_path / "x.json").read_text())["scores"]["ssim"] == 0.1 + 0.2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("0.30000000000000004", "0.9"),
        lambda text: text.replace("1,", "1, 1,"),
        lambda text: text.replace("null", "0"),
        lambda text: text.replace('"best"', '"worst"'),
        lambda _: "{}",
        lambda _: "[]",
        lambda _: "null",
        lambda _: "7",
        lambda text: json.dumps({"sha256": json.loads(text)["sha256"]}),
        lambda text: json.dumps(json.loads(text) | {"more": 1}),
    ],
)
def test_a_changed_record_is_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = tmp_path / "x.json"
    checked.write_checked(path, CONTENT)
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(InputError, match=r"x\.json is not as it was written: `dvc repro`"):
        checked.read_checked(path)


def test_a_file_of_an_older_version_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"run_id": "7e"})
    with pytest.raises(checked.OlderVersionError, match="is of an older version") as caught:
        checked.read_checked(tmp_path / "x.json")
    assert caught.value.content == {"run_id": "7e"}


@pytest.mark.parametrize("text", ["", "{", '{"a": 1} and more', "[" * 100_000, "\x00", "{'a': 1}"])
def test_what_is_no_json_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json is damaged .*: `dvc repro`"):
        checked.read_checked(tmp_path / "x.json")


def test_bytes_that_are_no_text_are_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match=r"x\.json is damaged"):
        checked.read_checked(tmp_path / "x.json")


def test_the_layout_does_not_matter(tmp_path: Path) -> None:
    checked.write_checked(tmp_path / "x.json", CONTENT)
    write_json(tmp_path / "y.json", dict(reversed(json.loads(
        (tmp_path / "x.json").read_text()).items())))  # fmt: skip
    assert checked.read_checked(tmp_path / "y.json") == CONTENT


def test_infinities_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        checked.write_checked(tmp_path / "x.json", {"ssim": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32])
def test_array_comes_back_equal(
    tmp_path: Path, rng: np.random.Generator, dtype: type[np.generic]
) -> None:
    array = rng.integers(0, 2, (3, 4, 5)).astype(dtype)
    write_array(tmp_path / "x.npy", array)
    received = checked.read_array(tmp_path / "x.npy", checked.array_digest(array))
    assert received.dtype == dtype
    np.testing.assert_array_equal(received, array)


def test_array_is_memory_mapped_and_read_only(tmp_path: Path) -> None:
    write_array(tmp_path / "x.npy", np.arange(6))
    received = checked.read_array(tmp_path / "x.npy", checked.array_digest(np.arange(6)))
    assert isinstance(received, np.memmap)
    assert not received.flags.writeable


@pytest.mark.parametrize(
    "other",
    [
        np.arange(1, 7, dtype=np.uint8),
        np.arange(6, dtype=np.int8),
        np.arange(6, dtype=np.float64),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(5, dtype=np.uint8),
    ],
)
def test_another_array_is_refused(tmp_path: Path, other: np.ndarray) -> None:
    write_array(tmp_path / "x.npy", other)
    with pytest.raises(InputError, match=r"x\.npy is not as it was written: `dvc repro`"):
        checked.read_array(tmp_path / "x.npy", checked.array_digest(np.arange(6, dtype=np.uint8)))


@pytest.mark.parametrize("size", [0, 5, 50, 130])
def test_a_cut_array_is_damaged(tmp_path: Path, size: int) -> None:
    array = np.arange(60, dtype=np.uint8)
    write_array(tmp_path / "x.npy", array)
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:size])
    with pytest.raises(InputError, match=r"x\.npy is damaged"):
        checked.read_array(tmp_path / "x.npy", checked.array_digest(array))


@pytest.mark.parametrize("flipped", [1, 6, 32, 127, 255])
def test_an_array_with_a_garbled_header_is_damaged(tmp_path: Path, flipped: int) -> None:
    """Or it is read for what it was: some bytes of a header say nothing."""
    array = np.arange(60, dtype=np.uint8)
    path = tmp_path / "x.npy"
    write_array(path, array)
    content = path.read_bytes()
    refusals = []
    for place in range(len(content) - len(array)):
        path.write_bytes(content[:place] + bytes([content[place] ^ flipped]) + content[place + 1 :])
        try:
            received = checked.read_array(path, checked.array_digest(array))
        except InputError as error:
            refusals.append(str(error))
        else:
            np.testing.assert_array_equal(received, array)
    assert all(told.startswith(str(path)) for told in refusals)
    assert len(refusals) > 50


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"x\.npy is damaged .*Python objects"):
        checked.read_array(tmp_path / "x.npy", "")


@pytest.mark.parametrize("read", [checked.read_checked, lambda path: checked.read_array(path, "")])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, read: Callable[..., Any]) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is a pipe or a device, allowed: a file"):
        read(tmp_path / "pipe")


def test_columns_come_back_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    names = ["a,b", 'two\n"lines"', "of\x85Windows", "a\u2028b\x0cc\x1cd", "x\r\ny", "z\r"]
    write_csv(path, ("name", "score"), [(name, 0.1 * i) for i, name in enumerate(names)])
    assert checked.read_columns(path, checked.file_digest(path)) == {
        "name": names,
        "score": [str(0.1 * i) for i in range(len(names))],
    }


@pytest.mark.parametrize("content", [b"", b"name,score\na,0.99\n", b"name,score\na", b"\xff\x00"])
def test_a_changed_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, ("name", "score"), [("a", 0.1)])
    digest = checked.file_digest(path)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.csv is not as it was written: `dvc repro`"):
        checked.read_columns(path, digest)


@pytest.mark.parametrize(
    "read",
    [
        checked.read_checked,
        lambda path: checked.read_array(path, ""),
        lambda path: checked.read_columns(path, ""),
        lambda path: checked.check_file(path, ""),
    ],
)
def test_missing_file_is_named_with_the_remedy(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    with pytest.raises(InputError, match=r"x\.npy is not there: .*`dvc repro`"):
        read(tmp_path / "x.npy")


def test_digest_is_sha256_of_type_shape_and_bytes() -> None:
    array = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    expected = hashlib.sha256(b"|u1(2, 3)" + bytes([1, 2, 3, 4, 5, 6])).hexdigest()
    assert checked.array_digest(array) == expected


def test_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checked.file_digest(tmp_path / "x") == expected


def test_digest_tells_values_shapes_and_types_apart() -> None:
    array = np.arange(6, dtype=np.uint8)
    others = [array, array[::-1], array.reshape(2, 3), array.reshape(3, 2), array.view(np.int8)]
    assert len({checked.array_digest(other) for other in others}) == len(others)


def test_digest_does_not_depend_on_memory_layout(rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, (4, 6), dtype=np.uint8)
    assert checked.array_digest(np.asfortranarray(array)) == checked.array_digest(array)
    assert checked.array_digest(array[:, ::2]) == checked.array_digest(array[:, ::2].copy())
