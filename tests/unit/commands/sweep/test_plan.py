"""sweep.yaml: which trials it means, and what is refused."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.base.errors import InputError
from inpaint.commands.sweep.plan import Plan, read_plan
from inpaint.params import load_params

ROOT = Path(__file__).parents[4]
PARAMS = load_params(ROOT / "params.yaml")
GRID: dict[str, Any] = {
    "search": "grid",
    "params": {"train.learning_rate": [0.003, 0.01, 0.03], "model.filters": [8, 16]},
}
RANDOM: dict[str, Any] = {
    "search": "random",
    "trials": 20,
    "params": {
        "train.learning_rate": {"from": 0.0001, "to": 0.1, "scale": "log"},
        "model.dropout": {"from": 0.0, "to": 0.5},
        "model.filters": {"from": 8, "to": 32},
        "mask.kind": ["center", "box"],
    },
}


def plan_of(tmp_path: Path, content: Any) -> Plan:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    )
    return read_plan(path, PARAMS, ROOT)


def refusal(tmp_path: Path, content: Any) -> str:
    with pytest.raises(InputError) as caught:
        plan_of(tmp_path, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_grid_is_every_combination(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, GRID)
    assert plan.keys == ("train.learning_rate", "model.filters")
    assert [tuple(setting.values()) for setting in plan.settings] == [
        (0.003, 8), (0.003, 16), (0.01, 8), (0.01, 16), (0.03, 8), (0.03, 16)
    ]  # fmt: skip
    assert plan.order == tuple(range(6))
    assert yaml.safe_load(plan.text) == GRID
    for setting, trial in zip(plan.settings, plan.trials, strict=True):
        assert trial["train"]["learning_rate"] == setting["train.learning_rate"]
        assert trial["model"]["filters"] == setting["model.filters"]
        assert trial["data"] == PARAMS.data.model_dump()
        assert plan.epochs(0) == PARAMS.train.epochs


def test_a_random_search_draws_different_settings_from_lists_and_ranges(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, RANDOM)
    assert len({tuple(setting.values()) for setting in plan.settings}) == 20
    for setting in plan.settings:
        assert 0.0001 <= setting["train.learning_rate"] <= 0.1
        assert 0 <= setting["model.dropout"] <= 0.5
        assert isinstance(setting["model.filters"], int)
        assert 8 <= setting["model.filters"] <= 32
    kinds = {setting["mask.kind"] for setting in plan.settings}
    assert kinds == {"center", "box"}
    rates = sorted(setting["train.learning_rate"] for setting in plan.settings)
    assert 0.001 < math.sqrt(rates[9] * rates[10]) < 0.01  # half of them are below: it is log
    assert plan_of(tmp_path, RANDOM) == plan
    assert plan_of(tmp_path, RANDOM | {"seed": 1}).settings != plan.settings


def test_a_key_of_one_value_sets_it_and_tells_nothing_apart(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, GRID | {"params": GRID["params"] | {"train.epochs": [7], "data.seed": [3]}}
    )
    assert plan.keys == ("train.learning_rate", "model.filters")
    assert plan.epochs(5) == 7
    assert plan.shares_images


@pytest.mark.parametrize("key", ["data.train_size", "mask.size", "mask.kind"])
def test_other_images_or_holes_are_not_shared(tmp_path: Path, key: str) -> None:
    values = {"data.train_size": [100, 200], "mask.size": [6, 0.3], "mask.kind": ["box", "brush"]}
    plan = plan_of(tmp_path, {"search": "grid", "params": {key: values[key]}})
    assert not plan.shares_images


def test_early_stopping_begins_trials_in_any_order(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, GRID | {"early_stopping": 4})
    assert plan.early_stopping == 4
    assert sorted(plan.order) == list(range(6))
    assert plan.order != tuple(range(6))
    assert plan_of(tmp_path, GRID | {"early_stopping": 4, "seed": 5}).order != plan.order


def test_early_stopping_may_compare_sizes_of_the_training_set(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        {"search": "grid", "early_stopping": 4, "params": {"data.train_size": [100, 200]}},
    )
    assert len(plan.trials) == 2


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({}, False),
        ({"seed": 7}, False),  # of nothing that is drawn
        ({"search": "random", "trials": 6}, True),
        ({"cores": 2}, True),
        ({"early_stopping": 3}, True),
        ({"params": GRID["params"] | {"train.seed": [1]}}, True),
    ],
)
def test_the_key_is_of_what_is_tried(
    tmp_path: Path, changes: dict[str, Any], is_other: bool
) -> None:
    plan = plan_of(tmp_path, GRID)
    other = plan_of(tmp_path, GRID | changes)
    assert (other.key("0.1+a") != plan.key("0.1+a")) is is_other
    assert plan.key("0.1+b") != plan.key("0.1+a")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"search": "all"}, "search: received 'all', allowed: grid, every combination, or random"),
        ({"search": None}, "search: received None, allowed: grid"),
        ({"trials": 5}, "trials: received 5, allowed: a whole number from 2 to 1000 for a random"),
        ({"search": "random"}, "trials: received None, allowed: a whole number"),
        ({"search": "random", "trials": 1}, "trials: received 1, allowed: "),
        ({"search": "random", "trials": True}, "trials: received True, allowed: "),
        ({"search": "random", "trials": 7}, "trials: received 7, allowed: up to the 6 combinat"),
        ({"cores": 0}, "cores: received 0, allowed: a whole number from 1"),
        ({"cores": 1.5}, "cores: received 1.5, allowed: a whole number from 1"),
        ({"seed": -1}, "seed: received -1, allowed: a whole number from 0"),
        ({"early_stopping": 0}, "early_stopping: received 0, allowed: null, or after how many"),
        ({"early_stopping": 50}, "early_stopping: received 50, allowed: fewer than train.epochs"),
        ({"serch": "grid"}, "'serch': unknown key, allowed: search, trials, early_stopping, cores"),
        ({"params": {}}, "params: received {}, allowed: keys of params.yaml"),
        ({"params": None}, "params: received None, allowed: keys of params.yaml"),
        ({"params": {"train.seed": 3}}, "params: received {'train.seed': 3}, allowed: keys of"),
        ({"params": {"train.seed": [3]}}, "params: received 1 combinations, allowed: 2 to 1000"),
        ({"params": {"train.seed": list(range(1001))}}, "params: received 1001 combinations"),
        ({"params": {"train.seed": []}}, "params.train.seed: received [], allowed: a list of val"),
        ({"params": {"train.seed": [1, 1]}}, "params: received twice: train.seed=1, allowed: once"),
        ({"params": {"mask.size": [0.5, "0.5"]}}, "params: received twice: mask.size=0.5, allow"),
        ({"params": {"train.sed": [1, 2]}}, "params.'train.sed': unknown key, allowed: data.data"),
        ({"params": {"a\nb": [1, 2]}}, "params.'a\\nb': unknown key, allowed: data.dataset"),
        ({"params": {"train": [1, 2]}}, "params.'train': unknown key, allowed: data.dataset"),
        ({"params": {"plot.num_images": [1, 2]}}, "params.'plot.num_images': unknown key, allow"),
        ({"params": {"train.resume": [True, False]}}, "params.'train.resume': unknown key"),
        ({"params": {"train.seed": [1, {"a": 1}]}}, "params.train.seed: received [1, {'a': 1}], a"),
        (
            {"params": {"train.seed": [1, date(2026, 1, 1)]}},
            "params.train.seed: received [1, datetime.date(2026, 1, 1)], allowed: a list of values",
        ),
        ({"params": {"train.loss": ["mse", "x" * 90_000]}}, "train.loss='xxx"),
        ({"params": {"train.epochs": [10, -1]}}, "train.epochs=-1: train.epochs: received -1"),
        ({"params": {"mask.size": [8, 28]}}, "sweep.yaml: mask.size=28: mask.size: received 28"),
        (
            {"params": {"train.learning_rate": {"from": 0.1, "to": 1.0}}},
            "params.train.learning_rate: received {'from': 0.1, 'to': 1.0, 'scale': 'linear'}, all",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    assert told in refusal(tmp_path, GRID | changes)


@pytest.mark.parametrize(
    "ends",
    [
        {"from": 0.1, "to": 0.1},
        {"from": 0.1, "to": 0.01},
        {"from": 0.0, "to": 0.1, "scale": "log"},
    ],
)
def test_ranges_without_numbers_in_them_are_refused(tmp_path: Path, ends: dict[str, Any]) -> None:
    content = RANDOM | {"params": {"train.learning_rate": ends}}
    assert "the smaller number first, and above 0 for log" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    "ends",
    [
        {},
        {"from": 0.1},
        {"from": "a", "to": 1},
        {"from": 1, "to": 2, "scale": "root"},
        {"from": 0.1, "to": float("inf")},
        {"from": float("nan"), "to": 1.0},
        {"from": -1.7e308, "to": 1.7e308},
        {"from": 1, "to": 10**400},
    ],
)
def test_ranges_of_another_form_are_refused(tmp_path: Path, ends: dict[str, Any]) -> None:
    content = RANDOM | {"params": {"train.learning_rate": ends}}
    assert "params: received {'train.learning_rate': " in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("key", "low", "high", "types"),
    [
        ("model.dropout", 0, 0.5, {float}),
        ("train.learning_rate", 1, 9, {float}),
        ("model.filters", 4, 6, {int}),
        ("mask.size", 4, 6, {int}),
        ("mask.size", 0.1234511, 0.1234519, {float}),
    ],
)
def test_ranges_are_drawn_as_the_parameter_has_them(
    tmp_path: Path, key: str, low: float, high: float, types: set[type]
) -> None:
    params = {key: {"from": low, "to": high}, "train.seed": list(range(60))}
    plan = plan_of(tmp_path, {"search": "random", "trials": 30, "params": params})
    section, _, name = key.partition(".")
    drawn = [trial[section][name] for trial in plan.trials]
    assert {type(value) for value in drawn} == types
    assert low <= min(drawn) <= max(drawn) <= high
    if types == {int}:
        assert set(drawn) == {4, 5, 6}


def test_numbers_may_be_written_as_dvc_writes_them(tmp_path: Path) -> None:
    text = "search: random\ntrials: 3\nparams:\n  train.learning_rate: {from: 1e-4, to: 1e-1}\n"
    for trial in plan_of(tmp_path, text).trials:
        assert 1e-4 <= trial["train"]["learning_rate"] <= 0.1
    plan = plan_of(tmp_path, "search: grid\nparams:\n  train.learning_rate: [1e-2, 2e-2]\n")
    assert [setting["train.learning_rate"] for setting in plan.settings] == [0.01, 0.02]


def test_own_pictures_are_found_from_elsewhere_and_known_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"1")
    path = tmp_path / "sweep.yaml"
    path.write_text("search: grid\nparams:\n  train.seed: [1, 2]\n")
    data = PARAMS.data.model_copy(update={"dataset": "folder", "path": "pictures"})
    params = PARAMS.model_copy(update={"data": data})
    plan = read_plan(path, params, tmp_path)
    assert plan.trials[0]["data"]["path"] == str(tmp_path / "pictures")
    key = plan.key("0.1+a")
    assert read_plan(path, params, tmp_path).key("0.1+a") == key
    (tmp_path / "pictures" / "a.png").write_bytes(b"12")
    assert plan.key("0.1+a") != key


def test_a_range_may_not_leave_what_the_parameter_may_be(tmp_path: Path) -> None:
    content = RANDOM | {"params": {"model.dropout": {"from": 0.0, "to": 30.0}}}
    assert ": model.dropout: received " in refusal(tmp_path, content)


def test_scores_of_other_images_are_not_compared_to_stop_early(tmp_path: Path) -> None:
    content = {"search": "grid", "early_stopping": 2, "params": {"mask.kind": ["box", "dots"]}}
    assert "early_stopping: received 2 with mask.kind, allowed: null" in refusal(tmp_path, content)


@pytest.mark.parametrize("text", ["", "- 1\n", "search: [", "a: &x 1\nb: *x\n", "search: !b grid"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml is not there: give the path of one"):
        read_plan(tmp_path / "none.yaml", PARAMS, ROOT)


def test_a_trial_is_one_process(tmp_path: Path) -> None:
    train = PARAMS.train.model_copy(update={"strategy": "multi_worker"})
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(GRID))
    with pytest.raises(InputError, match=r"train\.strategy: received multi_worker, allowed for"):
        read_plan(path, PARAMS.model_copy(update={"train": train}), ROOT)


def test_the_example_is_a_sweep() -> None:
    assert len(read_plan(ROOT / "examples" / "sweep.yaml", PARAMS, ROOT).trials) == 6
