"""The real official files, where INPAINT_DATA_MIRROR names a folder of them."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.images.loading import load

# As it was before the fixtures took it away.
MIRROR = os.environ.get("INPAINT_DATA_MIRROR", "")


@pytest.mark.skipif(
    not Path(MIRROR or "nowhere").is_dir(),
    reason="INPAINT_DATA_MIRROR names no folder of the official files",
)
@pytest.mark.parametrize(
    ("dataset", "shape", "num_train", "train_labels", "test_labels"),
    [
        ("mnist", (28, 28, 1), 60_000, [5, 0, 4, 1, 9], [7, 2, 1, 0, 4]),
        ("cifar10", (32, 32, 3), 50_000, [6, 9, 9, 4, 1], [3, 8, 8, 0, 6]),
    ],
)
def test_they_are_whole_and_in_their_published_order(
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    shape: tuple[int, int, int],
    num_train: int,
    train_labels: list[int],
    test_labels: list[int],
) -> None:
    monkeypatch.setenv("INPAINT_DATA_MIRROR", MIRROR)
    train, test = load(dataset, "official", Path("nowhere"))
    assert train.take(np.arange(num_train)).shape == (num_train, *shape)
    assert test.take(np.arange(10_000)).shape == (10_000, *shape)
    assert train.labels[:5].tolist() == train_labels
    assert test.labels[:5].tolist() == test_labels
