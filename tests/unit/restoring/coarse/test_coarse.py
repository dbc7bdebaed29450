"""Deep holes: filled from half the size as far as they are too deep, and nothing else changes."""

import cv2
import numpy as np
import pytest
import skimage.data

from inpaint.restoring import fill, pixels
from inpaint.restoring.coarse import deepest_at_once, with_true_inside, without_deep_holes
from inpaint.restoring.fill import parts
from inpaint.restoring.fill.regions import depth

DEEPEST = 16

Box = tuple[slice, slice]

# Deep holes of 301x399 pixels: in the middle and at borders, of even and odd sides.
BOXES = {
    "64x64 in the middle": np.s_[101:165, 120:184],
    "100x80 in the middle": np.s_[99:199, 151:231],
    "35x171 in the middle": np.s_[133:168, 98:269],
    "64x64 at a corner": np.s_[237:301, 335:399],
    "100x80 at the left border": np.s_[77:177, 0:80],
    "101x83 at the upper border": np.s_[0:101, 200:283],
}


def restore(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Without a network."""
    return fill.biharmonic(*without_deep_holes(images, holes, DEEPEST, restore))


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """uint8 (1, 301, 399, 3)."""
    return np.ascontiguousarray(skimage.data.coffee()[np.newaxis, 50:351, 100:499])


@pytest.fixture(scope="module")
def ramp() -> np.ndarray:
    """Differently steep downwards and to the right, and in its two colours: uint8."""
    rows, columns = np.arange(301)[:, np.newaxis], np.arange(399)
    slopes = [20 + 0.3 * rows + 0.25 * columns, 230 - 0.2 * rows - 0.35 * columns]
    return np.rint(np.stack(slopes, axis=-1)).astype(np.uint8)[np.newaxis]


def holed(*boxes: Box) -> np.ndarray:
    hole = np.zeros((1, 301, 399), bool)
    for rows, columns in boxes:
        hole[0, rows, columns] = True
    return hole


def not_called(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    raise AssertionError((images.shape, holes.shape))


def test_holes_that_are_not_deep_come_back_as_they_are(photograph: np.ndarray) -> None:
    shallow = [np.s_[50 : 50 + 2 * DEEPEST - 1, 10:300], np.s_[285:301, 0:399], np.s_[0:9, 350:399]]
    hole = holed(*shallow)
    assert depth(hole[0]).max() == DEEPEST
    images, holes = without_deep_holes(photograph, hole, DEEPEST, not_called)
    assert images is photograph
    assert holes is hole


def test_depth_is_how_far_it_is_to_a_known_pixel() -> None:
    hole = np.zeros((5, 8), bool)
    hole[:4, 2:7] = True
    np.testing.assert_allclose(
        depth(hole),
        [
            [0, 0, 1, 2, 3, 2, 1, 0],
            [0, 0, 1, 2, 3, 2, 1, 0],
            [0, 0, 1, 2, 2, 2, 1, 0],
            [0, 0, 1, 1, 1, 1, 1, 0],
            [0, 0, 0, 0, 0, 0, 0, 0],
        ],
        atol=1e-3,
    )


@pytest.mark.parametrize("deepest", [4, 5.5, 24])
def test_what_is_left_is_half_as_deep_as_may_be(photograph: np.ndarray, deepest: float) -> None:
    hole = holed(BOXES["100x80 in the middle"])
    _, holes = without_deep_holes(photograph, hole, deepest, restore)
    np.testing.assert_array_equal(holes[0], hole[0] & (depth(hole[0]) <= deepest / 2))


def test_pictures_without_holes_and_no_pictures_come_back_as_they_are(
    photograph: np.ndarray,
) -> None:
    for images, holes in (
        (photograph, holed()),
        (photograph[:0], holed()[:0]),
        (photograph[:, :5], holed()[:, :5]),
    ):
        same_images, same_holes = without_deep_holes(images, holes, DEEPEST, not_called)
        assert same_images is images
        assert same_holes is holes


def test_one_pixel_more_is_deep(photograph: np.ndarray) -> None:
    hole = holed(np.s_[50 : 50 + 2 * DEEPEST + 1, 10:300])
    images, holes = without_deep_holes(photograph, hole, DEEPEST, restore)
    assert holes.sum() < hole.sum()
    assert (images[hole & ~holes] != photograph[hole & ~holes]).mean() > 0.5


@pytest.mark.parametrize("box", BOXES)
def test_a_band_is_left_that_is_not_deep(photograph: np.ndarray, box: str) -> None:
    hole = holed(BOXES[box])
    images, holes = without_deep_holes(photograph, hole, DEEPEST, restore)
    assert images.shape == photograph.shape
    assert [images.dtype, holes.dtype] == [np.uint8, np.bool_]
    assert 0 < depth(holes[0]).max() <= DEEPEST
    assert not (holes & ~hole).any()
    # All along its border, so that nothing coarse lies beside a known pixel.
    beside = cv2.dilate((~hole[0]).astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
    assert holes[0][hole[0] & beside].all()


@pytest.mark.parametrize("box", BOXES)
def test_known_pixels_and_the_given_arrays_do_not_change(photograph: np.ndarray, box: str) -> None:
    hole = holed(BOXES[box])
    given, given_hole = photograph.copy(), hole.copy()
    images, _ = without_deep_holes(given, given_hole, DEEPEST, restore)
    np.testing.assert_array_equal(images[~hole], photograph[~hole])
    np.testing.assert_array_equal(given, photograph)
    np.testing.assert_array_equal(given_hole, hole)


@pytest.mark.parametrize("box", [box for box in BOXES if "middle" in box])
def test_the_inside_goes_on_as_its_surroundings_do(ramp: np.ndarray, box: str) -> None:
    hole = holed(BOXES[box])
    images, holes = without_deep_holes(
        np.where(hole[..., np.newaxis], 0, ramp), hole, DEEPEST, restore
    )
    inside = hole & ~holes
    off = np.abs(images[inside].astype(int) - ramp[inside])
    # A biharmonic fill goes on with the slope at its border, and there half a grey level may be
    # lost to rounding, at each size.
    assert off.mean() < 1
    assert off.max() <= 3
    assert np.ptp(ramp[inside], axis=0).min() > 20


@pytest.mark.parametrize("box", [box for box in BOXES if "middle" not in box])
def test_at_the_border_of_the_picture_as_well_but_for_what_cannot_be_known(
    ramp: np.ndarray, box: str
) -> None:
    hole = holed(BOXES[box])
    images, holes = without_deep_holes(
        np.where(hole[..., np.newaxis], 0, ramp), hole, DEEPEST, restore
    )
    inside = hole & ~holes
    # A biharmonic fill levels out towards the border.
    off = np.abs(images[inside].astype(int) - ramp[inside])
    at_once = np.abs(fill.biharmonic(ramp, hole)[inside].astype(int) - ramp[inside])
    assert off.mean() <= at_once.mean() + 1
    assert off.max() <= at_once.max() + 3


def test_what_is_missing_has_no_say(photograph: np.ndarray, rng: np.random.Generator) -> None:
    hole = holed(*BOXES.values())
    noise = rng.integers(0, 256, photograph.shape, dtype=np.uint8)
    changed = np.where(hole[..., np.newaxis], noise, photograph)
    images, holes = without_deep_holes(photograph, hole, DEEPEST, restore)
    of_noise, again = without_deep_holes(changed, hole, DEEPEST, restore)
    np.testing.assert_array_equal(again, holes)
    np.testing.assert_array_equal(of_noise[hole & ~holes], images[hole & ~holes])


def test_other_holes_and_other_pictures_are_left_alone(photograph: np.ndarray) -> None:
    deep, others = BOXES["64x64 in the middle"], [np.s_[190:199, 130:170], np.s_[3:6, 0:9]]
    holes = np.concatenate([holed(*others), holed(deep, *others), holed()])
    images = np.concatenate([photograph, photograph[:, ::-1], photograph])
    filled, left = without_deep_holes(images, holes, DEEPEST, restore)
    changed = holes & ~left
    assert set(np.nonzero(changed)[0].tolist()) == {1}
    assert not (changed[1] & ~holed(deep)[0]).any()
    np.testing.assert_array_equal(filled[~changed], images[~changed])


@pytest.mark.parametrize("rival", [None, fill.telea])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_that_share_a_hole_are_filled_each_as_if_alone(
    photograph: np.ndarray, channels: int, rival: fill.Fill | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = np.ascontiguousarray(photograph[..., :channels])
    pictures = np.concatenate([photograph, photograph[:, ::-1], photograph[:, :, ::-1]])
    hole = holed(BOXES["64x64 in the middle"], BOXES["64x64 at a corner"])
    monkeypatch.setattr(pixels, "_AT_ONCE", 2 * 160 * 160)  # two at a time, then one
    holes = np.repeat(hole, 3, axis=0)
    together, left = without_deep_holes(pictures, holes, DEEPEST, restore, rival)
    for i in range(3):
        alone, left_alone = without_deep_holes(pictures[i : i + 1], hole, DEEPEST, restore, rival)
        np.testing.assert_array_equal(together[i], alone[0])
        np.testing.assert_array_equal(left[i], left_alone[0])
        assert (together[i] != pictures[i])[hole[0] & ~left[i]].mean() > 0.5


def test_a_deep_hole_is_filled_alike_wherever_it_lies(photograph: np.ndarray) -> None:
    # At places that are halved alike, with all around that has a say.
    patch = photograph[:, 20:280, 30:290]
    hole = np.zeros((1, 260, 260), bool)
    hole[0, 98:162, 98:162] = True
    large = np.ascontiguousarray(skimage.data.astronaut()[np.newaxis])
    there = np.zeros((1, 512, 512), bool)
    place = np.s_[0, 104 : 104 + 260, 212 : 212 + 260]
    large[place], there[place] = patch[0], hole[0]
    alone, _ = without_deep_holes(patch, hole, DEEPEST, restore)
    within, _ = without_deep_holes(large, there, DEEPEST, restore)
    np.testing.assert_array_equal(within[place], alone[0])


def allow(num: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many missing pixels that hang together, fewer than in earnest."""
    for module in (fill, parts):
        monkeypatch.setattr(module, "LARGEST_PART", num)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_cannot_be_filled_is_refused_before_a_deep_hole_is_begun(
    photograph: np.ndarray, order: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that is deeper than 40 pixels, and a larger one in another picture that is not.
    holes = np.concatenate([holed(np.s_[99:189, 151:241]), holed(np.s_[20:99, 200:299])])[order]
    allow(7500, monkeypatch)
    with pytest.raises(ValueError, match=r"received 7821 .* hang together, allowed: 7500"):
        without_deep_holes(np.concatenate([photograph] * 2), holes, 40, not_called)


@pytest.mark.parametrize("with_rival", [False, True])
def test_what_cannot_be_filled_at_half_size_is_refused_before_it_is_begun(
    photograph: np.ndarray, with_rival: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hole = holed(np.s_[40:262, 40:360])
    hole[0, 88:214, 88:312] = False  # a frame of 48 pixels
    allow(9000, monkeypatch)
    # Two bands are left of it at full size, each of which is thin.
    depths = depth(hole[0])
    fill.check_size((depths > 0) & (depths <= DEEPEST / 2))
    num = (222 * 320 - 126 * 224) // 4
    with pytest.raises(ValueError, match=rf"received {num} .* hang together, allowed: 9000"):
        without_deep_holes(
            photograph, hole, DEEPEST, not_called, not_called if with_rival else None
        )


def test_large_holes_that_can_be_filled_are_not_refused(
    photograph: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    hole = holed(BOXES["100x80 in the middle"], np.s_[3:8, 3:103])
    expected = without_deep_holes(photograph, hole, DEEPEST, restore)
    allow(4000, monkeypatch)  # the box has more; what is left to be filled at once has not
    for received, each in zip(
        without_deep_holes(photograph, hole, DEEPEST, restore), expected, strict=True
    ):
        np.testing.assert_array_equal(received, each)


def test_trainings_leave_as_much_of_a_hole_as_is_left_later(photograph: np.ndarray) -> None:
    holes = np.concatenate([holed(box) for box in BOXES.values()])
    images = np.repeat(photograph, len(holes), axis=0)
    _, expected = without_deep_holes(images, holes, DEEPEST, restore)
    given, left = with_true_inside(images, holes, DEEPEST)
    np.testing.assert_array_equal(left, expected)
    inside = holes & ~left
    np.testing.assert_array_equal(given[~inside], images[~inside])


@pytest.mark.parametrize("channels", [1, 2])
def test_in_trainings_the_inside_is_that_of_the_smaller_picture_as_it_is(
    ramp: np.ndarray, channels: int
) -> None:
    hole = holed(BOXES["64x64 in the middle"])
    for image in (ramp[..., :channels], 255 - ramp[..., :channels]):
        given, left = with_true_inside(image, hole, DEEPEST)
        # All but rounding, twice: to uint8 at half the size, and again.
        assert np.abs(given[hole & ~left].astype(int) - image[hole & ~left]).max() <= 2
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    given, left = with_true_inside(noise, hole, DEEPEST)
    inside = hole & ~left
    # Of noise, no fill can know anything, and half the size keeps half of it.
    kept = np.corrcoef(given[inside].ravel(), noise[inside].ravel())[0, 1]
    assert 0.3 < kept < 0.8


@pytest.mark.parametrize(
    ("rows", "of_images", "of_crops"),
    [
        (0, 4, 4),
        (2, 4, 4),  # what is shallow is filled at once by any network
        (4, 6, 6),  # half as deep again
        (5, 7.5, 7.5),
        (14, 21, 9),  # crops tell less of a deep hole
        (16, 24, 9),
        (24, 24, 9),  # as far as a network sees
        (25, 9, 9),  # deeper: what is left is a band, 12 wide and known on both sides
        (60, 9, 9),
    ],
)
def test_holes_are_filled_at_once_by_how_deep_those_of_the_training_are(
    rows: int, of_images: float, of_crops: float
) -> None:
    holes = np.zeros((4, 80, 90), bool)
    holes[2, 80 - rows :] = holes[1, 5:7, 8:88] = holes[3, 0] = True  # two are 1 pixel deep
    if not rows:
        holes[:] = False
    assert deepest_at_once(holes, crops=False) == of_images
    assert deepest_at_once(holes, crops=True) == of_crops


def test_trainings_on_holes_that_are_not_deep_are_left_alone(photograph: np.ndarray) -> None:
    hole = holed(np.s_[50 : 50 + 2 * DEEPEST - 1, 10:300])
    images, holes = with_true_inside(photograph, hole, DEEPEST)
    assert images is photograph
    assert holes is hole
