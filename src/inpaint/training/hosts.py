"""The processes that share a training, as the environment variable TF_CONFIG names them."""

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from inpaint.base.errors import InputError, StageError

PATIENCE_S = 600.0  # for all hosts to be started by somebody
_ALLOWED = (
    '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANSWER_S, _AGAIN_S = 15.0, 0.5
_AGREED = b"agreed\n"
_LONGEST = 500  # bytes of what is said
_DIFFERS = "has another training: data, holes, parameters, code and versions have to be the same"


@dataclass(frozen=True)
class Hosts:
    """Processes that share a training.

    Attributes:
        addresses: host and port of each; the first one is the chief, who writes files and logs.
        index: which of them this process is.
    """

    addresses: tuple[tuple[str, int], ...]
    index: int

    def __len__(self) -> int:
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def __str__(self) -> str:
        return ", ".join(_name(self, index) for index in range(len(self)))

    def own(self, num_images: int) -> slice:
        """Which images of a batch this process computes: all, if there are too few for each."""
        if num_images < len(self):
            return slice(None)
        begin, end = (num_images * each // len(self) for each in (self.index, self.index + 1))
        return slice(begin, end)


ALONE = Hosts((("localhost", 0),), 0)


def named() -> Hosts:
    """Those of TF_CONFIG, as TensorFlow orders them: the chief, if one is named, then workers.

    Raises:
        InputError: there is no TF_CONFIG, or it names no such processes.
    """
    given = os.environ.get("TF_CONFIG", "")
    if not given:
        raise InputError(
            "train.strategy: multi_worker needs the environment variable TF_CONFIG, such as "
            f"{_ALLOWED}"
        )
    try:
        content = json.loads(given)
        cluster, task = content["cluster"], content["task"]
        jobs = {name: [_address(each) for each in cluster[name]] for name in cluster}
        if not jobs.keys() <= {"chief", "worker"}:
            raise ValueError
        order = [(job, i) for job in ("chief", "worker") for i in range(len(jobs.get(job, ())))]
        index = order.index((task["type"], int(task["index"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"TF_CONFIG: received {given[:300]}, allowed: {_ALLOWED}") from None
    return Hosts(tuple(jobs[job][i] for job, i in order), index)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not 0 < int(port) < 65536:
        raise ValueError
    return host.strip("[]"), int(port)


def meet(hosts: Hosts, key: str, patience: float = PATIENCE_S) -> None:
    """Wait until all processes are there, and have the same to train.

    TensorFlow would wait without end, and not heed Ctrl-C meanwhile.

    Args:
        hosts: from `named`.
        key: of what is to be trained, ASCII.
        patience: seconds.

    Raises:
        StageError: they are not, or have not.
    """
    until = time.monotonic() + patience
    if hosts.is_chief:
        _await_others(hosts, key, until)
    else:
        _join(hosts, key, until)


def _await_others(hosts: Hosts, key: str, until: float) -> None:
    others: dict[int, socket.socket] = {}
    with ExitStack() as opened:
        server = opened.enter_context(_listening(hosts))
        try:
            while missing := set(range(1, len(hosts))) - others.keys():
                server.settimeout(max(0.0, until - time.monotonic()))
                try:
                    connection, _ = server.accept()
                except (TimeoutError, BlockingIOError):
                    absent = ", ".join(_name(hosts, each) for each in sorted(missing))
                    raise StageError(f"no sign of {absent}: start the same stage there") from None
                opened.enter_context(connection)
                index, theirs = _introduction(connection)
                if 0 < index < len(hosts):  # the newest, if it was started again
                    others[index] = connection
                    if theirs != key:
                        raise StageError(f"{_name(hosts, index)} {_DIFFERS}")
                others = {each: other for each, other in others.items() if _is_there(other)}
            _answer(others, _AGREED)
        except StageError as error:
            _answer(others, f"{error}\n".encode())
            raise


def _listening(hosts: Hosts) -> socket.socket:
    """A socket at this process's own address, which TensorFlow takes later on."""
    host, port = hosts.addresses[hosts.index]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host if host in _LOOPBACK else "", port), family=family)
    except OSError as error:
        raise StageError(f"{_name(hosts, hosts.index)} of TF_CONFIG: {error.strerror}") from None


def _introduction(connection: socket.socket) -> tuple[int, str]:
    """What a process says of itself; -1 for somebody else."""
    connection.settimeout(_ANSWER_S)
    with suppress(OSError, ValueError), connection.makefile("rb") as file:
        index, key = file.readline(_LONGEST).decode("ascii").split()
        return int(index), key
    return -1, ""


def _is_there(connection: socket.socket) -> bool:
    """Whether a process that has nothing more to say still listens."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(_ANSWER_S)


def _answer(others: Mapping[int, socket.socket], answer: bytes) -> None:
    for other in others.values():
        with suppress(OSError):  # it has left: the others will notice
            other.sendall(answer)


def _join(hosts: Hosts, key: str, until: float) -> None:
    _listening(hosts).close()
    while time.monotonic() < until:
        answer = b""
        with (
            suppress(OSError),  # the chief is not there yet
            socket.create_connection(hosts.addresses[0], _ANSWER_S) as connection,
        ):
            connection.settimeout(max(_ANSWER_S, until - time.monotonic()))
            connection.sendall(f"{hosts.index} {key}\n".encode())
            with connection.makefile("rb") as file:
                answer = file.readline(_LONGEST)
        if answer == _AGREED:
            return
        if answer:
            told = answer.decode("ascii", "replace").strip()
            raise StageError(f"{_name(hosts, 0)} says: {told}")
        time.sleep(_AGAIN_S)
    raise StageError(f"no sign of {_name(hosts, 0)}: start the same stage there")


def _name(hosts: Hosts, index: int) -> str:
    host, port = hosts.addresses[index]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
