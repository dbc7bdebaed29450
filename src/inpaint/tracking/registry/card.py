"""The model card of a registered model: what it is for, what it cannot do, how good it is."""

from typing import Any

from inpaint.data.images.catalogue import DATASETS
from inpaint.restoring.inputs import largest_accepted
from inpaint.scoring.text import interval
from inpaint.tracking.description import describe

_SPLITS = {"valid": "validation", "test": "test"}


def write(uri: str, result: dict[str, Any], trained: dict[str, Any]) -> str:
    """Markdown of less than the 5,000 characters that MLflow keeps.

    After Mitchell et al., 2019, Model Cards for Model Reporting (arXiv 1810.03993).

    Args:
        uri: of the version, such as ``models:/inpaint-mnist/1``.
        result: the content of reports/metrics.json.
        trained: the content of reports/train.json.
    """
    data, terms = result["data"], trained["terms"]
    shape = DATASETS[data["dataset"]].shape(trained["params"]["data"].get("image_size"))
    height, width, channels = shape
    largest = trained["largest_hole"]
    paragraphs = [
        describe(result, trained),
        "## Use",
        f"`images`, uint8 (N, height, width, {channels}), and `holes`, bool (N, height, width), "
        "True = missing, give images of the same shape: the known pixels bit for bit, the others "
        "filled. Scaling, and filling what the network sees, are part of the model.",
        f"```python\nmodel = mlflow.pyfunc.load_model('{uri}')\n"
        "restored = model.predict({'images': images, 'holes': holes})\n```",
        "## Intended use",
        f"Filling holes in images like those of `{data['dataset']}`, for demonstration, research "
        f"and as a baseline. In training and validation, holes hid up to {largest:.0%} of an "
        "image.",
        "## Limits",
        f"A hole of more than {largest_accepted(largest):.0%} of an image is refused. It was "
        f"trained and measured on images of {height}x{width} pixels; on other sizes, images or "
        "holes a method without training may be better. What it fills in "
        "is plausible, not true: no evidence, no measurement, nothing to identify people by."
        + _warning(result),
        "## Data",
        f"{data['train_size']} training images of `{data['dataset']}` ({data['source']} source), "
        f"{data['valid_size']} validation images to choose by, {data['test_size']} test images "
        f"that decide nothing. Licence of the images: {terms['licence']}. "
        f"Source: {terms['citation']}.",
        "## Results",
        "\n".join(_table(result)),
        "`ssim_unit` is (SSIM + 1) / 2. Gains are paired, image by image, with 95% bootstrap "
        "intervals.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _warning(result: dict[str, Any]) -> str:
    test, best = result["test"], result["test"]["best_baseline"]
    if test["gain"]["ssim_unit"]["low"] > 0:
        return ""
    return (
        f" **On the test images it is not better than {best}, which needs no training**, by more "
        "than chance."
    )


def _table(result: dict[str, Any]) -> list[str]:
    best = result["valid"]["best_baseline"]
    lines = [
        "| images | ssim_unit | masked image | " + best + " | gain | gain in the hole, dB |",
        "|---|---|---|---|---|---|",
    ]
    for split, name in _SPLITS.items():
        scores = result[split]
        baselines = scores["baselines"]
        lines.append(
            f"| {name} | {scores['model']['composite']['ssim_unit']:.4f} "
            f"| {baselines['masked']['ssim_unit']:.4f} | {baselines[best]['ssim_unit']:.4f} "
            f"| {interval(scores['gain']['ssim_unit'], '+.4f')} "
            f"| {interval(scores['gain']['hole_psnr_db'], '+.2f')} |"
        )
    return lines
