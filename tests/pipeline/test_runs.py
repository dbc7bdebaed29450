"""Runs that a person looks for, in real sqlite stores."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from inpaint.base.errors import InputError
from inpaint.tracking.record import read_record
from inpaint.tracking.runs import SCORE, TEST_SCORE, RunInfo, Runs
from inpaint.tracking.store import Store, connect, local_folder
from inpaint.tracking.sync import complete

# Training id -> DVC experiment that it was made in; the last one is the newest.
TRAININGS = {"abcd1111": "shorter", "abcd2222": None, "beef3333": "longer", "beef4444": "longer"}


@pytest.fixture
def root(tmp_path: Path, empty_database: Path) -> Path:
    """A project whose store has four trainings."""
    shutil.copy(empty_database, tmp_path)
    store = connect(tmp_path, "inpaint")
    for minute, (training_id, experiment) in enumerate(TRAININGS.items()):
        tags = {"training_id": training_id}
        tags |= {"experiment_name": experiment} if experiment else {}
        started = 1_767_225_600_000 + minute * 60_000  # from 2026 on
        store.client.create_run(store.experiment_id, start_time=started, tags=tags)
    store.client.create_run(store.experiment_id)  # somebody else's, made by hand
    return tmp_path


def test_runs_are_those_of_the_project_the_newest_first(root: Path) -> None:
    runs = Runs(root).all
    assert [run.training_id for run in runs] == list(reversed(TRAININGS))
    assert [run.experiment for run in runs] == ["longer", "longer", None, "shorter"]
    assert [run.started.minute for run in runs] == [3, 2, 1, 0]


def test_runs_that_have_no_files_yet_have_not_lost_them(root: Path) -> None:
    runs = Runs(root)
    assert {run.status for run in runs.all} == {"RUNNING"}
    assert runs.without_files() == []


def test_experiment_says_what_it_is_for(root: Path) -> None:
    store = connect(root, "inpaint")
    experiment = store.client.get_experiment(store.experiment_id)
    assert "test/model/composite/ssim_unit" in experiment.tags["mlflow.note.content"]


def test_runs_of_every_experiment_are_there(root: Path) -> None:
    other = connect(root, "another")
    made = other.client.create_run(other.experiment_id, tags={"training_id": "ffff"})
    assert made.info.run_id in {run.run_id for run in Runs(root).all}


def test_deleted_runs_are_not_there(root: Path) -> None:
    runs = Runs(root)
    newest = runs.find("latest", [])
    connect(root, "inpaint").client.delete_run(newest.run_id)
    assert Runs(root).find("latest", []).training_id == "beef3333"


HELD = [("renamed", "abcd2222"), ("both", "abcd1111"), ("both", "abcd2222"), ("longer", "beef3333")]


@pytest.mark.parametrize(
    ("wanted", "training_id"),
    [
        ("latest", "beef4444"),
        ("abcd1111", "abcd1111"),
        ("abcd1", "abcd1111"),
        ("shorter", "abcd1111"),
        ("renamed", "abcd2222"),  # held by an experiment, but made outside of it
        ("longer", "beef3333"),  # what an experiment holds goes before where a run was made
    ],
)
def test_a_run_is_found_by_what_people_call_it(root: Path, wanted: str, training_id: str) -> None:
    assert Runs(root).find(wanted, HELD).training_id == training_id


def test_a_run_is_found_by_mlflows_id_and_its_beginning(root: Path) -> None:
    runs = Runs(root)
    for run in runs.all:
        assert runs.find(run.run_id, HELD) == run
        assert runs.find(run.run_id[:12], HELD) == run


def test_an_experiment_may_hold_a_run_by_mlflows_id(root: Path) -> None:
    runs = Runs(root)
    run = runs.all[2]
    assert runs.find("pushed", [("pushed", run.run_id)]) == run


@pytest.mark.parametrize(("wanted", "num"), [("abcd", 2), ("beef", 2), ("both", 2)])
def test_what_means_several_runs_is_refused_with_their_ids(
    root: Path, wanted: str, num: int
) -> None:
    with pytest.raises(InputError) as caught:
        Runs(root).find(wanted, HELD)
    start, ids = str(caught.value).split(": ", 1)[1].split(": ")
    assert start == f"received {wanted!r}, which means {num} runs"
    assert set(ids.split(", ")) <= {run.run_id[:8] for run in Runs(root).all}
    assert len(set(ids.split(", "))) == num


def test_an_experiment_of_which_no_run_is_held_any_more_may_mean_several(root: Path) -> None:
    with pytest.raises(InputError, match="'longer', which means 2 runs"):
        Runs(root).find("longer", [])


@pytest.mark.parametrize("wanted", ["abc", "", "bcd1111", "unknown", "abcd11112", "short"])
def test_what_means_no_run_is_refused_with_what_is_allowed(root: Path, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        Runs(root).find(wanted, HELD)
    assert str(caught.value) == (
        f"run: received {wanted!r}, allowed: a run id, its first 4 or more characters, the name "
        "of an experiment, or latest; `inpaint runs` lists them"
    )


@pytest.mark.parametrize("wanted", ["latest", "abcd1111", "longer"])
def test_without_runs_people_are_told_how_to_make_one(
    tmp_path: Path, empty_database: Path, wanted: str
) -> None:
    shutil.copy(empty_database, tmp_path)
    with pytest.raises(InputError, match="there is no run yet: `dvc repro` makes one"):
        Runs(tmp_path).find(wanted, HELD)


def test_a_store_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens on the first port of this machine.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # MLflow's own are minutes
    with pytest.raises(InputError, match=r"the MLflow store http://127\.0\.0\.1:1 cannot be used"):
        Runs(tmp_path)


@pytest.fixture
def logged(pulled: Any) -> tuple[Store, RunInfo]:
    """The store of a project, and its run, which is complete."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    store = connect(pulled.paths.root, "inpaint")
    complete(pulled.paths.root, store, read_record(pulled.paths))
    [run] = Runs(pulled.paths.root).all
    return store, run


