"""What the stage train says of its parameters, and of its holes."""

import copy
import hashlib

import numpy as np
import pytest

from inpaint.stages.train import _deepest as deepest
from inpaint.stages.train import _params_digest as params_digest
from inpaint.training.batches import BatchSource
from tests.unit.example import PARAMS


def test_params_digest_is_sha256_of_what_decides_the_model() -> None:
    text = (
        '{"data": {"dataset": "mnist", "image_size": null, "seed": 0, "train_size": null}, '
        '"mask": {"box_sides": [4, 12], "kind": "box"}, '
        '"model": {"network": "residual_unet", "skip_connections": true}, '
        '"train": {"epochs": 70, "learning_rate": 0.002}}'
    )
    assert params_digest(PARAMS) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("data", "seed", 1),
        ("data", "train_size", 100),
        ("mask", "box_sides", [12, 4]),
        ("model", "skip_connections", False),
        ("train", "learning_rate", 0.0020000001),
    ],
)
def test_params_digest_changes_with_each_decisive_parameter(
    section: str, key: str, value: object
) -> None:
    changed = copy.deepcopy(PARAMS)
    changed[section][key] = value
    assert params_digest(changed) != params_digest(PARAMS)


def test_params_digest_ignores_names_and_order() -> None:
    same = {section: dict(reversed(PARAMS[section].items())) for section in reversed(PARAMS)}
    same["tracking"] = {"experiment": "another"}
    assert params_digest(same) == params_digest(PARAMS)


@pytest.mark.parametrize(
    ("motif", "size", "rows", "expected"),
    [
        ("signs", 28, 14, 14),
        ("photographs", 32, 16, 16),
        ("crops", 32, 16, 8),
        ("crops", 32, 5, 5),
        # Deeper than 24: only a band is left, 12 wide and known on both sides.
        ("signs", 64, 32, 6),
        ("crops", 64, 32, 6),
    ],
)
def test_a_network_is_said_to_be_trained_on_holes_as_deep(
    motif: str, size: int, rows: int, expected: float
) -> None:
    holes = np.zeros((3, size, size), dtype=bool)
    holes[0, :3] = holes[1, size - rows :] = True
    images = np.zeros((3, size, size, 1), np.uint8)
    source = BatchSource("residual_unet", images, holes, False, 2, True, motif)
    assert deepest(source) == expected
