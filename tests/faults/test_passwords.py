"""Passwords, wherever people may have put them: no message tells them, and no file holds them."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inpaint import cli
from inpaint.base.errors import InputError
from inpaint.tracking.runs import Runs
from inpaint.tracking.store import connect, without_secrets
from tests.checkout import ROOT
from tests.pipeline.conftest import make_project

SECRET = "open-sesame"
HOLE = ("--center", "8")
ADDRESSES = [
    f"http://zoe:{SECRET}@127.0.0.1:1",
    f"http://zoe:{SECRET}@127.0.0.1:port",
    f"http://zoe:{SECRET}@[::1",
    "http://zoe:open/sesame@127.0.0.1:1",
    "http://zoe:open#sesame@127.0.0.1:1",
    "http://zoe:open@sesame@127.0.0.1:1",
    f"htp://zoe:{SECRET}@127.0.0.1:1",
    f"http//zoe:{SECRET}@127.0.0.1:1",
    f"postgresql://zoe:{SECRET}@127.0.0.1:1/mlflow",
    f"postgresql+psycopg://zoe:{SECRET}@127.0.0.1:port/mlflow",
    "postgresql+psycopg://zoe:open@sesame@127.0.0.1:1/mlflow",
    f"postgresql+psycopg://127.0.0.1:1/mlflow?user=zoe&password={SECRET}",
    f"mysql+nothing://zoe:{SECRET}@127.0.0.1:1/mlflow",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_message_tells_the_password_of_the_store(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inpaint_command: Callable[..., str],
    address: str,
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)
    champion = ("--model", "models:/inpaint-mnist@champion")
    commands = [("runs",), ("serve", *champion)]
    if address == ADDRESSES[0]:
        restore = ("restore", "digit.png", *HOLE, "-o", "out.png")
        commands += [("sync",), ("show", "latest"), ("rollback",), restore, (*restore, *champion)]
    for words in commands:
        told = inpaint_command(*words, code=2)
        assert told.startswith("error: ")
        assert not re.search("open|sesame|zoe", told)


def test_the_place_of_files_is_told_without_password(
    project: Path, inpaint_command: Callable[..., str]
) -> None:
    client = connect(project, "inpaint").client
    place = f"ftp://zoe:{SECRET}@127.0.0.1:1/files"
    experiment = client.create_experiment("elsewhere", artifact_location=place)
    run_id = str(client.create_run(experiment, tags={"training_id": "7e" * 16}).info.run_id)
    told = inpaint_command("show", run_id, code=0)
    assert "ftp://127.0.0.1:1/files" in told
    assert SECRET not in told
    with pytest.raises(InputError, match=r"has no file train\.json in ftp://127\.0\.0\.1:1/files"):
        Runs(project).record(Runs(project).find(run_id, []), "train.json")


@pytest.mark.parametrize(
    ("address", "text", "told"),
    [
        ("http://a:b@host/x", "store http://a:b@host/x: b@d", "store http://host/x: b@d"),
        ("sqlite:////a@b/mlflow.db", "sqlite:////a@b/mlflow.db", "sqlite:////a@b/mlflow.db"),
        ("/home/a@b/mlruns", "in /home/a@b/mlruns", "in /home/a@b/mlruns"),
        ("http://host", "http://a:b@proxy said no", "http://proxy said no"),
        ("ftp://a:b@host/x", "ftp://a:b@host/x", "ftp://host/x"),
        ("", "said no", "said no"),
    ],
)
def test_what_is_no_password_is_told(address: str, text: str, told: str) -> None:
    assert without_secrets(text, address) == told


@pytest.mark.parametrize(
    "mirror",
    [
        f"https://zoe:{SECRET}@127.0.0.1:1/data",
        f"http://zoe:{SECRET}@127.0.0.1/",
        f"http://:{SECRET}@127.0.0.1:1",
        "http://zoe:open/sesame@127.0.0.1:1/data",
        "http://zoe:open#sesame@127.0.0.1:1/data",
        f"http://127.0.0.1:1/data?token={SECRET}",
        f"http://127.0.0.1:1/data#{SECRET}",
    ],
)
def test_a_failing_download_tells_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], mirror: str
) -> None:
    project = make_project(tmp_path)
    project.set({"data": {"source": "official"}})
    monkeypatch.setenv("INPAINT_DATA_MIRROR", mirror)
    assert project.run("prepare") == 2
    told = "".join(capfd.readouterr())
    assert told.startswith("error: cannot fetch from INPAINT_DATA_MIRROR: received an address with")
    assert not re.search("open|sesame|zoe", told)
    assert not list(tmp_path.rglob("data/**/*.*"))


def git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=tester", "-c", "user.email=tester@example.com")
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def test_results_and_runs_hold_no_password(
    tmp_path: Path,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A training while the store does not answer, logged later; passwords wherever they may be."""
    root = tmp_path / "project"
    root.mkdir()
    project = make_project(root)
    project.set(
        {"train": {"epochs": 1, "optimizer": "adam"}, "data": {"train_size": 20, "test_size": 20}}
    )
    for name in ("dvc.yaml", ".gitignore", ".dvc/.gitignore", ".dvc/config"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copy(database, root)
    git(root, "init", "--quiet")
    git(root, "remote", "add", "origin", f"https://zoe:{SECRET}@127.0.0.1:1/project.git")
    (root / ".dvc" / "config.local").write_text(f"['remote \"team\"']\n    password = {SECRET}\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD", "DVC_TOKEN",
                 "AWS_SECRET_ACCESS_KEY"):  # fmt: skip
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "zoe")
    monkeypatch.setenv("INPAINT_DATA_MIRROR", f"https://zoe:{SECRET}@127.0.0.1:1/data")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://zoe:{SECRET}@127.0.0.1:1")
    assert project.run("prepare", "mask", "train", "evaluate", "plot") == 0
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(root)
    synced = CliRunner().invoke(cli.app, ["sync"])
    assert synced.exit_code == 0, synced.output
    assert "logged the whole run" in synced.output
    listed = CliRunner().invoke(cli.app, ["runs", "--json"])

    printed = "".join(capfd.readouterr())
    assert "kept on the disk, but not logged" in printed
    for told in (printed, synced.output, listed.output):
        assert SECRET not in told
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {"mlflow.db", "train.json", "metrics.json", "MLmodel"} <= {path.name for path in files}
    told_in = [path for path in files if SECRET.encode() in path.read_bytes()]
    assert {str(path.relative_to(root)) for path in told_in} == {".git/config", ".dvc/config.local"}
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "results")
    words = ["git", "grep", "--count", SECRET, "HEAD"]
    assert subprocess.run(words, cwd=root, check=False).returncode == 1  # nothing was found
