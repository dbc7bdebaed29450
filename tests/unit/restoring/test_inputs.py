"""What strangers hand over: every way of being wrong, by its message, and all that is right."""

import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from inpaint.restoring.inputs import check_inputs, largest_accepted

CHANNELS = 3
LARGEST = 0.5  # three quarters of an image may be missing

Change = Callable[[np.ndarray], Any]


@pytest.fixture(scope="module")
def images(photographs: np.ndarray) -> np.ndarray:
    """Two pieces of a photograph, black and white among their values."""
    images = photographs[60:62].copy()
    images[0, 0, 0] = 0, 100, 255
    return images


@pytest.fixture(scope="module")
def holes() -> np.ndarray:
    """A box of 6x16 of 960 pixels; the second image has no hole."""
    holes = np.zeros((2, 24, 40), bool)
    holes[0, 3:9, 20:36] = True
    return holes


def check(images: object, holes: object) -> tuple[np.ndarray, np.ndarray]:
    return check_inputs({"images": images, "holes": holes}, CHANNELS, LARGEST)


def refusal(received: object) -> str:
    """The one line that it is refused with."""
    with pytest.raises(ValueError, match="allowed") as caught:
        check_inputs(received, CHANNELS, LARGEST)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda images: images.astype(np.float32), "float32 values from 0 to 255"),
        (lambda images: images / 255, "float64 values from 0 to 1"),
        (lambda images: (images / 255).tolist(), "float64 values from 0 to 1"),
        (lambda images: images * np.nan, "float64 values from nan to nan"),
        (lambda images: images * 1j, "complex128 values"),
        (lambda images: images > 127, "truth values"),
        (lambda images: images.astype(str), "text"),
        (lambda images: images.tobytes(), "text"),
        (lambda _: "images", "text"),
        (lambda _: None, "something else than 64-bit numbers"),
        (lambda _: {"b64": "AAAA"}, "something else than 64-bit numbers"),
        (lambda images: [*images.tolist()[:1], None], "lists that make no array"),
        (lambda images: images.astype(object), "something else than 64-bit numbers"),
        (lambda images: images.astype(np.int32) + 1, "int32 values from 1 to 256"),
        (lambda images: images.astype(np.int16) - 1, "int16 values from -1 to 254"),
        (lambda images: [images[0].tolist(), images[1, 1:].tolist()], "lists that make no array"),
        (lambda _: 7, "int64 values from 7 to 7"),
        (lambda _: [], "none"),
    ],
)
def test_images_of_another_type_or_range_are_refused(
    images: np.ndarray, holes: np.ndarray, change: Change, received: str
) -> None:
    assert refusal({"images": change(images), "holes": holes}) == (
        f"images: received {received}, allowed: whole numbers from 0 to 255, black to white"
    )


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda holes: holes * np.uint8(255), "uint8 values from 0 to 255"),
        (lambda holes: holes * 2, "int64 values from 0 to 2"),
        (lambda holes: -holes.astype(np.int8), "int8 values from -1 to 0"),
        (lambda holes: holes.astype(np.float32), "float32 values from 0 to 1"),
        (lambda holes: holes.astype(float).tolist(), "float64 values from 0 to 1"),
        (lambda holes: holes.astype(str), "text"),
        (lambda holes: holes.astype(object), "something else than 64-bit numbers"),
        (lambda _: None, "something else than 64-bit numbers"),
        (lambda holes: [holes[0].tolist(), holes[1, 1:].tolist()], "lists that make no array"),
        (lambda _: True, "truth values"),
        (lambda _: [], "none"),
    ],
)
def test_holes_of_another_type_or_range_are_refused(
    images: np.ndarray, holes: np.ndarray, change: Change, received: str
) -> None:
    assert refusal({"images": images, "holes": change(holes)}) == (
        f"holes: received {received}, allowed: whole numbers from 0 to 1, or false and true: "
        "1 is missing"
    )


@pytest.mark.parametrize(
    "shape",
    [
        (24, 40, 3),
        (2, 24, 40, 1),
        (2, 24, 40, 4),
        (2, 3, 24, 40),
        (2, 24, 40),
        (1, 2, 24, 40, 3),
        (0, 24, 40, 3),
        (2, 0, 40, 3),
    ],
)
def test_images_of_another_shape_are_refused(holes: np.ndarray, shape: tuple[int, ...]) -> None:
    assert refusal({"images": np.zeros(shape, np.uint8), "holes": holes}) == (
        f"images: received the shape {shape}, allowed: (N, height, width, 3) for N images of "
        "so many rows, columns and channels"
    )


@pytest.mark.parametrize(
    "shape",
    [(24, 40), (2, 40, 24), (2, 23, 40), (2, 24, 40, 1), (1, 24, 40), (3, 24, 40), (0, 24, 40)],
)
def test_holes_of_another_shape_or_number_are_refused(
    images: np.ndarray, shape: tuple[int, ...]
) -> None:
    assert refusal({"images": images, "holes": np.zeros(shape, bool)}) == (
        f"holes: received the shape {shape}, allowed for these images: (2, 24, 40)"
    )


