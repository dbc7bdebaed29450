"""The stage evaluate: every method scored alike, checked against scikit-image and OpenCV."""

import csv
import functools
import json
from typing import Any

import cv2
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic

from inpaint.base import origin
from inpaint.base.checked import read_checked, write_checked
from inpaint.restoring import serving
from inpaint.restoring.fill import biharmonic
from inpaint.scoring import metrics
from inpaint.tracking.store import tracking_uri
from tests.pipeline.stored_runs import runs_of, store_of, sync

SCORES = {"ssim", "ssim_unit", "psnr_db", "mse", "mae", "hole_psnr_db", "hole_mse", "hole_mae"}
# Nothing listens on the first port of this machine.
NO_SERVER = "http://127.0.0.1:1"
BASELINES = {"masked", "mean", "telea", "navier_stokes", "biharmonic"}


@pytest.fixture
def result(finished: Any) -> dict[str, Any]:
    return read_checked(finished.paths.metrics)


def direct_ssim_unit(image_true: np.ndarray, image_pred: np.ndarray) -> float:
    """The report's score by scikit-image, written out without the project's code."""
    scores = [
        structural_similarity(
            a / 127.5 - 1,
            b / 127.5 - 1,
            data_range=2.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in zip(image_true, image_pred, strict=True)
    ]
    return float(np.mean(scores) + 1) / 2


def test_metrics_have_the_keys_of_the_contract(result: dict[str, Any]) -> None:
    assert set(result) == {
        "run_id", "data", "holes", "test", "valid", "parity", "params", "origin", "evaluated",
        "learned_nothing", "files",
    }  # fmt: skip
    assert set(result["data"]) == {
        "dataset", "source", "train_size", "valid_size", "test_size", "digest",
    }  # fmt: skip
    assert set(result["holes"]) == {"kind", "digest", "share"}
    for split in ("test", "valid"):
        of_valid_alone = {"gain_over_fill", "num_groups"} if split == "valid" else set()
        assert set(result[split]) == of_valid_alone | {
            "model", "baselines", "best_baseline", "score", "gain",
        }  # fmt: skip
        assert set(result[split]["model"]) == {"composite", "raw"}
        assert set(result[split]["baselines"]) == BASELINES
        methods = [*result[split]["model"].values(), *result[split]["baselines"].values()]
        assert all(set(scores) == SCORES for scores in methods)
        assert set(result[split]["gain"]) == {"ssim_unit", "hole_psnr_db"}
        assert set(result[split]["gain"]["ssim_unit"]) == {"mean", "low", "high"}
        score = result[split]["score"]["ssim_unit"]
        assert score["mean"] == pytest.approx(result[split]["model"]["composite"]["ssim_unit"])
        assert score["low"] < score["mean"] < score["high"]
    assert set(result["parity"]) == {"max_abs_diff", "num_images"}


def test_baselines_are_what_the_libraries_give(finished: Any, result: dict[str, Any]) -> None:
    images = np.load(finished.paths.images("test"))
    holes = np.load(finished.paths.holes("test"))
    train_mean = np.load(finished.paths.images("train")).mean(axis=0).round()
    blank = np.where(holes[..., None], 0, images).astype(np.uint8)
    expected = {
        "masked": blank,
        "mean": np.where(holes[..., None], train_mean, images),
        "telea": [cv2.inpaint(b, h.astype(np.uint8), 3, cv2.INPAINT_TELEA)[..., None]
                  for b, h in zip(blank, holes, strict=True)],
        "navier_stokes": [cv2.inpaint(b, h.astype(np.uint8), 3, cv2.INPAINT_NS)[..., None]
                          for b, h in zip(blank, holes, strict=True)],
        "biharmonic": [np.rint(255 * inpaint_biharmonic(i / 255, h, channel_axis=-1))
                       for i, h in zip(images, holes, strict=True)],
    }  # fmt: skip
    for name, filled in expected.items():
        scores = result["test"]["baselines"][name]
        assert scores["ssim_unit"] == pytest.approx(
            direct_ssim_unit(images, np.array(filled)), abs=1e-5
        )
        squared = np.square((images - np.array(filled, dtype=float)) / 255)[holes]
        assert scores["hole_mse"] == pytest.approx(squared.mean(), rel=1e-6)
        assert scores["hole_psnr_db"] == pytest.approx(-10 * np.log10(squared.mean()))


def test_model_is_scored_on_what_serving_gives(finished: Any, result: dict[str, Any]) -> None:
    images = np.load(finished.paths.images("test"))
    holes = np.load(finished.paths.holes("test"))
    restored = serving.load(finished.paths.model).restore(images, holes)
    assert np.array_equal(restored, np.load(finished.paths.restored))
    assert np.array_equal(restored[~holes], images[~holes])
    score = result["test"]["model"]["composite"]["ssim_unit"]
    assert score == pytest.approx(direct_ssim_unit(images, restored), abs=1e-5)


def test_gain_is_over_the_baseline_that_is_best_on_valid(result: dict[str, Any]) -> None:
    valid = result["valid"]["baselines"]
    best = max(valid, key=lambda name: float(valid[name]["ssim_unit"]))
    for split in ("valid", "test"):
        assert result[split]["best_baseline"] == best
        gain = result[split]["gain"]["ssim_unit"]
        difference = (
            result[split]["model"]["composite"]["ssim_unit"]
            - result[split]["baselines"][best]["ssim_unit"]
        )
        assert gain["mean"] == pytest.approx(difference)
        assert gain["low"] < gain["mean"] < gain["high"]


def test_gain_over_its_own_fill_is_that_over_biharmonic(result: dict[str, Any]) -> None:
    valid = result["valid"]
    assert valid["best_baseline"] == "biharmonic"  # which is what the network is given
    assert valid["gain_over_fill"] == valid["gain"]
    assert valid["num_groups"] == 30


def set_on_collapse(project: Any, value: str) -> None:
    """As if the training had been made with it, whatever params.yaml says."""
    trained = read_checked(project.paths.train_summary)
    trained["params"]["train"]["on_collapse"] = value
    write_checked(project.paths.train_summary, trained)


@pytest.mark.parametrize("on_collapse", ["stop", "continue"])
def test_a_network_that_learned_nothing_is_scored_logged_and_told(
    pulled: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, on_collapse: str
) -> None:
    """Its output is the fill, as it may be of a training too short to be judged before."""

    def fill(_: object, images: np.ndarray, holes: np.ndarray, **__: object) -> np.ndarray:
        return biharmonic(images, holes)

    monkeypatch.setattr(serving.Inpainter, "restore", fill)
    set_on_collapse(pulled, on_collapse)
    assert pulled.run("evaluate") == (1 if on_collapse == "stop" else 0)
    out, error = capsys.readouterr()
    assert "test ssim_unit 0." in out
    told = (
        "the network learned nothing: on the validation images, its gain in ssim_unit over "
        "biharmonic, the best method without training, is +0.0000 [+0.0000, +0.0000], a 95% "
        "interval from 30 independent pictures, which is not above zero"
    )
    if on_collapse == "stop":
        assert error.startswith(f"failed: {told}; try more train.epochs, ")
        assert error.count("\n") == 1
    else:
        assert f", LEARNED NOTHING\n{told}\n" in out
        assert error == ""
    for path in (pulled.paths.metrics, pulled.paths.summary):
        assert json.loads(path.read_text())["learned_nothing"] is True
    assert pulled.paths.restored.exists()
    run = run_of(pulled)
    assert run.info.status == "FINISHED"
    assert run.data.tags["learned_nothing"] == "true"
    assert run.data.tags["mlflow.note.content"].startswith("**The network learned nothing**")
    assert run.data.metrics["valid/gain/ssim_unit/mean"] == 0


def test_all_validation_images_have_the_last_word(
    pulled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images of the training's curve, a part of them, saw nothing learned."""

    def perfect(_: object, images: np.ndarray, *__: object, **___: object) -> np.ndarray:
        return np.array(images)

    trained = read_checked(pulled.paths.train_summary)
    write_checked(pulled.paths.train_summary, trained | {"learned_nothing": True})
    pulled.paths.metrics.unlink()
    sync(pulled)
    assert run_of(pulled).data.tags["learned_nothing"] == "true"
    monkeypatch.setattr(serving.Inpainter, "restore", perfect)
    assert pulled.run("evaluate") == 0
    assert json.loads(pulled.paths.summary.read_text())["learned_nothing"] is False
    assert "learned_nothing" not in run_of(pulled).data.tags
    assert sync(pulled).added == ()


def run_of(project: Any) -> Run:
    store = store_of(project)
    [run] = runs_of(store)
    return run


def test_parity_is_measured(result: dict[str, Any]) -> None:
    assert result["parity"]["num_images"] == 20
    assert 0 < result["parity"]["max_abs_diff"] < 2e-5


def test_a_wrong_sigma_fails_the_stage(
    finished: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = finished.paths.metrics.read_bytes()
    wrong = functools.partial(metrics.ssim_skimage, sigma=1.6)
    monkeypatch.setattr(metrics, "ssim_skimage", wrong)
    assert finished.run("evaluate") == 1
    assert "SSIM of TensorFlow and scikit-image differ by" in capsys.readouterr().err
    assert finished.paths.metrics.read_bytes() == before


def test_scores_name_their_training_and_their_own_origin(
    finished: Any, result: dict[str, Any]
) -> None:
    trained = json.loads(finished.paths.train_summary.read_text())
    assert result["run_id"] == trained["run_id"]
    assert result["params"] == {"evaluate": {"parity_images": 20, "bootstrap_samples": 50}}
    assert result["origin"] == {
        "experiment": None, "baseline": None, "diff": "", "code_version": origin.code_version(),
    }  # fmt: skip


def test_per_image_scores_average_to_the_metrics(finished: Any, result: dict[str, Any]) -> None:
    with finished.paths.per_image.open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    assert len(rows) == 50
    mean = np.mean([float(row["composite/ssim"]) for row in rows])
    assert mean == pytest.approx(result["test"]["model"]["composite"]["ssim"])
    holes = np.load(finished.paths.holes("test"))
    assert [float(row["hole_pixels"]) for row in rows] == holes.sum(axis=(1, 2)).tolist()


def test_summary_is_the_headline(finished: Any, result: dict[str, Any]) -> None:
    summary = json.loads(finished.paths.summary.read_text())
    best = result["test"]["best_baseline"]
    assert summary == {
        "dataset": "mnist",
        "epochs": 2,
        "valid_ssim_unit": result["valid"]["model"]["composite"]["ssim_unit"],
        "test_ssim_unit": result["test"]["model"]["composite"]["ssim_unit"],
        "best_baseline": best,
        "best_baseline_ssim_unit": result["test"]["baselines"][best]["ssim_unit"],
        "gain_ssim_unit": result["test"]["gain"]["ssim_unit"]["mean"],
        "collapsed": False,
        "learned_nothing": result["learned_nothing"],
        "run_id": result["run_id"],
    }


def test_scores_are_on_the_finished_run(finished: Any, result: dict[str, Any]) -> None:
    client = MlflowClient(tracking_uri(finished.paths.root))
    run = client.get_run(json.loads(finished.paths.train_summary.read_text())["run_id"])
    assert run.info.status == "FINISHED"
    logged = run.data.metrics["test/model/composite/ssim_unit"]
    assert logged == result["test"]["model"]["composite"]["ssim_unit"]
    assert run.data.metrics["parity/max_abs_diff"] == result["parity"]["max_abs_diff"]
    assert run.data.tags["evaluate.parity_images"] == "20"
    files = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"metrics.json", "per_image.csv", "report.md", "figures"} <= files


def results_of(project: Any) -> dict[str, Any]:
    """metrics.json, but for the time at which it was made."""
    content = read_checked(project.paths.metrics)
    return {key: value for key, value in content.items() if key != "evaluated"}


def test_a_store_without_the_run_gets_it_whole(
    finished: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/empty.db")
    before = results_of(finished)
    assert finished.run("evaluate") == 0
    assert results_of(finished) == before
    client = MlflowClient(f"sqlite:///{tmp_path}/empty.db")
    experiment = client.get_experiment_by_name("inpaint")
    assert experiment is not None
    [run] = client.search_runs([experiment.experiment_id])
    assert run.info.run_id != result["run_id"]
    assert run.data.tags["training_id"] == result["run_id"]
    assert (
        run.data.metrics["test/model/composite/ssim_unit"]
        == result["test"]["model"]["composite"]["ssim_unit"]
    )


@pytest.mark.parametrize("stage", ["evaluate", "plot"])
def test_a_store_that_does_not_answer_costs_no_scores(
    finished: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, stage: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NO_SERVER)
    before = results_of(finished)
    assert finished.run(stage) == 0
    assert (
        "kept on the disk, but not logged; `inpaint sync` does that: "
        f"the MLflow store {NO_SERVER} cannot be used: "
    ) in capsys.readouterr().out
    assert results_of(finished) == before


def test_an_address_of_no_store_is_one_line_and_costs_no_scores(
    finished: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://store")
    before = results_of(finished)
    assert finished.run("plot") == 2
    line = capsys.readouterr().err
    assert "MLFLOW_TRACKING_URI: received 'nonsense://store', allowed: " in line
    assert line.count("\n") == 1
    assert results_of(finished) == before


def test_a_deleted_run_costs_no_scores(finished: Any, capsys: Any) -> None:
    client = MlflowClient(tracking_uri(finished.paths.root))
    run_id = json.loads(finished.paths.train_summary.read_text())["run_id"]
    client.delete_run(run_id)
    try:
        assert finished.run("evaluate", "plot") == 0
    finally:
        client.restore_run(run_id)
    assert f"MLflow run {run_id} was deleted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "stages", "told"),
    [
        # Some of them are images that the model was trained on.
        ({"data": {"seed": 1}}, ("prepare", "mask"), "the train images are not those"),
        ({"data": {"train_size": 41}}, ("prepare", "mask"), "the train images are not those"),
        ({"mask": {"size": 4}}, ("mask",), "the train holes are not those"),
    ],
)
def test_other_images_or_holes_than_the_training_left_aside_are_refused(
    pulled: Any,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, dict[str, Any]],
    stages: tuple[str, ...],
    told: str,
) -> None:
    before = pulled.paths.metrics.read_bytes()
    pulled.set(changes)
    assert pulled.run(*stages) == 0
    assert pulled.run("evaluate") == 2
    assert f"error: {told} that the model was trained beside: run `dvc repro`" in (
        capsys.readouterr().err
    )
    assert pulled.paths.metrics.read_bytes() == before
