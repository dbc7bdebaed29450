"""The table of docs/experiments.md, row by row: which runs each way of working leaves in MLflow."""

import json
from pathlib import Path
from typing import Any

import pytest

from .server import free_port

SCORE = "test/model/composite/ssim_unit"
FIGURES = {"restored.png", "curves.png", "histogram.png", "baselines.png"}


def summary(checkout: Any, revision: str) -> dict[str, Any]:
    """reports/summary.json of a commit or experiment."""
    name = checkout.run("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    content: dict[str, Any] = json.loads(
        checkout.run("git", "show", f"{name.strip()}:reports/summary.json")
    )
    return content


def revision_of(checkout: Any, experiment: str) -> str:
    """The commit of an experiment."""
    refs = checkout.run("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    [found] = [line.split()[0] for line in refs.splitlines() if line.endswith(f"/{experiment}")]
    return str(found)


def assert_owns(run: Any, results: dict[str, Any]) -> None:
    """A run is finished, has its model and figures, and the very metrics of the results."""
    assert run.info.status == "FINISHED"
    assert run.data.metrics[SCORE] == results["test_ssim_unit"]
    assert run.outputs.model_outputs
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert {path.name for path in (artifacts / "figures").iterdir()} == FIGURES


def test_a_dvc_repro(checkout: Any) -> None:
    before = checkout.runs()
    checkout.set({"train": {"seed": 7}})
    assert checkout.repro() == ["train", "evaluate", "plot"]
    [added] = checkout.runs().keys() - before.keys()
    results = json.loads((checkout.root / "reports" / "summary.json").read_text())
    assert results["run_id"] == added
    run = checkout.runs()[added]
    assert_owns(run, results)
    assert run.data.params["train.seed"] == "7"
    assert "experiment_name" not in run.data.tags
    assert run.data.tags["baseline_commit"] == checkout.run("git", "rev-parse", "HEAD").strip()
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert "+  seed: 7" in (artifacts / "code.diff").read_text()


def test_b_exp_run(checkout: Any) -> None:
    before = checkout.runs()
    checkout.run("dvc", "exp", "run", "-n", "longer", "-S", "train.epochs=3")
    [added] = checkout.runs().keys() - before.keys()
    results = summary(checkout, revision_of(checkout, "longer"))
    assert results["run_id"] == added
    run = checkout.runs()[added]
    assert_owns(run, results)
    assert run.data.tags["experiment_name"] == "longer"


@pytest.mark.slow
def test_c_temp_runs_the_snapshots_code(checkout: Any) -> None:
    """Trap: with an editable install, stages in temporary folders would import another tree."""
    before = checkout.runs()
    stage = checkout.root / "src" / "inpaint" / "stages" / "train.py"
    original = stage.read_text()
    stage.write_text(original.replace('f"trained ', 'f"trained by edited code '))
    output = checkout.run("dvc", "exp", "run", "--temp", "-n", "elsewhere", "-S", "train.seed=8")
    stage.write_text(original)
    assert "trained by edited code" in output
    [added] = checkout.runs().keys() - before.keys()
    run = checkout.runs()[added]
    assert_owns(run, summary(checkout, revision_of(checkout, "elsewhere")))
    assert run.info.artifact_uri.startswith((checkout.root / "mlruns").as_uri())
    assert run.data.tags["code_version"] not in {
        r.data.tags["code_version"] for r in before.values()
    }
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    assert "trained by edited code" in (artifacts / "code.diff").read_text()


@pytest.mark.slow
def test_d_two_workers_meet_a_missing_database(
    checkout: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = checkout.copy(tmp_path_factory.mktemp("queue") / "project")
    seeds = {"seed-5": 5, "seed-6": 6}
    for name, seed in seeds.items():
        clone.run("dvc", "exp", "run", "--queue", "-n", name, "-S", f"train.seed={seed}")
    assert clone.runs() == {}
    clone.run_queue()
    runs = clone.runs()
    assert len(runs) == 2
    for name, seed in seeds.items():
        results = summary(clone, revision_of(clone, name))
        assert_owns(runs[results["run_id"]], results)
        assert runs[results["run_id"]].data.params["train.seed"] == str(seed)


@pytest.mark.slow
def test_e_grid(checkout: Any) -> None:
    before = checkout.runs()
    checkout.run(
        *("dvc", "exp", "run", "--queue"),
        *("-S", "data.dataset=mnist,photos", "-S", "train.epochs=range(2,4)"),
        # With two epochs or three, longer's parameters are not met by chance.
        *("-S", "train.seed=9"),
    )
    checkout.run_queue()
    after = checkout.runs()
    added = [after[run_id] for run_id in after.keys() - before.keys()]
    combinations = {(r.data.params["data.dataset"], r.data.params["train.epochs"]) for r in added}
    assert combinations == {(d, e) for d in ("mnist", "photos") for e in ("2", "3")}
    assert len(added) == len({run.data.tags["experiment_name"] for run in added}) == 4
    for run in added:
        name = run.data.tags["experiment_name"]
        assert_owns(run, summary(checkout, revision_of(checkout, name)))


@pytest.mark.slow
def test_f_a_parameter_flipped_back_is_restored(checkout: Any) -> None:
    first = summary(checkout, "HEAD")
    checkout.set({"train": {"seed": 7}})
    checkout.repro()  # trains, unless another test has
    before = checkout.runs()
    for seed in (0, 7, 0):
        checkout.set({"train": {"seed": seed}})
        assert "train" not in checkout.repro()
    assert checkout.runs().keys() == before.keys()
    results = json.loads((checkout.root / "reports" / "summary.json").read_text())
    assert results == first
    assert_owns(checkout.runs()[first["run_id"]], first)


def test_g_only_evaluate_changed(checkout: Any) -> None:
    before = checkout.runs()
    checkout.set({"evaluate": {"bootstrap_samples": 77}})
    assert checkout.repro() == ["evaluate", "plot"]
    after = checkout.runs()
    assert after.keys() == before.keys()
    results = json.loads((checkout.root / "reports" / "metrics.json").read_text())
    old, new = before[results["run_id"]], after[results["run_id"]]
    assert new.info.status == "FINISHED"
    assert (new.info.start_time, new.info.end_time) == (old.info.start_time, old.info.end_time)
    assert new.data.tags["evaluate.bootstrap_samples"] == "77"
    assert old.data.tags["evaluate.bootstrap_samples"] == "50"
    low = "valid/gain/ssim_unit/low"
    assert new.data.metrics[low] == results["valid"]["gain"]["ssim_unit"]["low"]
    assert new.data.metrics[low] != old.data.metrics[low]


def test_h_a_clone_with_an_empty_store(
    checkout: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("clone")
    checkout.run("dvc", "remote", "add", "--local", "--default", "store", str(folder / "remote"))
    checkout.run("dvc", "push", "--quiet")
    clone = checkout.clone(folder / "project")
    clone.run("dvc", "remote", "add", "--local", "--default", "store", str(folder / "remote"))
    clone.run("dvc", "pull", "--quiet")
    assert clone.repro() == []
    assert clone.runs() == {}
    # Two at once make one run with one model.
    both = "inpaint sync > first & inpaint sync > second; wait $! && wait && cat first second"
    assert sorted(line.split(": ")[2] for line in clone.run("bash", "-c", both).splitlines()) == [
        "complete", "logged the whole run"
    ]  # fmt: skip
    [run] = clone.runs().values()
    assert len(run.outputs.model_outputs) == 1
    results = summary(clone, "HEAD")
    assert_owns(run, results)
    assert run.data.tags["training_id"] == results["run_id"]
    original = checkout.runs()[results["run_id"]]
    # Evaluated with other settings, the original has other intervals for a while: see (g).
    assert run.data.params == original.data.params
    assert run.info.start_time == pytest.approx(original.info.start_time, abs=60_000)
    assert ": complete" in clone.run("inpaint", "sync")
    assert clone.runs().keys() == {run.info.run_id}


@pytest.mark.slow
def test_i_the_server_is_down(checkout: Any) -> None:
    before = checkout.runs()
    output = checkout.run(
        *("dvc", "exp", "run", "--temp", "-n", "offline", "-S", "train.seed=10"),
        MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}",
    )
    assert "training goes on without MLflow" in output
    assert "Connection refused" in output
    assert output.count("`inpaint sync` does that") == 3
    assert checkout.runs().keys() == before.keys()
    assert "offline: run" in checkout.run("inpaint", "sync", "offline")
    [added] = checkout.runs().keys() - before.keys()
    run = checkout.runs()[added]
    assert_owns(run, summary(checkout, revision_of(checkout, "offline")))
    assert run.data.tags["experiment_name"] == run.info.run_name == "offline"
    # One that is named is looked at file by file.
    assert f"offline: run {added[:8]}: complete" in checkout.run("inpaint", "sync", "offline")
    assert "offline: complete" in checkout.run("inpaint", "sync")
    assert checkout.runs().keys() == before.keys() | {added}
