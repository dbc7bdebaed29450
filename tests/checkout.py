"""Git checkouts of the project with tiny settings, for the real dvc and mlflow to run in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).parents[1]
TRACKED = ("src", "dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", ".dvc/config",
           ".dvc/.gitignore", "data/own/README.md", "data/own/.gitignore",
           "examples/sweep.yaml")  # fmt: skip
TINY: dict[str, dict[str, Any]] = {
    "data": {"train_size": 60, "valid_size": 30, "test_size": 50},
    "model": {"filters": 4},
    "train": {
        "epochs": 1, "batch_size": 30, "optimizer": "adam", "loss": "mse",
        "on_collapse": "continue",  # whether so short a training is of any use is not asked
    },
    "evaluate": {"parity_images": 20, "bootstrap_samples": 50},
}  # fmt: skip
# Good enough in seconds to beat every method without training.
GOOD: dict[str, dict[str, Any]] = {
    "data": {"train_size": 300, "valid_size": 100, "test_size": 50},
    "model": {"filters": 8},
    "train": {
        "epochs": 5, "batch_size": 16, "learning_rate": 0.004, "optimizer": "adamw",
        "loss": "hole_rmse_ssim",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """A Git checkout of the project with tiny settings, and an empty home directory beside it.

    Attributes:
        root: of the project.
        variables: of the environment that its commands run in, besides the usual ones.
    """

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        identity = {
            f"GIT_{who}_{what}": "tester@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return kept | identity | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.root.parent / "home"),
        } | dict(self.variables)  # fmt: skip

    def run(self, *command: str, code: int = 0, **environment: str) -> str:
        """Run a command; give what it printed, once its exit code is the expected one.

        A file takes the output: DVC's queue workers outlive the command that starts them, and
        would keep a pipe open.
        """
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=self.environment | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            output.seek(0)
            printed = output.read()
        assert done.returncode == code, printed
        return printed

    def run_queue(self) -> None:
        """`dvc exp run --run-all` with two workers, and an end to the workers.

        Trap: the first worker to end clears the queue's messages, the one that tells the second
        to end among them (DVC 3.67). It stays, idle.
        """
        self.run("dvc", "exp", "run", "--run-all", "--jobs", "2")
        self.end_workers()

    def end_workers(self) -> None:
        for pid, words in self.processes().items():
            if "queue-worker" in words:
                os.kill(pid, signal.SIGTERM)

    def processes(self) -> dict[int, list[str]]:
        """The processes that work in the tree, with the words of their commands."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                if (process / "cwd").readlink().is_relative_to(self.root):
                    found[int(process.name)] = (process / "cmdline").read_text().split("\0")
        return found

    def repro(self) -> list[str]:
        """`dvc repro`; the stages that were run."""
        lines, starts = self.run("dvc", "repro").splitlines(), "> exec python src "
        return [line.removeprefix(starts) for line in lines if line.startswith(starts)]

    def back_to_head(self) -> None:
        """Leave the workspace as the last commit has it, results included."""
        self.run("git", "checkout", "--quiet", "--", ".")
        self.run("dvc", "checkout", "--quiet", "--force")

    def start_anew(self) -> None:
        """Leave what Git has, and nothing that was made of it."""
        self.run("git", "checkout", "--quiet", "--", ".")
        self.run("git", "clean", "--quiet", "-ffdx")

    def runs(self) -> dict[str, Run]:
        """The MLflow runs in the project's own store by their id; {} if there is no store."""
        if not (self.root / "mlflow.db").exists():
            return {}
        client = MlflowClient(f"sqlite:///{self.root}/mlflow.db")
        experiment = client.get_experiment_by_name("inpaint")
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return {run.info.run_id: run for run in found}

    def clone(self, root: Path) -> "Checkout":
        """A Git clone with nothing but what Git has."""
        root.parent.mkdir(parents=True, exist_ok=True)
        (root.parent / "home").mkdir()
        self.run("git", "clone", "--quiet", str(self.root), str(root))
        return Checkout(root, self.variables)

    def copy(self, root: Path) -> "Checkout":
        """A clone with the results, which come from the cache of both."""
        clone = self.clone(root)
        cache = self.run("dvc", "cache", "dir").strip()
        clone.run("dvc", "cache", "dir", "--local", str(self.root / cache))
        clone.run("dvc", "checkout", "--quiet")
        return clone

    def set(self, changes: dict[str, dict[str, Any]]) -> None:
        path = self.root / "params.yaml"
        content = yaml.safe_load(path.read_text())
        for section, values in changes.items():
            content[section] |= values
        path.write_text(yaml.safe_dump(content))


def make_checkout(root: Path) -> Checkout:
    for name in TRACKED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (root.parent / "home").mkdir()
    checkout = Checkout(root)
    checkout.set(TINY)
    checkout.run("git", "init", "--quiet")
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message", "start")
    return checkout
