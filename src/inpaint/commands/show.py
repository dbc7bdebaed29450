"""`inpaint show RUN`: where a run comes from, and what came of it."""

from pathlib import Path

from rich.table import Table

from inpaint.console import console
from inpaint.experiments import training_ids
from inpaint.report import interval
from inpaint.tracking.registry import registered
from inpaint.tracking.runs import RunInfo, Runs


def run(root: Path, wanted: str) -> int:
    held = training_ids(root)
    found = Runs(root).find(wanted, held)
    holders = [name for name, training_id in held if training_id == found.training_id]
    versions = registered(root, found.run_id)
    out = console()
    out.print(_facts({"run": found.run_id, "name": found.name} | _origin(found, holders, versions)))
    out.print(_facts(found.params, title="Parameters"))
    out.print(_results(found))
    return 0


def _origin(found: RunInfo, holders: list[str], versions: list[str]) -> dict[str, str]:
    tags = found.tags
    baseline = tags.get("baseline_commit", "none: not made in a Git repository with commits")
    changed = " + code.diff" if tags.get("code_changed") == "true" else ""
    facts = {
        "status": found.status + (", the network collapsed" if "collapsed" in tags else ""),
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


def _results(found: RunInfo) -> Table:
    """The scores of both splits, and of the methods without training."""
    table = Table(title="Results, ssim_unit", title_justify="left")
    for header in ("", "validation", "test"):
        table.add_column(header, justify="right" if header else "left")
    splits = ("valid", "test")
    rows = sorted(
        {
            key.split("/", 1)[1]
            for key in found.metrics
            if key.endswith("/ssim_unit") and "/baselines/" in key
        }
    )
    for name in rows:
        cells = [found.metrics.get(f"{split}/{name}") for split in splits]
        table.add_row(name.split("/")[1], *("" if c is None else f"{c:.4f}" for c in cells))
    for label, key, digits in (
        ("model", "score/ssim_unit", ".4f"),
        ("gain over the best of them", "gain/ssim_unit", "+.4f"),
        ("gain in the hole, dB", "gain/hole_psnr_db", "+.2f"),
    ):
        values = [
            {end: found.metrics.get(f"{split}/{key}/{end}") for end in ("mean", "low", "high")}
            for split in splits
        ]
        table.add_row(label, *(interval(value, digits) for value in values))
    return table
