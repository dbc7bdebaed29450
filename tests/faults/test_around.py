"""What goes wrong around the pipeline: it says so, loses nothing, and works when that is over."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT, Checkout
from tests.faults.conftest import EPOCHS
from tests.faults.killing import Started, ended, leftovers, results, runs

pytestmark = pytest.mark.slow


def assert_logged(checkout: Checkout, expected: dict[str, Any]) -> None:
    assert results(checkout.root) == expected
    assert leftovers(checkout.root) == []
    [run] = [run for run in runs(checkout.root) if run.status == "FINISHED"]
    assert run.epochs == list(range(1, EPOCHS + 1))
    assert "test/model/composite/ssim_unit" in run.metrics


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_a_database_that_is_none(
    fresh: Checkout, undisturbed: dict[str, Any], content: bytes
) -> None:
    """An empty file is one to SQLite; of another one it is told what to do."""
    database = fresh.root / "mlflow.db"
    database.write_bytes(content)
    printed = fresh.run("dvc", "repro")
    if content:
        assert "kept on the disk, but not logged; `inpaint sync` does that" in printed
        assert "file is not a database; it is damaged: move it away, and `inpaint sync`" in printed
        assert database.read_bytes() == content
        database.unlink()
        assert "logged the whole run" in fresh.run("inpaint", "sync")
    assert_logged(fresh, undisturbed)


def test_a_database_whose_making_was_cut_short(
    fresh: Checkout, undisturbed: dict[str, Any]
) -> None:
    """As by another program: the project itself makes it under another name."""
    with closing(sqlite3.connect(fresh.root / "mlflow.db")) as database:
        database.execute("CREATE TABLE spans (a INTEGER)")
    printed = fresh.run("dvc", "repro")
    assert "already exists; it is damaged: move it away, and `inpaint sync`" in printed
    (fresh.root / "mlflow.db").unlink()
    fresh.run("inpaint", "sync")
    assert_logged(fresh, undisturbed)


def test_a_database_that_somebody_holds(fresh: Checkout, undisturbed: dict[str, Any]) -> None:
    fresh.run("dvc", "repro", "mask")
    fresh.run("inpaint", "runs")  # makes it
    with closing(sqlite3.connect(fresh.root / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        printed = fresh.run("dvc", "repro")
    assert "training goes on without MLflow: the MLflow store" in printed
    assert "database is locked" in printed
    fresh.run("inpaint", "sync")
    assert_logged(fresh, undisturbed)


def test_two_pipelines_at_once(fresh: Checkout, undisturbed: dict[str, Any]) -> None:
    first = Started(fresh, "dvc", "repro")
    first.wait_for(f"Epoch 2/{EPOCHS}")
    told = fresh.run("dvc", "repro", code=255)
    assert "is busy, it is being blocked by" in told or "Unable to acquire lock" in told
    assert first.process.wait() == 0
    assert_logged(fresh, undisturbed)


def test_files_in_the_cache_that_were_damaged(fresh: Checkout, undisturbed: dict[str, Any]) -> None:
    """DVC takes what cannot be written as it is, as a fault of the disk leaves it."""
    fresh.run("dvc", "repro")
    for path in (fresh.root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file():
            content, mode = path.read_bytes(), path.stat().st_mode
            path.chmod(0o644)
            path.write_bytes(content[:-1])
            path.chmod(mode)
    for name in ("models/inpainter.keras", "reports/metrics.json", "data/holes/test.npy"):
        (fresh.root / name).unlink()
    assert "'train' is cached" in fresh.run("dvc", "repro")
    refused = " ".join(fresh.run("inpaint", "sync", code=1).split())
    assert "as it was written: `dvc repro` makes it again; if not, `chmod -R u+w .dvc" in refused
    fresh.run("chmod", "-R", "u+w", ".dvc/cache")
    fresh.run("dvc", "repro")
    assert results(fresh.root) == undisturbed
    assert "complete" in fresh.run("inpaint", "sync")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.unlink()  # it may be a link into DVC's cache
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["data/prepared/train.npy", "data/holes/train.npy"])
def test_what_was_edited_is_not_trained_on(
    fresh: Checkout, undisturbed: dict[str, Any], name: str
) -> None:
    fresh.run("dvc", "repro", "mask")
    flip_a_bit(fresh.root / name)
    refused = fresh.run("python", "src", "train", code=2)
    assert "train.npy is not as it was written: `dvc repro` makes it again" in refused
    fresh.run("dvc", "repro")
    assert_logged(fresh, undisturbed)


def test_what_a_killed_dvc_has_cut_is_mended_by_make_run(
    fresh: Checkout, undisturbed: dict[str, Any]
) -> None:
    make_run = ("make", "--old-file", ".venv/bin/ready", "run")
    shutil.copy(ROOT / "Makefile", fresh.root)
    fresh.run(*make_run)
    lock, claims = fresh.root / "dvc.lock", fresh.root / ".dvc" / "tmp" / "rwlock"
    whole = lock.read_bytes()
    start, digest = whole.index(b"  mask:"), re.search(rb"md5: [1-9]\d\d", whole)
    assert digest is not None
    # Of the last two, DVC does not say that they are damaged.
    for damaged in (
        *(b"", whole[:start] + b"  mask:\n", whole[: start - 40] + bytes(40)),
        *(whole[: whole.index(b"hash: m", start) + len("hash: m")], whole[: digest.end()]),
    ):
        lock.write_bytes(damaged)
        claims.write_text("")
        assert "dvc.lock is damaged: moved to dvc.lock.damaged" in fresh.run(*make_run)
        assert "dvc.lock is damaged" not in fresh.run(*make_run)
    assert_logged(fresh, undisturbed)


def test_too_little_memory(fresh: Checkout, undisturbed: dict[str, Any]) -> None:
    small, large = {"filters": 4}, {"filters": 512}
    fresh.set({"model": large})
    fresh.run("dvc", "repro", "mask")
    code, printed = ended(fresh, "prlimit", "--as=3000000000", "dvc", "repro")
    assert code != 0
    assert "failed: there is not enough memory: try a smaller train.batch_size" in printed
    assert "Traceback" not in printed
    fresh.set({"model": small})
    assert not (fresh.root / "models" / "inpainter.keras").exists()
    fresh.run("dvc", "repro")
    assert_logged(fresh, undisturbed)


@pytest.mark.parametrize(
    "name",
    [
        "data/prepared/valid.npy",
        "data/prepared/test.npy",
        "data/prepared/manifest.json",
        "data/holes/valid.npy",
        "data/holes/test.npy",
        "data/holes/manifest.json",
        "models/inpainter.keras",
        "reports/train.json",
        "reports/train/history.csv",
        "reports/metrics.json",
        "reports/per_image.csv",
        "reports/restored.npy",
    ],
)
def test_a_file_that_was_edited_is_made_again(
    fresh: Checkout, undisturbed: dict[str, Any], name: str
) -> None:
    """Found by `inpaint sync`, and mended by `dvc repro`."""
    fresh.run("dvc", "repro")
    path: Path = fresh.root / name
    flip_a_bit(path)
    refused = fresh.run("inpaint", "sync", code=1)
    assert f"{path.name} is" in refused
    fresh.run("dvc", "repro")
    assert results(fresh.root) == undisturbed
    assert "complete" in fresh.run("inpaint", "sync")
