"""Batches: every image once, with its own hole, the same again for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

from inpaint.base import files
from inpaint.base.checked import array_digest, read_array
from inpaint.restoring import fill
from inpaint.restoring.fill.regions import depth
from inpaint.restoring.pixels import to_signed
from inpaint.training.batches import Batch, BatchSource, make_batch

NUM = 23


@pytest.fixture
def source(photographs: np.ndarray) -> BatchSource:
    """Batches of 5 from 23 images; image i has one missing pixel, in column i of row 7."""
    holes = np.zeros((NUM, 24, 40), dtype=bool)
    holes[np.arange(NUM), 7, np.arange(NUM)] = True
    return BatchSource(
        network="report_unet",
        images=photographs[:NUM],
        holes=holes,
        draw_holes=False,
        batch_size=5,
        augment_jointly=False,
        motif="photographs",
    )


def epoch(source: BatchSource, seed: int = 0) -> list[Batch]:
    return list(source.epoch(np.random.default_rng(seed)))


def indices_of(source: BatchSource, batches: list[Batch]) -> list[int]:
    """Which training image each image of the batches is."""
    places = {to_signed(image).tobytes(): i for i, image in enumerate(source.images)}
    return [places[image.tobytes()] for batch in batches for image in batch.image_true]


def test_make_batch_scales_images_and_holes(photographs: np.ndarray) -> None:
    holes = np.zeros((2, 24, 40), dtype=bool)
    holes[1, 3:9, 30:] = True
    batch = make_batch("residual_unet", photographs[:2], holes)
    np.testing.assert_array_equal(batch.image_true, to_signed(photographs[:2]))
    np.testing.assert_array_equal(batch.hole[..., 0], holes.astype(np.float32))
    filled = to_signed(fill.biharmonic(photographs[:2], holes))
    np.testing.assert_array_equal(batch.inputs["image"], filled)
    assert {array.dtype for array in (batch.image_true, batch.hole, *batch.inputs.values())} == {
        np.dtype(np.float32)
    }


def test_of_deep_holes_a_network_that_sees_no_farther_is_given_the_inside() -> None:
    ramp = np.rint(np.linspace(20, 230, 80)).astype(np.uint8)
    images = np.broadcast_to(ramp[:, np.newaxis, np.newaxis], (2, 80, 60, 1))
    holes = np.zeros((2, 80, 60), bool)
    holes[0, 32:, :] = holes[1, 40:48, 20:28] = True
    batch = make_batch("residual_unet", images, holes)
    np.testing.assert_array_equal(batch.image_true, to_signed(images))
    left = batch.hole[..., 0] > 0
    assert depth(left[0]).max() <= 24 < depth(holes[0]).max()
    np.testing.assert_array_equal(left[1], holes[1])
    # The ramp goes on under the hole: the fill does not know it, the inside does.
    inside = holes & ~left
    off = np.abs(batch.inputs["image"] - batch.image_true)[inside]
    assert inside[0].any()
    assert off.max() < 0.05
    whole = make_batch("report_unet", images, holes)
    np.testing.assert_array_equal(whole.hole[..., 0], holes)


def test_epoch_has_every_image_once(source: BatchSource) -> None:
    assert sorted(indices_of(source, epoch(source))) == list(range(NUM))


def test_last_batch_may_be_smaller(source: BatchSource) -> None:
    assert [len(batch.hole) for batch in epoch(source)] == [5, 5, 5, 5, 3]


@pytest.mark.parametrize(("batch_size", "expected"), [(1, 23), (5, 5), (22, 2), (23, 1), (99, 1)])
def test_batches_per_epoch_are_counted_right(
    source: BatchSource, batch_size: int, expected: int
) -> None:
    source = replace(source, batch_size=batch_size)
    assert source.batches_per_epoch == len(epoch(source)) == expected


def test_order_is_random_and_decided_by_the_seed(source: BatchSource) -> None:
    first, again, other = (indices_of(source, epoch(source, seed)) for seed in (1, 1, 2))
    assert first == again
    assert {frozenset(first[i : i + 5]) for i in range(0, 20, 5)}.isdisjoint(
        frozenset(other[i : i + 5]) for i in range(0, 20, 5)
    )
    assert first != list(range(NUM))


def test_fixed_holes_stay_with_their_images(source: BatchSource) -> None:
    batches = epoch(source)
    columns = [int(np.flatnonzero(hole[7])[0]) for batch in batches for hole in batch.hole]
    assert columns == indices_of(source, batches)
    assert all(batch.hole.sum() == len(batch.hole) for batch in batches)


def test_drawn_holes_are_any_of_the_given_ones_each_time_anew(source: BatchSource) -> None:
    source = replace(source, holes=source.holes[:3], draw_holes=True)
    columns = [
        [int(np.flatnonzero(hole[7])[0]) for batch in epoch(source, seed) for hole in batch.hole]
        for seed in (0, 1)
    ]
    assert set(columns[0]) == {0, 1, 2}
    assert columns[0] != columns[1]


def test_input_shows_nothing_under_the_hole(source: BatchSource) -> None:
    for batch in epoch(source):
        assert (batch.inputs["image"][batch.hole[..., 0] == 1] == -1).all()


@pytest.mark.parametrize("network", ["report_unet", "residual_unet"])
def test_input_and_target_are_augmented_alike(source: BatchSource, network: str) -> None:
    source = replace(source, network=network, augment_jointly=True)
    for batch in epoch(source):
        known = batch.hole[..., 0] == 0
        np.testing.assert_array_equal(batch.inputs["image"][known], batch.image_true[known])


def test_augmentation_changes_the_images(source: BatchSource, digits: np.ndarray) -> None:
    source = replace(
        source,
        images=digits[:10],
        holes=np.zeros((10, 28, 28), dtype=bool),
        augment_jointly=True,
        motif="signs",
    )
    originals = {to_signed(image).tobytes() for image in digits[:10]}
    batches = epoch(source)
    assert not any(image.tobytes() in originals for b in batches for image in b.image_true)


def test_augmented_epoch_repeats_itself_for_a_seed(source: BatchSource) -> None:
    source = replace(source, draw_holes=True, augment_jointly=True)
    first, again, other = (
        np.concatenate([batch.inputs["image"] for batch in epoch(source, seed)])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_images_may_stay_on_the_disk(
    source: BatchSource, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("arrays")
    files.write_array(folder / "images.npy", source.images)
    files.write_array(folder / "holes.npy", source.holes)
    mapped = replace(
        source,
        images=read_array(folder / "images.npy", array_digest(source.images)),
        holes=read_array(folder / "holes.npy", array_digest(source.holes)),
        augment_jointly=True,
    )
    expected = epoch(replace(source, augment_jointly=True))
    for received, batch in zip(epoch(mapped), expected, strict=True):
        np.testing.assert_array_equal(received.inputs["image"], batch.inputs["image"])
        np.testing.assert_array_equal(received.hole, batch.hole)
