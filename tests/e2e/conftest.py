"""The real dvc and mlflow, in copies of the project, as a person would use them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TRACKED = ("src", "dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", ".dvc/config",
           ".dvc/.gitignore")  # fmt: skip
TINY = {
    "data": {"train_size": 60, "valid_size": 30, "test_size": 50},
    "model": {"filters": 4},
    "train": {"epochs": 2},
    "evaluate": {"parity_images": 20, "bootstrap_samples": 50},
}


@dataclass(frozen=True)
class Checkout:
    """A Git checkout of the project with tiny settings, and an empty home directory beside it."""

    root: Path

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
        }  # fmt: skip

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command; give what it printed, once its exit code is the expected one."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def repro(self) -> list[str]:
        """`dvc repro`; the stages that were run."""
        lines = self.run("dvc", "repro").splitlines()
        return [line.removeprefix("> python src ") for line in lines if line.startswith("> python")]

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


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One checkout for all tests, because a first run is expensive.

    Each test finds it up to date and leaves it so, whatever it changed in between.
    """
    made = make_checkout(tmp_path_factory.mktemp("checkout") / "project")
    assert made.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    made.run("git", "add", "--all")
    made.run("git", "commit", "--quiet", "--message", "first results")
    return made
