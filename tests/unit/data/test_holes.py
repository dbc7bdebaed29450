"""Holes: where they lie, how large they are, and that drawing them can be repeated."""

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import label

from inpaint.base.seeds import generator
from inpaint.data import holes
from inpaint.data.holes import in_pixels
from inpaint.params import Params

Section = dict[str, Any]

HEIGHT, WIDTH = 24, 40
RANDOM_KINDS = ["box", "brush", "dots", "half", "mixed"]


@pytest.fixture
def mask(params: Params) -> Section:
    return params.mask.model_dump()


def draw(mask: Section, kind: str, count: int = 50, seed: int = 0, **changes: Any) -> np.ndarray:
    return holes.draw(np.random.default_rng(seed), kind, count, HEIGHT, WIDTH, mask | changes)


def corners(hole: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the missing pixels."""
    rows, columns = np.nonzero(hole)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def sides(hole: np.ndarray) -> tuple[int, int]:
    """Height and width of a hole that is one full rectangle."""
    top, bottom, left, right = corners(hole)
    height, width = bottom - top + 1, right - left + 1
    assert hole.sum() == height * width
    return height, width


def test_center_hole_is_the_reports(mask: Section, rng: np.random.Generator) -> None:
    # The report: rows and columns h//2 - 4 ... h//2 + 4, the end excluded: 28//2 - 4 = 10.
    hole = holes.draw(rng, "center", 1, 28, 28, mask)[0]
    assert corners(hole) == (10, 17, 10, 17)
    assert hole.sum() == 64


def test_center_hole_of_an_image_that_is_not_square(mask: Section) -> None:
    [hole] = draw(mask, "center", 1, size=6)
    assert corners(hole) == (9, 14, 17, 22)


@pytest.mark.parametrize(("size", "side"), [(1, 1), (23, 23), (0.25, 6), (0.01, 1)])
def test_size_is_in_pixels_or_a_share_of_the_shorter_side(
    mask: Section, size: float, side: int
) -> None:
    assert sides(draw(mask, "center", 1, size=size)[0]) == (side, side)


@pytest.mark.parametrize("kind", holes.HOLE_KINDS)
def test_every_hole_hides_something_but_not_all(mask: Section, kind: str) -> None:
    drawn = draw(mask, kind)
    assert drawn.dtype == np.bool_
    assert drawn.shape == (50, HEIGHT, WIDTH)
    assert (drawn.any(axis=(1, 2)) & ~drawn.all(axis=(1, 2))).all()


def test_boxes_have_all_sides_within_the_range(mask: Section) -> None:
    seen = {sides(hole) for hole in draw(mask, "box", 400, box_sides=[3, 5])}
    assert seen == {(height, width) for height in (3, 4, 5) for width in (3, 4, 5)}


def test_boxes_reach_every_place_in_the_image(mask: Section, rng: np.random.Generator) -> None:
    # A 3x3 square fits into 5x7 pixels at 3 * 5 places.
    mask = mask | {"box_sides": [3, 3]}
    drawn = holes.draw(rng, "box", 400, 5, 7, mask)
    assert len({corners(hole) for hole in drawn}) == 15


def test_box_may_be_as_long_as_the_shorter_side_allows(mask: Section) -> None:
    assert {sides(hole) for hole in draw(mask, "box", box_sides=[23, 23])} == {(23, 23)}


@pytest.mark.parametrize("share", [0.001, 0.15, 0.9])
def test_dots_are_exactly_the_share(mask: Section, share: float) -> None:
    counts = draw(mask, "dots", share=share).sum(axis=(1, 2))
    assert (counts == max(1, round(share * HEIGHT * WIDTH))).all()


def test_dots_lie_everywhere(mask: Section) -> None:
    # Each pixel is missed 300 times with probability 0.85: once in 1e21 images.
    assert draw(mask, "dots", 300).any(axis=0).all()


def test_brush_hides_the_share_and_little_more(mask: Section) -> None:
    counts = draw(mask, "brush", share=0.15).sum(axis=(1, 2))
    goal = 0.15 * HEIGHT * WIDTH
    # The last piece may overshoot: it is at most 40% of the shorter side long, with round ends, and
    # a slanting line of width 3 takes up to 6 pixels of a row.
    assert (counts >= goal).all()
    assert (counts < goal + (0.4 * HEIGHT + 4) * 6).all()
    assert counts.mean() < 1.15 * goal


def test_brush_draws_connected_strokes_of_its_width(mask: Section) -> None:
    for hole in draw(mask, "brush", share=0.15):
        assert label(hole)[1] <= 8
    thin, wide = (draw(mask, "brush", share=0.15, brush_width=width) for width in (1, 7))
    # A wide stroke has less edge for the same area.
    edges = [np.abs(np.diff(drawn.astype(int), axis=2)).sum() for drawn in (thin, wide)]
    assert edges[0] > 2 * edges[1]


@pytest.mark.parametrize("width", [1, 12])
def test_brush_never_hides_all(mask: Section, width: int) -> None:
    drawn = draw(mask, "brush", 20, share=0.9, brush_width=width)
    assert (drawn.mean(axis=(1, 2)) >= 0.9).all()
    assert not drawn.all(axis=(1, 2)).any()


def test_half_is_one_of_the_four(mask: Section) -> None:
    found = {corners(hole) for hole in draw(mask, "half")}
    assert found == {(0, 11, 0, 39), (12, 23, 0, 39), (0, 23, 0, 19), (0, 23, 20, 39)}


def test_half_of_an_odd_side_is_the_smaller_one(mask: Section, rng: np.random.Generator) -> None:
    found = {corners(hole) for hole in holes.draw(rng, "half", 50, 5, 7, mask)}
    assert found == {(0, 1, 0, 6), (3, 4, 0, 6), (0, 4, 0, 2), (0, 4, 4, 6)}


def test_mixed_has_all_random_kinds(mask: Section) -> None:
    drawn = draw(mask, "mixed", 200, box_sides=[3, 3])
    counts = drawn.sum(axis=(1, 2))
    dots = round(0.15 * HEIGHT * WIDTH)
    # Boxes have 9 pixels, halves half of all, dots their share in many pieces, the rest is strokes.
    kinds = [(counts == 9), (counts == HEIGHT * WIDTH // 2),
             (counts == dots) & np.array([label(hole)[1] > 20 for hole in drawn])]  # fmt: skip
    assert all(30 < kind.sum() < 75 for kind in (*kinds, ~np.any(kinds, axis=0)))


@pytest.mark.parametrize("kind", holes.HOLE_KINDS)
def test_first_holes_do_not_depend_on_the_count(mask: Section, kind: str) -> None:
    few, many = (draw(mask, kind, count, seed=1) for count in (4, 9))
    np.testing.assert_array_equal(many[:4], few)


@pytest.mark.parametrize("kind", RANDOM_KINDS)
def test_other_seeds_draw_other_holes(mask: Section, kind: str) -> None:
    assert (draw(mask, kind, seed=1) != draw(mask, kind, seed=2)).any()


@pytest.mark.parametrize(
    ("height", "width", "kind", "digest"),
    [
        (28, 28, "center", "13c27590dccc7b06"), (20, 45, "center", "0cd816da12bbc3e4"),
        (28, 28, "box", "d7347952df39354a"), (20, 45, "box", "84b2ccb391babd85"),
        (28, 28, "brush", "9e9a7cf503d3dd42"), (20, 45, "brush", "3fb588ca9c61bbfe"),
        (28, 28, "dots", "c214a3d794cf4ebe"), (20, 45, "dots", "1ce5e3b1cc8ea474"),
        (28, 28, "half", "289e7ee29b663ab6"), (20, 45, "half", "2ac526822b3d3827"),
        (28, 28, "mixed", "e3c860df771a8d21"), (20, 45, "mixed", "4f42ca4b3f67b605"),
    ],
)  # fmt: skip
def test_holes_of_a_seed_stay_the_same(height: int, width: int, kind: str, digest: str) -> None:
    """Scores that were published are of these: who draws other ones, cannot compare with them."""
    mask = {"size": 0.3, "box_sides": [0.1, 0.6], "brush_width": 0.1, "share": 0.25}
    drawn = holes.draw(np.random.default_rng(7), kind, 100, height, width, mask)
    assert hashlib.sha256(np.packbits(drawn).tobytes()).hexdigest()[:16] == digest


def test_the_smallest_images_keep_a_pixel(mask: Section) -> None:
    drawn = holes.draw(np.random.default_rng(0), "dots", 20, 2, 2, mask | {"share": 0.9})
    assert drawn.sum(axis=(1, 2)).tolist() == [3] * 20


@pytest.mark.parametrize("kind", holes.HOLE_KINDS)
def test_holes_of_a_split_are_drawn_by_its_name_and_the_seed_of_holes(
    mask: Section, kind: str
) -> None:
    mask = mask | {"kind": kind, "seed": 5}
    drawn = holes.draw_split(mask, "valid", 9, HEIGHT, WIDTH)
    expected = holes.draw(generator(5, "holes", "valid"), kind, 9, HEIGHT, WIDTH, mask)
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("kind", RANDOM_KINDS)
def test_splits_and_seeds_have_other_holes(mask: Section, kind: str) -> None:
    first, other = (mask | {"kind": kind, "seed": seed} for seed in (5, 6))
    drawn = [holes.draw_split(first, split, 9, HEIGHT, WIDTH) for split in ("train", "valid")]
    drawn += [holes.draw_split(other, "train", 9, HEIGHT, WIDTH)]
    for a, b in itertools.combinations(drawn, 2):
        assert (a != b).any()


@pytest.mark.parametrize(
    ("length", "expected"), [(1, 1), (8, 8), (0.25, 6), (0.5, 12), (0.001, 1), (0.999, 24)]
)
def test_lengths_are_pixels_or_shares_of_the_shorter_side(length: float, expected: int) -> None:
    assert in_pixels(length, 24, 40) == in_pixels(length, 40, 24) == expected


def test_painted_holes_are_seen_on_black_too(digits: np.ndarray) -> None:
    drawn = np.zeros((3, 28, 28), dtype=bool)
    drawn[:, 10:18, 10:18] = True
    shown = holes.painted(digits[:3], drawn)
    assert (shown[drawn] == (230, 159, 0)).all()
    np.testing.assert_array_equal(shown[~drawn], np.repeat(digits[:3], 3, axis=-1)[~drawn])
    half = holes.painted(digits[:3], drawn, 0.5)
    expected = 0.5 * digits[:3][drawn] + 0.5 * np.array([230, 159, 0])
    np.testing.assert_allclose(half[drawn], expected, atol=0.5)
