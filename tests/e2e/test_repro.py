"""`dvc repro` runs what is out of date, and nothing else."""

import json
import os
import re
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
        "reports/report.md",
    } <= tracked
    assert "reports/figures/restored.png" in tracked
    kept_out = (
        "data/raw/",
        "data/prepared/",
        "data/holes/",
        "models/",
        "mlruns/",
        "mlflow.db",
        "reports/per_image.csv",
        "reports/train",
    )
    assert not [path for path in tracked if path.startswith(kept_out)]


def test_plot_parameters_rerun_only_plot(checkout: Any) -> None:
    checkout.set({"plot": {"num_images": 3}})
    assert checkout.repro() == ["plot"]


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
    ("modules", "stages"),
    [
        (
            (
                "cli/stages.py",
                "params/__init__.py",
                "commands/launch.py",
                "terminal/progress.py",
                "tracking/sync.py",
                "tracking/registry/models.py",
                "tracking/registry/gate.py",
            ),
            [],
        ),
        (("scoring/plots.py",), ["plot"]),
        (("scoring/metrics.py",), ["evaluate", "plot"]),
        (("restoring/networks/residual_unet.py",), ["train", "evaluate", "plot"]),
        pytest.param(
            ("data/holes.py",), ["mask", "train", "evaluate", "plot"], marks=pytest.mark.slow
        ),
    ],
    ids=["what changes no output", "plots", "metrics", "a network", "holes"],
)
def test_editing_code_reruns_the_stages_whose_outputs_it_can_change(
    checkout: Any, modules: tuple[str, ...], stages: list[str]
) -> None:
    for module in modules:
        path: Path = checkout.root / "src" / "inpaint" / module
        path.write_text(path.read_text() + "\n# edited\n")
    assert checkout.repro() == stages


def test_editing_what_is_logged_reruns_nothing_and_sync_logs_it(checkout: Any) -> None:
    path: Path = checkout.root / "src" / "inpaint" / "tracking" / "record.py"
    before = path.read_text()
    path.write_text(before.replace("metrics={\n", 'metrics={\n            "answer": 42.0,\n', 1))
    assert path.read_text() != before
    run_id = json.loads((checkout.root / "reports" / "summary.json").read_text())["run_id"]
    assert checkout.repro() == []
    assert "answer" not in checkout.runs()[run_id].data.metrics
    # This checkout's code, not the installed one.
    told = checkout.run("inpaint", "sync", PYTHONPATH=str(checkout.root / "src"))
    assert re.search(rf"workspace: run {run_id[:8]}: logged .*scores", told)
    assert checkout.runs()[run_id].data.metrics["answer"] == 42.0


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("train", "epochs", "abc", "a whole number from 1 to 1000000"),
        ("mask", "size", "40", "1 to 27 (pixels)"),
        ("data", "train_size", "-5", "a whole number from 1 to 1000000, or null"),
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


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(os.environ.get("INPAINT_DATA_MIRROR", "nowhere")).is_dir(),
    reason="INPAINT_DATA_MIRROR names no folder of the official files",
)
def test_cifar10_runs_through_on_its_whole_test_set(checkout: Any) -> None:
    settings = ("data.dataset=cifar10", "data.test_size=null", "train.epochs=2")
    output = checkout.run("dvc", "exp", "run", *(word for s in settings for word in ("-S", s)))
    assert "10000 test" in output
    summary = json.loads((checkout.root / "reports" / "summary.json").read_text())
    checkout.run("git", "checkout", "--", ".")
    assert summary["dataset"] == "cifar10"
    # Biharmonic on the 10,000 official test images, measured for this project.
    assert summary["best_baseline_ssim_unit"] == pytest.approx(0.9586, abs=5e-5)