@pytest.mark.parametrize(
    ("names", "received"),
    [
        ({"images": "images"}, "images"),
        ({"holes": "holes"}, "holes"),
        ({"images": "images", "masks": "holes"}, "images, masks"),
        ({"Images": "images", "holes": "holes"}, "Images, holes"),
        ({"images": "images", "holes": "holes", "size": "holes"}, "holes, images, size"),
        ({0: "images", 1: "holes"}, "0, 1"),
        ({}, "nothing"),
    ],
)
def test_other_names_are_refused(
    images: np.ndarray, holes: np.ndarray, names: dict[Any, str], received: str
) -> None:
    given = {"images": images, "holes": holes}
    assert refusal({name: given[what] for name, what in names.items()}) == (
        f"received {received}, allowed: images and holes, or pictures and masks"
    )


def test_what_has_no_names_is_refused(images: np.ndarray, holes: np.ndarray) -> None:
    for received, what in (
        (images, "ndarray"),
        ((images, holes), "tuple"),
        (["images", "holes"], "list"),
        ("images", "str"),
        (None, "NoneType"),
    ):
        assert (
            refusal(received)
            == f"received {what}, allowed: images and holes, or pictures and masks"
        )


def test_holes_of_the_other_polarity_are_refused(images: np.ndarray, holes: np.ndarray) -> None:
    # The box hides 96 of 960 pixels.
    assert refusal({"images": images[:1], "holes": ~holes[:1]}) == (
        "holes: received one, number 0, that hides 90.0% of its image, allowed: up to 75.0%. "
        "1 and true mean missing, 0 and false mean known"
    )
    assert refusal({"images": images, "holes": (~holes).astype(int).tolist()}) == (
        "holes: received one, number 1, that hides 100.0% of its image, allowed: up to 75.0%. "
        "1 and true mean missing, 0 and false mean known"
    )


def test_a_hole_may_be_as_large_as_the_limit_and_no_larger(images: np.ndarray) -> None:
    holes = np.zeros((2, 24, 40), bool)
    holes[1, :18] = True  # of 24 rows
    np.testing.assert_array_equal(check(images, holes)[1], holes)
    holes[1, 18, 0] = True
    assert "received one, number 1, that hides 75.1% of" in refusal(
        {"images": images, "holes": holes}
    )


def test_the_limit_is_half_way_between_the_training_and_the_whole_image() -> None:
    assert largest_accepted(0.5) == 0.75
    assert largest_accepted(0.25) == 0.625
    assert largest_accepted(64 / 784) == pytest.approx(424 / 784)


@pytest.mark.parametrize("share", [0.01, 64 / 784, 0.25, 0.33])
def test_the_other_polarity_of_holes_of_less_than_a_third_is_above_the_limit(share: float) -> None:
    assert 1 - share > largest_accepted(share) > share


@pytest.mark.parametrize("as_received", [
    lambda array: array,
    lambda array: array.astype(np.int64),
    lambda array: array.tolist(),
    lambda array: json.loads(json.dumps(array.tolist())),
    lambda array: json.loads(json.dumps(array.astype(int).tolist())),
    lambda array: list(array.astype(np.uint16)),
])  # fmt: skip
def test_whole_numbers_of_any_kind_become_the_librarys_arrays(
    images: np.ndarray, holes: np.ndarray, as_received: Change
) -> None:
    checked = check(as_received(images), as_received(holes))
    assert [array.dtype for array in checked] == [np.uint8, np.bool_]
    np.testing.assert_array_equal(checked[0], images)
    np.testing.assert_array_equal(checked[1], holes)


@pytest.mark.parametrize("shape", [(2, 40, 24), (1, 1, 2), (3, 21, 35), (1, 512, 300)])
def test_images_of_any_size_pass(shape: tuple[int, int, int]) -> None:
    received = np.arange(np.prod(shape) * 3).reshape(*shape, 3) % 256
    holes = np.zeros(shape, bool)
    holes[0, 0, 1] = True
    checked = check(received.tolist(), holes)
    assert [array.dtype for array in checked] == [np.uint8, np.bool_]
    np.testing.assert_array_equal(checked[0], received)
    np.testing.assert_array_equal(checked[1], holes)


def test_any_mapping_in_any_order_is_taken(images: np.ndarray, holes: np.ndarray) -> None:
    received = MappingProxyType({"holes": holes, "images": images})
    checked = check_inputs(received, CHANNELS, LARGEST)
    np.testing.assert_array_equal(checked[0], images)
    np.testing.assert_array_equal(checked[1], holes)


def test_images_without_any_hole_pass(images: np.ndarray) -> None:
    checked = check(images, np.zeros((2, 24, 40), int).tolist())
    assert checked[1].dtype == np.bool_
    assert not checked[1].any()
    np.testing.assert_array_equal(checked[0], images)
