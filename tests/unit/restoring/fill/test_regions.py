"""Regions: by the definition, and the same wherever a hole lies."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from inpaint.restoring.fill.regions import REACH, Region, regions

Box = tuple[slice, slice, bytes]


def as_values(region: Region) -> Box:
    return region.rows, region.columns, region.hole.tobytes()


def by_definition(hole: np.ndarray) -> list[Box]:
    """Connected neighbourhoods, the picture's size, one after the other."""
    near = ndimage.binary_dilation(hole, np.ones((2 * REACH + 1,) * 2))
    labels, num = ndimage.label(near, np.ones((3, 3)))
    found = []
    for label in range(1, num + 1):
        own = hole & (labels == label)
        window = []
        for places, size in zip(np.nonzero(own), hole.shape, strict=True):
            window.append(slice(max(places.min() - REACH, 0), min(places.max() + REACH + 1, size)))
        found.append((window[0], window[1], own[window[0], window[1]].tobytes()))
    return found


@pytest.mark.parametrize("share", [0.0002, 0.001, 0.005, 0.3])
def test_regions_are_the_connected_neighbourhoods(rng: np.random.Generator, share: float) -> None:
    for _ in range(20):
        hole = rng.random(rng.integers(1, 200, 2)) < share
        found = [as_values(region) for region in regions(hole)]
        key = lambda each: (each[0].start, each[1].start, each[2])  # noqa: E731
        assert sorted(found, key=key) == sorted(by_definition(hole), key=key)


def test_regions_are_ordered_by_first_row_then_column(rng: np.random.Generator) -> None:
    hole = rng.random((300, 300)) < 0.001
    corners = [(region.rows.start, region.columns.start) for region in regions(hole)]
    assert len(corners) > 10
    assert corners == sorted(corners)


@pytest.mark.parametrize(("step", "num"), [(2 * REACH + 1, 1), (2 * REACH + 2, 2)])
@pytest.mark.parametrize("direction", [(0, 1), (1, 0), (1, 1), (1, -1)])
def test_pixels_whose_neighbourhoods_touch_are_of_one_region(
    step: int, num: int, direction: tuple[int, int]
) -> None:
    hole = np.zeros((100, 100), dtype=bool)
    hole[50, 50] = hole[50 + step * direction[0], 50 + step * direction[1]] = True
    assert len(regions(hole)) == num


def test_window_has_the_pixels_of_its_own_region_alone() -> None:
    hole = np.zeros((100, 100), dtype=bool)
    hole[10, 10:90] = hole[10:90, 10] = True  # its window is almost the whole picture
    hole[60, 60] = True
    corner, dot = regions(hole)
    assert (corner.rows, corner.columns) == (slice(0, 100), slice(0, 100))
    assert corner.hole.sum() == 159
    assert not corner.hole[60, 60]
    assert (dot.rows, dot.columns) == (slice(50, 71), slice(50, 71))
    assert np.argwhere(dot.hole).tolist() == [[REACH, REACH]]


def test_hole_has_the_same_region_in_a_larger_picture(rng: np.random.Generator) -> None:
    small, large = np.zeros((28, 28), dtype=bool), np.zeros((512, 512), dtype=bool)
    small[10:18, 10:18] = rng.random((8, 8)) < 0.5
    large[101:129, 207:235] = small
    large[400:, 3] = large[0, 500] = True
    [one], several = regions(small), regions(large)
    [same] = [region for region in several if region.rows.start == one.rows.start + 101]
    assert same.columns.start == one.columns.start + 207
    assert np.array_equal(same.hole, one.hole)


def test_no_missing_pixels_are_no_regions() -> None:
    assert regions(np.zeros((5, 5), dtype=bool)) == []


@pytest.mark.parametrize(("size", "share", "several"), [(40, 0.2, False), (300, 0.0005, True)])
def test_given_hole_may_change_later(
    rng: np.random.Generator, size: int, share: float, several: bool
) -> None:
    hole = rng.random((size, size)) < share
    found = regions(hole)
    assert (len(found) > 1) == several
    before = [region.hole.copy() for region in found]
    hole[:] = True
    for region, expected in zip(found, before, strict=True):
        assert np.array_equal(region.hole, expected)


def test_long_slanting_chains_are_labelled() -> None:
    """Trap: on the way, OpenCV has a label for every row of a chain, more than 16 bits count."""
    size = 3200
    hole = np.zeros((size, size), dtype=bool)
    rows = np.arange(0, size, 2)
    for start in range(0, 6 * size, 76):
        columns = start - 4 * np.arange(len(rows))
        inside = (columns >= 0) & (columns < size)
        hole[rows[inside], columns[inside]] = True
    found = regions(hole)
    assert sum(int(np.count_nonzero(region.hole)) for region in found) == np.count_nonzero(hole)


def test_slanted_strokes_take_no_memory_for_each_of_their_windows() -> None:
    """Together, the windows are over ten times the picture."""
    rows, columns = np.ogrid[:1000, :1000]
    hole = (rows - columns) % 50 == 0
    tracemalloc.start()
    try:
        found = regions(hole)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    windows = sum(region.missing.size for region in found)
    assert len(found) > 30
    assert windows > 10 * hole.size
    assert peak < 8 * hole.size  # labels, of 4 bytes, and two pictures of one
    assert sum(np.count_nonzero(region.hole) for region in found) == np.count_nonzero(hole)
