"""Two ways to fill a hole are mixed as they prove themselves beside it."""

import cv2
import numpy as np
import pytest
import skimage.data

from inpaint.restoring.coarse import rivals
from inpaint.restoring.coarse.rivals import BORDER, FillAlike, mixed


@pytest.fixture
def picture() -> np.ndarray:
    """Part of a photograph, not square: uint8 (200, 260, 3)."""
    return np.asarray(skimage.data.chelsea()[20:220, 100:360])


@pytest.fixture
def hole() -> np.ndarray:
    hole = np.zeros((200, 260), dtype=bool)
    hole[80:116, 110:154] = True
    return hole


def mix(
    picture: np.ndarray, hole: np.ndarray, inside: np.ndarray, first: FillAlike, rival: FillAlike
) -> np.ndarray:
    """One picture, (H, W, C), mixed."""
    return mixed(picture[np.newaxis], hole, inside, first, rival)[0]


def off_by(picture: np.ndarray, levels: int) -> np.ndarray:
    """The picture, off by so many grey levels everywhere."""
    return np.where(picture > 127, picture - levels, picture + levels).astype(np.uint8)


@pytest.mark.parametrize(("first", "rival"), [(0, 40), (40, 0)])
def test_who_is_right_beside_the_hole_has_all_the_say(
    picture: np.ndarray, hole: np.ndarray, first: int, rival: int
) -> None:
    received = mix(
        picture, hole, hole, lambda images, _: off_by(images, first),
        lambda images, _: off_by(images, rival),
    )  # fmt: skip
    np.testing.assert_array_equal(received, picture)


def test_pictures_that_miss_the_same_are_mixed_each_by_itself(
    picture: np.ndarray, hole: np.ndarray
) -> None:
    pictures = np.stack([picture, 255 - picture])

    def right_of(which: int) -> FillAlike:
        def filled(images: np.ndarray, _: np.ndarray) -> np.ndarray:
            return np.stack([off_by(each, 40 * (i != which)) for i, each in enumerate(images)])

        return filled

    received = mixed(pictures, hole, hole, right_of(0), right_of(1))
    np.testing.assert_array_equal(received, pictures)


def test_who_is_half_as_far_off_again_has_little_say(picture: np.ndarray, hole: np.ndarray) -> None:
    received = mix(
        picture, hole, hole, lambda images, _: off_by(images, 40),
        lambda images, _: off_by(images, 60),
    )  # fmt: skip
    # Errors of 40^2 and 60^2: weights of 3^8 and 2^8, so 40 + 20 * 256 / 6817 = 40.75.
    off = np.abs(received[hole].astype(int) - picture[hole])
    assert (off == 41).all()


def trials_of(picture: np.ndarray, hole: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """What is filled both ways after the hole itself."""
    filled: dict[str, list[np.ndarray]] = {"first": [], "rival": []}

    def first(images: np.ndarray, tried: np.ndarray) -> np.ndarray:
        filled["first"].append(tried)
        return images

    def rival(images: np.ndarray, tried: np.ndarray) -> np.ndarray:
        filled["rival"].append(tried[0])
        return images

    mix(picture, hole, inside, first, rival)
    np.testing.assert_array_equal(filled["first"][0], hole)
    trials = filled["first"][1:]
    # The hole itself comes last, and only if there were trials.
    assert len(filled["rival"]) == (len(trials) + 1 if trials else 0)
    for tried, again in zip(trials, filled["rival"], strict=False):
        np.testing.assert_array_equal(tried, again)
    return trials


def test_it_is_tried_on_a_hole_that_is_higher_and_on_one_that_is_wider(
    picture: np.ndarray, hole: np.ndarray
) -> None:
    inside = np.zeros_like(hole)
    inside[86:110, 116:148] = True
    higher, wider = np.zeros_like(hole), np.zeros_like(hole)
    higher[80 - BORDER : 116 + BORDER, 110:154] = True
    wider[80:116, 110 - BORDER : 154 + BORDER] = True
    trials = trials_of(picture, hole, inside)
    np.testing.assert_array_equal(trials, [higher, wider])
    hole[98, :110] = hole[10:20, 20:30] = True  # a stroke that ends there, and something else
    for received, expected in zip(trials_of(picture, hole, inside), trials, strict=True):
        # A few pixels of the stroke are taken for the hole.
        assert not (received & ~cv2.dilate(expected.astype(np.uint8), np.ones((33, 9)))).any()
        assert (received | ~expected).all()


@pytest.mark.parametrize("columns", [np.s_[0:260], np.s_[30:230]])
def test_at_the_pictures_border_it_is_tried_where_there_is_something(
    picture: np.ndarray, columns: slice
) -> None:
    hole = np.zeros((200, 260), dtype=bool)
    hole[130:, columns] = True
    received = trials_of(picture, hole, hole)
    higher, wider = hole.copy(), hole.copy()
    higher[130 - BORDER :, columns] = True
    wider[130:, max(columns.start - BORDER, 0) : columns.stop + BORDER] = True
    np.testing.assert_array_equal(received, [higher] if columns.start == 0 else [higher, wider])


def test_where_nothing_is_known_but_a_border_the_first_fills_it(picture: np.ndarray) -> None:
    hole = np.zeros((200, 260), dtype=bool)
    hole[BORDER : 200 - BORDER] = True
    received = mix(picture, hole, hole, lambda images, _: images, lambda images, _: 0 * images)
    np.testing.assert_array_equal(received, picture)


@pytest.mark.parametrize(("first", "rival"), [(0, 40), (40, 0)])
def test_what_is_missing_beside_the_hole_is_no_proof(
    picture: np.ndarray, hole: np.ndarray, first: int, rival: int
) -> None:
    hole[70:76, 110:154] = True
    inside = np.zeros_like(hole)
    inside[86:110, 116:148] = True
    blank = np.where(hole[..., np.newaxis], 0, picture)
    filled = [
        np.where(hole[..., np.newaxis], 100, off_by(picture, levels)) for levels in (first, rival)
    ]
    received = mix(
        blank.astype(np.uint8), hole, inside, lambda *_: filled[0][np.newaxis].astype(np.uint8),
        lambda *_: filled[1][np.newaxis].astype(np.uint8),
    )  # fmt: skip
    np.testing.assert_array_equal(received, filled[0 if first == 0 else 1])


def test_a_very_large_hole_is_the_firsts(
    picture: np.ndarray, hole: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "_LARGEST", int(hole.sum()) - 1)
    received = mix(
        picture, hole, hole, lambda images, _: off_by(images, 30), lambda images, _: images
    )
    np.testing.assert_array_equal(received, off_by(picture, 30))
