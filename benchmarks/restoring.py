"""Filling and scoring 10,000 images: ours against one image at a time, and against libraries."""

from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf
from skimage.restoration import inpaint_biharmonic

from benchmarks.in_turn import Values, in_turn, seconds_of
from benchmarks.task import DIGITS, task
from inpaint.restoring import fill
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import to_signed
from inpaint.restoring.serving import Inpainter
from inpaint.scoring import metrics

_NUM_IMAGES = 10_000
_NUM_SINGLE = 100  # images that are enough to see how long one at a time takes
_NUM_HOLES = 100


def score(network: str, filters: int) -> Callable[[], Values]:
    """Restore and score digits, against one `predict` and one `tf.image.ssim` for each."""

    def measure() -> Values:
        images, holes = _with_center_hole(_digits())
        model = NETWORKS[network].build(
            images.shape[3],
            filters=filters,
            dropout=0.0,
            skip_connections=True,
            deepest=4,
            mirrored=False,
        )
        inpainter = Inpainter(model)
        inputs = network_inputs(network, images[:_NUM_SINGLE], holes[:_NUM_SINGLE])
        true = to_signed(images[:_NUM_SINGLE])

        def ours() -> None:
            metrics.score_images(images, inpainter.restore(images, holes), holes)

        def one_by_one() -> None:
            for i in range(_NUM_SINGLE):
                restored = model.predict({k: v[i : i + 1] for k, v in inputs.items()}, verbose=0)
                tf.image.ssim(true[i : i + 1], restored, max_val=2.0).numpy()

        return in_turn(
            {
                "inpaint": lambda: seconds_of(ours),
                "one by one": lambda: seconds_of(one_by_one) * _NUM_IMAGES / _NUM_SINGLE,
            },
            rounds=3,
        )

    return measure


def biharmonic(of: str, *, many_holes: bool = False) -> Callable[[], Values]:
    """Fill "digits" or "photos" biharmonically, with nothing kept from an earlier call."""

    def measure() -> Values:
        images, holes = _with_center_hole(_digits() if of == "digits" else _photos())
        if many_holes:
            holes = np.resize(_boxes(*images.shape[1:3]), holes.shape)

        def ours() -> None:
            fill._kept_map.cache_clear()
            fill.biharmonic(images, holes)

        def scikit_image() -> None:
            for image, hole in zip(images[:_NUM_SINGLE], holes[:_NUM_SINGLE], strict=True):
                inpaint_biharmonic(image, hole, channel_axis=-1)

        def opencv(method: int) -> None:
            for image, hole in zip(images, holes.astype(np.uint8), strict=True):
                cv2.inpaint(image, hole, 3, method)

        return in_turn(
            {
                "inpaint": lambda: seconds_of(ours),
                "scikit-image": lambda: seconds_of(scikit_image) * _NUM_IMAGES / _NUM_SINGLE,
                "OpenCV Telea": lambda: seconds_of(lambda: opencv(cv2.INPAINT_TELEA)),
                "OpenCV Navier-Stokes": lambda: seconds_of(lambda: opencv(cv2.INPAINT_NS)),
            },
            rounds=7,
        )

    return measure


def _with_center_hole(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    holes = np.zeros(images.shape[:3], dtype=bool)
    row, column = (side // 2 - 4 for side in images.shape[1:3])
    holes[:, row : row + 8, column : column + 8] = True
    return images, holes


def _digits() -> np.ndarray:
    """All 5,000 bundled digits, twice."""
    splits = task(data=DIGITS).images.values()
    return np.concatenate([*splits, *splits])


def _photos() -> np.ndarray:
    """Colour crops, 32x32."""
    return task(data={"dataset": "photos", "train_size": None}).images["train"][:_NUM_IMAGES]


def _boxes(height: int, width: int) -> np.ndarray:
    """Boxes of 4 to 12 pixels anywhere: bool (_NUM_HOLES, H, W)."""
    rng = np.random.default_rng(0)
    holes = np.zeros((_NUM_HOLES, height, width), dtype=bool)
    for hole in holes:
        sides = rng.integers(4, 13, 2)
        row, column = rng.integers(0, np.array([height, width]) - sides + 1)
        hole[row : row + sides[0], column : column + sides[1]] = True
    return holes
