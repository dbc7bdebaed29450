"""The stage plot: the report and its figures, also on the MLflow run."""

import json
import re
from collections.abc import Callable
from typing import Any

import matplotlib.image
from mlflow import MlflowClient

from inpaint import tracking

FIGURES = ("restored", "curves", "histogram", "baselines")


def test_every_figure_of_the_report_is_there(finished: Any) -> None:
    linked = re.findall(r"\]\((figures/[^)]+)\)", finished.paths.report.read_text())
    assert {f"figures/{name}.png" for name in FIGURES} == set(linked)
    for name in FIGURES:
        pixels = matplotlib.image.imread(finished.paths.figures / f"{name}.png")
        assert pixels[..., :3].std() > 0.01  # something is drawn


def test_figures_are_on_the_run(finished: Any) -> None:
    client = MlflowClient(tracking.tracking_uri(finished.paths.root))
    run_id = json.loads(finished.paths.train_summary.read_text())["run_id"]
    logged = {item.path for item in client.list_artifacts(run_id, "figures")}
    assert logged == {f"figures/{name}.png" for name in FIGURES}


def test_the_table_has_the_scores_and_the_reports_figure(finished: Any) -> None:
    text = finished.paths.report.read_text()
    test = json.loads(finished.paths.metrics.read_text())["test"]
    assert "| the report's network, as reported | 0.8795 |" in text
    assert f"| **model** | {test['model']['composite']['ssim_unit']:.4f} |" in text
    for name, scores in test["baselines"].items():
        assert f"| {name} (no training) | {scores['ssim_unit']:.4f} |" in text


def test_number_of_images_follows_the_parameter(new_project: Callable[[str], Any]) -> None:
    project = new_project("two")
    project.set({"plot": {"num_images": 2}})
    assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    wide = matplotlib.image.imread(project.paths.figures / "restored.png").shape[1]
    project.set({"plot": {"num_images": 4}})
    assert project.run("plot") == 0
    assert matplotlib.image.imread(project.paths.figures / "restored.png").shape[1] > 1.5 * wide


def test_equal_results_draw_equal_files(finished: Any) -> None:
    before = {name: (finished.paths.figures / f"{name}.png").read_bytes() for name in FIGURES}
    assert finished.run("plot") == 0
    assert before == {n: (finished.paths.figures / f"{n}.png").read_bytes() for n in FIGURES}
