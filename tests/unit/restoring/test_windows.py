"""Where a network has to look: all that is missing once, and all around it that has a say."""

import numpy as np
import pytest

from inpaint.restoring import windows
from inpaint.restoring.fill.regions import REACH, regions
from inpaint.restoring.networks.residual_unet import RADIUS
from inpaint.restoring.windows import Piece, pieces

LARGEST = windows._CORE + 2 * windows._MARGIN  # side of a region that is one piece


@pytest.fixture(scope="module")
def holes() -> np.ndarray:
    """Three pictures: a long scratch among small holes, nothing, and holes at all borders."""
    holes = np.zeros((3, 530, 707), bool)
    rows = np.arange(3, 521)
    for width in range(5):
        holes[0, rows, 40 + rows + rows // 7 + width] = True  # rows 3...520, columns 43...639
    holes[0, 400:409, 30:37] = True
    holes[0, 50:53, 690:707] = True
    holes[2, :7, :9] = True
    holes[2, 525:, 300:333] = True
    holes[2, 200:450, 706] = True
    holes[2, 101, 99] = True
    return holes


@pytest.fixture(scope="module")
def found(holes: np.ndarray) -> list[Piece]:
    return list(pieces(holes))


def test_the_margin_is_all_that_a_network_sees_and_cores_keep_its_halving() -> None:
    assert windows._MARGIN >= RADIUS
    assert windows._MARGIN % 4 == windows._CORE % 4 == 0


def test_each_missing_pixel_is_in_one_core_and_no_other_pixel_is(
    holes: np.ndarray, found: list[Piece]
) -> None:
    times = np.zeros(holes.shape, int)
    for piece in found:
        times[piece.picture, piece.rows, piece.columns] += piece.core
    np.testing.assert_array_equal(times, holes)


def test_a_piece_is_a_part_of_one_region(holes: np.ndarray, found: list[Piece]) -> None:
    of_pictures = [regions(hole) for hole in holes]
    assert {piece.picture for piece in found} == {0, 2}
    for piece in found:
        window = (piece.rows, piece.columns)
        assert piece.hole.shape == piece.core.shape == holes[piece.picture][window].shape
        alike = 0
        for region in of_pictures[piece.picture]:
            alone = np.zeros_like(holes[0])
            alone[region.rows, region.columns] = region.hole
            alike += int(np.array_equal(alone[window], piece.hole))
        assert alike == 1
        assert (piece.hole | ~piece.core).all()


def test_a_small_region_is_one_piece_with_its_surroundings() -> None:
    hole = np.zeros((1, 500, 600), bool)
    hole[0, 101:109, 203:208] = True
    [piece] = pieces(hole)
    assert piece.picture == 0
    assert piece.rows == slice(101 - REACH, 109 + REACH)
    assert piece.columns == slice(203 - REACH, 208 + REACH)
    np.testing.assert_array_equal(piece.hole, hole[0, piece.rows, piece.columns])
    np.testing.assert_array_equal(piece.core, piece.hole)


def test_neighbours_in_one_window_are_not_in_each_others_holes() -> None:
    # Two diagonal scratches along each other, each in the other's window but out of its reach.
    hole = np.zeros((1, 200, 200), bool)
    places = np.arange(10, 150)
    hole[0, places, places] = hole[0, places, places + 45] = True
    first, second = pieces(hole)
    assert first.hole.sum() == second.hole.sum() == 140
    assert hole[0, first.rows, first.columns].sum() > 140


def test_a_region_is_split_as_soon_as_it_is_too_large_for_one_piece() -> None:
    for side, expected in ((LARGEST, 1), (LARGEST + 1, 2)):
        hole = np.zeros((1, 40, 1000), bool)
        hole[0, 18:21, 301 : 301 + side - 2 * REACH] = True
        assert len(list(pieces(hole))) == expected


@pytest.mark.parametrize("core", [32, windows._CORE])
def test_a_pixel_sees_in_its_piece_all_that_it_sees_in_its_region(
    holes: np.ndarray, monkeypatch: pytest.MonkeyPatch, core: int
) -> None:
    monkeypatch.setattr(windows, "_CORE", core)
    region = max(regions(holes[0]), key=lambda each: each.hole.size)
    split = [each for each in pieces(holes[:1]) if each.rows.stop - each.rows.start > 100]
    assert len(split) > 2
    for piece in split:
        rows, columns = np.nonzero(piece.core)
        for places, of_piece, of_region in (
            (rows, piece.rows, region.rows),
            (columns, piece.columns, region.columns),
        ):
            assert of_piece.start in (of_region.start, *range(of_region.start, 9999, 4))
            first, last = of_piece.start + int(places.min()), of_piece.start + int(places.max())
            assert of_piece.start <= max(first - RADIUS, of_region.start)
            assert of_piece.stop >= min(last + 1 + RADIUS, of_region.stop)
            assert of_piece.stop - of_piece.start <= core + 2 * windows._MARGIN


def test_pieces_do_not_grow_with_their_region(found: list[Piece]) -> None:
    assert max(max(piece.hole.shape) for piece in found) <= LARGEST


def test_pictures_with_one_hole_have_the_same_pieces(holes: np.ndarray) -> None:
    several = list(pieces(holes[[2, 0, 2]]))
    assert [piece.picture for piece in several].count(0) == 4
    for first, last in zip(
        (piece for piece in several if piece.picture == 0),
        (piece for piece in several if piece.picture == 2),
        strict=True,
    ):
        assert (first.rows, first.columns) == (last.rows, last.columns)
        np.testing.assert_array_equal(first.hole, last.hole)
        np.testing.assert_array_equal(first.core, last.core)


def test_without_holes_there_are_no_pieces() -> None:
    assert list(pieces(np.zeros((3, 40, 30), bool))) == []
    assert list(pieces(np.zeros((0, 40, 30), bool))) == []
