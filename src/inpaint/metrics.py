"""How well holes were filled: SSIM, PSNR, MSE and MAE, and how sure one can be of a difference.

Images are uint8 (N, H, W, C) in [0, 255]; holes are bool (N, H, W), True = missing.
"""

from collections.abc import Callable

import numpy as np
from skimage.metrics import structural_similarity

from inpaint.pixels import to_signed

# The report scores images scaled to [-1, 1]. SSIM is not invariant to an offset, so that scale is
# part of the score's definition.
_DATA_RANGE = 2.0
_SIGMA = 1.5  # pixels, of the Gaussian window (Wang et al., 2004, doi 10.1109/TIP.2003.819861)
_WINDOW = 11  # pixels
_BATCH = 1000

# Largest difference allowed between the two implementations of SSIM; about 5e-6 is float32's.
PARITY_TOLERANCE = 1e-4


def ssim_tensorflow(image_true: np.ndarray, image_pred: np.ndarray) -> np.ndarray:
    """SSIM of each image by ``tf.image.ssim`` on the scale [-1, 1]: float64 (N,) in [-1, 1].

    Raises:
        ValueError: an image is smaller than SSIM's 11x11 window.
    """
    import tensorflow as tf

    _check_size(image_true)
    scores = [
        tf.image.ssim(
            to_signed(image_true[i : i + _BATCH]),
            to_signed(image_pred[i : i + _BATCH]),
            max_val=_DATA_RANGE,
            filter_size=_WINDOW,
            filter_sigma=_SIGMA,
        ).numpy()
        for i in range(0, len(image_true), _BATCH)
    ]
    return np.concatenate(scores).astype(np.float64)


