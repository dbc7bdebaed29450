"""A training run by its numbers, made up and all different, for what writes of it."""

from typing import Any


def scores(ssim_unit: float, hole_psnr_db: float | None = 12.345) -> dict[str, float | None]:
    return {
        "ssim": 2 * ssim_unit - 1,
        "ssim_unit": ssim_unit,
        "psnr_db": 25.0,
        "mse": 0.003,
        "mae": 0.02,
        "hole_psnr_db": hole_psnr_db,
        "hole_mse": 0.0582,
        "hole_mae": 0.1234,
    }


# Of a training, by section.
PARAMS: dict[str, Any] = {
    "data": {"dataset": "mnist", "image_size": None, "train_size": None, "seed": 0},
    "mask": {"kind": "box", "box_sides": [4, 12]},
    "model": {"network": "residual_unet", "skip_connections": True},
    "train": {"epochs": 70, "learning_rate": 0.002},
    "tracking": {"experiment": "inpaint"},
}
RESULT: dict[str, Any] = {
    "run_id": "7ee065053c8d4bd0a8b6ff5a3ad4f5c1",
    "evaluated": "2026-12-01T06:15:03.123+00:00",
    "data": {
        "dataset": "mnist",
        "source": "bundled",
        "train_size": 1000,
        "valid_size": 900,
        "test_size": 3000,
    },
    "holes": {"kind": "center", "share": 64 / 784},
    "valid": {
        "model": {"composite": scores(0.9402), "raw": scores(0.9377)},
        "baselines": {"masked": scores(0.8432, 2.4), "biharmonic": scores(0.8901, 8.1)},
        "best_baseline": "biharmonic",
        "gain": {
            "ssim_unit": {"mean": 0.0501, "low": 0.048, "high": 0.0522},
            "hole_psnr_db": {"mean": 4.245, "low": 3.9, "high": 4.6},
        },
        "gain_over_fill": {
            "ssim_unit": {"mean": 0.0611, "low": 0.06, "high": 0.0622},
            "hole_psnr_db": {"mean": None, "low": None, "high": None},
        },
        "num_groups": 890,
    },
    "test": {
        "model": {"composite": scores(0.9512), "raw": scores(0.9487)},
        "baselines": {"masked": scores(0.8451, 2.5), "biharmonic": scores(0.9, 8.26)},
        "best_baseline": "biharmonic",
        "gain": {
            "ssim_unit": {"mean": 0.0512, "low": 0.0498, "high": 0.0526},
            "hole_psnr_db": {"mean": 4.085, "low": -0.5, "high": 4.2},
        },
    },
    "learned_nothing": False,
    "parity": {"max_abs_diff": 4.72e-6, "num_images": 2999},
    "origin": {
        "experiment": "longer",
        "baseline": "0b6e3f5c92aa4f0c8d7e6b5a493827160fedcba9",
        "diff": "",
        "code_version": "0.1.0+0123456789ab",
    },
}
TRAINED: dict[str, Any] = {
    "epochs": 50,
    "seconds": 321.4,
    "num_parameters": 172345,
    "collapsed": False,
    "learned_nothing": False,
    "largest_hole": 0.3,
    "terms": {"licence": "CC0 (somebody)", "citation": "digits of the package digits"},
    "params": PARAMS,
    "origin": {"experiment": "longer"},
}
