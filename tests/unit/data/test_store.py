"""Images and holes that belong together, or one clear line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inpaint.base.checked import array_digest, write_checked
from inpaint.base.errors import InputError
from inpaint.base.files import write_array
from inpaint.base.paths import Paths
from inpaint.data.store import load_images, load_split


def written(root: Path, images: np.ndarray, holes: np.ndarray) -> Paths:
    """A tree with a split, as the stages prepare and mask leave it."""
    paths = Paths(root)
    for array, path, manifest in (
        (images, paths.images("valid"), paths.images_manifest),
        (holes, paths.holes("valid"), paths.holes_manifest),
    ):
        write_array(path, array)
        write_checked(manifest, {"splits": {"valid": {"sha256": array_digest(array)}}})
    return paths


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (3, 24, 40, 1), dtype=np.uint8)


@pytest.fixture
def holes(rng: np.random.Generator) -> np.ndarray:
    return rng.random((3, 24, 40)) < 0.2


def test_what_the_stages_wrote_comes_back(
    tmp_path: Path, images: np.ndarray, holes: np.ndarray
) -> None:
    paths = written(tmp_path, images, holes)
    loaded_images, loaded_holes = load_split(paths, "valid")
    np.testing.assert_array_equal(loaded_images, images)
    np.testing.assert_array_equal(loaded_holes, holes)
    np.testing.assert_array_equal(load_images(paths, "valid"), images)


@pytest.mark.parametrize("shape", [(2, 24, 40), (3, 40, 24)])
def test_holes_of_other_images_are_refused(
    tmp_path: Path, images: np.ndarray, shape: tuple[int, ...]
) -> None:
    paths = written(tmp_path, images, np.zeros(shape, bool))
    with pytest.raises(InputError, match=r"its images have \(3, 24, 40\): run `dvc repro`"):
        load_split(paths, "valid")


@pytest.mark.parametrize(
    "change",
    [
        lambda images, holes: (255 - images, holes),
        lambda images, holes: (images / 255, holes),
        lambda images, holes: (images[:2], holes[:2]),
        lambda images, holes: (images[::-1], holes),
        lambda images, holes: (images, ~holes),
        lambda images, holes: (images, holes.astype(np.uint8)),
    ],
)
def test_what_was_changed_by_hand_is_refused(
    tmp_path: Path,
    images: np.ndarray,
    holes: np.ndarray,
    change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> None:
    paths = written(tmp_path, images, holes)
    changed_images, changed_holes = change(images, holes)
    write_array(paths.images("valid"), changed_images)
    write_array(paths.holes("valid"), changed_holes)
    with pytest.raises(InputError, match=r"valid\.npy is not as it was written: `dvc repro`"):
        load_split(paths, "valid")


def test_damaged_array_is_refused(tmp_path: Path, images: np.ndarray, holes: np.ndarray) -> None:
    paths = written(tmp_path, images, holes)
    content = paths.images("valid").read_bytes()
    paths.images("valid").write_bytes(content[:50])
    with pytest.raises(InputError, match="is damaged"):
        load_split(paths, "valid")
