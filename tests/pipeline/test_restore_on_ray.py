"""`inpaint restore --engine ray`, on this machine and on a cluster that loses a node."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage.data import astronaut

from tests.cluster import two_nodes

NUM = 240


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scratched pictures, their masks, one picture that is none, and all restored
    one after the other, in `expected`."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "in").mkdir()
    rng = np.random.default_rng(0)
    hole = np.zeros((40, 56), dtype=bool)
    hole[12:18, 8:48] = True
    Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)).save(folder / "mask.png")
    for number in range(NUM):
        row, column = rng.integers(0, 450, 2)
        crop = astronaut()[row : row + 40, column : column + 56]
        Image.fromarray(crop).save(folder / "in" / f"{number:03}.png")
    (folder / "in" / "broken.png").write_bytes(b"no picture")
    assert f"{NUM} restored to expected" in finish(start(folder, "expected"))[1]
    return folder


@pytest.fixture
def ray_cluster() -> Iterator[Any]:
    """Every command of this process's environment finds it."""
    with two_nodes() as cluster:
        yield cluster


def start(
    folder: Path, output: str, *words: str, address: str = "", images: str = "in"
) -> subprocess.Popen[str]:
    inpaint = str(Path(sys.executable).with_name("inpaint"))
    command = [inpaint, "restore", images, "--mask", "mask.png", "-o"]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    return subprocess.Popen(
        [*command, output, *words],
        cwd=folder,
        env=environment | ({"RAY_ADDRESS": address} if address else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def assert_as_expected(folder: Path, output: str, done: tuple[int, str, str]) -> None:
    code, out, err = done
    assert code == 1, err
    assert err.splitlines() == [
        "error: in/broken.png is no such picture, or is damaged, allowed: a PNG, JPEG, WebP or "
        "TIFF file"
    ]
    assert "1 failed" in out
    names = [f"{number:03}.png" for number in range(NUM)]
    assert sorted(path.name for path in (folder / output).iterdir()) == names
    for name in names:
        assert (folder / output / name).read_bytes() == (folder / "expected" / name).read_bytes()


def test_on_this_machine_the_same_pixels_come_of_it(pictures: Path) -> None:
    done = finish(start(pictures, "here", "--engine", "ray"))
    assert f"{NUM} restored to here" in done[1]
    assert_as_expected(pictures, "here", done)


@pytest.mark.slow
def test_tables_are_restored_by_several_workers(pictures: Path) -> None:
    names = [f"{number:03}.png" for number in range(NUM)]
    content = [(pictures / "in" / name).read_bytes() for name in names]
    table = pa.table({"name": names, "picture": content})
    pq.write_table(table, pictures / "some.parquet", row_group_size=230)
    command = ("--engine", "ray", "--method", "telea")
    code, out, err = finish(start(pictures, "tables", *command, images="some.parquet"))
    assert code == 0, err
    assert f"{NUM} restored to tables" in out
    finish(start(pictures, "files", "--method", "telea"))
    parts = sorted((pictures / "tables").iterdir())
    assert len(parts) == 4
    rows = pa.concat_tables(map(pq.read_table, parts)).to_pylist()
    assert [row["name"] for row in rows] == names
    for row in rows:
        assert row["restored"] == (pictures / "files" / row["name"]).read_bytes()


@pytest.mark.slow
def test_a_node_that_is_lost_costs_no_picture(pictures: Path, ray_cluster: Any) -> None:
    process = start(pictures, "there", "--engine", "ray", address=ray_cluster.address)
    while len(list((pictures / "there").glob("*.png"))) < NUM // 8:
        assert process.poll() is None, finish(process)
        time.sleep(0.05)
    [node] = ray_cluster.worker_nodes
    ray_cluster.remove_node(node, allow_graceful=False)
    assert_as_expected(pictures, "there", finish(process))


def test_a_cluster_that_is_not_there_is_told(pictures: Path) -> None:
    code, _, err = finish(start(pictures, "none", "--engine", "ray", address="127.0.0.1:1"))
    assert code == 1
    assert err.startswith("failed: the Ray cluster at RAY_ADDRESS=127.0.0.1:1 cannot be used: ")
    assert err.count("\n") == 1


def test_ray_is_needed_for_nothing_else(pictures: Path) -> None:
    """All of the package is imported, and used, where Ray cannot be."""
    code = """
import importlib, pkgutil, sys
sys.modules["ray"] = None
import inpaint
for module in pkgutil.walk_packages(inpaint.__path__, "inpaint."):
    if not module.name.endswith((".guard", "__main__")):
        importlib.import_module(module.name)
from inpaint import cli
cli.app(sys.argv[1:])
"""
    words = ["restore", "in/000.png", "--mask", "mask.png", "-o", "alone.png", "--method", "telea"]
    for extra, expected in (((), 0), (("--force", "--engine", "ray"), 2)):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, *extra],
            cwd=pictures,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, done.stderr
    assert "error: --engine ray needs the extra `ray`: pip install 'inpaint[ray]'" in done.stderr


@pytest.mark.slow
def test_strangers_are_not_let_into_a_cluster_that_starts_here() -> None:
    """It listens on all networks, and would run whatever it is sent."""
    code = """
import os
from inpaint.base.cluster import connected
with connected("a test") as ray:
    print(ray.get_runtime_context().gcs_address, flush=True)
    input()
"""
    stranger = "import sys, ray; ray.init(address=sys.argv[1])"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        refused = subprocess.run(
            [sys.executable, "-c", stranger, address], capture_output=True, text=True, check=False
        )
        cluster.communicate("\n")
    assert refused.returncode != 0
    assert "InvalidAuthToken" in refused.stderr
