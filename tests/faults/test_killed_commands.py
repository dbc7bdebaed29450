"""Commands that log, judge and repeat runs, ended at any moment, and given again."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from tests.checkout import GOOD, Checkout, make_checkout
from tests.faults.killing import Started, leftovers, results, runs

pytestmark = pytest.mark.torture
MODEL = "inpaint-mnist"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """With the results of a training that is good enough to become champion."""
    made = make_checkout(tmp_path_factory.mktemp("commands") / "project")
    made.set(GOOD)
    made.repro()
    made.run("git", "add", "--all")
    made.run("git", "commit", "--quiet", "--message", "results")
    return made


def repeat_until_done(
    project: Checkout,
    *command: str,
    longest: float,
    least: int,
    renew: Callable[[], None],
    check: Callable[[], None],
) -> None:
    """Give a command again and again, ended at random moments, until it has come to its end so
    often that it was ended ``least`` times.

    Args:
        longest: the command takes about as many seconds.
        renew: what makes the command have something to do again.
        check: whether all is as it should be, each time it has come to its end.
    """
    rng = np.random.default_rng(0)
    num_ended = 0
    while num_ended < least:
        renew()
        while True:
            started = Started(project, *command)
            way = str(rng.choice(["SIGKILL all", "SIGKILL itself", "SIGTERM all", "SIGINT all"]))
            if not started.end_after(float(rng.uniform(0.5, longest)), way):
                break
            num_ended += 1
        assert started.process.returncode == 0, started.printed
        check()
    print(f"{' '.join(command)}: ended {num_ended} times")


def summary(project: Checkout) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "reports" / "summary.json").read_text())
    return found


def test_sync(good: Checkout) -> None:
    """Of a whole run, as in a clone whose store is empty."""
    [before] = runs(good.root)

    def empty_the_store() -> None:
        for path in good.root.glob("mlflow.db*"):
            path.unlink()
        shutil.rmtree(good.root / "mlruns", ignore_errors=True)

    def assert_whole() -> None:
        [after] = runs(good.root)
        assert after.status == "FINISHED"
        assert after.metrics == before.metrics
        assert after.epochs == before.epochs
        told = {key: before.tags.get(key) for key in ("training_id", "code_version", "evaluated")}
        assert {key: after.tags.get(key) for key in told} == told
        assert f"run {after.run_id[:8]}: complete" in good.run("inpaint", "sync")

    repeat_until_done(
        good, "inpaint", "sync", longest=14, least=8, renew=empty_the_store, check=assert_whole
    )


def test_promote(good: Checkout) -> None:
    client = MlflowClient(f"sqlite:///{good.root}/mlflow.db")

    def withdraw() -> None:
        if client.search_registered_models(f"name = '{MODEL}'"):
            client.delete_registered_model(MODEL)

    def assert_promoted_once() -> None:
        model = client.get_registered_model(MODEL)
        assert {str(number) for number in model.aliases.values()} == {"1"}
        assert sum(key.startswith("move.") for key in model.tags) == 1
        assert "champion to version 1, earned: " in str(model.description)
        [version] = client.search_model_versions(f"name = '{MODEL}'")
        assert str(version.description).startswith("**mnist, center holes**")
        assert version.run_id in {run.run_id for run in runs(good.root)}

    repeat_until_done(
        good, "inpaint", "promote", longest=16, least=8, renew=withdraw, check=assert_promoted_once
    )


def test_reproduce(good: Checkout) -> None:
    run_id = summary(good)["run_id"]

    def forget() -> None:
        good.run("dvc", "exp", "remove", "--all-commits")

    command = ("inpaint", "reproduce", run_id, "--name", "again")

    def assert_made_again() -> None:
        assert good.run("dvc", "exp", "list", "--all-commits").count("[again]") == 1
        good.run("inpaint", "runs")  # ends those whose process is gone
        assert {run.status for run in runs(good.root)} <= {"FINISHED", "KILLED"}
        key = "test/model/composite/ssim_unit"
        finished = [run for run in runs(good.root) if run.status == "FINISHED"]
        assert {run.metrics[key] for run in finished} == {summary(good)["test_ssim_unit"]}
        assert list((good.root / ".dvc" / "tmp").glob("inpaint-*")) == []
        assert leftovers(good.root) == []

    repeat_until_done(good, *command, longest=50, least=5, renew=forget, check=assert_made_again)


def test_a_worker_of_the_queue(good: Checkout) -> None:
    """In the middle of a training, whatever DVC takes its experiment for afterwards."""
    settings = ("-S", "train.seed=5", "-S", "train.epochs=30")
    good.run("dvc", "exp", "run", "--name", "undisturbed", *settings)
    expected = results(good.root)
    good.run("dvc", "exp", "remove", "undisturbed")
    good.back_to_head()
    rng = np.random.default_rng(0)
    num_killed = 0
    for _ in range(20):
        # Else DVC takes the results from there, and nothing is trained.
        shutil.rmtree(good.root / ".dvc" / "cache" / "runs", ignore_errors=True)
        good.run("dvc", "exp", "run", "--queue", "--name", "queued", *settings)
        good.run("dvc", "queue", "start")
        time.sleep(float(rng.uniform(4, 14)))
        is_training = any("train" in words for words in good.processes().values())
        while good.processes():
            for pid in good.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        # What is still said to be running would be waited for without end.
        shutil.rmtree(good.root / ".dvc" / "tmp" / "exps")
        if "[queued]" in good.run("dvc", "exp", "list", "--all-commits"):  # it was done already
            good.run("dvc", "exp", "remove", "queued")
        else:
            num_killed += is_training
        if num_killed == 4:
            break
    assert num_killed == 4
    print(f"worker of the queue: killed {num_killed} times")
    good.run("dvc", "exp", "run", "--queue", "--name", "queued", *settings)
    good.run_queue()
    good.run("dvc", "exp", "apply", "queued")
    assert results(good.root) == expected
    good.run("inpaint", "runs")
    assert {run.status for run in runs(good.root)} <= {"FINISHED", "KILLED"}
    finished = [run for run in runs(good.root) if run.status == "FINISHED"]
    assert all("test/model/composite/ssim_unit" in run.metrics for run in finished)
    assert leftovers(good.root) == []
