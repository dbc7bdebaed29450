"""A champion that was scored on other images, or whose scores are lost."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from inpaint.base.checked import read_checked, write_checked
from inpaint.data.images.selection import select
from inpaint.scoring import metrics
from inpaint.tracking.registry.rescore import holes_of, images_of
from inpaint.tracking.store import local_folder
from tests.pipeline.arena import GOOD, Arena, make_champion, model_folder


@pytest.mark.usefixtures("untried")
def test_a_champion_of_other_holes_is_scored_again(arena: Arena, said: Any) -> None:
    """On the candidate's holes: it is the same images that both have not been trained on."""
    make_champion(arena, "good")
    assert arena.promote("boxes") == 0
    told = said()
    ours = arena.per_image("boxes", "valid")
    theirs = stranger_scores(arena)
    gain = metrics.ssim_unit(ours["composite/ssim"].astype(float)) - metrics.ssim_unit(theirs)
    assert f"scored again on these images: {gain.mean():+.4f} [" in told
    assert arena.aliases == {"champion": "boxes"}


def stranger_scores(arena: Arena) -> np.ndarray:
    """SSIM of the champion on the images and holes of the run `boxes`, by MLflow's way to load."""
    record = arena.client.download_artifacts(arena.runs["boxes"], "train.json")
    trained = json.loads(Path(record).read_text())
    images = images_of(arena.root, trained, "valid")
    holes = holes_of(trained, "valid", images)
    model = mlflow.pyfunc.load_model(f"models:/{arena.model}/1")
    restored: np.ndarray = np.asarray(model.predict({"images": images, "holes": holes}))
    return metrics.ssim_tensorflow(images, restored)


def test_a_champion_that_was_trained_on_the_images_cannot_be_compared(
    arena: Arena, said: Any
) -> None:
    make_champion(arena, "good")
    assert arena.promote("hopeless") == 1
    known = count_known(arena)
    assert known > 0
    told = f"for it was trained on {known} of these 100 validation images (data.seed 0, here 1)"
    assert told in said()
    assert arena.aliases == {"champion": "good"}


def count_known(arena: Arena) -> int:
    """By their places in the package's 5,000 digits, which both runs took them from."""

    def places(seed: int, split: str) -> set[int]:
        data = GOOD["data"] | {"seed": seed, "dataset": "mnist", "source": "auto"}
        return set(select(data, arena.root)[split].indices.tolist())

    return len(places(0, "train") & places(1, "valid"))


def test_a_champion_without_its_own_scores_is_scored_again(arena: Arena, said: Any) -> None:
    make_champion(arena, "better")
    folder = local_folder(arena.client.get_run(arena.runs["better"]).info.artifact_uri or "")
    assert folder is not None
    (folder / "per_image.csv").rename(folder / "elsewhere.csv")
    try:
        assert arena.promote("good") == 1
    finally:
        (folder / "elsewhere.csv").rename(folder / "per_image.csv")
    again = said()
    assert arena.promote("good") == 1
    stored = said()
    assert "scored again on these images: -0." in again
    # The same difference to the last digit that is printed.
    assert again.split("images: ")[-1] == stored.split(f"{arena.runs['better'][:8]}: ")[-1]


def test_a_champion_of_another_kind_is_no_measure(arena: Arena, said: Any) -> None:
    make_champion(arena, "better")
    training = model_folder(arena, "better") / "data" / "network" / "training.json"
    before = training.read_text()
    try:
        trained = read_checked(training)
        trained["params"]["data"]["dataset"] = "photos"
        write_checked(training, trained)
        of_photos = training.read_text()
        for content, told in (
            (of_photos, "the champion, version 1, is no model for mnist, but for photos; "),
            (before.replace('"mnist"', '"fashion_mnist"'), "version 1, is not as it was written: "),
            ("{}", "version 1, is not as it was written: "),
            (before.replace('"sha256"', '"sha"'), "version 1, is not as it was written: "),
            ('{"params": {}}', "version 1, is of an older version of inpaint: "),
        ):
            training.write_text(content)
            assert arena.promote("good") == 2
            assert f"{told}`inpaint promote --force --reason TEXT` makes" in said()
        training.unlink()
        assert arena.promote("good") == 2
        assert "version 1, is not there: it is no model of this project; `inpaint promote" in said()
    finally:
        training.write_text(before)
