"""`inpaint restore` of Parquet files."""

from io import BytesIO
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
