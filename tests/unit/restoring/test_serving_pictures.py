"""Pictures of any size: a hole is filled by its surroundings, and by nothing else."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import skimage.data

from inpaint.restoring import pixels, windows
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.serving import Inpainter

# Other sizes are summed up in another order, which may tip a value over to the next grey level.
ONE_LEVEL = 1

COLOURED = {
    "astronaut": skimage.data.astronaut,
    "chelsea": skimage.data.chelsea,
    "coffee": skimage.data.coffee,
}


def build(channels: int, deepest: float = 12, *, mirrored: bool = False) -> Inpainter:
    """A local network with random weights, far from its start."""
    model = NETWORKS["residual_unet"].build(
        channels,
        filters=4,
        dropout=0.0,
        skip_connections=True,
        deepest=deepest,
        mirrored=mirrored,
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return Inpainter(model)


@pytest.fixture(scope="module")
def coloured() -> Inpainter:
    return build(3, mirrored=True)


@pytest.fixture(scope="module")
def grey() -> Inpainter:
    return build(1)


def background(name: str) -> np.ndarray:
    """A photograph of 512x512 pixels, repeated where it is smaller: uint8 (512, 512, 3)."""
    picture: np.ndarray = np.pad(COLOURED[name](), [(0, 220), (0, 120), (0, 0)], mode="reflect")
    return picture[:512, :512].copy()


def restore_one(inpainter: Inpainter, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """As signed numbers; known pixels are the image's."""
    restored = inpainter.restore(image[np.newaxis], hole[np.newaxis])[0]
    np.testing.assert_array_equal(restored[~hole], image[~hole])
    return restored.astype(int)


def correct_much(inpainter: Inpainter, image: np.ndarray, hole: np.ndarray) -> None:
    """The network's own part can be seen: it is far more than a grey level."""
    filled = NETWORKS["residual_unet"].fill(image[np.newaxis], hole[np.newaxis])[0].astype(int)
    assert np.abs(restore_one(inpainter, image, hole) - filled)[hole].mean() > 5


def assert_filled_alike(
    inpainter: Inpainter,
    image: np.ndarray,
    hole: np.ndarray,
    picture: np.ndarray,
    at: tuple[int, int],
) -> None:
    """The small image, put into the picture, is restored there as it is by itself."""
    place = np.s_[at[0] : at[0] + image.shape[0], at[1] : at[1] + image.shape[1]]
    there = np.zeros(picture.shape[:2], bool)
    picture[place], there[place] = image, hole
    alone = restore_one(inpainter, image, hole)
    within = restore_one(inpainter, picture, there)[place]
    assert np.abs(within - alone).max() <= ONE_LEVEL


@pytest.mark.parametrize("at", [(0, 0), (101, 203), (33, 470), (484, 484), (250, 7)])
@pytest.mark.parametrize(("of", "into"), [("chelsea", "astronaut"), ("astronaut", "coffee")])
def test_a_hole_in_a_small_photograph_and_in_a_picture_of_512_pixels_is_filled_alike(
    coloured: Inpainter, of: str, into: str, at: tuple[int, int]
) -> None:
    image, hole = COLOURED[of]()[120:148, 180:208], np.zeros((28, 28), bool)
    hole[10:18, 10:18] = True
    correct_much(coloured, image, hole)
    assert_filled_alike(coloured, image, hole, background(into), at)


@pytest.mark.parametrize("at", [(3, 5), (101, 203), (450, 371)])
@pytest.mark.parametrize(
    "box", [np.s_[10:18, 10:18], np.s_[11:17, 12:15], np.s_[13:14, 10:18], np.s_[12:13, 13:14]]
)
def test_a_hole_in_a_digit_and_in_a_grey_picture_is_filled_alike(
    grey: Inpainter,
    digits: np.ndarray,
    rng: np.random.Generator,
    box: tuple[slice, slice],
    at: tuple[int, int],
) -> None:
    hole = np.zeros((28, 28), bool)
    hole[box] = True
    for digit in digits[[3, 27, 85]]:
        for picture in (
            skimage.data.camera()[..., np.newaxis].copy(),
            np.full((512, 512, 1), 255, np.uint8),
            rng.integers(0, 256, (512, 512, 1), dtype=np.uint8),
        ):
            assert_filled_alike(grey, digit, hole, picture, at)


