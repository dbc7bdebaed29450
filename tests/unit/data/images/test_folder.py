"""People's own pictures as a data set."""

import os
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from inpaint.base.errors import InputError
from inpaint.base.paths import SPLITS
from inpaint.data.images.folder import crops, split_of
from inpaint.data.images.pools import Pool
from inpaint.data.images.selection import select

SHAPE = (32, 32, 3)


def tiles() -> list[np.ndarray]:
    """60 pieces of photographs, none like another, not square: uint8 (72, 88, 3)."""
    pictures = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    return [
        picture[row : row + 72, column : column + 88]
        for picture in pictures
        for row in range(0, 288, 72)
        for column in range(0, 440, 88)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("own")
    (place / "below").mkdir()
    for number, tile in enumerate(tiles()):
        suffix = (".png", ".jpg", ".tif", ".webp")[number % 4]
        Image.fromarray(tile).save(place / ("below" if number % 3 else "") / f"{number:02}{suffix}")
    (place / "notes.txt").write_text("no picture")
    return place


def pictures_of(pool: Pool) -> set[str]:
    return {str(name).partition(":")[0] for name in pool.names}


def by_split(pools: tuple[Pool, ...]) -> dict[str, set[str]]:
    return {pool.splits[0]: pictures_of(pool) for pool in pools}


def copied(folder: Path, to: Path, *, every: int = 1) -> Path:
    for path in sorted(folder.rglob("*.*"))[::every]:
        target = to / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return to


def test_each_picture_is_in_one_split(folder: Path) -> None:
    pools = crops(SHAPE, folder)
    found = by_split(pools)
    assert list(found) == list(SPLITS)
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == 60
    assert len(found["train"]) > len(found["valid"]) + len(found["test"])
    assert not pools[0].left_out


def test_shares_are_as_documented() -> None:
    rng = np.random.default_rng(0)
    drawn = [split_of(rng.bytes(32).hex()) for _ in range(20_000)]
    shares = {split: drawn.count(split) / len(drawn) for split in SPLITS}
    assert shares == pytest.approx({"train": 0.7, "valid": 0.15, "test": 0.15}, abs=0.01)


def test_more_pictures_move_none(folder: Path, tmp_path: Path) -> None:
    """Nor do other names, and crops that were chosen stay so."""
    some = copied(folder, tmp_path / "some", every=2)
    before, after = crops(SHAPE, some), crops(SHAPE, folder)
    for few, all_ in zip(before, after, strict=True):
        assert pictures_of(few) < pictures_of(all_)
        assert set(few.names) <= set(all_.names)


def test_crops_are_of_their_pictures(folder: Path) -> None:
    for pool in crops(SHAPE, folder):
        chosen = np.array([0, len(pool.names) - 1, len(pool.names) // 2, 0])
        for name, crop in zip([pool.names[i] for i in chosen], pool.take(chosen), strict=True):
            path, row, column = str(name).split(":")
            with Image.open(folder / path) as image:
                pixels = np.asarray(image.convert("RGB"))
            place = slice(int(row), int(row) + 32), slice(int(column), int(column) + 32)
            np.testing.assert_array_equal(crop, pixels[place])


def test_grey_and_colour_are_made_of_each_other(tmp_path: Path) -> None:
    for number, tile in enumerate(tiles()):
        Image.fromarray(tile if number % 2 else tile[..., 1]).save(tmp_path / f"{number}.png")
    for channels in (1, 3):
        for pool in crops((32, 32, channels), tmp_path):
            taken = pool.take(np.arange(0, len(pool.names), 50))
            assert taken.shape[1:] == (32, 32, channels)
            assert taken.std() > 20


def test_files_that_are_no_use_are_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path / "own")
    (own / "empty.png").write_bytes(b"")
    cut = (own / "00.png").read_bytes()
    (own / "cut.png").write_bytes(cut[: len(cut) // 2])
    Image.fromarray(tiles()[1][:20]).save(own / "small.png")
    (own / "zz copy.png").write_bytes(cut)
    pool = crops(SHAPE, own)[0]
    assert set(pool.left_out) == {"empty.png", "cut.png", "small.png", "zz copy.png"}
    assert pool.left_out["empty.png"].startswith("is empty")
    assert pool.left_out["cut.png"].startswith("is damaged")
    assert pool.left_out["small.png"] == "is smaller than a crop of 32x32 pixels"
    assert pool.left_out["zz copy.png"] == "is a copy of 00.png"
    assert by_split(crops(SHAPE, own)) == by_split(crops(SHAPE, folder))


def test_names_that_are_no_text_can_be_written_down(folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path / "own")
    (own / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")  # as Latin-1 has it
    (own / "00.png").rename(own / os.fsdecode(b"\xfcber.png"))
    pools = crops(SHAPE, own)
    assert set(pools[0].left_out) == {"caf\\xe9.png"}
    assert "\\xfcber.png" in set.union(*by_split(pools).values())


def test_one_picture_saved_twice_in_two_splits_is_refused(folder: Path, tmp_path: Path) -> None:
    own = copied(folder, tmp_path / "own")
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            image.save(own / f"{path.stem} again.jpg", quality=92)
            smaller = image.resize((image.width * 3 // 4, image.height * 3 // 4))
        smaller.save(own / f"{path.stem} smaller.png")
    with pytest.raises(InputError, match=r"are the same picture, saved twice: remove one") as told:
        crops(SHAPE, own)
    assert "(train)" in str(told.value)


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    Image.fromarray(tiles()[0]).save(tmp_path / "only.png")
    with pytest.raises(InputError, match=r"received 1 pictures that can be used, .* at least one"):
        crops(SHAPE, tmp_path)
    with pytest.raises(InputError, match=r"data.path: received .*nowhere, allowed: a folder"):
        crops(SHAPE, tmp_path / "nowhere")


def test_section_data_names_the_folder(folder: Path) -> None:
    data = {
        "dataset": "folder_grey", "source": "auto", "image_size": 24, "path": folder.name,
        "train_size": 100, "valid_size": 30, "test_size": 30, "seed": 0,
    }  # fmt: skip
    selected = select(data, folder.parent)
    assert selected["train"].images().shape == (100, 24, 24, 1)
    for places, images in selected["train"].parts():
        np.testing.assert_array_equal(images, selected["train"].images()[places])
    # All pictures have a share.
    groups = selected["train"].pool.groups[selected["train"].indices]
    assert len(np.unique(groups)) == len(np.unique(selected["train"].pool.groups))


def test_no_more_crops_than_can_be_chosen_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inpaint.data.images.folder._MOST_CROPS", 60 * 5)
    for pool in crops(SHAPE, folder):
        assert np.bincount(pool.groups).tolist() == [5] * len(pictures_of(pool))
