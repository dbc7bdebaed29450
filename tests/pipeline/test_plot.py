"""The stage plot: the report and its figures, also on the MLflow run."""

import csv
import json
import re
from collections.abc import Callable
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from mlflow import MlflowClient

from inpaint.scoring.baselines import NAMES
from inpaint.tracking.store import tracking_uri

FIGURES = ("restored", "curves", "histogram", "baselines")


def test_every_figure_of_the_report_is_there(finished: Any) -> None:
    linked = re.findall(r"\]\((figures/[^)]+)\)", finished.paths.report.read_text())
    assert {f"figures/{name}.png" for name in FIGURES} == set(linked)
    for name in FIGURES:
        pixels = matplotlib.image.imread(finished.paths.figures / f"{name}.png")
        assert pixels[..., :3].std() > 0.01  # something is drawn


def test_figures_are_on_the_run(finished: Any) -> None:
    client = MlflowClient(tracking_uri(finished.paths.root))
    run_id = json.loads(finished.paths.train_summary.read_text())["run_id"]
    logged = {item.path for item in client.list_artifacts(run_id, "figures")}
    assert logged == {f"figures/{name}.png" for name in FIGURES}


def test_the_table_has_the_scores_and_the_reports_figure(finished: Any) -> None:
    text = finished.paths.report.read_text()
    test = json.loads(finished.paths.metrics.read_text())["test"]
    assert "| the report's network, as reported | 0.8795 |" in text
    assert f"| **model** | {test['model']['composite']['ssim_unit']:.4f} |" in text
    for name, scores in test["baselines"].items():
        assert f"| {NAMES[name]} (no training) | {scores['ssim_unit']:.4f} |" in text


def test_histogram_counts_every_test_image_in_bins_up_to_a_perfect_score(finished: Any) -> None:
    with finished.paths.histogram.open() as file:
        bins = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    with finished.paths.per_image.open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    best = json.loads(finished.paths.metrics.read_text())["test"]["best_baseline"]
    centres = np.array([row["ssim_unit"] for row in bins])
    width = np.diff(centres).mean()
    assert centres[-1] + width / 2 == pytest.approx(1, abs=1e-4)
    for column, method in (("model", "composite"), ("best_baseline", best)):
        scores = [(float(row[f"{method}/ssim"]) + 1) / 2 for row in rows]
        counts = np.array([row[column] for row in bins])
        assert counts.sum() == len(scores) == 50
        # A bin knows a score up to half of its width.
        assert np.average(centres, weights=counts) == pytest.approx(np.mean(scores), abs=width / 2)
    assert min(centres) < min(scores) + width


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


def test_scores_of_another_training_are_not_drawn(
    pulled: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pulled.paths.report.read_bytes()
    pulled.set({"train": {"seed": 1}})
    assert pulled.run("train", "plot") == 2
    assert "metrics.json has the scores of another training: run `dvc repro`" in (
        capsys.readouterr().err
    )
    assert pulled.paths.report.read_bytes() == before


def test_other_images_than_those_that_were_scored_are_not_drawn(
    pulled: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled.set({"mask": {"seed": 1, "kind": "box"}})
    assert pulled.run("mask", "plot") == 2
    assert "holes are not those that the model was trained beside" in capsys.readouterr().err
