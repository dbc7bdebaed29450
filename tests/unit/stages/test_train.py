"""What the stage train says of its parameters, and where it looks."""

import copy
import hashlib

import numpy as np
import pytest

from inpaint.stages.train import _params_digest as params_digest
from inpaint.stages.train import _window as window
from inpaint.training.loop import WHOLE
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
    same["train"]["resume"] = False
    assert params_digest(same) == params_digest(PARAMS)


def test_a_network_looks_where_holes_are() -> None:
    holes, others = np.zeros((2, 40, 50), bool), np.zeros((3, 40, 50), bool)
    holes[0, 13:20, 30:38] = others[1, 18:25, 33] = True
    assert window("residual_unet", holes, others) == np.s_[3:35, 20:48]
    # The report's sees whole images.
    assert window("report_unet", holes, others) == WHOLE
    others[2, 36] = True
    assert window("residual_unet", holes, others) == np.s_[3:40, 0:50]
    others[2, 5] = True
    assert window("residual_unet", holes, others) == WHOLE
