"""Files: whole or not at all, and the same content back."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from inpaint.base import files
from inpaint.base.errors import InputError


def test_atomic_makes_the_folder_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    with files.atomic(path) as temporary:
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert os.listdir(path.parent) == ["b.txt"]  # noqa: PTH208 hidden files too


def test_atomic_temporary_path_keeps_suffix_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with files.atomic(path) as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == path.parent
        assert temporary != path
        temporary.touch()


def test_failed_write_keeps_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_text("old")

    def fail() -> None:
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["b.txt"]  # noqa: PTH208


def test_json_comes_back_equal(tmp_path: Path) -> None:
    content = {"a": [1, 2.5, None, True], "b": {"name": "Größe\n"}}
    files.write_json(tmp_path / "x.json", content)
    assert files.read_json(tmp_path / "x.json") == content


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_number(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"a": [value]})
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    files.write_text(tmp_path / "x.md", "±0.1\n")
    assert (tmp_path / "x.md").read_bytes() == b"\xc2\xb10.1\n"


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32])
def test_array_comes_back_equal(
    tmp_path: Path, rng: np.random.Generator, dtype: type[np.generic]
) -> None:
    array = rng.integers(0, 2, (3, 4, 5)).astype(dtype)
    files.write_array(tmp_path / "x.npy", array)
    received = files.read_array(tmp_path / "x.npy")
    assert received.dtype == dtype
    np.testing.assert_array_equal(received, array)


def test_array_is_memory_mapped_and_read_only(tmp_path: Path) -> None:
    files.write_array(tmp_path / "x.npy", np.arange(6))
    received = files.read_array(tmp_path / "x.npy")
    assert isinstance(received, np.memmap)
    assert not received.flags.writeable


def test_array_of_objects_is_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_array(tmp_path / "x.npy", np.array([{}, []], dtype=object))
    assert list(tmp_path.iterdir()) == []


def test_columns_come_back_as_text(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "x.csv", ("name", "score"), [("a,b", 0.1), ('two\n"lines"', 2)])
    assert files.read_columns(tmp_path / "x.csv") == {
        "name": ["a,b", 'two\n"lines"'],
        "score": ["0.1", "2"],
    }


@pytest.mark.parametrize("read", [files.read_json, files.read_array, files.read_columns])
def test_missing_file_is_named_with_the_remedy(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(InputError, match=r"x\.npy is not there: .*`dvc repro`"):
        read(tmp_path / "x.npy")


def test_digest_is_sha256_of_type_shape_and_bytes() -> None:
    array = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    expected = hashlib.sha256(b"|u1(2, 3)" + bytes([1, 2, 3, 4, 5, 6])).hexdigest()
    assert files.array_digest(array) == expected


def test_digest_tells_values_shapes_and_types_apart() -> None:
    array = np.arange(6, dtype=np.uint8)
    others = [array, array[::-1], array.reshape(2, 3), array.reshape(3, 2), array.view(np.int8)]
    assert len({files.array_digest(other) for other in others}) == len(others)


def test_digest_does_not_depend_on_memory_layout(rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, (4, 6), dtype=np.uint8)
    assert files.array_digest(np.asfortranarray(array)) == files.array_digest(array)
    assert files.array_digest(array[:, ::2]) == files.array_digest(array[:, ::2].copy())
