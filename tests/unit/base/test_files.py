"""Files: whole or not at all, and the same content back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inpaint.base import files


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
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == content


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_number(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"a": [value]})
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    files.write_text(tmp_path / "x.md", "±0.1\n")
    assert (tmp_path / "x.md").read_bytes() == b"\xc2\xb10.1\n"


def test_array_of_objects_is_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Python objects"):
        files.write_array(tmp_path / "x.npy", np.array([{}, []], dtype=object))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0), ()])
def test_an_array_without_values_is_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    files.write_array(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert np.load(tmp_path / "x.npy").shape == shape


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    """/dev/full is a disk without room."""

    def fill() -> None:
        with files.atomic(tmp_path / "x.txt"), Path("/dev/full").open("w") as file:
            file.write("content")

    with pytest.raises(OSError, match="No space left on device") as caught:
        fill()
    assert caught.value.filename == str(tmp_path / "x.txt")


def test_an_error_without_a_number_is_told_with_the_file(tmp_path: Path) -> None:
    def fail() -> None:
        with files.atomic(tmp_path / "model.keras"):
            raise OSError("Can't write data (errno = 28)\nand more")

    with pytest.raises(OSError, match="Can't write data") as caught:
        fail()
    assert caught.value.filename == str(tmp_path / "model.keras")
    assert caught.value.strerror == "Can't write data (errno = 28)"


WRITER = """
import sys
from pathlib import Path
from inpaint.base.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    others = [".hidden", ".photo.1.jpg", ".a.partial", "a.999999.partial.txt", ".a.x.partial.txt"]
    for name in others:
        (tmp_path / name).touch()
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a file.txt")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        temporary = Path(writer.stdout.readline().strip())
        files.remove_leftovers(tmp_path)
        assert temporary.read_text() == "half"  # somebody is at it
        writer.kill()
    assert temporary.exists()
    files.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_no_folder_has_no_leftovers(tmp_path: Path) -> None:
    files.remove_leftovers(tmp_path / "none")
