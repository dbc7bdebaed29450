"""evaluate: the model against methods that need no training, on valid and test images."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from inpaint.base import checkpoints, files, origin
from inpaint.base.advice import LEARNED_NOTHING_ADVICE
from inpaint.base.checked import (
    array_digest,
    check_file,
    file_digest,
    read_checked,
    write_checked,
)
from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import SPLITS, Paths
from inpaint.base.seeds import generator
from inpaint.data.store import check_seen, load_images, load_split
from inpaint.params import EvaluateParams, Params
from inpaint.restoring import serving
from inpaint.restoring.fill import Fill
from inpaint.scoring import health, metrics
from inpaint.scoring.baselines import baselines
from inpaint.scoring.intervals import intervals
from inpaint.terminal.progress import ProgressBar
from inpaint.tracking.sync import log_results

Scores = dict[str, dict[str, np.ndarray]]

_SCORED = ("valid", "test")


def run(params: Params, paths: Paths) -> str:
    manifest = read_checked(paths.images_manifest)
    trained = read_checked(paths.train_summary)
    check_seen(paths, trained)
    model = _load(paths, trained)
    methods = baselines(load_images(paths, "train"))
    true, holes, restored, scores = {}, {}, {}, {}
    for split in _SCORED:
        true[split], holes[split] = load_split(paths, split)
        pictures = (true[split], holes[split])
        restored[split], scores[split] = _score_methods(split, model, methods, *pictures)
    drawn = read_checked(paths.holes_manifest)
    of_test = drawn["splits"]["test"]
    parity = _check_parity(params.evaluate, true, restored, scores)
    summary = _summarize(params.evaluate, manifest, scores, list(methods))
    of_fill = _score_fill(model, true["valid"], holes["valid"])
    summary["valid"] |= _against_fill(params.evaluate, manifest, scores["valid"], of_fill)
    files.write_array(paths.restored, restored["test"])
    _write_per_image(paths, manifest, scores)
    result = {
        "run_id": trained["run_id"],
        "data": _describe_data(manifest),
        "holes": {"kind": drawn["kind"], "digest": of_test["sha256"], "share": of_test["share"]},
        **summary,
        "learned_nothing": health.learned_nothing(
            *(summary["valid"][gain]["ssim_unit"] for gain in ("gain", "gain_over_fill"))
        ),
        "parity": parity,
        "files": {
            "restored": array_digest(restored["test"]),
            "per_image": file_digest(paths.per_image),
        },
        "params": {"evaluate": params.evaluate.model_dump()},
        "origin": origin.capture(paths.root),
        "evaluated": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    write_checked(paths.metrics, result)
    files.write_json(paths.summary, _headline(result, trained))
    logged = log_results(paths)
    # Not before: `inpaint reproduce` keeps nothing of a training until all stages are done.
    checkpoints.discard(paths.root, trained)
    return _conclude(result, trained, logged)


def _load(paths: Paths, trained: dict[str, Any]) -> serving.Inpainter:
    check_file(paths.model, trained["files"]["model"])
    try:
        return serving.load(paths.model)
    except ValueError as error:
        raise InputError(str(error)) from None


def _score_methods(
    split: str,
    inpainter: serving.Inpainter,
    methods: dict[str, Fill],
    images: np.ndarray,
    holes: np.ndarray,
) -> tuple[np.ndarray, Scores]:
    """Fill the holes by every method; give the model's composites and every method's scores."""
    with ProgressBar(f"Scoring {split}", 1 + len(methods), lines=1) as bar:
        raw = inpainter.restore(images, holes, raw=True)
        composite = np.where(holes[..., np.newaxis], raw, images)
        scores = {
            "composite": metrics.score_images(images, composite, holes),
            "raw": metrics.score_images(images, raw, holes),
        }
        bar.update(1, "model")
        for done, (name, method) in enumerate(methods.items(), start=2):
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
    num_valid, num_test = (len(restored[split]) for split in _SCORED)
    count = min(evaluate.parity_images, num_valid + num_test)
    chosen = generator(0, "parity").permutation(num_valid + num_test)[:count]
    of = {"valid": chosen[chosen < num_valid], "test": chosen[chosen >= num_valid] - num_valid}
    ssim = {split: scores[split]["composite"]["ssim"] for split in _SCORED}
    images_true, images_pred, claimed = (
        np.concatenate([each[split][of[split]] for split in _SCORED])
        for each in (true, restored, ssim)
    )
    with ProgressBar("Checking SSIM", count, lines=1) as bar:
        largest = metrics.parity(images_true, images_pred, claimed, bar.update)
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
    methods: list[str],
) -> dict[str, Any]:
    """The scores of each split, and the gain over the baseline that is best on valid."""
    # A choice, so it is made on the validation images.
    best = max(methods, key=lambda name: float(scores["valid"][name]["ssim"].mean()))
    return {
        split: {
            "model": {part: metrics.summarize(by_method[part]) for part in ("composite", "raw")},
            "baselines": {name: metrics.summarize(by_method[name]) for name in methods},
            "best_baseline": best,
            **intervals(
                generator(0, "bootstrap", split),
                by_method["composite"],
                by_method[best],
                np.array(manifest["splits"][split]["groups"]),
                evaluate.bootstrap_samples,
            ),
        }
        for split, by_method in scores.items()
    }


def _score_fill(
    inpainter: serving.Inpainter, images: np.ndarray, holes: np.ndarray
) -> dict[str, np.ndarray]:
    """The scores of what the network is given: if it learns nothing, it gives the same."""
    with ProgressBar("Scoring its fill", 1, lines=1) as bar:
        scores = metrics.score_images(images, inpainter.fill(images, holes), holes)
        bar.update(1, "valid")
    return scores


def _against_fill(
    evaluate: EvaluateParams,
    manifest: dict[str, Any],
    scores: Scores,
    fill_scores: dict[str, np.ndarray],
) -> dict[str, Any]:
    """The gain of the model on valid over the fill that it is given, and from how many pictures."""
    groups = np.array(manifest["splits"]["valid"]["groups"])
    rng = generator(0, "bootstrap", "valid")
    found = intervals(rng, scores["composite"], fill_scores, groups, evaluate.bootstrap_samples)
    return {"gain_over_fill": found["gain"], "num_groups": len(np.unique(groups))}


def _describe_data(manifest: dict[str, Any]) -> dict[str, Any]:
    splits = manifest["splits"]
    sizes = {f"{split}_size": splits[split]["count"] for split in SPLITS}
    named = {key: manifest[key] for key in ("dataset", "source")}
    return named | sizes | {"digest": splits["test"]["sha256"]}


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
        "learned_nothing": result["learned_nothing"],
        "run_id": result["run_id"],
    }


def _conclude(result: dict[str, Any], trained: dict[str, Any], logged: str) -> str:
    """The stage's result in words.

    Args:
        result: the content of reports/metrics.json.
        trained: the content of reports/train.json.
        logged: from `log_results`.

    Raises:
        StageError: the network learned nothing, and its training was not to go on regardless.
    """
    line = _result_line(result["test"])
    if not result["learned_nothing"]:
        return line + logged
    told = f"the network learned nothing: {health.reason(result)}"
    if trained["params"]["train"].get("on_collapse", "stop") == "continue":
        return f"{line}, LEARNED NOTHING\n{told}{logged}"
    print(line + logged, flush=True)
    raise StageError(f"{told}; {LEARNED_NOTHING_ADVICE}")


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
    header += [f"{method}/{key}" for method in methods for key in metrics.PER_IMAGE]
    rows = []
    for split in _SCORED:
        entry = manifest["splits"][split]
        columns = [scores[split]["composite"]["hole_pixels"]]
        columns += [scores[split][method][key] for method in methods for key in metrics.PER_IMAGE]
        table = np.stack(columns, axis=1).tolist()
        for i, values in enumerate(table):
            rows.append([split, i, entry["original"][i], entry["groups"][i], *values])
    files.write_csv(paths.per_image, header, rows)
