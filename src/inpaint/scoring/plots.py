"""Arrays and tables -> figures. The only place that draws.

Images are uint8 (N, H, W, C) in [0, 255].
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

_DPI = 120
# Colours of Okabe and Ito, which people with colour-blindness can tell apart.
_MODEL, _BASELINE, _REPORT = "#0072B2", "#E69F00", "#555555"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the software's name and date: equal figures, equal files."""
    figure.savefig(path, dpi=_DPI, format="png", metadata={"Software": None})


def image_rows(
    rows: Mapping[str, np.ndarray], titles: Mapping[str, Sequence[str]] | None = None
) -> Figure:
    """Rows of images under each other.

    Args:
        rows: label -> images; every row has as many.
        titles: label -> one title per image of that row.
    """
    num = len(next(iter(rows.values())))
    has_titles = titles or {}
    height = 1.55 if has_titles else 1.25  # inches, of all rows alike
    figure = Figure(figsize=(1.25 * num + 1.2, height * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), num, squeeze=False)
    for line, (label, images) in zip(axes, rows.items(), strict=True):
        for i, (axis, image) in enumerate(zip(line, images, strict=True)):
            axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            if has_titles:
                axis.set_title(has_titles[label][i] if label in has_titles else " ", fontsize=8)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
    return figure


def curves(history: Mapping[str, Sequence[float]], baseline: tuple[str, float]) -> Figure:
    """Training and validation loss, and validation SSIM, over the epochs.

    Args:
        history: the columns of reports/train/history.csv.
        baseline: the name of the best one, and its `ssim_unit` on the validation images.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, score = figure.subplots(1, 2)
    epochs = history["epoch"]
    marker = "." if len(epochs) < 10 else ""  # a single point draws no line
    loss.plot(epochs, history["train_loss"], color=_BASELINE, marker=marker, label="training")
    loss.plot(epochs, history["valid_loss"], color=_MODEL, marker=marker, label="validation")
    loss.set(xlabel="epoch", ylabel="loss", title="Loss")
    loss.legend(frameon=False)
    score.plot(epochs, history["valid_ssim_unit"], color=_MODEL, marker=marker, label="model")
    name, level = baseline
    score.axhline(level, color=_BASELINE, linestyle="--", label=f"{name}, {level:.4f}")
    score.legend(frameon=False)
    score.set(xlabel="epoch", ylabel="ssim_unit", title="Validation score")
    for axis in (loss, score):
        _plain(axis)
    return figure


def histogram(model: np.ndarray, baseline: np.ndarray, baseline_name: str) -> Figure:
    """How the scores of single test images are spread.

    Args:
        model: `ssim_unit` of the model's composites, (N,).
        baseline: that of the best baseline, (N,).
        baseline_name: its name.
    """
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axis = figure.subplots()
    bins = score_bins(model, baseline).tolist()
    for values, name, colour in ((baseline, baseline_name, _BASELINE), (model, "model", _MODEL)):
        axis.hist(values, bins, color=colour, alpha=0.6, label=f"{name}, mean {values.mean():.4f}")
    axis.set(xlabel="ssim_unit of a test image", ylabel="images")
    axis.legend(frameon=False, loc="upper left")
    _plain(axis)
    return figure


def score_bins(model: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """The edges of a histogram's bins, up to a perfect score; arguments as `histogram` has them."""
    return np.linspace(min(model.min(), baseline.min()), 1, 50)


def score_bars(
    scores: Mapping[str, tuple[float, float, float]], model: str, reported: float | None
) -> Figure:
    """The model beside the methods that need no training.

    Args:
        scores: method -> `ssim_unit` on the test images, and the ends of its 95% interval.
        model: which of them is the model.
        reported: what the report gives for its network, if it used this data set.
    """
    figure = Figure(figsize=(6.4, 0.42 * len(scores) + 1.1), layout="constrained")
    axis = figure.subplots()
    ordered = sorted(scores, key=lambda name: scores[name])
    colours = [_MODEL if name == model else _BASELINE for name in ordered]
    means, lows, highs = np.array([scores[name] for name in ordered]).T
    bars = axis.barh(
        ordered, means, color=colours, xerr=[means - lows, highs - means], ecolor=_REPORT, capsize=3
    )
    axis.bar_label(bars, labels=[f"{mean:.4f}" for mean in means], padding=3)
    if reported is not None:
        axis.axvline(reported, color=_REPORT, linestyle="--", label=f"the report: {reported:.4f}")
        figure.legend(frameon=False, loc="outside upper right")
    low = min([*lows, reported or 1.0])
    start = min(low - 0.25 * (1 - low), 0.95)
    axis.set(
        xlim=(start, 1.0),
        xlabel="ssim_unit = (SSIM + 1) / 2, mean of the test images\n"
        f"with its 95% interval; axis from {start:.2f}",
    )
    _plain(axis)
    return figure


def _plain(axis: "matplotlib.axes.Axes") -> None:
    axis.spines[["top", "right"]].set_visible(False)
