"""`inpaint show RUN`: where a run comes from, and what came of it."""

from pathlib import Path
from typing import Any

from rich.table import Table

from inpaint.base.errors import InputError
from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.tracking.experiments import training_ids
from inpaint.tracking.registry.models import registered
from inpaint.tracking.runs import SCORE, RunInfo, Runs


def run(root: Path, wanted: str) -> int:
    held = training_ids(root)
    runs = Runs(root)
    found = runs.find(wanted, held)
    holders = [name for name, training_id in held if training_id == found.training_id]
    versions = registered(root, found.run_id)
    out = console()
    out.print(_facts({"run": found.run_id, "name": found.name} | _origin(found, holders, versions)))
    out.print(_facts(found.params, title="Parameters"))
    if SCORE in found.metrics:
        try:
            out.print(_results(runs.record(found, "metrics.json")))
        except InputError as error:
            out.print(f"Results: {error}")
    return 0


def _origin(found: RunInfo, holders: list[str], versions: list[str]) -> dict[str, str]:
    tags = found.tags
    baseline = tags.get("baseline_commit", "none: not made in a Git repository with commits")
    changed = " + code.diff" if tags.get("code_changed") == "true" else ""
    facts = {
        "status": found.status + "".join(f", the network {each}" for each in found.troubles),
        "started": f"{found.started.astimezone():%Y-%m-%d %H:%M:%S}",
        "by": tags.get("mlflow.user", ""),
        "made in experiment": tags.get("experiment_name", "none: `dvc repro`"),
        "held by experiments": ", ".join(holders) or "none",
        "commit": baseline + changed,
        "code version": tags.get("code_version", ""),
        "registered as": "; ".join(versions) or "nothing: `inpaint promote`",
        "files": found.artifacts,
    }
    if "failure" in tags:
        facts["failure"] = tags["failure"]
    facts |= {
        key.replace(".", " ").replace("_", " "): value
        for key, value in sorted(tags.items())
        if key.startswith("digest.")
    }
    return facts | {"versions": tags.get("versions", "")}


def _facts(facts: dict[str, str], title: str | None = None) -> Table:
    table = Table(title=title, show_header=False, box=None, title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(key, value)
    return table


def _results(result: dict[str, Any]) -> Table:
    """The scores of both splits, and of the methods without training."""
    table = Table(title="Results, ssim_unit", title_justify="left")
    for header in ("", "validation", "test"):
        table.add_column(header, justify="right" if header else "left")
    valid, test = result["valid"], result["test"]
    for name in sorted(test["baselines"]):
        table.add_row(name, *(f"{s['baselines'][name]['ssim_unit']:.4f}" for s in (valid, test)))
    for label, part, key, digits in (
        ("model", "score", "ssim_unit", ".4f"),
        ("gain over the best of them", "gain", "ssim_unit", "+.4f"),
        ("gain in the hole, dB", "gain", "hole_psnr_db", "+.2f"),
    ):
        table.add_row(label, *(interval(each[part][key], digits) for each in (valid, test)))
    return table
