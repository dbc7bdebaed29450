"""A champion behind a server, and the clients of examples/."""

import http.client
import importlib.util
import io
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.checkout import GOOD, ROOT

from .server import model_server

EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.slow


def load_client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("restore", EXAMPLES / "restore.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def champion(checkout: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project with a champion that has learned something."""
    project = checkout.clone(tmp_path_factory.mktemp("served") / "project")
    project.set(GOOD)
    project.repro()
    project.run("inpaint", "promote")
    return project


@pytest.fixture(scope="module")
def address(champion: Any) -> Iterator[str]:
    with model_server(champion) as server:
        yield server.address


def ask(address: str, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Send arrays as JSON."""
    content = {"inputs": {"images": images.tolist(), "holes": holes.tolist()}}
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return np.array(json.load(response)["predictions"], np.uint8)


@pytest.fixture
def client() -> ModuleType:
    return load_client()


@pytest.fixture
def images(champion: Any) -> np.ndarray:
    return np.asarray(np.load(champion.root / "data" / "prepared" / "test.npy"))


@pytest.fixture
def holes(champion: Any) -> np.ndarray:
    return np.asarray(np.load(champion.root / "data" / "holes" / "test.npy"))


@pytest.fixture
def restored(champion: Any) -> np.ndarray:
    """What the stage evaluate has scored."""
    return np.asarray(np.load(champion.root / "reports" / "restored.npy"))


def test_the_server_gives_the_very_pixels_that_were_scored(
    address: str, images: np.ndarray, holes: np.ndarray, restored: np.ndarray
) -> None:
    np.testing.assert_array_equal(ask(address, images, holes), restored)


def test_fifty_parallel_requests_are_all_answered_right(
    address: str, images: np.ndarray, holes: np.ndarray, restored: np.ndarray
) -> None:
    num = 50
    assert len(images) == num
    together = threading.Barrier(num)

    def request(i: int) -> np.ndarray:
        part = slice(i, i + 1 + i % 3)  # up to three images
        together.wait()
        return np.asarray(ask(address, images[part], holes[part]))

    with ThreadPoolExecutor(num) as pool:
        answers = list(pool.map(request, range(num)))
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, restored[i : i + 1 + i % 3])


def ones(*shape: int) -> Any:
    return np.ones(shape, int).tolist()


HOLE = np.zeros((1, 28, 28), int)
HOLE[:, 10:18, 10:18] = 1
SENT = {"images": ones(1, 28, 28, 1), "holes": HOLE.tolist()}
OVER = {"inputs": SENT | {"images": (255 * np.ones((1, 28, 28, 1), int) + 1).tolist()}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"inputs": SENT | {"images": (np.ones((1, 28, 28, 1)) / 2).tolist()}},
         "images: received float64 values from 0.5 to 0.5, allowed: whole numbers from 0 to 255"),
        (OVER, "images: received int64 values from 256 to 256, allowed: whole numbers from 0 to"),
        ({"inputs": SENT | {"images": [[["black"]]]}}, "images: received text, allowed: whole"),
        ({"inputs": SENT | {"images": None}}, "images: received something else than 64-bit"),
        ({"inputs": SENT | {"images": ones(28, 28, 1)}}, "images: received the shape (28, 28, 1)"),
        ({"inputs": SENT | {"images": ones(1, 32, 32, 3)}}, "images: received the shape (1, 32,"),
        ({"inputs": SENT | {"images": [[1, 2], [3]]}}, "inhomogeneous shape"),
        ({"inputs": SENT | {"holes": (1 - HOLE).tolist()}}, "that hides 91.8% of its image"),
        ({"inputs": SENT | {"holes": (255 * HOLE).tolist()}}, "allowed: whole numbers from 0 to 1"),
        ({"inputs": SENT | {"holes": ones(2, 28, 28)}}, "holes: received the shape (2, 28, 28)"),
        ({"inputs": {"images": SENT["images"]}}, "received images, allowed: images and holes"),
        ({"inputs": SENT | {"mask": 1}}, "received holes, images, mask, allowed: images and"),
        ({"inputs": [1, 2]}, "received ndarray, allowed: images and holes"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]]}}, "an object with dataframe_split,"),
        ({"instances": [{"images": ones(28, 28, 1), "holes": HOLE[0].tolist()}]},
         "received an object with instances, allowed: an object with `inputs` alone"),
        ({"inputs": SENT, "params": {}}, "received an object with inputs, params, allowed: an obj"),
        ({}, "received an object with nothing, allowed: an object with `inputs` alone"),
        ({"inputs": SENT | {"images": [[[[True]]]]}}, "images: received truth values, allowed"),
        ([], "received a list, allowed: an object with `inputs`"),
        ("{", "received no JSON: Expecting property name"),
        ("", "received no JSON: Expecting value"),
        (" " * 1_000_000, "received no JSON: Expecting value"),
        ("[" * 100_000, "received JSON that is nested too deeply"),
        ('{"inputs": {"images": [' + "9" * 5000 + "]}}", "received no JSON: Exceeds the limit"),
        ('{"inputs": {"images": [NaN]}}', "received images, allowed: images and holes"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_a_reason(
    address: str,
    images: np.ndarray,
    holes: np.ndarray,
    restored: np.ndarray,
    content: Any,
    message: str,
) -> None:
    body = content if isinstance(content, str) else json.dumps(content)
    request = urllib.request.Request(
        f"{address}/invocations", body.encode(), {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 400
    assert message in json.load(caught.value)["message"]
    # The server goes on.
    np.testing.assert_array_equal(ask(address, images[:1], holes[:1]), restored[:1])


@pytest.mark.parametrize("told", [True, False])
def test_a_large_request_is_refused_before_it_is_read(address: str, told: bool) -> None:
    """By its length, or, where it comes in pieces, as soon as there are too many."""
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", "application/json")
    if told:
        connection.putheader("Content-Length", "64000001")
        connection.endheaders()
    else:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        piece = b"%x\r\n" % 1_000_000 + b" " * 1_000_000 + b"\r\n"
        with suppress(ConnectionError):
            for _ in range(66):
                connection.send(piece)
    answer = connection.getresponse()
    assert answer.status == 413
    message = json.load(answer)["message"]
    assert message.endswith("allowed: requests of up to 64,000,000")
    connection.close()


def test_what_is_no_json_at_all_is_refused(address: str) -> None:
    request = urllib.request.Request(
        f"{address}/invocations", b"\x89PNG", {"Content-Type": "image/png"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 415
    assert b"content types: application/json" in caught.value.read()


def run_client(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLES / "restore.py", *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_both_clients_fill_the_hole_of_the_digit(address: str, tmp_path: Path) -> None:
    picture = tmp_path / "restored.png"
    example = (EXAMPLES / "digit.png", EXAMPLES / "hole.png")
    done = run_client(*example, picture, "--address", address)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    image, hole, restored = (np.asarray(Image.open(path)) for path in (*example, picture))
    hole = hole >= 128
    np.testing.assert_array_equal(restored[~hole], image[~hole])
    assert image[hole].max() == 0
    assert restored[hole].max() > 100  # something was written there
    curl = subprocess.run(
        ["bash", EXAMPLES / "restore.sh", EXAMPLES / "request.json", address],
        capture_output=True,
        check=True,
    )
    np.testing.assert_array_equal(
        json.loads(curl.stdout)["predictions"], [restored[..., np.newaxis]]
    )


def test_pictures_of_any_size_go_as_files(address: str, client: Any) -> None:
    """Two of several sizes at once; known pixels come back bit for bit."""
    rng = np.random.default_rng(0)
    sent = []
    for shape in ((28, 28), (100, 61)):
        image = rng.integers(0, 256, shape).astype(np.uint8)
        mask = np.zeros(shape, np.uint8)
        mask[5:9, 5:20] = 255
        sent.append((image, mask))
    pictures, masks = ([png(array) for array in arrays] for arrays in zip(*sent, strict=True))
    for (image, mask), answer in zip(sent, client.restore(address, pictures, masks), strict=True):
        restored = np.asarray(Image.open(io.BytesIO(answer)))
        np.testing.assert_array_equal(restored[mask == 0], image[mask == 0])
        expected = ask(address, image[None, ..., None], mask[None] == 255)[0, ..., 0]
        np.testing.assert_array_equal(restored, expected)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_red_paint_is_no_mask_and_grey_in_colour_is_grey(address: str, client: Any) -> None:
    grey = np.repeat(np.arange(28 * 28, dtype=np.uint8).reshape(28, 28, 1), 3, axis=2)
    red = np.zeros((28, 28, 3), np.uint8)
    red[10:18, 10:18, 0] = 255
    with pytest.raises(client.RefusedError, match="masks, number 0: received colours, allowed"):
        client.restore(address, [png(grey)], [png(red)])
    with pytest.raises(client.RefusedError, match="pictures, number 0: received colours, allowed"):
        client.restore(address, [png(red)], [png(red)])
    [answer] = client.restore(address, [png(grey)], [png(red.max(axis=-1))])
    assert Image.open(io.BytesIO(answer)).mode == "L"


def test_clients_say_why_they_were_refused(address: str, tmp_path: Path) -> None:
    inverted = tmp_path / "inverted.png"
    with Image.open(EXAMPLES / "hole.png") as hole:
        Image.fromarray(255 - np.asarray(hole)).save(inverted)
    output = tmp_path / "restored.png"
    done = run_client(EXAMPLES / "digit.png", inverted, output, "--address", address)
    assert done.returncode == 1
    assert done.stderr.startswith("refused: picture and mask, number 0: ")
    assert not output.exists()
    request = tmp_path / "request.json"
    request.write_text('{"inputs": {}}')
    curl = subprocess.run(
        ["bash", EXAMPLES / "restore.sh", request, address],
        capture_output=True,
        text=True,
        check=False,
    )
    assert curl.returncode == 22
    assert "received nothing, allowed: images and holes" in curl.stdout


def test_the_client_says_that_there_is_no_server(tmp_path: Path) -> None:
    # Nothing listens on the first port of this machine.
    nowhere = "http://127.0.0.1:1"
    example = (EXAMPLES / "digit.png", EXAMPLES / "hole.png", tmp_path / "restored.png")
    done = run_client(*example, "--address", nowhere)
    assert done.returncode == 1
    assert done.stderr == (
        f"failed: no server answers at {nowhere} ([Errno 111] Connection refused): `make serve` "
        "starts one\n"
    )
    done = run_client(tmp_path / "none.png", *example[1:])
    assert done.returncode == 1
    assert done.stderr.startswith("failed: [Errno 2] No such file or directory: ")


# Needs nothing of this project but the folder of the model.
ELSEWHERE = """
import importlib.util, sys
import mlflow, numpy
assert importlib.util.find_spec("inpaint") is None
model = mlflow.pyfunc.load_model(sys.argv[1])
images, holes, restored = (numpy.load(path) for path in sys.argv[2:])
numpy.testing.assert_array_equal(model.predict({"images": images, "holes": holes}), restored)
"""


def test_the_champion_works_where_only_its_requirements_are_installed(
    champion: Any, tmp_path: Path
) -> None:
    """The packages come from where pip's own settings say."""
    model, python = tmp_path / "model", tmp_path / "elsewhere" / "bin" / "python"
    uri = ("-u", "models:/inpaint-mnist@champion")
    champion.run("mlflow", "artifacts", "download", *uri, "-d", str(model))
    champion.run(sys.executable, "-m", "venv", str(tmp_path / "elsewhere"))
    install = ("-m", "pip", "install", "--quiet", "-r", str(model / "requirements.txt"))
    champion.run(str(python), *install)
    made = [champion.root / name for name in (
        "data/prepared/test.npy", "data/holes/test.npy", "reports/restored.npy"
    )]  # fmt: skip
    champion.run(str(python), "-I", "-c", ELSEWHERE, str(model), *map(str, made))


def test_a_server_that_is_killed_lets_go_of_its_port(champion: Any) -> None:
    with model_server(champion) as server:
        port = int(server.address.rpartition(":")[2])
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
    raise AssertionError("its port is still in use")


def test_a_page_of_another_host_gets_nothing(address: str) -> None:
    request = urllib.request.Request(f"{address}/version", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)
