"""Where the store is, and where files of runs are."""

from pathlib import Path

import pytest

from inpaint.base.errors import InputError
from inpaint.tracking.store import (
    describe_problem,
    is_in_place,
    local_folder,
    open_client,
    tracking_uri,
)


def test_the_store_is_the_database_of_the_project(tmp_path: Path) -> None:
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"


def test_an_experiment_in_a_temporary_directory_uses_its_projects_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert tracking_uri(tmp_path / "temporary") == f"sqlite:///{tmp_path}/project/mlflow.db"


@pytest.mark.parametrize(("named", "used"), [("http://server:5000", True), ("", False)])
def test_a_person_may_name_another_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, used: bool
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    assert (tracking_uri(tmp_path) == named) is used


@pytest.mark.parametrize("address", ["nonsense://store", "server:5000", "/data/mlflow", "x"])
def test_what_is_no_address_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(InputError) as caught:
        open_client(tmp_path)
    assert str(caught.value) == (
        f"MLFLOW_TRACKING_URI: received {address!r}, allowed: an address that begins with one of "
        "http, https, sqlite, postgresql, mysql, mssql"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_problem_is_one_line(tmp_path: Path) -> None:
    line = describe_problem(tmp_path, RuntimeError("first\nsecond"))
    assert line == f"the MLflow store sqlite:///{tmp_path}/mlflow.db cannot be used: first"
    assert describe_problem(tmp_path, TimeoutError()).endswith("cannot be used: TimeoutError")


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("file:///data/my%20runs/1", Path("/data/my runs/1")),
        ("/data/my runs/1", Path("/data/my runs/1")),
        ("mlflow-artifacts:/1/abc/artifacts", None),
        ("s3://bucket/1", None),
    ],
)
def test_folder_of_an_artifact_address(address: str, folder: Path | None) -> None:
    assert local_folder(address) == folder


def test_files_are_in_place_below_the_projects_own_folder(tmp_path: Path) -> None:
    project = tmp_path / "my project"
    here, elsewhere = project / "mlruns" / "run", tmp_path / "other" / "mlruns" / "run"
    for folder in (here, elsewhere):
        folder.mkdir(parents=True)
    assert is_in_place(project, here.as_uri())
    assert not is_in_place(project, elsewhere.as_uri())
    assert not is_in_place(project, (project / "mlruns" / "lost").as_uri())
    assert is_in_place(project, "mlflow-artifacts:/1/abc/artifacts")


def test_files_of_another_store_are_in_place_wherever_it_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/shared.db")
    (tmp_path / "run").mkdir()
    assert is_in_place(tmp_path / "project", (tmp_path / "run").as_uri())
    assert not is_in_place(tmp_path / "project", (tmp_path / "lost").as_uri())
