"""The grid's table: every data set with every kind of hole, and how many trainings gained."""

import re
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.tables import table, with_results
from inpaint.scoring.text import interval

_HEADER = [
    "images", "holes", "best without training", "inpaint, mean of seeds", "gain of each seed",
    "smallest gain in the hole, dB", "",
]  # fmt: skip


def with_tables(page: str, results: dict[str, Any]) -> str:
    """The page with the grid's table made anew."""
    rows = [
        _row([result for _, result in seeds])
        for _, seeds in groupby(results.items(), key=lambda item: re.sub(r"-seed\d+$", "", item[0]))
    ]
    content = [_counts(results), table(_HEADER, rows)] if results else ["Not measured yet."]
    return with_results(page, "benchmarks/grid.py", content)


def as_line(result: dict[str, Any]) -> str:
    """A finished cell in a few words."""
    test = result["test"]
    words = [
        f"{test['model']['ssim_unit']:.4f}, {_baseline([result])},",
        f"gain {interval(test['gain']['ssim_unit'], '+.4f')},",
        f"{result['seconds']:.0f} s",
    ]
    return " ".join(words) + (", learned nothing" if result["learned_nothing"] else "")


def gains(result: dict[str, Any]) -> bool:
    """Whether the model is better than the best method without training, beyond chance."""
    return bool(result["test"]["gain"]["ssim_unit"]["low"] > 0)


def _row(seeds: list[dict[str, Any]]) -> list[str]:
    """A line for trainings that differ in their seed alone."""
    settings = seeds[0]["settings"]
    in_hole = [result["test"]["gain"]["hole_psnr_db"]["mean"] for result in seeds]
    return [
        settings["data"]["dataset"],
        _holes(settings),
        _baseline(seeds),
        f"{np.mean([result['test']['model']['ssim_unit'] for result in seeds]):.4f}",
        "<br>".join(interval(result["test"]["gain"]["ssim_unit"], "+.4f") for result in seeds),
        f"{min(in_hole):+.2f}" if None not in in_hole else "undefined",
        _marks(seeds),
    ]


def _holes(settings: dict[str, Any]) -> str:
    """The kind; of a training that is not one of the grid's, how it differs as well."""
    kind, train = settings["mask"]["kind"], settings["train"]
    if "train_size" in settings["data"]:
        return str(kind)
    return f"{kind}, {train['epochs']} epochs, seed {train['seed']}"


def _baseline(seeds: list[dict[str, Any]]) -> str:
    """It is the same of each seed, which decides the training alone."""
    scores = seeds[0]["test"]["best_baseline"]
    return f"{seeds[0]['best_baseline']} {scores['ssim_unit']:.4f}"


def _marks(seeds: list[dict[str, Any]]) -> str:
    """Which of them went wrong, and how."""
    marks = {"learned_nothing": "learned nothing", "collapsed": "collapsed"}
    marked = {
        text: [str(result["settings"]["train"]["seed"]) for result in seeds if result[key]]
        for key, text in marks.items()
    }
    return "; ".join(f"{text}: seed {', '.join(of)}" for text, of in marked.items() if of)


def _counts(results: dict[str, Any]) -> str:
    """How many trainings gained, and what is to be said of the others."""
    without = {name: result for name, result in results.items() if not gains(result)}
    silent = [name for name, result in without.items() if not result["learned_nothing"]]
    codes = {result["code"] for result in results.values()}
    sentences = [
        f"{len(results) - len(without)} of {len(results)} trainings beat the best method without "
        "training with an interval above zero."
    ]
    if without:
        sentences.append(f"Of the others, {len(without) - len(silent)} carry `learned_nothing`.")
    if silent:
        sentences.append(f"No gain, and not a word of it: {', '.join(silent)}.")
    if len(codes) > 1:
        sentences.append(f"They are of {len(codes)} versions of the code: run it again.")
    return " ".join(sentences)
