"""Commands that end, by themselves or in the middle, and what they leave behind."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
import zipfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.checkout import Checkout

# Of files that say when and by which run they were made; a digest of such a file says so too.
_OWN = ("run_id", "started", "seconds", "origin", "evaluated", "files", "sha256")


# A shell that starts the tests in the background has all of them ignore Ctrl-C.
_INTERRUPTIBLE = ("env", "--default-signal=INT")


class Started:
    """A command in a session of its own, whose output a file takes."""

    def __init__(self, checkout: Checkout, *command: str) -> None:
        self._log = checkout.root.parent / "log.txt"
        with self._log.open("w") as output:
            self.process = subprocess.Popen(
                (*_INTERRUPTIBLE, *command),
                cwd=checkout.root,
                env=checkout.environment | {"PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Until it has printed this."""
        while text not in self.printed:
            assert self.process.poll() is None, self.printed
            time.sleep(0.02)

    def end_after(self, seconds: float, how: str) -> bool:
        """End it by `end`, unless it ends before; whether it did not come to its own end."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.end(how)
            return self.process.returncode != 0
        return False

    def end(self, how: str) -> None:
        """End it by a signal: to `all` of its processes, to `itself`, or to its `children` alone.

        Of these it may have none yet, or one that is no stage: then to the next ones.

        Args:
            how: such as "SIGKILL all".
        """
        name, whom = how.split()
        number = getattr(signal, name)
        if whom == "all":
            os.killpg(self.process.pid, number)
        elif whom == "itself":
            self.process.send_signal(number)
        until, ended = time.monotonic() + 60, set[int]()
        while self.process.poll() is None and time.monotonic() < until:
            if whom == "children":
                for child in _children(self.process.pid) - ended:
                    ended.add(child)
                    with suppress(ProcessLookupError):
                        os.kill(child, number)
            time.sleep(0.1)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"{how} did not end it:\n{self.printed}")


def _children(pid: int) -> set[int]:
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:  # it has ended
        return set()


def ended(project: Checkout, *command: str) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    done = subprocess.run(
        command,
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def results(root: Path) -> dict[str, Any]:
    """All that the pipeline has made, but for when and by which run."""
    found: dict[str, Any] = {}
    for name in ("data/prepared", "data/holes", "reports"):
        for path in sorted((root / name).rglob("*")):
            key = path.relative_to(root).as_posix()
            if path.suffix == ".json":
                content = json.loads(path.read_text())
                found[key] = {k: v for k, v in content.items() if k not in _OWN}
            elif path.is_file() and path.name != "report.md":  # it names the run
                found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(root / "models" / "inpainter.keras") as archive:
        weights = archive.read("model.weights.h5")
    found["weights"] = hashlib.sha256(weights).hexdigest()
    return found


def leftovers(root: Path) -> list[str]:
    """Files that only processes under way have."""
    patterns = ("**/.*.partial*", "models/checkpoints/*")
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path.relative_to(root).as_posix() for path in found)


@dataclass(frozen=True)
class LoggedRun:
    """A run as the database has it.

    Attributes:
        epochs: those that its curves have values for, as often as they have.
    """

    run_id: str
    status: str
    tags: dict[str, str]
    metrics: dict[str, float]
    epochs: list[int]


def runs(root: Path) -> list[LoggedRun]:
    """The project's runs, read as they are on the disk: MLflow would keep the file open."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:

        def ask(query: str, run_id: str) -> list[Any]:
            return database.execute(f"{query} WHERE run_uuid = ?", [run_id]).fetchall()

        epochs = "SELECT step FROM metrics WHERE key = 'curves/train_loss' AND run_uuid = ?"
        return [
            LoggedRun(
                run_id,
                status,
                tags=dict(ask("SELECT key, value FROM tags", run_id)),
                metrics=dict(ask("SELECT key, value FROM latest_metrics", run_id)),
                epochs=sorted(step for (step,) in database.execute(epochs, [run_id])),
            )
            for run_id, status in database.execute("SELECT run_uuid, status FROM runs").fetchall()
        ]