def ssim_skimage(image_true: np.ndarray, image_pred: np.ndarray, *, sigma: float = _SIGMA) -> float:
    """SSIM of one image, uint8 (H, W, C), by scikit-image, defined as in :func:`ssim_tensorflow`.

    ``sigma`` is there so that a test can show that a wrong one does not go unnoticed.
    """
    return float(
        structural_similarity(
            to_signed(image_true).astype(np.float64),
            to_signed(image_pred).astype(np.float64),
            data_range=_DATA_RANGE,
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


def errors(
    image_true: np.ndarray, image_pred: np.ndarray, holes: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean errors of each image, on the scale [0, 1]: float64 (N,) per key.

    ``mse`` and ``mae`` are taken over the whole image, ``hole_mse`` and ``hole_mae`` over the
    pixels of the hole alone (0 where there is none).
    """
    per_pixel = {"mse": np.empty(0), "mae": np.empty(0)}
    result = {key: np.empty(len(holes)) for key in ("mse", "mae", "hole_mse", "hole_mae")}
    num_missing = np.maximum(holes.sum(axis=(1, 2)), 1)
    for start in range(0, len(holes), _BATCH):
        part = slice(start, start + _BATCH)
        difference = (image_true[part].astype(np.float32) - image_pred[part]) / np.float32(255)
        per_pixel["mse"] = np.mean(np.square(difference), axis=-1, dtype=np.float64)
        per_pixel["mae"] = np.mean(np.abs(difference), axis=-1, dtype=np.float64)
        for key, values in per_pixel.items():
            result[key][part] = values.mean(axis=(1, 2))
            inside = np.where(holes[part], values, 0).sum(axis=(1, 2))
            result[f"hole_{key}"][part] = inside / num_missing[part]
    return result


def psnr_db(mse: float) -> float | None:
    """Peak signal-to-noise ratio in dB from an MSE on the scale [0, 1]; None where it is 0.

    Take the MSE over all images first: single images may be restored perfectly.
    """
    return None if mse == 0 else float(-10 * np.log10(mse))


def score_images(
    image_true: np.ndarray, image_pred: np.ndarray, holes: np.ndarray
) -> dict[str, np.ndarray]:
    """Every per-image score: ``ssim``, ``mse``, ``mae``, ``hole_mse``, ``hole_mae``, and
    ``hole_pixels``, the weight of an image's hole in a pooled hole error."""
    scores = {"ssim": ssim_tensorflow(image_true, image_pred)}
    scores |= errors(image_true, image_pred, holes)
    scores["hole_pixels"] = holes.sum(axis=(1, 2)).astype(np.float64)
    return scores


def summarize(scores: dict[str, np.ndarray]) -> dict[str, float | None]:
    """Scores of a set of images from :func:`score_images`; PSNR from the pooled MSE."""
    weights = scores["hole_pixels"]
    total = max(float(weights.sum()), 1.0)
    mse = float(scores["mse"].mean())
    hole_mse = float((scores["hole_mse"] * weights).sum() / total)
    return {
        "ssim": float(scores["ssim"].mean()),
        "ssim_unit": float(ssim_unit(scores["ssim"]).mean()),
        "psnr_db": psnr_db(mse),
        "mse": mse,
        "mae": float(scores["mae"].mean()),
        "hole_psnr_db": psnr_db(hole_mse),
        "hole_mse": hole_mse,
        "hole_mae": float((scores["hole_mae"] * weights).sum() / total),
    }


def intervals(
    rng: np.random.Generator,
    scores: dict[str, np.ndarray],
    baseline: dict[str, np.ndarray],
    groups: np.ndarray,
    num_samples: int,
) -> dict[str, dict[str, dict[str, float | None]]]:
    """The score, and how much better than a baseline's on the same images, with 95% intervals.

    Args:
        rng: the source of randomness.
        scores, baseline: from :func:`score_images`.
        groups: (N,), images of one group (crops of one photograph) are resampled together.
        num_samples: bootstrap samples.

    Returns:
        ``{"score": {"ssim_unit": {"mean", "low", "high"}}, "gain": {"ssim_unit": {...},
        "hole_psnr_db": {...}}}``; the gain in PSNR is the difference of pooled values, None where
        one of them is undefined.
    """
    _, member_of = np.unique(groups, return_inverse=True)
    num_groups = int(member_of.max()) + 1

    def per_group(values: np.ndarray) -> np.ndarray:
        return np.bincount(member_of, weights=values, minlength=num_groups)

    weights = scores["hole_pixels"]
    sums = np.stack(
        [
            per_group(np.ones(len(member_of))),
            per_group(ssim_unit(scores["ssim"])),
            per_group(ssim_unit(scores["ssim"]) - ssim_unit(baseline["ssim"])),
            per_group(scores["hole_mse"] * weights),
            per_group(baseline["hole_mse"] * weights),
        ],
        axis=1,
    )
    # One row a sample; the first row is the data as they are.
    totals = [sums.sum(axis=0, keepdims=True)]
    for start in range(0, num_samples, _BATCH):
        # How often each group was drawn, in parts that fit in memory.
        count = min(_BATCH, num_samples - start)
        drawn = rng.multinomial(num_groups, np.full(num_groups, 1 / num_groups), count)
        totals.append(drawn @ sums)
    num_images, ssim, ssim_gain, error, baseline_error = np.concatenate(totals).T
    psnr_gain: dict[str, float | None] = {"mean": None, "low": None, "high": None}
    if (error > 0).all() and (baseline_error > 0).all():
        psnr_gain = _interval(10 * np.log10(baseline_error / error))
    return {
        "score": {"ssim_unit": _interval(ssim / num_images)},
        "gain": {"ssim_unit": _interval(ssim_gain / num_images), "hole_psnr_db": psnr_gain},
    }


def _interval(values: np.ndarray) -> dict[str, float | None]:
    """The estimate (first value) with the central 95% of the resampled ones."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {"mean": float(values[0]), "low": float(low), "high": float(high)}


def _check_size(images: np.ndarray) -> None:
    height, width = images.shape[1:3]
    if min(height, width) < _WINDOW:
        raise ValueError(
            f"images: received {height}x{width} pixels, SSIM's window needs {_WINDOW}x{_WINDOW}"
        )
