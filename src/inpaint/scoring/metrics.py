"""How well holes were filled: SSIM, PSNR, MSE and MAE.

Images are uint8 (N, H, W, C) in [0, 255]; holes are bool (N, H, W), True = missing. A new metric is
an entry in ``METRICS``, and one in ``PER_IMAGE`` if it needs another score of each image.
"""

from collections.abc import Callable, Iterator

import numpy as np
from skimage.metrics import structural_similarity

from inpaint.restoring.pixels import in_parts, to_signed
from inpaint.scoring.ssim import DATA_RANGE, SIGMA, WINDOW, ssim

# Larger images are scored in tiles of this side, in pixels: the time of `ssim` for a pixel, and its
# memory, grow with the side.
_TILE = 128

# Largest difference allowed between the two implementations of SSIM.
PARITY_TOLERANCE = 1e-4


def ssim_tensorflow(image_true: np.ndarray, image_pred: np.ndarray) -> np.ndarray:
    """SSIM of each image on the scale [-1, 1], as of ``tf.image.ssim``: float64 (N,) in [-1, 1].

    It is computed in double precision: float32 loses what the variance of a flat image is told by,
    and was off by up to 5e-4.

    Raises:
        ValueError: an image is smaller than SSIM's 11x11 window.
    """
    height, width = image_true.shape[1:3]
    if min(height, width) < WINDOW:
        raise ValueError(
            f"images: received {height}x{width} pixels, SSIM's window needs {WINDOW}x{WINDOW}"
        )
    import tensorflow as tf

    true, pred = to_signed(image_true), to_signed(image_pred)
    scores, num_windows = [], []
    for rows, num_rows in _tiles(height):
        for columns, num_columns in _tiles(width):
            tiles = (tf.constant(each[:, rows, columns], tf.float64) for each in (true, pred))
            scores.append(np.asarray(ssim(*tiles)))
            num_windows.append(num_rows * num_columns)
    return np.average(scores, axis=0, weights=num_windows)


def _tiles(side: int) -> Iterator[tuple[slice, int]]:
    """Rows or columns of each tile, and how many windows it has that no other one has."""
    step = _TILE - WINDOW + 1
    for start in range(0, side - WINDOW + 1, step):
        stop = min(start + _TILE, side)
        yield slice(start, stop), stop - start - WINDOW + 1


def ssim_skimage(image_true: np.ndarray, image_pred: np.ndarray, *, sigma: float = SIGMA) -> float:
    """SSIM of one image, uint8 (H, W, C), by scikit-image, defined as in :func:`ssim_tensorflow`.

    ``sigma`` is there so that a test can show that a wrong one does not go unnoticed.
    """
    return float(
        structural_similarity(
            to_signed(image_true).astype(np.float64),
            to_signed(image_pred).astype(np.float64),
            data_range=DATA_RANGE,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=sigma,
            use_sample_covariance=False,
        )
    )


def parity(
    image_true: np.ndarray,
    image_pred: np.ndarray,
    ssim: np.ndarray,
    on_progress: Callable[[int], None],
) -> float:
    """Largest difference between given SSIM values and scikit-image's, over all images.

    ``on_progress`` is called with the number of images done.
    """
    largest = 0.0
    for i, expected in enumerate(ssim):
        difference = abs(ssim_skimage(image_true[i], image_pred[i]) - float(expected))
        largest = max(largest, difference)
        on_progress(i + 1)
    return largest


def ssim_unit(ssim: np.ndarray) -> np.ndarray:
    """SSIM moved from [-1, 1] to [0, 1]: the report's score."""
    return (ssim + 1) / 2


def psnr_db(mse: float) -> float | None:
    """Peak signal-to-noise ratio in dB from an MSE on the scale [0, 1]; None where it is 0.

    Take the MSE over all images first: single images may be restored perfectly.
    """
    return None if mse == 0 else float(-10 * np.log10(mse))


def _errors(of: np.ufunc, image_true: np.ndarray, image_pred: np.ndarray) -> np.ndarray:
    """A function of each pixel's difference on the scale [0, 1], its channels averaged: float64
    (N, H, W)."""
    difference = (image_true.astype(np.float32) - image_pred) / np.float32(255)
    averaged: np.ndarray = of(difference).mean(axis=-1, dtype=np.float64)
    return averaged


def _in_hole(errors: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The mean over the missing pixels of each image, 0 where there are none."""
    num_missing = np.maximum(holes.sum(axis=(1, 2)), 1)
    mean: np.ndarray = np.where(holes, errors, 0).sum(axis=(1, 2)) / num_missing
    return mean


# Scores of each image: (image_true, image_pred, holes) -> float64 (N,).
PER_IMAGE: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "ssim": lambda true, pred, _holes: ssim_tensorflow(true, pred),
    "mse": lambda true, pred, _holes: _errors(np.square, true, pred).mean(axis=(1, 2)),
    "mae": lambda true, pred, _holes: _errors(np.abs, true, pred).mean(axis=(1, 2)),
    "hole_mse": lambda true, pred, holes: _in_hole(_errors(np.square, true, pred), holes),
    "hole_mae": lambda true, pred, holes: _in_hole(_errors(np.abs, true, pred), holes),
}


def score_images(
    image_true: np.ndarray, image_pred: np.ndarray, holes: np.ndarray
) -> dict[str, np.ndarray]:
    """Every score of ``PER_IMAGE``, and ``hole_pixels``, the weight of an image's hole in a pooled
    hole error: float64 (N,) each."""
    parts = list(in_parts(*holes.shape))
    scores = {
        name: np.concatenate([score(image_true[p], image_pred[p], holes[p]) for p in parts])
        for name, score in PER_IMAGE.items()
    }
    scores["hole_pixels"] = holes.sum(axis=(1, 2)).astype(np.float64)
    return scores


def _over_holes(scores: dict[str, np.ndarray], key: str) -> float:
    """The mean over the missing pixels of all images."""
    weights = scores["hole_pixels"]
    return float((scores[key] * weights).sum() / max(float(weights.sum()), 1.0))


# Scores of a set of images, from those of each: what `score_images` gives -> a number, None where
# it is not defined.
METRICS: dict[str, Callable[[dict[str, np.ndarray]], float | None]] = {
    "ssim": lambda scores: float(scores["ssim"].mean()),
    "ssim_unit": lambda scores: float(ssim_unit(scores["ssim"]).mean()),
    "psnr_db": lambda scores: psnr_db(float(scores["mse"].mean())),
    "mse": lambda scores: float(scores["mse"].mean()),
    "mae": lambda scores: float(scores["mae"].mean()),
    "hole_psnr_db": lambda scores: psnr_db(_over_holes(scores, "hole_mse")),
    "hole_mse": lambda scores: _over_holes(scores, "hole_mse"),
    "hole_mae": lambda scores: _over_holes(scores, "hole_mae"),
}


def summarize(scores: dict[str, np.ndarray]) -> dict[str, float | None]:
    """Every metric of a set of images, from :func:`score_images`."""
    return {name: metric(scores) for name, metric in METRICS.items()}
