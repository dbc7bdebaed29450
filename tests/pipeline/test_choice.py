"""Which model restores a picture: real runs, a real registry."""

from pathlib import Path

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.restoring import serving
from inpaint.restoring.restorer import MODEL
from inpaint.tracking.registry.choice import Choice
from tests.pipeline.arena import Arena, make_champion, model_folder

GREY, COLOUR = "the package's model for grey pictures", "the package's model for colour pictures"


def chosen(choice: Choice, *shape: int) -> str:
    """What is chosen for pictures of a shape."""
    return choice.named((shape[0], shape[1], shape[2]))[0]


def test_champion_restores_what_it_was_trained_on_and_nothing_else(arena: Arena) -> None:
    prefix, dataset = arena.model.rsplit("-", 1)
    assert dataset == "mnist"
    none_yet = Choice(arena.root, MODEL, None, (prefix, dataset))
    assert chosen(none_yet, 28, 28, 1) == GREY
    make_champion(arena, "good")
    choice = Choice(arena.root, MODEL, None, (prefix, dataset))
    assert chosen(choice, 28, 28, 1) == f"models:/{arena.model}/1, the champion"
    assert chosen(choice, 40, 28, 1) == GREY  # digits are 28x28
    assert chosen(choice, 28, 28, 3) == COLOUR


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    assert chosen(Choice(tmp_path, MODEL, None, ("inpaint", "mnist")), 28, 28, 1) == GREY
    assert list(tmp_path.iterdir()) == []


def test_a_model_can_be_named_in_every_way(arena: Arena) -> None:
    rng = np.random.default_rng(0)
    make_champion(arena, "good")
    network = model_folder(arena, "good") / "data" / "network" / "inpainter.keras"
    images = rng.integers(0, 256, (2, 30, 41, 1)).astype(np.uint8)
    holes = np.zeros((2, 30, 41), dtype=bool)
    holes[:, 10:16, 20:26] = True
    expected = serving.load(network).restore(images, holes)
    run_id = arena.runs["good"]
    for name in (
        str(network),
        f"models:/{arena.model}@champion",
        f"models:/{arena.model}/1",
        run_id,
    ):
        fill = Choice(arena.root, MODEL, name)((30, 41, 1))
        np.testing.assert_array_equal(fill(images, holes), expected)


def test_what_is_no_model_is_refused(arena: Arena, tmp_path: Path) -> None:
    for name in ("models:/nothing@champion", "no-such-run", str(tmp_path / "none.keras")):
        with pytest.raises(InputError):
            Choice(arena.root, MODEL, name)
    with pytest.raises(InputError, match="--model: received x with --method telea, allowed: model"):
        Choice(arena.root, "telea", "x")
