"""The last state of a training that is under way, in a file that outlives it.

DVC deletes what a stage writes before it runs the stage again, and an experiment's temporary folder
when that ends. So checkpoints lie in models/checkpoints/ of the project itself, by a key of all
that decides what comes of a training.
"""

import hashlib
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from inpaint.base.errors import InputError
from inpaint.base.files import atomic
from inpaint.base.paths import checkpoints_dir

# For a training that is just being ended to let go of its checkpoint, or a slow server to be told
# that it was, seconds.
_PATIENCE = 15.0
# Of the training's time, how much saving may take, unless more than that would be lost.
_SHARE, _LONGEST_S = 0.05, 120.0
# So many checkpoints of trainings that were ended are kept: the newest.
_MOST = 10
_DIGEST_BYTES = 32
_FOLDERS = ("models", "checkpoints")


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
        self._asked = self._saved = self._due = 0.0

    def load(self) -> Checkpoint | None:
        """The checkpoint; None if there is none that is as it was written."""
        with suppress(FileNotFoundError, InputError, ValueError, KeyError, zipfile.BadZipFile):
            return _read(self.path)
        return None

    def is_due(self) -> bool:
        """Whether to save again, asked after each epoch.

        The time that saving takes stays a small part of all, unless more would be lost than one
        epoch or two minutes, whichever is more.
        """
        now = time.monotonic()
        epoch, self._asked = now - self._asked, now
        return now >= self._due or now + epoch > self._saved + _LONGEST_S

    def save(self, arrays: Sequence[np.ndarray], facts: Mapping[str, Any]) -> None:
        """Write a checkpoint in place of the one before.

        Raises:
            OSError: it cannot be written.
        """
        began = time.monotonic()
        content: dict[str, Any] = {f"array_{i:04}": array for i, array in enumerate(arrays)}
        content["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        archive = io.BytesIO()
        np.savez(archive, **content)
        with atomic(self.path) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(archive.getbuffer()).digest())
            file.write(archive.getbuffer())
        self._saved = time.monotonic()
        self._due = self._saved + (self._saved - began) / _SHARE

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def key_of(training: Mapping[str, Any]) -> str:
    """What a training's checkpoints are called.

    Args:
        training: what reports/train.json holds about digests, versions, threads and code: trainings
            with the same have the same steps, bit for bit. A trial of a sweep has a place of its
            own, as it has a run of its own.
    """
    origin = training["origin"]
    code, trial = origin["code_version"], (origin.get("sweep"), origin.get("trial"))
    # None: of a version that did not tell.
    decisive = training["digests"], training["versions"], training.get("threads"), code, trial
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
    patience = _PATIENCE
    for path in chain(sorted(folder.glob(f"{key}-*.npz")), _numbered(folder, key)):
        slot = Slot(path)
        lock = FileLock(slot.lock)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            patience = 0.0
            continue
        try:
            _keep_newest(folder)
            yield slot
        finally:
            slot.lock.unlink(missing_ok=True)  # who waits for it makes a new one
            lock.release()
        return


def discard(root: Path, training: Mapping[str, Any]) -> None:
    """Remove the checkpoint of a training that is done.

    Args:
        root: the project tree.
        training: the content of reports/train.json.
    """
    run_id = training["run_id"]
    _discard(root, f"{key_of(training)}-*.npz", lambda facts: facts["run_id"] == run_id)


def discard_trials(root: Path, sweep: str, trials: Collection[int]) -> None:
    """Remove the checkpoints of a sweep's trials that are not to go on, but for those whose process
    has not ended yet.

    Args:
        root: the project tree.
        sweep: its run.
        trials: their numbers.
    """
    ended = [[sweep, trial] for trial in trials]
    _discard(root, "[!.]*.npz", lambda facts: facts.get("trial") in ended)


def _discard(root: Path, pattern: str, is_meant: Callable[[dict[str, Any]], bool]) -> None:
    """Remove the checkpoints that are meant by their facts and that no process holds."""
    for path in checkpoints_dir(root).glob(pattern):
        with if_free(_lock_of(path)) as is_free:
            kept = Slot(path).load() if is_free else None
            if kept is not None and is_meant(kept.facts):
                path.unlink(missing_ok=True)


@contextmanager
def if_free(lock: Path) -> Iterator[bool]:
    """Whether the process that held a slot is gone. If so, no other one takes it in the block.

    It is gone, too, if somebody has removed the project's models. False also if it cannot be told.
    """
    is_removed = lock.parents[len(_FOLDERS)].is_dir() and not lock.parent.is_dir()
    if is_removed:
        yield True
        return
    held = FileLock(lock)
    try:
        if not lock.parent.is_dir():  # the project was moved
            raise FileNotFoundError
        held.acquire(timeout=0)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.unlink(missing_ok=True)
        held.release()


def is_lock(path: Path) -> bool:
    """Whether a path is one of a slot's lock."""
    is_named = re.fullmatch(r"[0-9a-f]{16}-\d{1,9}\.lock", path.name)
    return bool(is_named) and path.is_absolute() and path.parts[-3:-1] == _FOLDERS


def _numbered(folder: Path, key: str) -> Iterator[Path]:
    return (folder / f"{key}-{number}.npz" for number in count(1))


def _keep_newest(folder: Path) -> None:
    """Remove old checkpoints, and locks of processes that were killed before their first."""
    for lock in folder.glob("*.lock"):
        with if_free(lock):
            pass
    found = sorted((_age(path), path) for path in folder.glob("[!.]*.npz"))
    # Those of a sweep, of which many may be under way, are removed when it is done.
    alone = [path for _, path in found if not _is_of_trial(path)] if len(found) > _MOST else []
    for path in alone[_MOST:]:
        with if_free(_lock_of(path)) as is_free:
            if is_free:
                path.unlink(missing_ok=True)


def _is_of_trial(path: Path) -> bool:
    kept = Slot(path).load()
    return kept is not None and bool(kept.facts.get("trial"))


def _age(path: Path) -> float:
    with suppress(FileNotFoundError):
        return -path.stat().st_mtime
    return 0.0


def _read(path: Path) -> Checkpoint:
    content = path.read_bytes()
    digest, archive = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(archive).digest() != digest:
        raise InputError(f"{path} is not as it was written")
    with np.load(io.BytesIO(archive), allow_pickle=False) as found:
        facts = json.loads(found["facts"].tobytes())
        arrays = [found[name] for name in sorted(found.files) if name != "facts"]
    return Checkpoint(arrays, facts)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