def is_complete(project: Any, run: RunInfo, score: float | None = None) -> bool:
    wanted = run.metrics[TEST_SCORE] if score is None else score
    return Runs(project.paths.root).is_complete(run.training_id, wanted)


def remove(run: RunInfo, name: str) -> None:
    folder = local_folder(run.artifacts)
    assert folder is not None
    (folder / name).unlink()


def test_a_run_with_all_that_git_tells_of_it_is_complete(
    pulled: Any, logged: tuple[Store, RunInfo]
) -> None:
    _, run = logged
    assert is_complete(pulled, run)
    assert not is_complete(pulled, run, run.metrics[TEST_SCORE] + 1e-9)
    assert not Runs(pulled.paths.root).is_complete("0" * 32, run.metrics[TEST_SCORE])


def test_a_run_without_its_report_is_not_complete(
    pulled: Any, logged: tuple[Store, RunInfo]
) -> None:
    _, run = logged
    remove(run, "report.md")
    assert not is_complete(pulled, run)


def test_a_run_without_its_model_is_not_complete(
    pulled: Any, logged: tuple[Store, RunInfo]
) -> None:
    store, run = logged
    outputs = store.client.get_run(run.run_id).outputs
    assert outputs is not None
    store.client.delete_logged_model(outputs.model_outputs[0].model_id)
    assert not is_complete(pulled, run)


def test_a_run_that_other_code_has_logged_is_not_complete(
    pulled: Any, logged: tuple[Store, RunInfo]
) -> None:
    """It may lack what today's code logs."""
    store, run = logged
    store.client.set_tag(run.run_id, "logged_by", "0123456789ab")
    assert not is_complete(pulled, run)
    complete(pulled.paths.root, store, read_record(pulled.paths))
    assert is_complete(pulled, run)


def test_curves_are_known_by_their_former_names(root: Path) -> None:
    store = connect(root, "inpaint")
    made = store.client.create_run(store.experiment_id, tags={"training_id": "feed"})
    former = {"train/loss": 0.5, "valid/loss": 0.6, "valid/ssim_unit": 0.9, "learning_rate": 0.1}
    for name, value in former.items():
        store.client.log_metric(made.info.run_id, name, value)
    assert Runs(root).find("feed", []).metrics == {
        "curves/train_loss": 0.5,
        "curves/valid_loss": 0.6,
        "curves/valid_ssim_unit": 0.9,
        "train/learning_rate": 0.1,
    }


def test_a_run_that_has_not_ended_is_not_complete(
    pulled: Any, logged: tuple[Store, RunInfo]
) -> None:
    store, run = logged
    store.client.update_run(run.run_id, status="RUNNING")
    assert not is_complete(pulled, run)


def test_files_of_a_run_are_read(pulled: Any, logged: tuple[Store, RunInfo]) -> None:
    _, run = logged
    runs = Runs(pulled.paths.root)
    assert runs.file(run, "metrics.json") == pulled.paths.metrics.read_bytes()
    remove(run, "metrics.json")
    with pytest.raises(InputError, match=rf"run {run.run_id[:8]} has no file metrics\.json in "):
        runs.file(run, "metrics.json")


def test_a_run_knows_its_score_and_its_task(pulled: Any, logged: tuple[Store, RunInfo]) -> None:
    _, run = logged
    record = read_record(pulled.paths)
    assert run.metrics[SCORE] == record.metrics[SCORE]
    assert run.task == (record.tags["digest.valid_images"], record.tags["digest.valid_holes"])
    assert all(run.task)
