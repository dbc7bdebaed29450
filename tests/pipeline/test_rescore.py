"""Images and holes of a training made again, and a model scored anew: the very same as then."""

import copy
import csv
import json
from typing import Any

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.tracking.registry import rescore

SPLITS = ("train", "valid", "test")


@pytest.fixture
def training(finished: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(finished.paths.train_summary.read_text())
    return content


@pytest.mark.parametrize("split", SPLITS)
def test_images_and_holes_are_the_very_ones_of_the_training(
    finished: Any, training: dict[str, Any], split: str
) -> None:
    images = rescore.images_of(finished.paths.root, training, split)
    np.testing.assert_array_equal(images, np.load(finished.paths.images(split)))
    holes = rescore.holes_of(training, split, images)
    np.testing.assert_array_equal(holes, np.load(finished.paths.holes(split)))


def test_random_holes_are_drawn_again_for_each_split(project: Any) -> None:
    project.set({"mask": {"kind": "mixed", "seed": 4}, "data": {"train_size": 50, "seed": 2}})
    assert project.run("prepare", "mask") == 0
    manifests = {
        section: json.loads(path.read_text())
        for section, path in (
            ("data", project.paths.images_manifest),
            ("mask", project.paths.holes_manifest),
        )
    }
    training = {
        "run_id": "0" * 32,
        "params": {section: manifest["params"] for section, manifest in manifests.items()},
        "digests": {
            f"{split}_{what}": manifests[section]["splits"][split]["sha256"]
            for section, what in (("data", "images"), ("mask", "holes"))
            for split in SPLITS
        },
    }
    for split in SPLITS:
        images = rescore.images_of(project.paths.root, training, split)
        np.testing.assert_array_equal(images, np.load(project.paths.images(split)))
        holes = rescore.holes_of(training, split, images)
        np.testing.assert_array_equal(holes, np.load(project.paths.holes(split)))


def test_scores_are_the_very_ones_of_the_evaluation(
    finished: Any, training: dict[str, Any]
) -> None:
    images = rescore.images_of(finished.paths.root, training, "valid")
    holes = rescore.holes_of(training, "valid", images)
    scores = rescore.score(finished.paths.model, images, holes)
    with finished.paths.per_image.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "valid"]
    assert len(rows) == 30
    for key in ("ssim", "hole_mse"):
        stored = [float(row[f"composite/{key}"]) for row in rows]
        np.testing.assert_array_equal(scores[key], stored)
    np.testing.assert_array_equal(scores["hole_pixels"], [64] * 30)


def test_other_images_than_those_of_the_training_are_refused(
    finished: Any, training: dict[str, Any]
) -> None:
    other = copy.deepcopy(training)
    other["params"]["data"]["seed"] += 1
    with pytest.raises(InputError) as caught:
        rescore.images_of(finished.paths.root, other, "valid")
    assert str(caught.value) == (
        f"valid images of training {training['run_id'][:8]} cannot be made again: with the "
        "parameters it had, others come out today"
    )


def test_other_holes_than_those_of_the_training_are_refused(
    finished: Any, training: dict[str, Any]
) -> None:
    images = np.load(finished.paths.images("test"))
    other = copy.deepcopy(training)
    other["params"]["mask"]["size"] += 1
    message = f"test holes of training {training['run_id'][:8]} cannot be made again: with the "
    for changed, these in ((other, images), (training, images[1:])):
        with pytest.raises(InputError) as caught:
            rescore.holes_of(changed, "test", these)
        assert str(caught.value) == message + "parameters it had, others come out today"


def test_images_that_a_training_had_are_counted(finished: Any) -> None:
    train, valid = (np.load(finished.paths.images(split)) for split in ("train", "valid"))
    assert rescore.num_trained_on(valid, train) == 0
    assert rescore.num_trained_on(train, train) == 40
    assert rescore.num_trained_on(np.concatenate([valid, train[33:], valid]), train) == 7
    altered = train.copy()
    altered[:, 20, 5] ^= 1
    assert rescore.num_trained_on(altered, train) == 0


def test_images_of_a_single_colour_are_not_counted(finished: Any) -> None:
    train = np.load(finished.paths.images("train"))
    plain = np.stack([np.full_like(train[0], value) for value in (0, 90, 255)])
    both = np.concatenate([plain, train])
    assert rescore.num_trained_on(both, both) == 40
    coloured = np.broadcast_to(np.array([2, 0, 1], np.uint8), (1, 28, 28, 3))
    assert rescore.num_trained_on(coloured, coloured) == 0