def test_a_hole_of_any_shape_is_filled_alike_in_an_odd_photograph_and_a_large_one(
    coloured: Inpainter,
) -> None:
    image, hole = skimage.data.coffee()[101:158, 203:276], np.zeros((57, 73), bool)
    hole[15:20, 10:50] = hole[12:47, 31:38] = hole[40, 60] = True
    correct_much(coloured, image, hole)
    assert_filled_alike(coloured, image, hole, background("chelsea"), (217, 391))


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (1, 40), (3, 3), (5, 64), (64, 5), (33, 47)])
def test_pictures_of_any_size_are_restored(coloured: Inpainter, size: tuple[int, int]) -> None:
    picture, hole = skimage.data.chelsea()[: size[0], : size[1]], np.zeros(size, bool)
    hole[size[0] // 2 :, size[1] // 2 :] = True  # to the lower right corner
    noise = np.where(hole[..., np.newaxis], 255 - picture, picture)
    restored = restore_one(coloured, picture, hole)
    np.testing.assert_array_equal(restore_one(coloured, noise, hole), restored)


def test_other_holes_of_a_picture_change_nothing(coloured: Inpainter) -> None:
    picture, hole = background("coffee"), np.zeros((512, 512), bool)
    hole[201:212, 300:309] = True
    alone = restore_one(coloured, picture, hole)
    more = hole.copy()
    more[201:212, 345:349] = more[3:10, 400:] = more[400:470, 100:180] = True  # one of them deep
    both = restore_one(coloured, picture, more)
    assert np.abs(both - alone)[hole].max() <= ONE_LEVEL


def scratch() -> np.ndarray:
    """From one side of a picture to the other, and a branch: bool (512, 512)."""
    missing = np.zeros((512, 512), bool)
    columns = np.arange(512)
    for width in range(5):
        missing[30 + columns * 7 // 9 + width, columns] = True
    missing[200:440, 371:374] = True
    return missing


@pytest.mark.parametrize("core", [64, windows._CORE])
@pytest.mark.parametrize("name", COLOURED)
def test_a_long_scratch_has_no_seams(
    coloured: Inpainter, monkeypatch: pytest.MonkeyPatch, name: str, core: int
) -> None:
    picture, hole = background(name), scratch()
    monkeypatch.setattr(windows, "_CORE", 1024)
    assert len(list(windows.pieces(hole[np.newaxis]))) == 1
    at_once = restore_one(coloured, picture, hole)
    monkeypatch.setattr(windows, "_CORE", core)
    assert len(list(windows.pieces(hole[np.newaxis]))) > 3
    assert np.abs(restore_one(coloured, picture, hole) - at_once).max() <= ONE_LEVEL


def test_pictures_are_restored_together_as_one_by_one(coloured: Inpainter) -> None:
    pictures = np.stack([background(name)[:301, :333] for name in COLOURED])
    holes = np.zeros((3, 301, 333), bool)
    holes[:, 101:109, 51:60] = True  # in all of them
    holes[0, 3:, 200:203] = holes[2, 295:, :9] = True
    holes[2, 150:210, 100:170] = True  # a deep one
    together = coloured.restore(pictures, holes)
    np.testing.assert_array_equal(together[~holes], pictures[~holes])
    for picture, hole, restored in zip(pictures, holes, together, strict=True):
        assert np.abs(restore_one(coloured, picture, hole) - restored).max() <= ONE_LEVEL


def test_a_deep_hole_is_filled_and_known_pixels_are_kept(coloured: Inpainter) -> None:
    picture, hole = background("astronaut")[:300, :401], np.zeros((300, 401), bool)
    hole[77:177, 0:83] = True
    noise = np.where(hole[..., np.newaxis], 255 - picture, picture)
    restored = restore_one(coloured, picture, hole)
    np.testing.assert_array_equal(restore_one(coloured, noise, hole), restored)
    assert np.ptp(restored[hole]) > 10


def note_what_is_looked_at(
    inpainter: Inpainter, shapes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict: Callable[..., keras.KerasTensor] = inpainter._predict

    def noting(inputs: dict[str, np.ndarray]) -> keras.KerasTensor:
        shapes.append(inputs["image"].shape)
        return predict(inputs)

    monkeypatch.setattr(inpainter, "_predict", noting)


@pytest.fixture
def looked_at(grey: Inpainter, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of the images that the network is given."""
    shapes: list[tuple[int, ...]] = []
    note_what_is_looked_at(grey, shapes, monkeypatch)
    return shapes


def test_of_a_large_picture_only_the_surroundings_of_holes_are_looked_at(
    grey: Inpainter, looked_at: list[tuple[int, ...]]
) -> None:
    picture, hole = (
        np.tile(skimage.data.brick(), (4, 4))[..., np.newaxis],
        np.zeros((2048, 2048), bool),
    )
    hole[100:108, 1500:1508] = hole[1301:1309, 77:85] = hole[2000:2011, 1000:1003] = True
    restore_one(grey, picture, hole)
    # Two of 8x8 and one of 11x3 pixels, and 10 pixels around them.
    assert sorted(looked_at) == [(1, 31, 23, 1), (2, 28, 28, 1)]


def test_only_holes_that_are_too_deep_are_looked_at_in_smaller_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, hole = skimage.data.camera()[..., np.newaxis], np.zeros((512, 512), bool)
    hole[200:224, 100:150] = True  # 12 pixels deep
    for deepest, in_smaller_picture in ((12, False), (11.9, True)):
        shapes: list[tuple[int, ...]] = []
        inpainter = build(1, deepest)
        note_what_is_looked_at(inpainter, shapes, monkeypatch)
        restore_one(inpainter, picture, hole)
        assert shapes[-1] == (1, 44, 70, 1)
        assert ((1, 32, 45, 1) in shapes[:-1]) == in_smaller_picture == (len(shapes) > 1)


def test_a_picture_without_a_hole_is_not_looked_at(
    grey: Inpainter, looked_at: list[tuple[int, ...]]
) -> None:
    picture = skimage.data.moon()[..., np.newaxis]
    restore_one(grey, picture, np.zeros((512, 512), bool))
    assert looked_at == []


def test_the_network_is_never_given_more_than_fits(
    grey: Inpainter,
    digits: np.ndarray,
    looked_at: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixels, "_AT_ONCE", 7 * 28 * 28)
    holes = np.zeros((100, 28, 28), bool)
    holes[:, 10:18, 10:18] = True
    grey.restore(digits, holes)
    assert [shape[0] for shape in looked_at] == [7] * 14 + [2]
