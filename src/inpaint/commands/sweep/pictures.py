"""Pictures of a sweep: which settings score how, and how the scores came about."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inpaint.commands.sweep.outcome import Outcome
from inpaint.commands.sweep.plan import Plan

_COLOURS = matplotlib.colormaps["viridis"]
_GREY = "#999999"
_MOST_NAMED = 12  # values of a key that are written beside its axis


def parallel_coordinates(plan: Plan, outcomes: Sequence[Outcome]) -> Figure:
    """A line for each trial, through its values and its score, which is its colour.

    Trials without score, given up, failed or of other images, are dotted, and end before it.
    """
    keys = [*plan.keys, "ssim_unit"]
    figure = Figure(figsize=(1.9 * len(keys) + 1.5, 4.5), layout="constrained")
    axis = figure.subplots()
    places = [_places([setting[key] for setting in plan.settings]) for key in plan.keys]
    scored = [each for each in outcomes if each.score]
    heights = _scaled([each.score["mean"] for each in scored])
    height_of = {each.trial: height for each, height in zip(scored, heights, strict=True)}
    for outcome in sorted(outcomes, key=lambda each: height_of.get(each.trial, -1.0)):
        line = [column[outcome.trial] for column in places]
        height = height_of.get(outcome.trial)
        if height is None:
            axis.plot(range(len(line)), line, color=_GREY, linewidth=0.8, linestyle=":")
        else:
            axis.plot(range(len(keys)), [*line, height], color=_COLOURS(height), linewidth=1.6)
    for x, key in enumerate(plan.keys):
        axis.axvline(x, color="black", linewidth=0.8)
        _name_values(axis, x, [setting[key] for setting in plan.settings], places[x])
    axis.axvline(len(plan.keys), color="black", linewidth=0.8)
    if scored:
        scores = {height_of[each.trial]: each.score["mean"] for each in scored}
        for height in {min(scores), max(scores)}:
            _write(axis, len(plan.keys), height, f"{scores[height]:.4f}")
    axis.set(xticks=range(len(keys)), yticks=[], xlim=(-0.2, len(keys) - 0.7), ylim=(-0.05, 1.05))
    axis.set_xticklabels(keys, fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    title = f"{plan.name}: validation score by setting"
    axis.set_title(title, fontsize=11, parse_math=False)
    return figure


def progress(plan: Plan, outcomes: Sequence[Outcome]) -> Figure:
    """Left, the validation score of each trial over its epochs; right, of trials in the order in
    which they began, with the best so far."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    curves, trials = figure.subplots(1, 2)
    place = {trial: number for number, trial in enumerate(plan.order)}
    scored = sorted((each for each in outcomes if each.score), key=lambda each: place[each.trial])
    heights = _scaled([each.score["mean"] for each in scored])
    colours = {each.trial: _COLOURS(h) for each, h in zip(scored, heights, strict=True)}
    for outcome in outcomes:
        epochs = range(1, 1 + len(outcome.curve))
        marker = "." if len(outcome.curve) < 3 else ""
        colour = colours.get(outcome.trial, _GREY)
        curves.plot(epochs, outcome.curve, color=colour, linewidth=1.2, marker=marker)
    curves.set(xlabel="epoch", ylabel="ssim_unit", title="Curves, of some validation images")
    if scored:
        numbers = [place[each.trial] for each in scored]
        means = np.array([each.score["mean"] for each in scored])
        ends = np.array([[each.score[end] for each in scored] for end in ("low", "high")])
        reach = np.abs(ends - means)
        trials.errorbar(numbers, means, yerr=reach, fmt="o", color="#0072B2", capsize=3)
        best = np.maximum.accumulate(means)
        trials.step(numbers, best, where="post", color="#E69F00")
    without = [place[each.trial] for each in outcomes if not each.score]
    for trial in without:
        trials.axvline(trial, color=_GREY, linestyle=":", linewidth=0.8)
    note = "; dotted: none, or of others" if without else ""
    title = f"Scores, of all validation images{note}"
    order = "trial, as they began; line: best so far"
    trials.set(xlabel=order, ylabel="ssim_unit", title=title)
    for axis in (curves, trials):
        axis.spines[["top", "right"]].set_visible(False)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.title.set_fontsize(10)
    return figure


def _places(values: Sequence[object]) -> list[float]:
    """Where values lie on an axis from 0 to 1: numbers by their size, others side by side."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, np.float64)
        is_wide = numbers.min() > 0 and numbers.max() / numbers.min() >= 10
        return _scaled(np.log(numbers) if is_wide else numbers)
    names = sorted(map(str, values))
    different = list(dict.fromkeys(names))
    return _scaled([different.index(str(value)) for value in values])


def _scaled(values: Sequence[float] | np.ndarray) -> list[float]:
    """From the smallest to the largest as from 0 to 1; all alike in the middle."""
    numbers = np.asarray(values, np.float64)
    if len(numbers) == 0 or np.ptp(numbers) == 0:
        return [0.5] * len(numbers)
    return [float(each) for each in (numbers - numbers.min()) / np.ptp(numbers)]


def _name_values(axis: Axes, x: int, values: Sequence[object], places: Sequence[float]) -> None:
    """Write some values beside their axis: all, or the ends of many."""
    named: Mapping[float, object] = dict(
        sorted(zip(places, values, strict=True), key=lambda e: e[0])
    )
    if len(named) > _MOST_NAMED:
        ends = (min(named), max(named))
        named = {place: named[place] for place in ends}
    for place, value in named.items():
        _write(axis, x, place, str(value))


def _write(axis: Axes, x: int, height: float, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}
    axis.annotate(
        text,
        (x, height),
        (4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        bbox=box,
        parse_math=False,
    )
