"""Images and holes that belong together, or one clear line."""

from pathlib import Path

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.base.files import write_array
from inpaint.base.paths import Paths
from inpaint.data.store import load_split


def test_what_the_stages_wrote_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 24, 40, 1), dtype=np.uint8)
    holes = rng.random((3, 24, 40)) < 0.2
    paths = Paths(tmp_path)
    write_array(paths.images("valid"), images)
    write_array(paths.holes("valid"), holes)
    loaded_images, loaded_holes = load_split(paths, "valid")
    np.testing.assert_array_equal(loaded_images, images)
    np.testing.assert_array_equal(loaded_holes, holes)


@pytest.mark.parametrize("shape", [(2, 24, 40), (3, 40, 24)])
def test_holes_of_other_images_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    paths = Paths(tmp_path)
    write_array(paths.images("valid"), np.zeros((3, 24, 40, 1), np.uint8))
    write_array(paths.holes("valid"), np.zeros(shape, bool))
    with pytest.raises(InputError, match=r"its images have \(3, 24, 40\): run `dvc repro`"):
        load_split(paths, "valid")


def test_damaged_array_is_refused(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    write_array(paths.images("valid"), np.zeros((3, 24, 40, 1), np.uint8))
    content = paths.images("valid").read_bytes()
    paths.images("valid").write_bytes(content[:50])
    with pytest.raises(InputError, match="is damaged"):
        load_split(paths, "valid")
