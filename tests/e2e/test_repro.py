"""`dvc repro` runs what is out of date, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest


def test_nothing_reruns_when_nothing_changed(checkout: Any) -> None:
    assert checkout.repro() == []


def test_generated_files_stay_out_of_git_and_results_go_in(checkout: Any) -> None:
    tracked = set(checkout.run("git", "ls-files").split())
    assert {
        "dvc.lock",
        "reports/summary.json",
        "reports/train.json",
        "reports/report.md",
    } <= tracked
    assert "reports/figures/restored.png" in tracked
    kept_out = ("data/", "models/", "mlruns/", "mlflow.db", "reports/per_image.csv")
    assert not [path for path in tracked if path.startswith(kept_out)]


def test_plot_parameters_rerun_only_plot(checkout: Any) -> None:
    checkout.set({"plot": {"num_images": 3}})
    assert checkout.repro() == ["plot"]


def test_evaluate_parameters_rerun_evaluate_and_plot(checkout: Any) -> None:
    before = run_ids(checkout)
    checkout.set({"evaluate": {"bootstrap_samples": 60}})
    assert checkout.repro() == ["evaluate", "plot"]
    assert run_ids(checkout) == before


def test_another_hole_size_cuts_other_holes(checkout: Any) -> None:
    """Trap: DVC's run-cache ignores keys called `size`, and took another size for the same run."""
    before = (checkout.root / "data" / "holes" / "test.npy").read_bytes()
    checkout.set({"mask": {"size": 6}})
    checkout.run("dvc", "repro", "mask")
    assert (checkout.root / "data" / "holes" / "test.npy").read_bytes() != before
    checkout.set({"mask": {"size": 8}})
    checkout.run("dvc", "repro", "mask")
    assert (checkout.root / "data" / "holes" / "test.npy").read_bytes() == before


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("cli.py", []),
        ("holes.py", ["mask", "train", "evaluate", "plot"]),
    ],
)
def test_editing_code_reruns_the_stages_that_import_it(
    checkout: Any, module: str, stages: list[str]
) -> None:
    path: Path = checkout.root / "src" / "inpaint" / module
    path.write_text(path.read_text() + "\n# edited\n")
    assert checkout.repro() == stages


def test_a_parameter_flipped_back_is_restored_without_training(checkout: Any) -> None:
    before = run_ids(checkout)
    checkout.set({"train": {"learning_rate": 0.001}})
    assert checkout.repro() == ["train", "evaluate", "plot"]
    assert len(run_ids(checkout)) == len(before) + 1
    checkout.set({"train": {"learning_rate": 0.002}})
    assert "train" not in checkout.repro()
    assert len(run_ids(checkout)) == len(before) + 1


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("train", "epochs", "abc", "a whole number of at least 1"),
        ("mask", "size", "40", "1 to 27 (pixels)"),
        ("data", "train_size", "-5", "a whole number of at least 1, or null"),
    ],
)
def test_a_wrong_parameter_is_one_line_before_any_work(
    checkout: Any, section: str, key: str, value: str, allowed: str
) -> None:
    before = (checkout.root / "params.yaml").read_text()
    # 255 is how dvc reports any stage that failed; the stage itself exits with 2.
    output = checkout.run("dvc", "exp", "run", "-S", f"{section}.{key}={value}", code=255)
    (checkout.root / "params.yaml").write_text(before)
    assert "exited with 2" in output
    [line] = [line for line in output.splitlines() if line.startswith("error:")]
    assert f"{section}.{key}: received" in line
    assert allowed in line
    assert "Traceback" not in output


def run_ids(checkout: Any) -> set[str]:
    """The MLflow runs in the project's store, asked in a process of its own."""
    script = (
        "import json, mlflow; client = mlflow.MlflowClient('sqlite:///mlflow.db');"
        "found = client.search_runs([client.get_experiment_by_name('inpaint').experiment_id]);"
        "print(json.dumps([run.info.run_id for run in found]))"
    )
    output = checkout.run("python", "-c", script)
    return set(json.loads(output.splitlines()[-1]))
