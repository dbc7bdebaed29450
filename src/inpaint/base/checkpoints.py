"""The last state of a training that is under way, in a file that outlives it.

DVC deletes what a stage writes before it runs the stage again, and an experiment's temporary folder
when that ends. So checkpoints lie in models/checkpoints/ of the project itself, by a key of all
that decides what comes of a training.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from inpaint.base.files import atomic
from inpaint.base.paths import checkpoints_dir

# For a training that is just being ended to let go of its checkpoint, seconds.
_PATIENCE = 5.0
# Of the training's time, how much saving may take.
_SHARE = 0.05
# So many checkpoints of trainings that were ended are kept: the newest.
_MOST = 10
_DAMAGES = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Checkpoint:
    """Where a training can go on.

    Attributes:
        arrays: all that its steps change.
        facts: all else, as JSON holds it.
    """

    arrays: list[np.ndarray]
    facts: dict[str, Any]


class Slot:
    """The place of one training's checkpoint, which is this process's alone.

    Attributes:
        path: of the checkpoint.
        lock: a file that the system locks as long as the process is there, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = _lock_of(path)
        self._due = 0.0

    def load(self) -> Checkpoint | None:
        """The checkpoint; None if there is none that can be read."""
        try:
            return _read(self.path)
        except _DAMAGES:
            return None

    @property
    def is_due(self) -> bool:
        """Whether to save again: the time that this takes stays a small part of all."""
        return time.monotonic() >= self._due

    def save(self, arrays: Sequence[np.ndarray], facts: Mapping[str, Any]) -> None:
        """Write a checkpoint in place of the one before.

        Raises:
            OSError: it cannot be written.
        """
        began = time.monotonic()
        content: dict[str, Any] = {f"array_{i:04}": array for i, array in enumerate(arrays)}
        content["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        with atomic(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, **content)
        ended = time.monotonic()
        self._due = ended + (ended - began) / _SHARE

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def key_of(training: Mapping[str, Any]) -> str:
    """What a training's checkpoints are called.

    Args:
        training: what reports/train.json holds about digests, versions and code: trainings with the
            same have the same steps, bit for bit.
    """
    decisive = training["digests"], training["versions"], training["origin"]["code_version"]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def claimed(root: Path, key: str) -> Iterator[Slot]:
    """The first place for a training of this key that no other process holds.

    Args:
        root: the project tree.
        key: from `key_of`.
    """
    folder = checkpoints_dir(root)
    folder.mkdir(parents=True, exist_ok=True)
    _keep_newest(folder)
    for number in count(1):
        slot = Slot(folder / f"{key}-{number}.npz")
        lock = FileLock(slot.lock)
        try:
            lock.acquire(timeout=_PATIENCE if number == 1 else 0)
        except Timeout:
            continue
        try:
            yield slot
        finally:
            slot.lock.unlink(missing_ok=True)  # who waits for it makes a new one
            lock.release()
        return


def discard(root: Path, training: Mapping[str, Any]) -> None:
    """Remove the checkpoints of a training that is done.

    Args:
        root: the project tree.
        training: the content of reports/train.json.
    """
    for path in checkpoints_dir(root).glob(f"{key_of(training)}-*.npz"):
        _remove_if_free(path)


def is_free(lock: Path) -> bool:
    """Whether the process that held a slot is gone."""
    if not lock.exists():
        return True
    try:
        with FileLock(lock, timeout=0):
            lock.unlink()
            return True
    except Timeout:
        return False


def _keep_newest(folder: Path) -> None:
    found = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
    for path in found[:-_MOST]:
        _remove_if_free(path)


def _remove_if_free(path: Path) -> None:
    if is_free(_lock_of(path)):
        path.unlink(missing_ok=True)


def _read(path: Path) -> Checkpoint:
    # What was damaged fails its checksum.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
        facts = json.loads(content["facts"].tobytes())
        arrays = [content[name] for name in sorted(content.files) if name != "facts"]
        return Checkpoint(arrays, facts)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
