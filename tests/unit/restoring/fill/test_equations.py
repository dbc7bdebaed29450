"""The biharmonic fill of pictures: any size, any number of parts, against scikit-image."""

import itertools
import threading
import tracemalloc

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.restoration import inpaint_biharmonic

from inpaint.restoring import fill
from inpaint.restoring.fill import equations, parts

CENTER = np.zeros((28, 28), dtype=bool)
CENTER[10:18, 10:18] = True


def scikit_image(image: np.ndarray, hole: np.ndarray, *, split: bool) -> np.ndarray:
    """The reference: float64 (H, W, C)."""
    filled = inpaint_biharmonic(image, hole, channel_axis=-1, split_into_regions=split)
    return np.asarray(filled)


def filled(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return fill.biharmonic(image[np.newaxis], hole[np.newaxis])[0]


def scratch_and_word(side: int, thickness: int) -> np.ndarray:
    drawn = np.zeros((side, side), np.uint8)
    cv2.line(drawn, (side // 10, side // 8), (side * 9 // 10, side * 7 // 10), 1, thickness)
    place, size = (side // 8, side * 9 // 10), side / 256
    cv2.putText(drawn, "inpaint", place, cv2.FONT_HERSHEY_SIMPLEX, size, 1, thickness)
    return drawn.astype(bool)


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_sums_of_weighed_bytes_are_exact_and_as_fine_as_can_be(
    rng: np.random.Generator, scale: float
) -> None:
    weights = scale * rng.normal(size=(50, 40))
    rounded = equations._with_exact_sums(weights)
    largest_sum = 255 * np.abs(weights).sum(axis=1).max()
    step = 2.0 ** (np.ceil(np.log2(largest_sum)) - 52)  # a float64 has 53 bits
    np.testing.assert_array_equal(rounded / step, np.rint(weights / step))
    pixels = rng.integers(0, 256, (1000, 40)).astype(float)
    order = rng.permutation(40)
    sums = [(rounded[0][each] * pixels[:, each]).cumsum(axis=1)[:, -1]
            for each in (np.arange(40), order)]  # fmt: skip
    np.testing.assert_array_equal(*sums)


def boxes(side: int, *, size: int, step: int, gap: int = 0) -> np.ndarray:
    hole = np.zeros((side, side), dtype=bool)
    for row, column in itertools.product(range(gap, side - size, step), repeat=2):
        hole[row : row + size, column : column + size] = True
    return hole


HOLES = {
    "scratch and word": scratch_and_word(256, 2),
    "thick scratch and word": scratch_and_word(256, 9),
    "dots": boxes(256, size=1, step=9),
    "dots on the border": boxes(256, size=1, step=15),
    "equal boxes": boxes(256, size=9, step=16, gap=3),
    "equal boxes, some at the border": boxes(256, size=9, step=16),
    "large box": boxes(256, size=80, step=200, gap=20),
    "stroke from side to side": np.eye(256, dtype=bool) | np.eye(256, k=1, dtype=bool),
}


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    """A photograph: float64 (512, 512, 3) in [0, 1]."""
    return np.asarray(data.astronaut() / 255.0)


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("split", [True, False])
def test_picture_is_filled_as_by_scikit_image(
    astronaut: np.ndarray, name: str, split: bool
) -> None:
    image, hole = astronaut[:256, 100:356], HOLES[name]
    expected = scikit_image(image, hole, split=split)
    np.testing.assert_allclose(filled(image, hole), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6])
def test_scattered_pixels_are_filled_as_by_scikit_image(
    rng: np.random.Generator, astronaut: np.ndarray, share: float
) -> None:
    hole = rng.random((100, 90)) < share
    image = astronaut[100:200, 100:190]
    expected = scikit_image(image, hole, split=False)
    np.testing.assert_allclose(filled(image, hole), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("picture", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize("others", [False, True])
def test_hole_is_filled_the_same_in_a_large_picture(
    rng: np.random.Generator, picture: str, others: bool
) -> None:
    photograph = np.asarray(getattr(data, picture)())
    for row, column in rng.integers(0, np.array(photograph.shape[:2]) - 28, (30, 2)):
        image = photograph[row : row + 28, column : column + 28]
        top, left = rng.integers(0, 512 - 28, 2)
        large = rng.integers(0, 256, (512, 512, 3), dtype=np.uint8)
        hole = np.zeros((512, 512), dtype=bool)
        if others:
            hole = scratch_and_word(512, 5) | (rng.random((512, 512)) < 0.001)
            hole[max(top - 12, 0) : top + 40, max(left - 12, 0) : left + 40] = False
        large[top : top + 28, left : left + 28] = image
        hole[top : top + 28, left : left + 28] = CENTER
        inside = filled(large, hole)[top : top + 28, left : left + 28]
        assert np.array_equal(inside, filled(image, CENTER))


def test_many_images_with_the_hole_of_a_picture_are_filled_as_alone(
    astronaut: np.ndarray,
) -> None:
    images = np.stack([astronaut[:256, i : i + 256] for i in (0, 100, 200)])
    holes = np.repeat(HOLES["scratch and word"][np.newaxis], 3, axis=0)
    together = fill.biharmonic(images, holes)
    for image, hole, result in zip(images, holes, together, strict=True):
        np.testing.assert_allclose(result, filled(image, hole), rtol=0, atol=1e-12)


@pytest.mark.parametrize("hole", [np.s_[14:, :], np.s_[4:24, 5:20], np.s_[::3, ::2]])
def test_many_images_are_filled_as_one(rng: np.random.Generator, hole: tuple[slice, slice]) -> None:
    images, holes = rng.random((250, 28, 28, 1)), np.zeros((250, 28, 28), dtype=bool)
    holes[:, *hole] = True
    together = fill.biharmonic(images, holes)
    for image, result in zip(images[::50], together[::50], strict=True):
        np.testing.assert_allclose(result, filled(image, holes[0]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        together[0], scikit_image(images[0], holes[0], split=False), rtol=0, atol=1e-6
    )


def test_bytes_are_clipped_to_what_surrounds_their_hole() -> None:
    slopes = np.clip(np.abs(np.arange(60) - 30) - 4, 0, 8) * 10  # of a valley, 9 rows flat
    image = np.repeat((60 + slopes).astype(np.uint8), 200).reshape(60, 200, 1)
    image[:, 100:] += 50
    image[0, 0], image[0, -1] = 0, 255  # far from both holes
    hole = np.zeros((60, 200), dtype=bool)
    hole[26:35, 20:60] = hole[26:35, 140:180] = True
    result = filled(image, hole)
    as_float = filled(image.astype(np.float64), hole)
    assert as_float[hole].min() < 50  # the fill goes on below, as the slopes do
    for columns, around in ((np.s_[20:60], np.s_[10:70]), (np.s_[140:180], np.s_[130:190])):
        window, missing = image[16:45, around], hole[16:45, around]
        assert result[26:35, columns].min() == window[~missing].min()
        assert result[26:35, columns].max() <= window[~missing].max()


def test_another_regions_missing_pixels_have_no_say_in_the_clip() -> None:
    image = np.full((80, 80, 1), 100, np.uint8)
    hole = np.zeros((80, 80), dtype=bool)
    hole[5, 5:75] = hole[5:75, 5] = True  # its window holds the other region
    hole[40:44, 40:44] = True
    image[hole] = 255
    assert filled(image, hole).max() == 100


@pytest.mark.parametrize("others", [False, True])
def test_half_a_grey_level_is_rounded_up_whatever_else_is_missing(others: bool) -> None:
    image, hole = np.full((120, 120, 1), 11, np.uint8), np.zeros((120, 120), dtype=bool)
    hole[20, 20] = True
    hole[60:, 60:] = others
    hole[119, 119] = False
    image[20, 22] += 10  # has a weight of -1/20
    assert filled(image.astype(np.float64), hole)[20, 20] == pytest.approx(11)  # by the clip
    image[0, 0] = 0
    assert filled(image.astype(np.float64), hole)[20, 20] == pytest.approx(10.5)
    image[12, 12] = 0
    assert filled(image, hole)[20, 20] == 11


def test_memory_grows_with_the_hole_and_not_with_the_picture() -> None:
    image = np.zeros((1, 2048, 2048, 1), np.uint8)  # 4 MiB
    hole = np.zeros((1, 2048, 2048), dtype=bool)
    hole[0, 1000:1020, 1000:1020] = True
    fill.biharmonic(image[:, :64, :64], hole[:, 980:1044, 980:1044])  # imports
    tracemalloc.start()
    fill.biharmonic(image, hole)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < image.nbytes + 2e6


def test_equal_parts_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []
    solve = parts._solve

    def counted(part: parts.Part, sides: np.ndarray) -> np.ndarray:
        solved.append(part.unknowns.shape)
        return solve(part, sides)

    monkeypatch.setattr(parts, "_solve", counted)
    hole = boxes(600, size=9, step=16, gap=3)
    filled(np.zeros((600, 600, 1)), hole)
    assert solved == [(37 * 37, 81)]


def test_parts_are_solved_the_same_in_threads(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray
) -> None:
    image, hole = astronaut[:256, :256], HOLES["thick scratch and word"]
    one_by_one = filled(image, hole)
    monkeypatch.setattr(parts, "_WORTH_THREADS", 0)
    assert np.array_equal(filled(image, hole), one_by_one)


def test_large_parts_are_solved_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that is allowed is that of one; of small ones, two are solved at a time."""
    solve, running, seen, meet = parts._solve, set[int](), [], threading.Barrier(2, timeout=60)

    def watched(part: parts.Part, sides: np.ndarray) -> np.ndarray:
        running.add(id(part))
        if part.unknowns.shape[1] <= 500:
            meet.wait()
        seen.append((part.unknowns.shape[1], len(running)))
        result = solve(part, sides)
        running.remove(id(part))
        return result

    monkeypatch.setattr(parts, "_solve", watched)
    monkeypatch.setattr(parts, "_WORTH_THREADS", 0)
    monkeypatch.setattr(parts, "LARGEST_PART", 1000)
    hole = np.zeros((300, 300), dtype=bool)
    for i, side in enumerate((30, 29, 28, 27, 22, 21, 20, 19)):
        hole[70 * (i // 4) + 5 :, 70 * (i % 4) + 5 :][:side, :side] = True
    filled(np.zeros((300, 300, 1)), hole)
    assert [num for size, num in seen if size > 500] == [1] * 4
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_WIDEST_BAND", 0), ("_MANY_SIDES", 1), ("_WORTH_ORDERING", 0), ("_SMALL_PART", 1),
        ("_SMALL_PART", 10_000), ("_TOGETHER", 1), ("_AS_ONE", 0), ("_NARROW_BAND", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("hole", ["thick scratch and word", "dots"])
def test_whichever_way_is_the_fastest_the_fill_is_the_same(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, hole: str, name: str, value: int
) -> None:
    image = astronaut[:256, :256]
    missing = HOLES.get(hole, np.random.default_rng(0).random((256, 256)) < 0.3)
    expected = filled(image, missing)
    assert hasattr(parts, name)
    monkeypatch.setattr(parts, name, value)
    np.testing.assert_allclose(filled(image, missing), expected, rtol=0, atol=1e-10)


def test_a_hole_is_told_to_be_too_large_before_it_is_filled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hole = np.zeros((200, 200), dtype=bool)
    hole[50:120, 50:125] = True
    assert not fill.may_be_too_large(hole)
    fill.check_size(hole)
    for limit, is_too_large in ((5250, False), (5249, True)):
        monkeypatch.setattr(fill, "LARGEST_PART", limit)
        monkeypatch.setattr(parts, "LARGEST_PART", limit)
        assert fill.may_be_too_large(hole) == is_too_large
        if is_too_large:
            with pytest.raises(ValueError, match="received 5250 missing pixels that hang tog"):
                fill.check_size(hole)
        else:
            fill.check_size(hole)
            filled(np.zeros((200, 200, 1)), hole)


def test_part_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGEST_PART", 4999)
    monkeypatch.setattr(parts, "_solve", None)  # nothing is solved before
    image, hole = np.zeros((200, 200, 1)), np.zeros((200, 200), dtype=bool)
    hole[50:120, 50:125] = True
    hole[3:5] = True  # a stroke may be long
    message = r"received 5250 missing pixels that hang together, allowed: 4999, unless .* thin"
    with pytest.raises(ValueError, match=f"^holes: {message}"):
        filled(image, hole)


def test_long_thin_stroke_is_no_part_that_is_too_large(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray
) -> None:
    monkeypatch.setattr(parts, "LARGEST_PART", 100)
    hole = HOLES["stroke from side to side"]
    expected = scikit_image(astronaut[:256, :256], hole, split=True)
    np.testing.assert_allclose(filled(astronaut[:256, :256], hole), expected, rtol=0, atol=1e-6)


def test_hole_with_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hole = boxes(100, size=5, step=10)
    monkeypatch.setattr(equations, "_LARGEST_HOLE", hole.sum())
    filled(np.zeros((100, 100, 1)), hole)
    monkeypatch.setattr(equations, "_LARGEST_HOLE", 1000)
    message = f"^holes: received {hole.sum()} missing pixels in one image, allowed: 1000$"
    with pytest.raises(ValueError, match=message):
        filled(np.zeros((100, 100, 1)), hole)
