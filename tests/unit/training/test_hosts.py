"""Processes that share a training: their names, their shares, and how they meet."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from inpaint.base.errors import InputError, StageError
from inpaint.training.hosts import ALONE, Hosts, meet, named
from tests.e2e.server import free_port

WORKERS = ["10.0.0.1:2222", "worker.example.org:2223", "[fe80::1]:2224"]


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as made:
        made.bind(("::1", 0))
        return True
    return False


NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def name(monkeypatch: pytest.MonkeyPatch, cluster: Any, kind: str, index: Any) -> Hosts:
    content = {"cluster": cluster, "task": {"type": kind, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(content))
    return named()


def test_workers_are_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = name(monkeypatch, {"worker": WORKERS}, "worker", 2)
    assert hosts.addresses == (
        ("10.0.0.1", 2222), ("worker.example.org", 2223), ("fe80::1", 2224),
    )  # fmt: skip
    assert (hosts.index, len(hosts), hosts.is_chief) == (2, 3, False)
    assert str(hosts) == "10.0.0.1:2222, worker.example.org:2223, [fe80::1]:2224"


@pytest.mark.parametrize(("kind", "index", "found"), [("chief", 0, 0), ("worker", 0, 1)])
def test_a_chief_that_is_named_is_the_first(
    monkeypatch: pytest.MonkeyPatch, kind: str, index: int, found: int
) -> None:
    hosts = name(monkeypatch, {"worker": WORKERS[:1], "chief": ["boss:1"]}, kind, index)
    assert (hosts.index, hosts.is_chief) == (found, found == 0)
    assert hosts.addresses == (("boss", 1), ("10.0.0.1", 2222))


@pytest.mark.parametrize(
    ("cluster", "kind", "index"),
    [
        ({"worker": WORKERS}, "worker", 3),
        ({"worker": WORKERS}, "worker", -1),
        ({"worker": WORKERS}, "chief", 0),
        ({"worker": WORKERS}, "worker", "first"),
        ({"worker": WORKERS, "ps": ["10.0.0.9:1"]}, "worker", 0),
        ({"worker": ["10.0.0.1"]}, "worker", 0),
        ({"worker": [":2222"]}, "worker", 0),
        ({"worker": ["10.0.0.1:99999"]}, "worker", 0),
        ({"worker": [1]}, "worker", 0),
        ({}, "worker", 0),
        ([], "worker", 0),
        (None, None, None),
    ],
)
def test_what_names_no_processes_is_refused(
    monkeypatch: pytest.MonkeyPatch, cluster: Any, kind: Any, index: Any
) -> None:
    with pytest.raises(InputError, match=r'^TF_CONFIG: received .*, allowed: {"cluster": '):
        name(monkeypatch, cluster, kind, index)


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "5", "null", "{}"])
def test_what_is_no_json_object_is_refused(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("TF_CONFIG", content)
    with pytest.raises(InputError, match=r"^TF_CONFIG: received ") as caught:
        named()
    assert len(str(caught.value)) < 500


def test_without_names_people_are_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="multi_worker needs the environment variable TF_CONFIG"):
        named()


@pytest.mark.parametrize(("num_images", "num_hosts"), [(32, 2), (33, 4), (4, 4), (7, 3), (3, 1)])
def test_each_image_is_one_processs(num_images: int, num_hosts: int) -> None:
    addresses = (("host", 1),) * num_hosts
    images = np.arange(num_images)
    parts = [images[Hosts(addresses, index).own(num_images)] for index in range(num_hosts)]
    assert np.concatenate(parts).tolist() == images.tolist()
    assert np.ptp([len(part) for part in parts]) <= 1


def test_too_few_images_are_everybodys() -> None:
    hosts = Hosts((("host", 1),) * 4, 2)
    assert np.arange(3)[hosts.own(3)].tolist() == [0, 1, 2]
    assert np.arange(3)[ALONE.own(3)].tolist() == [0, 1, 2]


def outcomes(
    keys: list[str], patience: float = 20.0, absent: tuple[int, ...] = (), host: str = "127.0.0.1"
) -> list[str]:
    """What becomes of processes that want to train what these keys say; "" if they may."""
    ports = [free_port() for _ in keys]
    addresses = tuple((host, port) for port in ports)

    def attempt(index: int) -> str:
        try:
            meet(Hosts(addresses, index), keys[index], patience)
        except StageError as error:
            told = str(error)
            for number, port in enumerate(ports):
                told = told.replace(str(port), f"PORT{number}")
            return told
        return ""

    there = [index for index in range(len(keys)) if index not in absent]
    with ThreadPoolExecutor(len(there)) as pool:
        return list(pool.map(attempt, there))


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=NEEDS_IPV6)])
def test_processes_meet(host: str) -> None:
    assert outcomes(["same"] * 3, host=host) == [""] * 3


@pytest.mark.parametrize("keys", [["one", "another"], ["one", "one", "another"]])
def test_they_train_the_same_or_nothing(keys: list[str]) -> None:
    began = time.monotonic()
    told = outcomes(keys)
    differs = f"127.0.0.1:PORT{len(keys) - 1} has another training: data, holes, parameters, code"
    assert told[0].startswith(differs)
    # One that comes later finds nobody.
    assert all(differs in each or "no sign of" in each for each in told[1:])
    assert differs in told[-1]
    assert time.monotonic() - began < 25


@pytest.mark.parametrize("absent", [0, 1])
def test_who_does_not_come_is_named(absent: int) -> None:
    [told] = outcomes(["same"] * 2, patience=1.0, absent=(absent,))
    assert told == f"no sign of 127.0.0.1:PORT{absent}: start the same stage there"


def test_who_waits_in_vain_is_told_at_once() -> None:
    told = outcomes(["same"] * 3, patience=2.0, absent=(2,))
    assert told[0] == "no sign of 127.0.0.1:PORT2: start the same stage there"
    assert told[1] in (f"127.0.0.1:PORT0 says: {told[0]}", told[0].replace("PORT2", "PORT0"))


def test_who_was_started_again_is_awaited() -> None:
    ports = [free_port() for _ in range(3)]
    hosts = [Hosts(tuple(("127.0.0.1", port) for port in ports), index) for index in range(3)]
    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(meet, hosts[0], "key", 20.0)
        for _ in range(2):  # and gone again
            introduce(ports[0], b"1 key\n").close()
        other = pool.submit(meet, hosts[2], "key", 20.0)
        time.sleep(1)
        assert not chief.done()
        assert not other.done()
        meet(hosts[1], "key", 20.0)
        chief.result()
        other.result()


def introduce(port: int, words: bytes) -> socket.socket:
    while True:
        try:
            stranger = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            continue
        stranger.sendall(words)
        return stranger


def test_others_who_knock_are_not_taken_for_one() -> None:
    port = free_port()
    addresses = (("127.0.0.1", port), ("127.0.0.1", free_port()))
    hosts = [Hosts(addresses, index) for index in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        chief = pool.submit(meet, hosts[0], "key", 20.0)
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"7 key\n", b"", b"\xff\xfe\n", b"1" * 1000):
            introduce(port, words).close()
        assert not chief.done()
        pool.submit(meet, hosts[1], "key", 20.0).result()
        chief.result()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for index, addresses in enumerate([(port, 1), (1, port)]):
            hosts = Hosts(tuple(("127.0.0.1", each) for each in addresses), index)
            with pytest.raises(StageError, match=rf"^127\.0\.0\.1:{port} of TF_CONFIG: Address"):
                meet(hosts, "key", 1.0)
