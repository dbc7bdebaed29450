"""`inpaint runs`: all runs, the best first, ranked only where they can be compared."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table

from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.tracking.registry.models import champions
from inpaint.tracking.runs import SCORE, RunInfo, Runs


def run(root: Path, *, as_json: bool) -> int:
    groups = grouped(Runs(root).all)
    made_champion = champions(root)
    if as_json:
        entries = [
            _as_dict(run, rank) | {"champion_of": made_champion.get(run.run_id)}
            for group in groups
            for rank, run in group
        ]
        print(json.dumps(entries, indent=2))
        return 0
    out = console()
    if not groups:
        out.print("There is no run yet: `dvc repro` makes one.")
    for group in groups:
        out.print(_table(group, made_champion))
    return 0


def grouped(runs: list[RunInfo]) -> list[list[tuple[int | None, RunInfo]]]:
    """Runs of one task together, the best first, each with its rank; those without a score last.

    The group with the newest run comes first. Equal scores get equal ranks.
    """
    newest: dict[tuple[str, str], datetime] = {}
    for run in runs:
        newest[run.task] = max(run.started, newest.get(run.task, run.started))
    order = sorted(runs, key=lambda run: (newest[run.task], run.task, _score(run)), reverse=True)
    groups = []
    for _, members in groupby(order, key=lambda run: run.task):
        group: list[tuple[int | None, RunInfo]] = []
        for place, run in enumerate(members, start=1):
            rank = place if SCORE in run.metrics else None
            if group and rank and _score(group[-1][1]) == _score(run):
                rank = group[-1][0]
            group.append((rank, run))
        groups.append(group)
    return groups


def _score(run: RunInfo) -> float:
    return run.metrics.get(SCORE, -1.0)


def _as_dict(run: RunInfo, rank: int | None) -> dict[str, object]:
    images, holes = run.task
    return {
        "rank": rank,
        "run_id": run.run_id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "started": run.started.isoformat(timespec="seconds"),
        "valid_images_digest": images,
        "valid_holes_digest": holes,
        "params": run.params,
        "metrics": run.metrics,
    }


def different(runs: Sequence[RunInfo]) -> list[str]:
    """What makes each run another one than most: the parameters that few others have alike."""
    names = sorted({name for run in runs for name in run.params})
    usual = {name: Counter(run.params.get(name) for run in runs).most_common(1) for name in names}
    return [
        ", ".join(
            f"{name}={run.params.get(name, 'none')}"
            for name in names
            if run.params.get(name) != usual[name][0][0]
        )
        for run in runs
    ]


def _table(group: list[tuple[int | None, RunInfo]], made_champion: Mapping[str, str]) -> Table:
    _, first = group[0]
    params = first.params
    count = params.get("data.valid_size", "?")
    table = Table(
        title=f"{params.get('data.dataset', 'unknown images')}, {params.get('mask.kind', '?')} "
        f"holes, {'all' if count == 'None' else count} validation images (digest "
        f"{first.task[0][:6]})",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    table.add_column("run", no_wrap=True)
    table.add_column("experiment", overflow="fold", min_width=12)
    for header in ("ssim_unit, validation", "gain", "time"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("started", no_wrap=True)
    table.add_column("differs by", overflow="fold", min_width=18)
    for (rank, run), difference in zip(group, different([run for _, run in group]), strict=True):
        champion = "champion" if run.run_id in made_champion else ""
        table.add_row(
            "" if rank is None else str(rank),
            run.run_id[:8],
            run.experiment or "-",
            *_scores(run),
            f"{run.metrics['train/seconds']:.0f} s" if "train/seconds" in run.metrics else "",
            f"{run.started.astimezone():%m-%d %H:%M}",
            ", ".join(filter(None, (champion, difference))),
            style="dim" if rank is None else None,
        )
    return table


def _scores(run: RunInfo) -> tuple[str, str]:
    note = "".join(f", {trouble}" for trouble in run.troubles)
    if SCORE not in run.metrics:
        return run.status.lower() + note, ""
    score = {end: run.metrics[SCORE.replace("mean", end)] for end in ("mean", "low", "high")}
    gain = run.metrics["valid/gain/ssim_unit/mean"]
    return interval(score, ".4f") + note, f"{gain:+.4f}"
