"""Splits: disjoint, stratified, and each independent of the others' sizes."""

import itertools

import numpy as np
import pytest

from inpaint.base.errors import InputError
from inpaint.data.images.splits import draw_splits, stratified_order

# Sorted by class, and of unequal classes: 40 zeros, 100 ones, 60 twos.
LABELS = np.repeat([0, 1, 2], [40, 100, 60])
SIZES: dict[str, int | None] = {"train": 80, "valid": 40, "test": 60}


def draw(seed: int = 0, **sizes: int | None) -> dict[str, np.ndarray]:
    return draw_splits(np.random.default_rng(seed), LABELS, SIZES | sizes)


def test_order_is_a_permutation(rng: np.random.Generator) -> None:
    order = stratified_order(rng, LABELS)
    np.testing.assert_array_equal(np.sort(order), np.arange(200))
    assert (order != np.arange(200)).any()


def test_order_of_a_seed_stays_the_same() -> None:
    """Scores that were published are of the images that it puts into each split."""
    labels = np.array([1, 0, 0, 1, 1, 0, 1, 1, 1, 2])
    order = stratified_order(np.random.default_rng(7), labels)
    assert order.tolist() == [4, 1, 0, 5, 9, 3, 6, 8, 2, 7]


def test_every_stretch_of_the_order_has_all_classes_in_proportion(
    rng: np.random.Generator,
) -> None:
    ordered = LABELS[stratified_order(rng, LABELS)]
    for start in range(0, 200, 20):
        # Of 20 images 4, 10 and 6 are due; a class's intervals may straddle the two ends.
        counts = np.bincount(ordered[start : start + 20], minlength=3)
        assert np.abs(counts - [4, 10, 6]).max() <= 2


def test_order_within_a_class_is_random(rng: np.random.Generator) -> None:
    orders = [stratified_order(rng, LABELS) for _ in range(20)]
    first_of_class_0 = {int(order[LABELS[order] == 0][0]) for order in orders}
    assert len(first_of_class_0) > 5


def test_order_takes_class_names_too() -> None:
    names = np.array(["coffee", "chelsea", "astronaut"])[LABELS]
    order = stratified_order(np.random.default_rng(0), names)
    np.testing.assert_array_equal(np.sort(order), np.arange(200))


def test_splits_have_the_sizes_asked_for() -> None:
    assert {split: len(indices) for split, indices in draw().items()} == SIZES


def test_splits_are_disjoint() -> None:
    for first, second in itertools.combinations(draw().values(), 2):
        assert not set(first.tolist()) & set(second.tolist())


def test_no_image_is_drawn_twice() -> None:
    for indices in draw().values():
        assert len(set(indices.tolist())) == len(indices)


def test_each_split_has_the_classes_in_proportion() -> None:
    for indices in draw().values():
        shares = np.bincount(LABELS[indices], minlength=3) / len(indices)
        np.testing.assert_allclose(shares, [0.2, 0.5, 0.3], atol=2 / len(indices))


def test_training_size_leaves_the_other_splits_as_they_are() -> None:
    first, second = draw(train=80), draw(train=20)
    for split in ("valid", "test"):
        np.testing.assert_array_equal(first[split], second[split])


def test_larger_training_set_contains_the_smaller() -> None:
    small, large = draw(train=20)["train"], draw(train=80)["train"]
    np.testing.assert_array_equal(large[:20], small)


def test_validation_size_leaves_the_test_split_as_it_is() -> None:
    np.testing.assert_array_equal(draw(valid=40)["test"], draw(valid=10)["test"])


def test_seed_decides_what_is_drawn() -> None:
    first, again, other = draw(seed=1), draw(seed=1), draw(seed=2)
    for split in SIZES:
        np.testing.assert_array_equal(first[split], again[split])
        assert set(first[split].tolist()) != set(other[split].tolist())


@pytest.mark.parametrize(("split", "rest"), [("train", 100), ("valid", 60), ("test", 80)])
def test_null_takes_all_that_the_others_leave(split: str, rest: int) -> None:
    splits = draw(0, **{split: None})
    assert len(splits[split]) == rest
    np.testing.assert_array_equal(np.sort(np.concatenate([*splits.values()])), np.arange(200))


def test_all_images_can_be_used() -> None:
    assert len(draw(train=100)["train"]) == 100


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        draw(train=101)
    assert str(caught.value) == (
        "data.train_size=101, data.valid_size=40, data.test_size=60: "
        "received 201 in all, there are 200 images"
    )


def test_null_needs_at_least_one_image() -> None:
    with pytest.raises(InputError, match=r"data\.train_size=null.*received 200 in all"):
        draw(train=None, valid=100, test=100)


def test_two_nulls_of_one_pool_are_refused() -> None:
    with pytest.raises(InputError, match="at most one split of the same 200 images can be null"):
        draw(train=None, valid=None)


def test_pool_of_one_split_may_be_taken_whole(rng: np.random.Generator) -> None:
    (indices,) = draw_splits(rng, LABELS, {"test": None}).values()
    np.testing.assert_array_equal(np.sort(indices), np.arange(200))
