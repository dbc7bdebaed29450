"""The pipeline, ended at any moment: the same command again finishes it, with the same results."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.checkout import Checkout
from tests.faults.conftest import EPOCHS
from tests.faults.killing import Started, leftovers, results, runs

_WAYS = (
    *("SIGKILL all", "SIGKILL itself", "SIGKILL children"),
    *("SIGTERM all", "SIGTERM itself", "SIGTERM children", "SIGINT all"),
)
_KILLS, _RESUMED = 70, 20
# DVC writes these files in place. What it says of half of one, and what then has to be removed, as
# docs/reliability.md tells people, and `make run` does.
_GARBLED = {
    "Unable to read RWLock-file '.dvc/tmp/rwlock'": ".dvc/tmp/rwlock",
    "'./dvc.lock' validation failed": "dvc.lock",
}
_NUM_PICTURES = 8000
_LONGEST = 16.0  # seconds: `dvc repro` takes somewhat more


def assert_undisturbed(checkout: Checkout, expected: dict[str, Any]) -> None:
    """Results, runs and folders are as if nothing had been."""
    assert results(checkout.root) == expected
    assert leftovers(checkout.root) == []
    found = runs(checkout.root)
    assert {run.status for run in found} <= {"FINISHED", "KILLED"}
    [finished] = [run for run in found if run.status == "FINISHED"]
    summary = json.loads((checkout.root / "reports" / "summary.json").read_text())
    assert finished.run_id == summary["run_id"]
    assert finished.metrics["test/model/composite/ssim_unit"] == summary["test_ssim_unit"]
    assert "failure" not in finished.tags
    assert finished.epochs == list(range(1, EPOCHS + 1))


@pytest.mark.slow
def test_a_killed_training_goes_on(fresh: Checkout, undisturbed: dict[str, Any]) -> None:
    for number in (3, 11):
        repro = Started(fresh, "dvc", "repro")
        repro.wait_for(f"Epoch {number}/{EPOCHS}")
        repro.end("SIGKILL all")
        assert [run.status for run in runs(fresh.root)] == ["RUNNING"]
        if number == 3:
            assert "killed" in fresh.run("inpaint", "runs")
    printed = fresh.run("dvc", "repro")
    [kept] = re.findall(r"goes on after epoch (\d+)", printed)
    assert int(kept) >= 10
    assert_undisturbed(fresh, undisturbed)
    assert len(runs(fresh.root)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_a_stage_ends_with_dvc(
    fresh: Checkout, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    """Otherwise it would go on beside the next `dvc repro`. Shells differ in whether they stay."""
    monkeypatch.setenv("SHELL", shell)
    repro = Started(fresh, "dvc", "repro")
    repro.wait_for(f"Epoch 5/{EPOCHS}")
    repro.end("SIGTERM itself")
    assert "goes on after epoch" in fresh.run("dvc", "repro")
    assert_undisturbed(fresh, undisturbed)
    assert len(runs(fresh.root)) == 1


@pytest.mark.torture
def test_dvc_repro_is_killed_at_random_moments(
    checkout: Checkout, undisturbed: dict[str, Any]
) -> None:
    rng = np.random.default_rng(0)
    killed_in: dict[str, int] = {}
    resumed, num_garbled = 0, 0
    while sum(killed_in.values()) < _KILLS or resumed < _RESUMED:
        checkout.start_anew()
        while True:
            repro = Started(checkout, "dvc", "repro")
            way = str(rng.choice(_WAYS))
            was_ended = repro.end_after(float(rng.uniform(0, _LONGEST)), way)
            resumed += "goes on after epoch" in repro.printed
            garbled = [name for told, name in _GARBLED.items() if told in repro.printed]
            if not was_ended and garbled:
                (checkout.root / garbled[0]).unlink()
                num_garbled += 1
                continue
            if not was_ended:
                break
            *_, stage = ["start", *(s for s in _STAGES if f"Running stage '{s}'" in repro.printed)]
            killed_in[stage] = killed_in.get(stage, 0) + 1
            print(f"{sum(killed_in.values())}: {way} in {stage}", flush=True)
        assert repro.process.returncode == 0, repro.printed
        assert_undisturbed(checkout, undisturbed)
    print(f"killed in {killed_in}, resumed {resumed} times, DVC's garbled {num_garbled} times")


_STAGES = ("prepare", "mask", "train", "evaluate", "plot")


@pytest.mark.torture
def test_restoring_a_folder_is_killed_at_random_moments(tmp_path: Path) -> None:
    """No picture is lost, done twice, or half there."""
    rng = np.random.default_rng(0)
    pictures, restored = tmp_path / "pictures", tmp_path / "restored"
    pictures.mkdir()
    for number in range(_NUM_PICTURES):
        noise = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(noise).save(pictures / f"{number:04}.png")
    command = (
        "inpaint", "restore", str(pictures), "--center", "9", "-o", str(restored), "--method",
        "biharmonic",
    )  # fmt: skip
    folder = Checkout(tmp_path / "home")
    folder.root.mkdir()
    written: dict[str, int] = {}
    kills = 0
    while True:
        run = Started(folder, *command)
        if not run.end_after(float(rng.uniform(0.8, 2.0)), "SIGKILL all"):
            break
        kills += 1
        now = {path.name: path.stat().st_mtime_ns for path in restored.glob("[0-9]*.png")}
        assert written.items() <= now.items()
        written = now
        for path in restored.glob("[0-9]*.png"):
            with Image.open(path) as image:
                image.load()
    assert run.process.returncode == 0, run.printed
    print(f"killed {kills} times")
    assert kills > 3
    assert {path.name for path in restored.iterdir()} == {
        f"{i:04}.png" for i in range(_NUM_PICTURES)
    }
