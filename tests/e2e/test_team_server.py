"""A team: MLflow with PostgreSQL and its own folder of files, DVC with a remote, two clones."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import GOOD

from .postgresql import Database, find_program, postgresql
from .server import mlflow_server

RESULTS = ("models/inpainter.keras", "reports/metrics.json", "reports/per_image.csv",
           "reports/restored.npy", "reports/train.json")  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_program("initdb") is None, reason="no PostgreSQL (Debian: apt-get install postgresql)"
    ),
]


@dataclass(frozen=True)
class Team:
    """What its members share.

    Attributes:
        database: only the MLflow server needs its password.
        artifacts: the folder of the MLflow server.
        remote: DVC's.
        member: a clone whose commands find both.
    """

    database: Database
    artifacts: Path
    remote: Path
    member: Any


@pytest.fixture(scope="module")
def team(checkout: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    shared = tmp_path_factory.mktemp("shared")
    with postgresql() as database:
        with_password = replace(checkout, variables={"PGPASSWORD": database.password})
        with mlflow_server(with_password, shared, database.uri) as server:
            member = checkout.clone(tmp_path_factory.mktemp("first") / "project")
            member = replace(member, variables={"MLFLOW_TRACKING_URI": server.address})
            yield Team(database, shared / "artifacts", shared / "remote", member)


def aliases(member: Any) -> str:
    """The versions of the registered model that the aliases point to, as a member sees them."""
    ask = (
        "import mlflow; print(mlflow.MlflowClient().get_registered_model('inpaint-mnist').aliases)"
    )
    return str(member.run("python", "-c", ask).strip())


def test_what_one_member_makes_another_gets_and_goes_on_with(
    team: Team, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = team.member
    first.set(GOOD)
    first.run("dvc", "remote", "add", "--default", "team", str(team.remote))
    first.repro()
    first.run("git", "commit", "--quiet", "--all", "--message", "a good model")
    assert "inpaint-mnist version 1 is champion." in first.run("inpaint", "promote")
    first.run("dvc", "push", "--quiet")

    second = first.clone(tmp_path_factory.mktemp("second") / "project")
    second.run("dvc", "pull", "--quiet")
    assert second.repro() == []
    for name in RESULTS:
        assert (second.root / name).read_bytes() == (first.root / name).read_bytes()
    assert second.run("inpaint", "sync").rstrip().endswith(": complete")
    listed = [json.loads(member.run("inpaint", "runs", "--json")) for member in (first, second)]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 1

    second.run("dvc", "exp", "run", "--name", "better", "-S", "train.epochs=12")
    assert "inpaint-mnist version 2 is champion; it was version 1." in second.run(
        "inpaint", "promote", "better"
    )
    assert aliases(first) == "{'champion': '2'}"
    second.run("dvc", "exp", "push", "--quiet", "origin", "better")
    assert "better" in first.run("inpaint", "show", "better")
    assert "version 1 is champion again" in first.run("inpaint", "rollback")
    assert aliases(second) == "{'champion': '1'}"

    for member in (first, second):
        assert not (member.root / "mlflow.db").exists()
        assert not (member.root / "mlruns").exists()
    assert {path.name for path in team.artifacts.rglob("*.keras")} == {"inpainter.keras"}


def test_the_password_is_in_no_file(team: Team) -> None:
    password = team.database.password.encode()
    for folder in (team.member.root, team.artifacts):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        assert [path for path in files if password in path.read_bytes()] == []


def test_the_database_can_be_used_without_a_server(team: Team) -> None:
    uri = {"MLFLOW_TRACKING_URI": team.database.uri}
    listed = team.member.run("inpaint", "runs", **uri, PGPASSWORD=team.database.password)
    assert listed == team.member.run("inpaint", "runs")


def test_a_wrong_password_is_told_and_not_shown(team: Team) -> None:
    user, host = team.database.uri.split("@")
    uri = {"MLFLOW_TRACKING_URI": f"{user}:open-sesame@{host}"}
    told = team.member.run("inpaint", "runs", code=2, **uri)
    assert f"error: the MLflow store postgresql+psycopg://{host}" in told
    assert "password authentication failed" in told
    assert "open-sesame" not in told
