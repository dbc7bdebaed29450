"""What becomes of a run when the files say something else than before, or nothing."""

import json
from copy import deepcopy
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from inpaint.base.checked import parse_checked, read_checked, write_checked
from inpaint.base.errors import InputError
from inpaint.tracking.record import read_record
from inpaint.tracking.sync import Synced
from tests.pipeline.stored_runs import (
    CURVES,
    FIGURES,
    FILES,
    assert_complete,
    contents,
    histories,
    runs_of,
    store_of,
    sync,
)


def test_a_run_that_people_deleted_is_left_alone(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    store = store_of(pulled)
    store.client.delete_run(run_id)
    before = store.client.get_run(run_id)
    pulled.paths.report.write_text(f"another report of `{read_record(pulled.paths).training_id}`")
    assert sync(pulled) == Synced(run_id, is_deleted=True)
    [after] = runs_of(store)
    assert after.to_dictionary() == before.to_dictionary()
    assert after.info.lifecycle_stage == "deleted"


def test_scores_of_another_training_are_not_logged(pulled: Any) -> None:
    paths = pulled.paths
    training_id = read_record(paths).training_id
    result, report = paths.metrics.read_text(), paths.report.read_text()
    write_checked(paths.metrics, read_checked(paths.metrics) | {"run_id": "0" * 32})
    paths.report.write_text(report.replace(training_id, "0" * 32))
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.info.status == "FINISHED"
    assert run.data.metrics.keys() == CURVES | {"num_parameters", "train/seconds"}
    assert contents(store.client, run).keys() == {"train.json"}
    assert not [key for key in run.data.tags if key.startswith(("evaluate.", "mlflow.note"))]
    # Then evaluate and plot have run.
    paths.metrics.write_text(result)
    paths.report.write_text(report)
    assert sync(pulled) == Synced(run.info.run_id, ("tags", "scores", "files"))
    [run] = runs_of(store)
    assert_complete(store, run, pulled)


@pytest.mark.parametrize("newest", [False, True])
def test_the_newest_scores_stay_whatever_is_synced_after(pulled: Any, newest: bool) -> None:
    """A workspace and an experiment may hold the same training with other scores."""
    result = read_checked(pulled.paths.metrics)
    older = result | {"learned_nothing": not newest}
    result = deepcopy(result)
    result["valid"]["score"]["ssim_unit"]["mean"] = 0.5
    result["evaluated"] = "2999-01-01T00:00:00.000+00:00"
    result["learned_nothing"] = newest
    result["origin"] |= {"baseline": "f" * 40, "diff": "diff --git a/src/a.py b/src/a.py\n"}
    for content in (older, result):
        write_checked(pulled.paths.metrics, content)
        assert sync(pulled).added
    write_checked(pulled.paths.metrics, older)
    assert sync(pulled).added == ()
    store = store_of(pulled)
    [run] = runs_of(store)
    assert run.data.metrics["valid/score/ssim_unit/mean"] == 0.5
    assert run.data.tags["baseline_commit"] == "f" * 40
    assert ("learned_nothing" in run.data.tags) == newest
    assert parse_checked(contents(store.client, run)["metrics.json"], "it") == result
    # A stage has the last word: it was run, or restored, because these are the scores wanted now.
    assert pulled.run("plot") == 0
    [run] = runs_of(store)
    assert parse_checked(contents(store.client, run)["metrics.json"], "it") == older
    assert ("learned_nothing" in run.data.tags) != newest


def test_a_report_of_earlier_scores_is_not_logged_beside_newer_ones(pulled: Any) -> None:
    """As after `dvc repro evaluate`, until plot has run."""
    paths, report = pulled.paths, pulled.paths.report.read_text()
    result = read_checked(paths.metrics)
    write_checked(paths.metrics, result | {"evaluated": "2999-01-01T00:00:00.000+00:00"})
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    assert contents(store.client, run).keys() == FILES - FIGURES - {"report.md"}
    paths.report.write_text(report.replace(result["evaluated"], "2999-01-01T00:00:00.000+00:00"))
    assert sync(pulled) == Synced(run.info.run_id, ("files",))
    assert contents(store.client, run).keys() == FILES


def test_a_report_of_an_older_version_does_not_say_when_it_was_scored(pulled: Any) -> None:
    paths = pulled.paths
    told = f" Scored {read_checked(paths.metrics)['evaluated']}."
    assert told in paths.report.read_text()
    paths.report.write_text(paths.report.read_text().replace(told, ""))
    sync(pulled)
    store = store_of(pulled)
    [run] = runs_of(store)
    assert_complete(store, run, pulled)


def test_new_scores_are_the_runs_also_if_the_clock_went_back(
    pulled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several values MLflow takes the one with the latest time."""
    sync(pulled)
    result = read_checked(pulled.paths.metrics)
    result["valid"]["score"]["ssim_unit"]["mean"] = 0.125
    write_checked(pulled.paths.metrics, result)
    monkeypatch.setattr("inpaint.tracking.sync.time.time", lambda: 1e9)  # in 2001
    assert "scores" in sync(pulled).added
    [run] = runs_of(store_of(pulled))
    assert run.data.metrics["valid/score/ssim_unit/mean"] == 0.125
    assert sync(pulled).added == ()


@pytest.mark.parametrize("content", ["{}", "[]", '{"run_id": "7e", "epochs": 2}', "no JSON"])
def test_results_of_another_version_are_an_error_of_one_line(pulled: Any, content: str) -> None:
    pulled.paths.train_summary.write_text(content)
    with pytest.raises(InputError, match=r"train\.json is .*: `dvc repro` makes it again; if not"):
        read_record(pulled.paths)


def test_results_that_are_not_there_are_named(pulled: Any) -> None:
    pulled.paths.per_image.unlink()
    with pytest.raises(InputError, match=r"per_image\.csv is not there: .*run `dvc repro`$"):
        read_record(pulled.paths)


def test_a_deleted_experiment_is_told(pulled: Any) -> None:
    store = store_of(pulled)
    store.client.delete_experiment(store.experiment_id)
    with pytest.raises(MlflowException, match="was deleted: restore it"):
        store_of(pulled)


def test_other_settings_of_evaluate_change_the_same_run(pulled: Any) -> None:
    run_id = sync(pulled).run_id
    store = store_of(pulled)
    before = histories(store, store.client.get_run(run_id))
    pulled.set({"evaluate": {"bootstrap_samples": 60, "parity_images": 1}})
    assert pulled.run("evaluate") == 0
    [run] = runs_of(store)
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["evaluate.bootstrap_samples"] == "60"
    result = json.loads(pulled.paths.metrics.read_text())
    after = histories(store, run)
    low = "test/score/ssim_unit/low"
    assert run.data.metrics[low] == result["test"]["score"]["ssim_unit"]["low"]
    assert after[low] == [*before[low], (0, run.data.metrics[low])]
    assert after[low][0] != after[low][1]
    # What has not changed is not logged again.
    assert after.keys() == before.keys()
    same = {key for key in after if after[key] == before[key]}
    assert {"test/model/composite/ssim_unit", "num_parameters"} | CURVES <= same
    assert contents(store.client, run)["metrics.json"] == pulled.paths.metrics.read_bytes()
