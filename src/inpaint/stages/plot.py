"""plot: figures and a report from what the other stages wrote; no network is needed for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from inpaint import fill, metrics, plots, tracking
from inpaint.files import atomic, read_array, read_columns, read_json, write_text
from inpaint.params import Params
from inpaint.paths import Paths

# (SSIM + 1) / 2 that the report gives for its network, on the whole test set.
REPORTED = {"mnist": 0.8795, "cifar10": 0.8546}


def run(params: Params, paths: Paths) -> str:
    result, trained = read_json(paths.metrics), read_json(paths.train_summary)
    columns = read_columns(paths.per_image)
    test = result["test"]
    best, dataset = test["best_baseline"], result["data"]["dataset"]
    is_test = np.array(columns["split"]) == "test"

    def ssim_unit(method: str) -> np.ndarray:
        return metrics.ssim_unit(np.array(columns[f"{method}/ssim"], dtype=float)[is_test])

    history = read_columns(paths.history)
    bars = {name: scores["ssim_unit"] for name, scores in test["baselines"].items()}
    bars["model"] = test["model"]["composite"]["ssim_unit"]
    figures = {
        "restored": _restored(params.plot.num_images, paths, best, ssim_unit),
        "curves": plots.curves(
            {key: [float(v) for v in values] for key, values in history.items()}
        ),
        "histogram": plots.histogram(ssim_unit("composite"), ssim_unit(best), best),
        "baselines": plots.score_bars(bars, "model", REPORTED.get(dataset)),
    }
    for name, figure in figures.items():
        with atomic(paths.figures / f"{name}.png") as temporary:
            plots.save(figure, temporary)
    write_text(paths.report, _report(result, trained))
    tracking.add_to_run(
        paths.root,
        trained["run_id"],
        artifacts={paths.figures / f"{name}.png": "figures" for name in figures}
        | {paths.report: ""},
    )
    return f"drew {len(figures)} figures; read {paths.report.relative_to(paths.root)}"


def _restored(num: int, paths: Paths, best: str, ssim_unit: Callable[[str], np.ndarray]) -> Figure:
    """The report's figure, the first test images, with a row for the best baseline."""
    images = np.asarray(read_array(paths.images("test"))[:num])
    holes = np.asarray(read_array(paths.holes("test"))[:num])
    baseline = fill.baselines(read_array(paths.images("train")))[best]
    rows = {
        "original": images,
        "masked": fill.constant(images, holes),
        best: baseline(images, holes),
        "reconstructed": np.asarray(read_array(paths.restored)[:num]),
    }
    scored = {"masked": "masked", best: best, "reconstructed": "composite"}
    titles = {
        row: [f"SSIM {value:.4f}" for value in ssim_unit(method)[:num]]
        for row, method in scored.items()
    }
    return plots.image_rows(rows, titles)


def _report(result: dict[str, Any], trained: dict[str, Any]) -> str:
    data, test = result["data"], result["test"]
    best, gain = test["best_baseline"], test["gain"]
    reported = REPORTED.get(data["dataset"])
    rows = [_row(f"{name} (no training)", scores) for name, scores in test["baselines"].items()]
    rows += [
        _row("model, raw output", test["model"]["raw"]),
        _row("**model**", test["model"]["composite"]),
    ]
    if reported is not None:
        rows.insert(0, f"| the report's network, as reported | {reported:.4f} | | | |")
    collapsed = (
        "\n**The network collapsed**: it fills every hole with one constant value.\n"
        if trained["collapsed"]
        else ""
    )
    return f"""# {data["dataset"]}: {test["model"]["composite"]["ssim_unit"]:.4f}, {best} \
{test["baselines"][best]["ssim_unit"]:.4f}

{data["train_size"]} training, {data["valid_size"]} validation and {data["test_size"]} test images \
({data["source"]} source), {result["holes"]["kind"]} holes that hide \
{result["holes"]["share"]:.1%} of each image. Trained for {trained["epochs"]} epochs in \
{trained["seconds"]:.0f} s; {trained["num_parameters"]:,} parameters.
{collapsed}
| on the test images | (SSIM + 1) / 2 | PSNR, hole (dB) | MSE, hole | MAE, hole |
|---|---|---|---|---|
{chr(10).join(rows)}

Gain over {best}, the best baseline on the validation images, with 95% bootstrap intervals: \
{_interval(gain["ssim_unit"], ".4f")} in (SSIM + 1) / 2, \
{_interval(gain["hole_psnr_db"], ".2f")} dB in the hole.

Model and baselines are scored with the known pixels restored; "raw output" is the network's \
whole image, as the report scores it. SSIM by TensorFlow and by scikit-image differ by at most \
{result["parity"]["max_abs_diff"]:.1e} on {result["parity"]["num_images"]} images.

![The first test images](figures/restored.png)
![Model and baselines](figures/baselines.png)
![Scores of single images](figures/histogram.png)
![Loss and validation score](figures/curves.png)
"""


def _row(name: str, scores: dict[str, float | None]) -> str:
    psnr = scores["hole_psnr_db"]
    return (
        f"| {name} | {scores['ssim_unit']:.4f} | {'' if psnr is None else f'{psnr:.2f}'} "
        f"| {scores['hole_mse']:.4f} | {scores['hole_mae']:.4f} |"
    )


def _interval(gain: dict[str, float | None], digits: str) -> str:
    if gain["mean"] is None:
        return "undefined"
    return f"{gain['mean']:+{digits}} [{gain['low']:+{digits}}, {gain['high']:+{digits}}]"
