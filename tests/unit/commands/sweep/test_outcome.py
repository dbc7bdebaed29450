"""What came of trials: as files, in an order, and as pictures."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Annotation

from inpaint.commands.sweep import pictures
from inpaint.commands.sweep.outcome import Outcome, ranked, read_outcomes, write_outcome
from inpaint.commands.sweep.plan import Plan, read_plan
from inpaint.commands.sweep.report import _choice, as_csv, text_of
from inpaint.params import load_params

ROOT = Path(__file__).parents[4]


def outcome(trial: int, mean: float, task: str = "a") -> Outcome:
    interval = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}
    gain = {"mean": mean - 0.9, "low": mean - 0.91, "high": mean - 0.89}
    curve = [0.9, (0.9 + mean) / 2, mean]
    return Outcome(trial, curve, f"{trial:032}", interval, gain, [task, "h"], 3.5)


GIVEN_UP = Outcome(3, [0.9], "g" * 32, is_given_up=True)
FAILED = Outcome(4, [], failure="train: it collapsed")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "wide.yaml"
    path.write_text(
        "search: grid\nparams:\n  train.learning_rate: [0.0001, 0.001, 0.01]\n"
        "  train.optimizer: [adam, muon]\n  train.epochs: [3]\n"
    )
    return read_plan(path, load_params(ROOT / "params.yaml"), ROOT)


def test_outcomes_are_kept_as_they_were_written(tmp_path: Path) -> None:
    there = {each.trial: each for each in (outcome(0, 0.95), GIVEN_UP, FAILED)}
    for each in there.values():
        write_outcome(tmp_path, each)
    assert read_outcomes(tmp_path, 6) == there
    path = tmp_path / "trial-000.json"
    path.write_text(path.read_text().replace("0.95", "0.99"))
    (tmp_path / "trial-003.json").write_text("{")
    assert read_outcomes(tmp_path, 6) == {4: FAILED}  # the others are tried again


def test_the_best_is_first_among_those_with_the_same_images() -> None:
    other = outcome(5, 0.99, "other")
    [same, alone] = ranked([outcome(0, 0.91), outcome(1, 0.93), outcome(2, 0.92), other, GIVEN_UP])
    assert [each.trial for each in same] == [1, 2, 0]
    assert alone == [other]
    assert ranked([GIVEN_UP, FAILED]) == []


def test_the_choice_tells_who_may_be_as_good(plan: Plan) -> None:
    told = _choice(plan, [outcome(1, 0.95), outcome(0, 0.94), outcome(2, 0.92)])
    assert "train.learning_rate=0.0001, train.optimizer=muon, 0.9500 [0.9400, 0.9600]." in told
    assert "Its interval overlaps that of 1 other." in told
    assert "`inpaint reproduce 00000000`" in told
    assert "other" not in _choice(plan, [outcome(1, 0.95), outcome(2, 0.92)])


def test_a_best_that_learned_nothing_is_no_choice(plan: Plan) -> None:
    told = _choice(plan, [replace(outcome(1, 0.95), troubles=["learned nothing"])])
    assert told.endswith(" But its network learned nothing.")


def test_a_best_below_what_trains_nothing_says_so(plan: Plan) -> None:
    told = _choice(plan, [outcome(1, 0.88)])
    assert "But a method without training is better, by 0.0200." in told
    for unclear in (outcome(1, 0.895), outcome(1, 0.905)):
        assert "But" not in _choice(plan, [unclear])


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), ("ä b", "ä b"), (0.5, "0.5"), ([1], "[1]")]
)
def test_values_are_told_as_params_yaml_takes_them(value: object, text: str) -> None:
    assert text_of(value) == text


def test_the_table_has_a_row_for_each_trial(plan: Plan) -> None:
    rows = list(csv.DictReader(as_csv(plan, [outcome(0, 0.95), GIVEN_UP, FAILED]).splitlines()))
    assert [row["ended"] for row in rows] == ["scored", "given up", "failed: train: it collapsed"]
    assert [row["epochs"] for row in rows] == ["3", "1", "0"]
    assert [row["valid_ssim_unit_mean"] for row in rows] == ["0.95", "", ""]
    assert [row["train.optimizer"] for row in rows] == ["adam", "muon", "adam"]


@pytest.mark.parametrize(
    "outcomes",
    [
        [outcome(0, 0.95), outcome(1, 0.93), outcome(2, 0.93), GIVEN_UP, FAILED],
        [outcome(1, 0.95)],
        [GIVEN_UP, FAILED],
    ],
)
def test_pictures_are_drawn_of_whatever_came(plan: Plan, outcomes: list[Outcome]) -> None:
    lines = pictures.parallel_coordinates(plan, outcomes).axes[0].lines
    widths = [np.size(line.get_xdata()) for line in lines]
    scored = sum(bool(each.score) for each in outcomes)
    assert widths.count(3) == scored  # through both keys, to the score
    curves, scores = pictures.progress(plan, outcomes).axes
    assert len(curves.lines) == len(outcomes)
    assert len(scores.containers) == (scored > 0)


def test_a_better_trial_is_drawn_above_a_worse_one(plan: Plan) -> None:
    axis = pictures.parallel_coordinates(plan, [outcome(0, 0.95), outcome(1, 0.93)]).axes[0]
    heights = [np.asarray(line.get_ydata()) for line in axis.lines]
    assert sorted(each[-1] for each in heights if len(each) == 3) == [0, 1]
    assert "0.9500" in {text.get_text() for text in axis.texts}


@pytest.mark.parametrize("means", [[0.95, 0.93, 0.95], [0.94, 0.94]])
def test_the_best_and_the_worst_score_are_written_where_their_lines_end(
    plan: Plan, means: list[float]
) -> None:
    trials = [outcome(number, mean) for number, mean in enumerate(means)]
    axis = pictures.parallel_coordinates(plan, trials).axes[0]
    [*keys, score] = [tick.get_text() for tick in axis.get_xticklabels()]
    notes = [text for text in axis.texts if isinstance(text, Annotation)]
    written = {note.xy[1]: note.get_text() for note in notes if note.xy[0] == len(keys)}
    heights = [np.asarray(line.get_ydata()) for line in axis.lines]
    ends = {float(each[-1]) for each in heights if len(each) == 1 + len(keys)}
    assert score == "ssim_unit"
    assert set(written) == ends
    assert sorted(written.values()) == sorted({f"{mean:.4f}" for mean in means})


def test_files_hold_plain_values(tmp_path: Path) -> None:
    write_outcome(tmp_path, replace(outcome(0, 0.95), troubles=["learned nothing"]))
    assert json.loads((tmp_path / "trial-000.json").read_text())["troubles"] == ["learned nothing"]
