"""Two ways to fill a hole are mixed as they prove themselves beside it."""

import numpy as np
import pytest
import skimage.data

from inpaint.restoring import rivals
from inpaint.restoring.rivals import mixed


@pytest.fixture
def picture() -> np.ndarray:
    """Part of a photograph, not square: uint8 (200, 260, 3)."""
    return np.asarray(skimage.data.chelsea()[20:220, 100:360])


@pytest.fixture
def hole() -> np.ndarray:
    hole = np.zeros((200, 260), dtype=bool)
    hole[80:116, 110:154] = True
    return hole


def off_by(picture: np.ndarray, levels: int) -> np.ndarray:
    """The picture, off by so many grey levels everywhere."""
    return np.where(picture > 127, picture - levels, picture + levels).astype(np.uint8)


@pytest.mark.parametrize(("first", "rival"), [(0, 40), (40, 0)])
def test_who_is_right_beside_the_hole_has_all_the_say(
    picture: np.ndarray, hole: np.ndarray, first: int, rival: int
) -> None:
    received = mixed(
        picture, hole, hole, lambda image, _: off_by(image, first),
        lambda images, _: off_by(images[0], rival)[np.newaxis],
    )  # fmt: skip
    np.testing.assert_array_equal(received, picture)


def test_who_is_twice_as_far_off_has_a_seventeenth_of_the_say(
    picture: np.ndarray, hole: np.ndarray
) -> None:
    received = mixed(
        picture, hole, hole, lambda image, _: off_by(image, 20),
        lambda images, _: off_by(images[0], 40)[np.newaxis],
    )  # fmt: skip
    # Errors of 20^2 and 40^2: weights of 16 and 1, so 20 + 20 / 17.
    off = np.abs(received[hole].astype(int) - picture[hole])
    assert (off == 21).all()


def test_it_is_tried_on_holes_of_its_shape_where_all_is_known(
    picture: np.ndarray, hole: np.ndarray
) -> None:
    hole[90:100, 70:74] = True  # something else is missing on the left
    inside = np.zeros_like(hole)
    inside[84:112, 114:150] = True
    seen = []

    def first(image: np.ndarray, tried: np.ndarray) -> np.ndarray:
        seen.append(tried & ~hole)
        return image

    mixed(picture, hole, inside, first, lambda images, _: images)
    assert not seen[0].any()
    places = [tuple(int(axis.min()) for axis in np.nonzero(each)) for each in seen[1:]]
    # 28 rows and 36 columns, and 20 between; below there is room, on the right as well.
    assert places == [(36, 114), (132, 114), (84, 170)]
    assert {int(each.sum()) for each in seen[1:]} == {28 * 36}


def test_without_room_beside_the_hole_the_first_fills_it(picture: np.ndarray) -> None:
    hole = np.zeros((200, 260), dtype=bool)
    hole[40:160, 60:200] = True
    received = mixed(picture, hole, hole, lambda image, _: image, lambda images, _: 0 * images)
    np.testing.assert_array_equal(received, picture)


def test_a_very_large_hole_is_the_firsts(
    picture: np.ndarray, hole: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "_LARGEST", int(hole.sum()) - 1)
    received = mixed(
        picture, hole, hole, lambda image, _: off_by(image, 30), lambda images, _: images
    )
    np.testing.assert_array_equal(received, off_by(picture, 30))
