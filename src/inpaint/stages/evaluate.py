"""evaluate: the model against methods that need no training, on valid and test images."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from inpaint import fill, metrics, origin, serving
from inpaint.data.store import load_split
from inpaint.errors import InputError, StageError
from inpaint.files import array_digest, read_array, read_json, write_array, write_csv, write_json
from inpaint.params import EvaluateParams, Params
from inpaint.paths import Paths
from inpaint.progress import ProgressBar
from inpaint.seeds import generator
from inpaint.tracking.sync import log_results

Scores = dict[str, dict[str, np.ndarray]]

_SPLITS = ("valid", "test")
_PER_IMAGE = ("ssim", "mse", "mae", "hole_mse", "hole_mae")


def run(params: Params, paths: Paths) -> str:
    manifest = read_json(paths.images_manifest)
    trained = read_json(paths.train_summary)
    inpainter = serving.load(paths.model)
    baselines = fill.baselines(read_array(paths.images("train")))
    true, restored, scores = {}, {}, {}
    for split in _SPLITS:
        true[split], holes = load_split(paths, split)
        _check_digests(trained, split, true[split], holes)
        restored[split], scores[split] = _score_methods(
            split, inpainter, baselines, true[split], holes
        )
    parity = _check_parity(params.evaluate, true, restored, scores)
    result = {
        "run_id": trained["run_id"],
        "data": _describe_data(manifest),
        "holes": _describe_holes(read_json(paths.holes_manifest)),
        **_summarize(params.evaluate, manifest, scores, list(baselines)),
        "parity": parity,
        "params": {"evaluate": params.evaluate.model_dump()},
        "origin": origin.capture(paths.root),
        "evaluated": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    write_array(paths.restored, restored["test"])
    _write_per_image(paths, manifest, scores)
    write_json(paths.metrics, result)
    write_json(paths.summary, _headline(result, trained))
    return _result_line(result["test"]) + log_results(paths)


def _check_digests(
    trained: dict[str, Any], split: str, images: np.ndarray, holes: np.ndarray
) -> None:
    """Refuse other images and holes than those that the training left aside.

    Raises:
        InputError: they were changed since; among them may be what the model was trained on.
    """
    for what, array in (("images", images), ("holes", holes)):
        if array_digest(array) != trained["digests"][f"{split}_{what}"]:
            raise InputError(
                f"the {split} {what} are not those that the model was trained beside: run "
                "`dvc repro`"
            )


def _score_methods(
    split: str,
    inpainter: serving.Inpainter,
    baselines: dict[str, fill.Fill],
    images: np.ndarray,
    holes: np.ndarray,
) -> tuple[np.ndarray, Scores]:
    """Fill the holes by every method; give the model's composites and every method's scores."""
    with ProgressBar(f"Scoring {split}", 1 + len(baselines), lines=1) as bar:
        raw = inpainter.restore(images, holes, raw=True)
        composite = np.where(holes[..., np.newaxis], raw, images)
        scores = {
            "composite": metrics.score_images(images, composite, holes),
            "raw": metrics.score_images(images, raw, holes),
        }
        bar.update(1, "model")
        for done, (name, method) in enumerate(baselines.items(), start=2):
            scores[name] = metrics.score_images(images, method(images, holes), holes)
            bar.update(done, name)
    return composite, scores


def _check_parity(
    evaluate: EvaluateParams,
    true: dict[str, np.ndarray],
    restored: dict[str, np.ndarray],
    scores: dict[str, Scores],
) -> dict[str, float | int]:
    """Score images drawn from both splits again, by scikit-image.

    Returns:
        The largest difference, and how many images were compared.

    Raises:
        StageError: the two implementations disagree, so that no score can be trusted.
    """
    images_true = np.concatenate([true[split] for split in _SPLITS])
    images_pred = np.concatenate([restored[split] for split in _SPLITS])
    ssim = np.concatenate([scores[split]["composite"]["ssim"] for split in _SPLITS])
    count = min(evaluate.parity_images, len(ssim))
    chosen = generator(0, "parity").permutation(len(ssim))[:count]
    with ProgressBar("Checking SSIM", count, lines=1) as bar:
        largest = metrics.parity(images_true[chosen], images_pred[chosen], ssim[chosen], bar.update)
    if largest > metrics.PARITY_TOLERANCE:
        raise StageError(
            f"SSIM of TensorFlow and scikit-image differ by {largest:.2g}, allowed: up to "
            f"{metrics.PARITY_TOLERANCE:g}"
        )
    return {"max_abs_diff": largest, "num_images": count}


def _summarize(
    evaluate: EvaluateParams,
    manifest: dict[str, Any],
    scores: dict[str, Scores],
    baselines: list[str],
) -> dict[str, Any]:
    """The scores of each split, and the gain over the baseline that is best on valid."""
    # A choice, so it is made on the validation images.
    best = max(baselines, key=lambda name: float(scores["valid"][name]["ssim"].mean()))
    return {
        split: {
            "model": {part: metrics.summarize(by_method[part]) for part in ("composite", "raw")},
            "baselines": {name: metrics.summarize(by_method[name]) for name in baselines},
            "best_baseline": best,
            **metrics.intervals(
                generator(0, "bootstrap", split),
                by_method["composite"],
                by_method[best],
                np.array(manifest["splits"][split]["groups"]),
                evaluate.bootstrap_samples,
            ),
        }
        for split, by_method in scores.items()
    }


def _describe_data(manifest: dict[str, Any]) -> dict[str, Any]:
    splits = manifest["splits"]
    return {
        "dataset": manifest["dataset"],
        "source": manifest["source"],
        **{f"{split}_size": splits[split]["count"] for split in ("train", "valid", "test")},
        "digest": splits["test"]["sha256"],
    }


def _describe_holes(manifest: dict[str, Any]) -> dict[str, Any]:
    test = manifest["splits"]["test"]
    return {"kind": manifest["kind"], "digest": test["sha256"], "share": test["share"]}


def _headline(result: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """The few values that people compare experiments by."""
    test, best = result["test"], result["test"]["best_baseline"]
    return {
        "dataset": result["data"]["dataset"],
        "epochs": trained["epochs"],
        "valid_ssim_unit": result["valid"]["model"]["composite"]["ssim_unit"],
        "test_ssim_unit": test["model"]["composite"]["ssim_unit"],
        "best_baseline": best,
        "best_baseline_ssim_unit": test["baselines"][best]["ssim_unit"],
        "gain_ssim_unit": test["gain"]["ssim_unit"]["mean"],
        "collapsed": trained["collapsed"],
        "run_id": result["run_id"],
    }


def _result_line(test: dict[str, Any]) -> str:
    best, gain = test["best_baseline"], test["gain"]["ssim_unit"]
    return (
        f"test ssim_unit {test['model']['composite']['ssim_unit']:.4f}, "
        f"{best} {test['baselines'][best]['ssim_unit']:.4f}, "
        f"gain {gain['mean']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
    )


def _write_per_image(paths: Paths, manifest: dict[str, Any], scores: dict[str, Scores]) -> None:
    methods = list(scores["test"])
    header = ["split", "index", "original", "group", "hole_pixels"]
    header += [f"{method}/{key}" for method in methods for key in _PER_IMAGE]
    rows = []
    for split in _SPLITS:
        entry = manifest["splits"][split]
        columns = [scores[split]["composite"]["hole_pixels"]]
        columns += [scores[split][method][key] for method in methods for key in _PER_IMAGE]
        table = np.stack(columns, axis=1).tolist()
        for i, values in enumerate(table):
            rows.append([split, i, entry["original"][i], entry["groups"][i], *values])
    write_csv(paths.per_image, header, rows)
