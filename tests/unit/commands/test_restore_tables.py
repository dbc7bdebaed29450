"""`inpaint restore` of Parquet files."""

import os
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage.data import chelsea
from typer.testing import CliRunner, Result

from inpaint import cli
from inpaint.commands.restore import tables
from inpaint.commands.restore.memory import at_most
from inpaint.commands.restore.work import Work

NUM = 7
HOLE = np.zeros((40, 60), dtype=bool)
HOLE[15:20, 10:50] = True


def encoded(pixels: np.ndarray, file_format: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


def pictures() -> list[np.ndarray]:
    return [np.ascontiguousarray(chelsea()[i : i + 40, 100:160]) for i in range(NUM)]


def table(**changes: Any) -> pa.Table:
    mask = encoded(np.where(HOLE, 255, 0).astype(np.uint8))
    content = {
        "name": [f"cat {i}" for i in range(NUM)],
        "picture": [encoded(picture) for picture in pictures()],
        "mask": [mask] * NUM,
    }
    return pa.table(content | changes)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pq.write_table(table(), "cats.parquet", row_group_size=3)
    return tmp_path


def restore(*arguments: str) -> Result:
    words = ["restore", *arguments, "--method", "telea"]
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(cli.app, words)


def restored(name: str = "out") -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(Path(name).iterdir())])


def many(num: int) -> pa.Table:
    """As `table`, with more rows."""
    return table().take([i % NUM for i in range(num)]).set_column(0, "name", pa.array(range(num)))


