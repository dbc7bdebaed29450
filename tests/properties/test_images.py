"""Holes, fills, windows and metrics, for images and holes of any shape."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from skimage.restoration import inpaint_biharmonic

from inpaint.data.holes import HOLE_KINDS, draw
from inpaint.restoring import fill
from inpaint.restoring.fill.regions import REACH, depth, regions
from inpaint.restoring.pixels import in_parts, to_signed, to_uint8
from inpaint.restoring.windows import pieces
from inpaint.scoring import metrics
from inpaint.scoring.intervals import intervals, mean_interval
from tests.properties.drawing import holes, images_and_holes

FILLS = [fill.biharmonic, fill.telea, fill.navier_stokes, fill.constant]
Pair = tuple[np.ndarray, np.ndarray]


@given(
    kind=st.sampled_from(sorted(HOLE_KINDS)),
    sides=st.tuples(st.integers(13, 60), st.integers(13, 60)),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**63 - 1),
    count=st.integers(1, 4),
)
def test_a_hole_hides_something_but_not_all_and_the_first_stay_the_first(
    kind: str, sides: tuple[int, int], share: float, seed: int, count: int
) -> None:
    mask = {"size": 8, "box_sides": [4, 12], "brush_width": 3, "share": share}
    drawn = draw(np.random.default_rng(seed), kind, count, *sides, mask)
    assert drawn.shape == (count, *sides)
    assert drawn.dtype == bool
    assert all(0 < hole.sum() < hole.size for hole in drawn)
    again = draw(np.random.default_rng(seed), kind, count + 2, *sides, mask)
    np.testing.assert_array_equal(again[:count], drawn)


@pytest.mark.parametrize("method", FILLS)
@given(pair=images_and_holes())
def test_a_fill_keeps_what_is_known_and_never_looks_under_the_hole(method: Any, pair: Pair) -> None:
    images, missing = pair
    before = images.copy()
    filled = method(images, missing)
    np.testing.assert_array_equal(images, before)
    assert filled.dtype == np.uint8
    assert filled.shape == images.shape
    np.testing.assert_array_equal(filled[~missing], images[~missing])
    hidden = np.where(missing[..., np.newaxis], 255 - images, images)
    np.testing.assert_array_equal(method(hidden, missing), filled)


@given(pair=images_and_holes())
def test_biharmonic_is_scikit_images(pair: Pair) -> None:
    images, missing = pair
    filled = fill.biharmonic(images / 255.0, missing)
    for image, hole, ours in zip(images, missing, filled, strict=True):
        theirs = inpaint_biharmonic(image / 255.0, hole, channel_axis=-1)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@given(pair=images_and_holes())
def test_biharmonic_stays_within_what_is_known(pair: Pair) -> None:
    images, missing = pair
    filled = fill.biharmonic(images, missing)
    for image, hole, ours in zip(images, missing, filled, strict=True):
        known = image[~hole]
        assert (ours >= known.min(axis=0)).all()
        assert (ours <= known.max(axis=0)).all()


@given(level=st.integers(0, 255), hole=holes())
def test_an_even_image_is_filled_with_itself(level: int, hole: np.ndarray) -> None:
    images = np.full((1, *hole.shape, 1), level, np.uint8)
    np.testing.assert_array_equal(fill.biharmonic(images, hole[np.newaxis]), images)


@given(hole=holes(most=120))
def test_regions_share_out_the_missing_pixels(hole: np.ndarray) -> None:
    found = np.zeros(hole.shape, int)
    for region in regions(hole):
        assert region.hole.any()
        found[region.rows, region.columns] += region.hole
        rows, columns = (np.flatnonzero(region.hole.any(axis=axis)) for axis in (1, 0))
        for span, missing, size in (
            (region.rows, rows, hole.shape[0]),
            (region.columns, columns, hole.shape[1]),
        ):
            assert span.start == max(0, span.start + missing[0] - REACH)
            assert span.stop == min(size, span.start + missing[-1] + 1 + REACH)
    np.testing.assert_array_equal(found, hole)


@given(hole=holes(most=90))
def test_depth_is_zero_where_known_and_positive_where_missing(hole: np.ndarray) -> None:
    found = depth(hole)
    assert found.shape == hole.shape
    np.testing.assert_array_equal(found > 0, hole)


@given(first=holes(most=90), more=st.integers(0, 700))
def test_cores_of_pieces_share_out_the_missing_pixels(first: np.ndarray, more: int) -> None:
    """Also of regions that are larger than a piece."""
    hole = np.pad(first, ((0, more), (0, 0)), mode="edge")
    assume(not hole.all())
    found = np.zeros(hole.shape, int)
    for piece in pieces(hole[np.newaxis]):
        assert piece.core.shape == piece.hole.shape
        assert not (piece.core & ~piece.hole).any()
        found[piece.rows, piece.columns] += piece.core
    np.testing.assert_array_equal(found, hole)


@given(level=st.integers(0, 255))
def test_levels_come_back_from_the_scale_of_networks(level: int) -> None:
    assert to_uint8(to_signed(np.array([level], np.uint8))) == level


@given(num=st.integers(0, 10_000), height=st.integers(1, 2000), width=st.integers(1, 2000))
def test_parts_are_all_images_in_order(num: int, height: int, width: int) -> None:
    found = [i for part in in_parts(num, height, width) for i in range(*part.indices(num))]
    assert found == list(range(num))


@given(pair=images_and_holes(least=11), other=st.integers(0, 2**32 - 1))
def test_scores_are_within_their_ranges_and_best_for_the_same(pair: Pair, other: int) -> None:
    images, missing = pair
    noise = np.random.default_rng(other).integers(0, 256, images.shape, dtype=np.uint8)
    composite = np.where(missing[..., np.newaxis], noise, images)
    scores = metrics.score_images(images, composite, missing)
    assert (np.abs(scores["ssim"]) <= 1 + 1e-6).all()
    for name in ("mse", "mae", "hole_mse", "hole_mae"):
        assert ((scores[name] >= 0) & (scores[name] <= 1 + 1e-6)).all()
    # All error is in the hole.
    shares = missing.mean(axis=(1, 2))
    np.testing.assert_allclose(scores["mse"], scores["hole_mse"] * shares, rtol=1e-5, atol=1e-9)
    for image, pred, ssim in zip(images, composite, scores["ssim"], strict=True):
        assert metrics.ssim_skimage(image, pred) == pytest.approx(ssim, abs=1e-4)
    same = metrics.summarize(metrics.score_images(images, images, missing))
    assert same["ssim_unit"] == pytest.approx(1)
    assert same["mse"] == same["hole_mae"] == 0
    assert same["psnr_db"] is same["hole_psnr_db"] is None


@given(
    values=st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=40),
    num_groups=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_an_interval_is_around_its_mean_and_within_the_values(
    values: list[float], num_groups: int, seed: int
) -> None:
    groups = np.arange(len(values)) % num_groups
    array = np.array(values)
    mean, low, high = mean_interval(np.random.default_rng(seed), array, groups, 200)
    assert mean == pytest.approx(array.mean())
    assert array.min() - 1e-9 <= low <= high <= array.max() + 1e-9


@given(pair=images_and_holes(least=11), seed=st.integers(0, 2**32 - 1))
def test_nothing_is_gained_over_oneself(pair: Pair, seed: int) -> None:
    images, missing = pair
    scores = metrics.score_images(images, fill.constant(images, missing), missing)
    groups = np.arange(len(images))
    found = intervals(np.random.default_rng(seed), scores, scores, groups, 50)
    assert set(found["gain"]["ssim_unit"].values()) == {0.0}
    assert found["score"]["ssim_unit"]["mean"] == pytest.approx(
        metrics.summarize(scores)["ssim_unit"]
    )
