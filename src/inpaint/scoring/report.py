"""Scores -> a page of Markdown for people: reports/report.md."""

from typing import Any

from inpaint.data.images.catalogue import DATASETS
from inpaint.scoring import health
from inpaint.scoring.baselines import NAMES
from inpaint.scoring.text import interval

COLLAPSED = "**The network collapsed**: it fills every hole with one constant value."
_CAPTIONS = {
    "restored": "The first test images",
    "baselines": "Model and baselines",
    "histogram": "Scores of single images",
    "curves": "Loss and validation score",
}


def reported(result: dict[str, Any]) -> float | None:
    """The report's own score, if these are its data set and its hole."""
    dataset, holes = DATASETS[result["data"]["dataset"]], result["holes"]
    height, width, _ = dataset.image_shape  # those of the report's data sets are never crops
    is_its_hole = holes["kind"] == "center" and round(holes["share"] * height * width) == 8 * 8
    return dataset.reported if is_its_hole else None


def write(result: dict[str, Any], trained: dict[str, Any]) -> str:
    """The report of one training run.

    Args:
        result: the content of reports/metrics.json.
        trained: the content of reports/train.json.
    """
    data, holes, test = result["data"], result["holes"], result["test"]
    best, gain, parity = test["best_baseline"], test["gain"], result["parity"]
    score, best_score = (
        scores["ssim_unit"] for scores in (test["model"]["composite"], test["baselines"][best])
    )
    paragraphs = [
        f"# {data['dataset']}: {score:.4f}, {best} {best_score:.4f}",
        f"{data['train_size']} training, {data['valid_size']} validation and {data['test_size']} "
        f"test images ({data['source']} source), {holes['kind']} holes that hide "
        f"{holes['share']:.1%} of each image. Trained for {trained['epochs']} epochs in "
        f"{trained['seconds']:.0f} s; {trained['num_parameters']:,} parameters. MLflow run "
        f"`{result['run_id']}`. Scored {result['evaluated']}.",
        "\n".join(_table(reported(result), test)),
        f"Gain over {best}, the best baseline on the validation images, with 95% bootstrap "
        f"intervals: {interval(gain['ssim_unit'], '+.4f')} in ssim_unit, "
        f"{interval(gain['hole_psnr_db'], '+.2f')} dB in the hole.",
        "`ssim_unit` is (SSIM + 1) / 2, the original report's score, from 0 to 1. Model and "
        'baselines are scored with the known pixels restored; "raw output" is the network\'s '
        "whole image, as that report scores it. SSIM by TensorFlow and by scikit-image differ "
        f"by at most {parity['max_abs_diff']:.1e} on {parity['num_images']} images.",
        "\n".join(f"![{caption}](figures/{name}.png)" for name, caption in _CAPTIONS.items()),
    ]
    paragraphs[1:1] = warnings(result, trained)
    return "\n\n".join(paragraphs) + "\n"


def warnings(result: dict[str, Any], trained: dict[str, Any]) -> list[str]:
    """What people have to know before they read a score, a paragraph each."""
    told = [COLLAPSED] if trained["collapsed"] else []
    if result.get("learned_nothing", False):  # older files do not say
        told.append(f"**The network learned nothing**: {health.reason(result)}.")
    gain, best = result["test"]["gain"]["ssim_unit"], result["test"]["best_baseline"]
    if not told and not health.is_above_zero(gain):
        how = "worse than" if health.excludes_zero(gain) else "not shown to be better than"
        told.append(
            f"**The model is {how} {best}** on the test images: its gain in ssim_unit is "
            f"{interval(gain, '+.4f')}."
        )
    return told


def _table(reported_score: float | None, test: dict[str, Any]) -> list[str]:
    lines = [
        "| on the test images | ssim_unit | PSNR, hole (dB) | MSE, hole | MAE, hole |",
        "|---|---|---|---|---|",
    ]
    if reported_score is not None:
        lines.append(f"| the report's network, as reported | {reported_score:.4f} | | | |")
    lines += [
        _row(f"{NAMES[name]} (no training)", scores) for name, scores in test["baselines"].items()
    ]
    lines.append(_row("model, raw output", test["model"]["raw"]))
    lines.append(_row("**model**", test["model"]["composite"]))
    return lines


def _row(name: str, scores: dict[str, float | None]) -> str:
    psnr = scores["hole_psnr_db"]
    return (
        f"| {name} | {scores['ssim_unit']:.4f} | {'' if psnr is None else f'{psnr:.2f}'} "
        f"| {scores['hole_mse']:.4f} | {scores['hole_mae']:.4f} |"
    )