def again_and_again(value: bytes, num: int) -> pa.Array:
    """Which Parquet keeps once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * num, pa.int32()), pa.array([value]))


def test_pictures_of_a_table_are_restored_as_those_of_a_folder() -> None:
    for i, picture in enumerate(pictures()):
        Path("files").mkdir(exist_ok=True)
        Path("files", f"{i}.png").write_bytes(encoded(picture))
    Path("mask.png").write_bytes(encoded(np.where(HOLE, 255, 0).astype(np.uint8)))
    assert restore("files", "--mask", "mask.png", "-o", "expected").exit_code == 0
    result = restore("cats.parquet", "--mask", "cats.parquet", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "7 restored to out, 1,400 missing pixels filled by method telea" in result.stdout
    assert [path.name for path in sorted(Path("out").iterdir())] == [
        f"cats-0000{i}.parquet" for i in range(3)
    ]
    found = restored()
    assert found.column_names == ["name", "restored", "error"]
    assert found["name"].to_pylist() == [f"cat {i}" for i in range(NUM)]
    assert found["error"].null_count == NUM
    for i, content in enumerate(found["restored"].to_pylist()):
        assert content == Path("expected", f"{i}.png").read_bytes()


def test_what_is_missing_may_be_the_same_everywhere() -> None:
    """And pictures may be structures, as some data sets have them; JPEG becomes PNG."""
    cells = [{"bytes": encoded(each, "JPEG"), "path": "cat.jpg"} for each in pictures()]
    Path("tables").mkdir()
    pq.write_table(table(picture=cells).drop_columns("mask"), "tables/cats.parquet")
    result = restore("tables", "--center", "9", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "7 restored to out, 567 missing pixels" in result.stdout
    assert "7 pictures: JPEG loses something, written as PNG" in result.stdout
    with Image.open(BytesIO(restored()["restored"][0].as_py())) as image:
        assert (image.format, image.size) == ("PNG", (60, 40))


def test_a_part_that_is_there_is_left_alone() -> None:
    words = ("cats.parquet", "--mask", "cats.parquet", "-o", "out")
    assert restore(*words).exit_code == 0
    Path("out/cats-00001.parquet").unlink()
    before = Path("out/cats-00000.parquet").stat().st_mtime_ns
    again = restore(*words)
    assert again.exit_code == 0
    assert "3 restored to out" in again.stdout
    assert "4 pictures: there already, left alone; --force replaces" in again.stdout
    assert Path("out/cats-00000.parquet").stat().st_mtime_ns == before
    assert restored()["restored"].null_count == 0
    assert "7 restored" in restore(*words, "--force").stdout


def test_a_pipe_is_refused_and_not_waited_for() -> None:
    os.mkfifo("pipe.parquet")
    result = restore("pipe.parquet", "--center", "9", "-o", "out")
    assert result.exit_code == 2
    assert "pipe.parquet is a pipe or a device, allowed: a file" in result.stderr


def test_what_is_wrong_with_a_picture_is_told_by_its_row() -> None:
    good = [encoded(picture) for picture in pictures()]
    bad = [b"no picture", None, *good[2:]]
    masks = [encoded(np.where(HOLE, 255, 0).astype(np.uint8))] * 3 + [None] * 3
    masks += [encoded(np.zeros((5, 5), np.uint8))]
    pq.write_table(table(picture=bad, mask=masks), "bad.parquet", row_group_size=4)
    result = restore("bad.parquet", "--mask", "bad.parquet", "-o", "out")
    assert result.exit_code == 1
    assert "1 restored to out" in result.stdout
    assert "6 failed" in result.stdout
    told = [
        "bad.parquet, row 0 of row group 0: picture.png is no such picture, or is damaged",
        "bad.parquet, row 1 of row group 0: picture: received NoneType, allowed: a file's bytes",
        "bad.parquet, row 3 of row group 0: mask: received NoneType, allowed: a file's bytes",
        "bad.parquet, row 2 of row group 1: picture.png: mask.png: the mask has 5x5",
    ]
    for line in told:
        assert f"error: {line}" in result.stderr
    found = restored()
    assert [each is None for each in found["restored"].to_pylist()] == [True] * 2 + [False] + [
        True
    ] * 4
    assert [each is None for each in found["error"].to_pylist()] == [False] * 2 + [True] + [
        False
    ] * 4


def test_rows_of_one_row_group_are_written_by_the_hundred() -> None:
    pq.write_table(many(250), "one.parquet", row_group_size=230)
    result = restore("one.parquet", "--mask", "one.parquet", "-o", "out")
    assert result.exit_code == 0, result.output
    found = [pq.read_table(path)["name"].to_pylist() for path in sorted(Path("out").iterdir())]
    ends = [0, 100, 200, 230, 250]
    assert found == [[*range(*each)] for each in pairwise(ends)]
    assert [*sorted(Path("out").iterdir())][-1].name == "one-00003.parquet"
    assert restore("cats.parquet", "--mask", "cats.parquet", "-o", "few").exit_code == 0
    few = restored("few")["restored"].to_pylist()
    assert restored()["restored"].to_pylist() == [few[i % NUM] for i in range(250)]


def test_a_row_group_that_was_interrupted_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pq.write_table(many(250), "one.parquet")
    words = ("one.parquet", "--mask", "one.parquet", "-o", "out")
    attempt, calls = Work.attempt, iter(range(250))

    def interrupted(self: Work, *arguments: Any) -> Any:
        if next(calls) == 150:
            raise KeyboardInterrupt
        return attempt(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Work, "attempt", interrupted)
        assert restore(*words).exit_code == 130
    assert [path.name for path in Path("out").iterdir()] == ["one-00000.parquet"]
    again = restore(*words)
    assert again.exit_code == 0
    assert "150 restored to out" in again.stdout
    assert "100 pictures: there already, left alone" in again.stdout
    assert restore(*words[:-1], "whole").exit_code == 0
    assert restored().equals(restored("whole"))


def test_restored_rows_are_written_before_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("cats.parquet", "--mask", "cats.parquet", "-o")
    assert restore(*words, "at_once").exit_code == 0
    monkeypatch.setattr(tables, "_HELD", 100)
    assert restore(*words, "out").exit_code == 0
    assert restored().equals(restored("at_once"))
    assert pq.ParquetFile("out/cats-00000.parquet").num_row_groups > 1


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
@pytest.mark.parametrize(("columns", "has_types"), [(["picture"], False), (["picture", "x"], True)])
def test_a_value_that_stands_in_many_rows_takes_the_memory_of_one(
    columns: list[str], has_types: bool
) -> None:
    """Read, and in lists, written; of dictionaries, or of what does not say that it is."""
    pictures = again_and_again(b"\0" * 2_000_000, 400)
    lists = pa.ListArray.from_arrays(pa.array([0] * 400 + [400], pa.int32()), pictures)
    bomb = pa.table({"picture": pictures, "x": lists}).select(columns)
    pq.write_table(bomb, "bomb.parquet", compression="zstd", store_schema=has_types)
    assert Path("bomb.parquet").stat().st_size < 2000
    with at_most(300_000_000):
        result = restore("bomb.parquet", "--center", "5", "-o", "out")
    assert result.exit_code == 1
    assert result.stderr.count("of row group 0: picture.png is no such picture") == 400
    assert restored()["restored"].null_count == 400


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
def test_a_row_that_is_too_large_costs_no_other_row_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_READING", 200_000_000)
    values = again_and_again(b"\0" * 1_000_000, 1500)
    lists = pa.ListArray.from_arrays(
        pa.array([0, 0, 0, 0, 0, 1500, 1500, 1500], pa.int32()), values
    )
    pq.write_table(
        table(x=lists), "bomb.parquet", compression="zstd", row_group_size=3, store_schema=False
    )
    result = restore("bomb.parquet", "--center", "5", "-o", "out")
    assert result.stderr.count("row group 1: cannot be read (a row takes more than") == 3
    assert "4 restored to out" in result.stdout
    assert result.exit_code == 1


def test_a_picture_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGEST", 3_000_000)
    large = encoded(np.zeros((40, 60), np.uint8)) + b"\0" * 3_000_000
    bad = [large, *[encoded(picture) for picture in pictures()[1:]]]
    cells = [{"bytes": each, "path": "cat.png"} for each in bad]
    for name, column in (("plain", bad), ("structures", cells)):
        pq.write_table(table(picture=column), f"{name}.parquet")
        result = restore(f"{name}.parquet", "--center", "5", "-o", name)
        assert result.exit_code == 1
        assert "6 restored" in result.stdout
        assert result.stderr == (
            f"error: {name}.parquet, row 0 of row group 0: picture: received 4 MB, allowed: 3 MB\n"
        )


def test_a_table_that_has_fewer_rows_than_it_says_is_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "_row_groups", lambda *_: [3, 103])
    result = restore("cats.parquet", "--center", "5", "-o", "out")
    assert result.exit_code == 1
    assert "3 restored to out" in result.stdout
    told = "error: cats.parquet, row group 1: cannot be read (it has fewer rows than it says)"
    assert result.stderr.count(told) == 103
    assert [path.name for path in Path("out").iterdir()] == ["cats-00000.parquet"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cats.parquet", "-o", "new.parquet"), "--output: received new.parquet, allowed with"),
        (("cats.parquet", "-o", "."), "--output: . is the folder that is read"),
        (("cats.parquet", "-o", "out", "--compare"), "--compare, --reference: allowed with"),
        (("cats.parquet", "photo.png", "-o", "out"), "received .parquet and other files, allowed"),
        (("cut.parquet", "-o", "out"), "cut.parquet: no whole Parquet file"),
        (("twice.parquet", "-o", "out"), "received the columns picture, picture, mask, allowed: "),
        (("empty.parquet", "-o", "out"), "empty.parquet: there is no picture in it"),
        (("done.parquet", "-o", "out"), "and others than restored and error, which are added"),
        (("endless.parquet", "-o", "out"), "received 10,000,001 rows, allowed: 10,000,000"),
        (("none.parquet", "-o", "out"), "--mask: none.parquet is not there"),
        (
            ("other.parquet", "-o", "out"),
            "received the columns name, allowed: picture and mask, each once",
        ),
        (("cats.parquet", "more/cats.parquet", "-o", "out"), "would both be written to out/cats"),
    ],
)
def test_what_cannot_be_restored_is_refused(words: tuple[str, ...], told: str) -> None:
    Path("photo.png").write_bytes(encoded(pictures()[0]))
    Path("cut.parquet").write_bytes(Path("cats.parquet").read_bytes()[:-9])
    Path("more").mkdir()
    pq.write_table(table(), "more/cats.parquet")
    pq.write_table(table().select(["name"]), "other.parquet")
    twice = table().select(["picture", "mask"]).append_column("x", table()["picture"])
    pq.write_table(
        twice.rename_columns(["picture", "mask", "picture"]).select([0, 2, 1]), "twice.parquet"
    )
    pq.ParquetWriter("empty.parquet", table().schema).close()
    pq.write_table(table(error=[""] * NUM), "done.parquet")
    nothing = pa.nulls(10_000_001, pa.binary())
    pq.write_table(pa.table({"picture": nothing, "mask": nothing}), "endless.parquet")
    result = restore(*words, "--mask", words[0])
    assert result.exit_code == 2
    assert told in result.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize("mask", ["other.parquet", "masks"])
def test_masks_of_another_table_are_refused(mask: str) -> None:
    Path("masks").mkdir()
    pq.write_table(table(), "other.parquet")
    result = restore("cats.parquet", "--mask", mask, "-o", "out")
    assert result.exit_code == 2
    assert f"--mask: received {mask}, allowed with Parquet: the same file" in result.stderr


def test_one_mask_for_all_is_that_one_whatever_the_table_has() -> None:
    other = np.zeros_like(HOLE)
    other[30:32, 5:9] = True
    Path("one.png").write_bytes(encoded(np.where(other, 255, 0).astype(np.uint8)))
    result = restore("cats.parquet", "--mask", "one.png", "-o", "out.v2")
    assert result.exit_code == 0, result.output
    assert "7 restored to out.v2, 56 missing pixels" in result.stdout
    assert restored("out.v2").column_names == ["name", "mask", "restored", "error"]


def test_a_part_that_is_damaged_costs_no_other() -> None:
    content = bytearray(Path("cats.parquet").read_bytes())
    content[50:60] = b"\xff" * 10
    Path("cats.parquet").write_bytes(content)
    result = restore("cats.parquet", "--center", "5", "-o", "out")
    assert result.exit_code == 1
    assert "4 restored to out" in result.stdout
    assert result.stderr.count("error: cats.parquet, row group 0: cannot be read") == 3


def test_tables_among_pictures_are_left_alone() -> None:
    Path("scans").mkdir()
    Path("scans/a.png").write_bytes(encoded(pictures()[0]))
    Path("cats.parquet").rename("scans/metadata.parquet")
    result = restore("scans", "--center", "5", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "1 restored to out" in result.stdout
