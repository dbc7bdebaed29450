"""How sure one can be of a score, and of a difference between two."""

import numpy as np

from inpaint.scoring.metrics import ssim_unit

_BATCH = 1000  # bootstrap samples


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
        scores, baseline: from ``metrics.score_images``.
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


def mean_interval(
    rng: np.random.Generator, values: np.ndarray, groups: np.ndarray, num_samples: int
) -> tuple[float, float, float]:
    """A mean over images, (N,), and the ends of its 95% interval; arguments as `intervals` has."""
    _, member_of = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(member_of), np.bincount(member_of, weights=values)], axis=1)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), num_samples)
    nums, totals = (drawn @ sums).T
    low, high = np.percentile(totals / nums, [2.5, 97.5])
    mean = float(values.mean())
    # Of a single group all samples are alike, and the mean but for rounding.
    return mean, min(float(low), mean), max(float(high), mean)


def _interval(values: np.ndarray) -> dict[str, float | None]:
    """The estimate (first value) with the central 95% of the resampled ones."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {"mean": float(values[0]), "low": float(low), "high": float(high)}
