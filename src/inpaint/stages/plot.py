"""plot: figures and a report from what the other stages wrote; no network is needed for it."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from inpaint.base.checked import read_array, read_checked, read_columns
from inpaint.base.errors import InputError
from inpaint.base.files import atomic, write_csv, write_text
from inpaint.base.paths import Paths
from inpaint.base.seeds import generator
from inpaint.data.holes import painted
from inpaint.data.store import check_seen, load_images, load_split
from inpaint.params import Params
from inpaint.scoring import metrics, plots, report
from inpaint.scoring.baselines import NAMES, baselines
from inpaint.scoring.intervals import mean_interval
from inpaint.tracking.sync import log_results

_SAMPLES = 1000  # of the bootstrap


def run(params: Params, paths: Paths) -> str:
    result, trained = read_checked(paths.metrics), read_checked(paths.train_summary)
    check_seen(paths, trained)
    if result["run_id"] != trained["run_id"]:
        raise InputError(f"{paths.metrics} has the scores of another training: run `dvc repro`")
    columns = read_columns(paths.per_image, result["files"]["per_image"])
    test = result["test"]
    best = test["best_baseline"]
    is_test = np.array(columns["split"]) == "test"

    groups = np.array(columns["group"])[is_test]

    def ssim_unit(method: str) -> np.ndarray:
        return metrics.ssim_unit(np.array(columns[f"{method}/ssim"], dtype=float)[is_test])

    history = read_columns(paths.history, trained["files"]["history"])
    methods = {NAMES[name]: name for name in test["baselines"]} | {"model": "composite"}
    bars = {
        name: mean_interval(generator(0, "bars"), ssim_unit(method), groups, _SAMPLES)
        for name, method in methods.items()
    }
    valid_best = result["valid"]["baselines"][best]["ssim_unit"]
    restored = read_array(paths.restored, result["files"]["restored"])
    figures = {
        "restored": _restored(params.plot.num_images, paths, restored, best, ssim_unit),
        "curves": plots.curves(
            {key: [float(v) for v in values] for key, values in history.items()},
            (NAMES[best], valid_best),
        ),
        "histogram": plots.histogram(ssim_unit("composite"), ssim_unit(best), NAMES[best]),
        "baselines": plots.score_bars(bars, "model", report.reported(result)),
    }
    edges = plots.score_bins(ssim_unit("composite"), ssim_unit(best))
    counts = [np.histogram(ssim_unit(method), edges)[0] for method in ("composite", best)]
    centres = ((edges[:-1] + edges[1:]) / 2).round(4)
    write_csv(
        paths.histogram,
        ("ssim_unit", "model", "best_baseline"),
        np.column_stack([centres, *counts]).tolist(),
    )
    for name, figure in figures.items():
        with atomic(paths.figures / f"{name}.png") as temporary:
            plots.save(figure, temporary)
    write_text(paths.report, report.write(result, trained))
    written = paths.report.relative_to(paths.root)
    return f"drew {len(figures)} figures; read {written}" + log_results(paths)


def _restored(
    num: int,
    paths: Paths,
    restored: np.ndarray,
    best: str,
    ssim_unit: Callable[[str], np.ndarray],
) -> Figure:
    """The report's figure, the first test images, with a row for the best baseline."""
    images, holes = (np.asarray(array[:num]) for array in load_split(paths, "test"))
    baseline = baselines(load_images(paths, "train"))[best]
    rows = {
        "original": images,
        "masked": painted(images, holes),
        NAMES[best]: baseline(images, holes),
        "reconstructed": np.asarray(restored[:num]),
    }
    scored = {"masked": "masked", NAMES[best]: best, "reconstructed": "composite"}
    titles = {
        row: [f"ssim_unit {value:.4f}" for value in ssim_unit(method)[:num]]
        for row, method in scored.items()
    }
    return plots.image_rows(rows, titles)
