"""What came of a sweep: a table, pictures, and a choice."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.table import Table

from inpaint.base.files import atomic, remove_leftovers, write_text
from inpaint.commands.sweep import pictures
from inpaint.commands.sweep.outcome import Outcome, ranked
from inpaint.commands.sweep.plan import Plan
from inpaint.scoring import plots
from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.tracking.sweeps import SweepRun

_ENDS = ("mean", "low", "high")


def report(plan: Plan, outcomes: Sequence[Outcome], folder: Path, logged: SweepRun) -> None:
    """Print a table, write it and pictures into a folder, and log all that."""
    out = console()
    groups = ranked(outcomes)
    for group in groups:
        out.print(_table(plan, group))
    told = _told(plan, outcomes)
    out.print(told)
    choices = [_choice(plan, group) for group in groups]
    if len(groups) > 1:
        choices.append("Trials with other validation images or holes are not compared.")
    for choice in choices:
        out.print(choice)
    remove_leftovers(folder)
    write_text(folder / "trials.csv", as_csv(plan, outcomes))
    compared = groups[0] if groups else []
    shown = [each if each in compared else replace(each, score={}) for each in outcomes]
    figures = {
        "coordinates.png": pictures.parallel_coordinates(plan, shown),
        "progress.png": pictures.progress(plan, shown),
    }
    for name, figure in figures.items():
        with atomic(folder / name) as temporary:
            plots.save(figure, temporary)
    out.print(f"Table and pictures are in {folder}.")
    # Of several groups, none is the best.
    metrics = {"sweep/best_valid_ssim_unit": compared[0].score["mean"]} if len(groups) == 1 else {}
    metrics["sweep/epochs"] = float(sum(len(each.curve) for each in outcomes))
    files = [folder / name for name in ("trials.csv", *figures)]
    logged.log(files, {"sweep.yaml": plan.text}, metrics, "\n\n".join([told, *choices]))


def values_of(plan: Plan, outcome: Outcome) -> str:
    """What makes a trial another one than the others."""
    setting = plan.settings[outcome.trial]
    return ", ".join(f"{key}={text_of(value)}" for key, value in setting.items())


def text_of(value: object) -> str:
    """A value as params.yaml takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    trained = sum(len(each.curve) for each in outcomes)
    most = sum(plan.epochs(each.trial) for each in outcomes)
    given_up = sum(each.is_given_up for each in outcomes)
    early = f", {given_up} given up early" if given_up else ""
    return f"{len(outcomes)} trials, {trained} of {most} epochs trained{early}."


def _choice(plan: Plan, group: Sequence[Outcome]) -> str:
    """The best, and which others may be as good."""
    best, *others = group
    told = f"Best on the validation images: {values_of(plan, best)}, {interval(best.score, '.4f')}."
    alike = [each for each in others if each.score["high"] >= best.score["low"]]
    if alike:
        whose = f"those of {len(alike)} others" if len(alike) > 1 else "that of 1 other"
        told += f" Its interval overlaps {whose}."
    if best.troubles:
        return f"{told} But its network {' and '.join(best.troubles)}."
    if best.gain["high"] < 0:
        told += f" But a method without training is better, by {-best.gain['mean']:.4f}."
    return f"{told} `inpaint reproduce {best.run_id[:8]}` makes it an experiment."


def _table(plan: Plan, group: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("run", no_wrap=True)
    for header in ("ssim_unit, validation", "gain", "time"):
        table.add_column(header, justify="right", no_wrap=True)
    for key in plan.keys:
        table.add_column(key, overflow="fold")
    for rank, each in enumerate(group, 1):
        trouble = "".join(f", {told}" for told in each.troubles)
        table.add_row(
            str(rank),
            each.run_id[:8],
            interval(each.score, ".4f") + trouble,
            f"{each.gain['mean']:+.4f}",
            f"{each.seconds:.0f} s",
            *map(text_of, plan.settings[each.trial].values()),
        )
    return table


def as_csv(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """A row for each trial, scores empty where there are none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    scores = [f"{name}_{end}" for name in ("valid_ssim_unit", "gain") for end in _ENDS]
    writer.writerow(["trial", "run_id", "ended", "epochs", "seconds", *scores, *plan.keys])
    for each in outcomes:
        without = "given up" if each.is_given_up else f"failed: {each.failure}"
        ended = ", ".join(["scored", *each.troubles]) if each.score else without
        values = [found.get(end, "") for found in (each.score, each.gain) for end in _ENDS]
        setting = map(text_of, plan.settings[each.trial].values())
        row = [each.trial, each.run_id, ended, len(each.curve), each.seconds, *values, *setting]
        writer.writerow(row)
    return text.getvalue()
