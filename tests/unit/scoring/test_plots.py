"""Figures: they show the numbers they were given."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from inpaint.scoring import plots

HISTORY = {
    "epoch": [1.0, 2.0, 3.0],
    "train_loss": [0.9, 0.5, 0.3],
    "valid_loss": [0.8, 0.6, 0.55],
    "valid_ssim_unit": [0.7, 0.8, 0.82],
}
BASELINE = ("biharmonic", 0.75)


def drawn(figure: Figure) -> Figure:
    """Lay the figure out: warnings about what does not fit would be errors."""
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("channels", [1, 3])
def test_image_rows_show_the_images_in_their_places(photographs: np.ndarray, channels: int) -> None:
    rows = {"original": photographs[:3, ..., :channels], "masked": photographs[3:6, ..., :channels]}
    figure = drawn(plots.image_rows(rows))
    shown = [axis.images[0].get_array() for axis in figure.axes]
    expected = [image.squeeze() for images in rows.values() for image in images]
    assert len(shown) == 6
    for array, image in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(array), image)


def test_image_rows_do_not_stretch_the_grey_levels(digits: np.ndarray) -> None:
    figure = drawn(plots.image_rows({"dark": digits[:2] // 4}))
    assert [axis.images[0].get_clim() for axis in figure.axes] == [(0, 255), (0, 255)]
    assert figure.axes[0].images[0].get_cmap().name == "gray"


def test_image_rows_carry_labels_and_titles(digits: np.ndarray) -> None:
    rows = {"original": digits[:2], "reconstructed": digits[2:4]}
    figure = drawn(plots.image_rows(rows, {"reconstructed": ["0.91", "0.87"]}))
    assert [axis.get_title() for axis in figure.axes] == [" ", " ", "0.91", "0.87"]
    assert [axis.get_ylabel() for axis in figure.axes] == ["original", "", "reconstructed", ""]


def test_all_images_are_of_one_size(digits: np.ndarray) -> None:
    rows = {"original": digits[:2], "reconstructed": digits[2:4]}
    figure = drawn(plots.image_rows(rows, {"reconstructed": ["0.91", "0.87"]}))
    sizes = {np.round(axis.get_window_extent().size, 1).tobytes() for axis in figure.axes}
    assert len(sizes) == 1


def test_one_image_is_a_figure_too(digits: np.ndarray) -> None:
    assert len(drawn(plots.image_rows({"original": digits[:1]})).axes) == 1


def test_curves_show_the_history() -> None:
    loss, score = drawn(plots.curves(HISTORY, BASELINE)).axes
    lines = {str(line.get_label()): line for line in loss.lines}
    assert list(np.asarray(lines["training"].get_xdata())) == HISTORY["epoch"]
    assert list(np.asarray(lines["training"].get_ydata())) == HISTORY["train_loss"]
    assert list(np.asarray(lines["validation"].get_ydata())) == HISTORY["valid_loss"]
    assert list(np.asarray(score.lines[0].get_ydata())) == HISTORY["valid_ssim_unit"]
    assert list(np.asarray(score.lines[1].get_ydata())) == [0.75, 0.75]
    assert score.lines[1].get_label() == "biharmonic, 0.7500"


def test_curves_of_one_epoch_are_a_figure_too() -> None:
    figure = drawn(plots.curves({name: values[:1] for name, values in HISTORY.items()}, BASELINE))
    assert len(figure.axes) == 2


def bar_heights(figure: Figure) -> dict[str, list[float]]:
    (axis,) = figure.axes
    return {
        str(bars.patches[0].get_label()): [bar.get_height() for bar in bars.patches]
        for bars in axis.containers
        if isinstance(bars, BarContainer)
    }


def test_histogram_counts_every_image(rng: np.random.Generator) -> None:
    model, baseline = rng.uniform(0.6, 1, 200), rng.uniform(0.4, 0.9, 200)
    model[0], baseline[0] = 1.0, 0.3  # the two ends
    heights = bar_heights(drawn(plots.histogram(model, baseline, "biharmonic")))
    assert {label: sum(values) for label, values in heights.items()} == {
        f"biharmonic, mean {baseline.mean():.4f}": 200,
        f"model, mean {model.mean():.4f}": 200,
    }


def test_histogram_of_equal_scores_counts_them() -> None:
    heights = bar_heights(drawn(plots.histogram(np.full(3, 0.9), np.full(3, 0.9), "mean")))
    assert [sum(values) for values in heights.values()] == [3, 3]


def test_score_bins_reach_from_the_worst_score_of_both_to_a_perfect_one() -> None:
    edges = plots.score_bins(np.array([0.9, 0.51]), np.array([0.7, 0.6]))
    np.testing.assert_allclose(edges, 0.51 + 0.01 * np.arange(50))  # 49 bins


SCORES = {
    "masked": (0.85, 0.84, 0.855),
    "model": (0.95, 0.945, 0.952),
    "biharmonic": (0.9, 0.89, 0.91),
}


def test_score_bars_are_in_order_of_the_score() -> None:
    (axis,) = drawn(plots.score_bars(SCORES, "model", None)).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "masked",
        "biharmonic",
        "model",
    ]
    assert [bar.get_width() for bar in axis.patches] == [0.85, 0.9, 0.95]  # type: ignore[attr-defined]
    [bars] = [each for each in axis.containers if isinstance(each, BarContainer)]
    assert bars.errorbar
    ends = [np.asarray(segment)[:, 0] for segment in bars.errorbar[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0.84, 0.855], [0.89, 0.91], [0.945, 0.952]])
    assert {"0.8500", "0.9000", "0.9500"} <= {text.get_text() for text in axis.texts}


def test_score_bars_fit_on_their_figure() -> None:
    names = {f"a method with a long name, {score}": (score, 0.1, 0.99) for score in (0.5, 0.9)}
    for scores in (SCORES, names):
        figure = drawn(plots.score_bars(scores, "model", 0.88))
        (axis,) = figure.axes
        inside = figure.bbox
        for text in (axis.xaxis.label, *axis.get_yticklabels()):
            box = text.get_window_extent()
            assert inside.x0 <= box.x0 <= box.x1 <= inside.x1


def test_score_bars_set_the_model_apart_by_colour() -> None:
    (axis,) = drawn(plots.score_bars(SCORES, "model", None)).axes
    masked, biharmonic, model = (bar.get_facecolor() for bar in axis.patches)
    assert masked == biharmonic != model


@pytest.mark.parametrize("reported", [None, 0.88, 0.3])
def test_score_bars_all_have_a_length_and_show_the_reported_score(reported: float | None) -> None:
    (axis,) = drawn(plots.score_bars(SCORES, "model", reported)).axes
    left, right = axis.get_xlim()
    assert left < min(*(mean for mean, *_ in SCORES.values()), reported or 1)
    assert right == 1
    lines = [
        float(np.asarray(line.get_xdata())[0])
        for line in axis.lines
        if line.get_linestyle() == "--"
    ]
    assert lines == ([] if reported is None else [reported])


def test_saved_figure_is_a_png_of_its_size(tmp_path: Path) -> None:
    figure = plots.curves(HISTORY, BASELINE)
    plots.save(figure, tmp_path / "x.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "x.png").shape
    inches = figure.get_size_inches()
    assert width / height == pytest.approx(inches[0] / inches[1], rel=0.01)
    assert width >= 600


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plots.save(plots.curves(HISTORY, BASELINE), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"Software" not in (tmp_path / "a.png").read_bytes()
