"""Holes: where they lie, and that drawing them can be repeated."""

import numpy as np
import pytest

from inpaint import holes


def corners(hole: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the missing pixels."""
    rows, columns = np.nonzero(hole)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_center_hole_is_the_reports(rng: np.random.Generator) -> None:
    # The report: rows and columns h//2 - 4 ... h//2 + 4, the end excluded: 28//2 - 4 = 10.
    hole = holes.draw(rng, "center", 1, 28, 28, 8)[0]
    assert corners(hole) == (10, 17, 10, 17)
    assert hole.sum() == 64


def test_center_hole_of_an_image_that_is_not_square(rng: np.random.Generator) -> None:
    hole = holes.draw(rng, "center", 1, 24, 40, 6)[0]
    assert hole.shape == (24, 40)
    assert corners(hole) == (9, 14, 17, 22)


@pytest.mark.parametrize("kind", ["center", "box"])
def test_every_hole_is_one_full_square(rng: np.random.Generator, kind: str) -> None:
    drawn = holes.draw(rng, kind, 50, 24, 40, 5)
    assert drawn.dtype == np.bool_
    assert drawn.shape == (50, 24, 40)
    assert (drawn.sum(axis=(1, 2)) == 25).all()
    for hole in drawn:
        top, bottom, left, right = corners(hole)
        assert (bottom - top, right - left) == (4, 4)


def test_boxes_reach_every_place_in_the_image(rng: np.random.Generator) -> None:
    # A 3x3 square fits into 5x7 pixels at 3 * 5 places.
    drawn = holes.draw(rng, "box", 400, 5, 7, 3)
    assert len({corners(hole) for hole in drawn}) == 15


@pytest.mark.parametrize("kind", ["center", "box"])
def test_hole_may_be_as_large_as_the_shorter_side(rng: np.random.Generator, kind: str) -> None:
    assert holes.draw(rng, kind, 3, 5, 7, 5).any(axis=2).all()


def test_first_holes_do_not_depend_on_the_count() -> None:
    few = holes.draw(np.random.default_rng(1), "box", 4, 24, 40, 5)
    many = holes.draw(np.random.default_rng(1), "box", 9, 24, 40, 5)
    np.testing.assert_array_equal(many[:4], few)


def test_other_seeds_draw_other_boxes() -> None:
    first = holes.draw(np.random.default_rng(1), "box", 9, 24, 40, 5)
    second = holes.draw(np.random.default_rng(2), "box", 9, 24, 40, 5)
    assert (first != second).any()


def test_unknown_kind_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="kind: received 'circle', allowed: center, box"):
        holes.draw(rng, "circle", 1, 24, 40, 5)


@pytest.mark.parametrize("size", [0, -1, 25])
def test_hole_that_does_not_fit_is_refused(rng: np.random.Generator, size: int) -> None:
    with pytest.raises(ValueError, match=f"size: received {size}, allowed: 1 to 24"):
        holes.draw(rng, "center", 1, 24, 40, size)
