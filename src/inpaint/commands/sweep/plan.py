"""sweep.yaml: which settings a sweep tries, and how."""

import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from inpaint.base.errors import InputError
from inpaint.params import Params, Seed, allowed_values, check_params, read_yaml

MOST_TRIALS = 1000
# What decides what comes of a training, and so can be searched, but for two keys that do not.
_SECTIONS = ("data", "mask", "model", "train")
_DECIDE_NOTHING = ("train.resume", "train.strategy")
_ALLOWED = {
    "search": "grid, every combination, or random, some",
    "trials": f"a whole number from 2 to {MOST_TRIALS} for a random search, null for a grid",
    "early_stopping": "null, or after how many epochs, 1 or more, the first trials are given up",
    "cores": "a whole number from 1 to 1024, of each trial",
    "seed": "a whole number from 0 to 9223372036854775807, of what is drawn",
    "params": "keys of params.yaml, such as train.learning_rate, each with a list of values or, in "
    "a random search, {from: 0.001, to: 0.1, scale: log}",
}

# Key of params.yaml -> value, of one trial.
Setting = dict[str, Any]


class _Range(BaseModel):
    """Numbers between two ends; of the type of the first one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    low: int | float = Field(alias="from")
    high: int | float = Field(alias="to")
    scale: Literal["linear", "log"] = "linear"


class _Sweep(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    search: Literal["grid", "random"]
    trials: StrictInt | None = Field(default=None, ge=2, le=MOST_TRIALS)
    early_stopping: StrictInt | None = Field(default=None, ge=1, le=1_000_000)
    cores: StrictInt = Field(default=1, ge=1, le=1024)
    seed: Seed = 0
    params: dict[str, list[Any] | _Range] = Field(min_length=1)


@dataclass(frozen=True)
class Plan:
    """What a sweep does.

    Attributes:
        name: of the file, without its ending.
        search: grid or random.
        early_stopping: after how many epochs the first trials may be given up; None for never.
        cores: of each trial.
        keys: of params.yaml, whose values differ.
        settings: of each trial.
        trials: the whole content of params.yaml for each trial.
        order: in which trials are begun.
    """

    name: str
    search: str
    early_stopping: int | None
    cores: int
    keys: tuple[str, ...]
    settings: tuple[Setting, ...]
    trials: tuple[dict[str, Any], ...]
    order: tuple[int, ...]

    def epochs(self, trial: int) -> int:
        """How many epochs a trial trains, if it is not given up."""
        return int(self.trials[trial]["train"]["epochs"])

    @property
    def shares_images(self) -> bool:
        """Whether all trials have the same images and holes."""
        return not any(key.startswith(("data.", "mask.")) for key in self.keys)

    def key(self, code_version: str) -> str:
        """What tells the sweep from others: the same trials, with the same code."""
        told = [self.early_stopping, self.cores, self.trials, code_version]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(path: Path, params: Params) -> Plan:
    """Read and check a sweep.yaml.

    Args:
        path: of the file.
        params: of params.yaml, whose values all other keys keep.

    Raises:
        InputError: the file is missing, is not YAML, holds a wrong key or value, or a combination
            of values that params.yaml would not take. One line, as `load_params` has it.
    """
    sweep = _checked(
        read_yaml(path, "give the path of one; docs/scaling.md says what it holds"), path
    )
    if (sweep.search == "random") != (sweep.trials is not None):
        raise InputError(_refusal(path, "trials", sweep.trials))
    for key, values in sweep.params.items():
        _check_key(path, key, values, sweep)
    settings = _grid(sweep, path) if sweep.search == "grid" else _random(sweep, path)
    base = params.model_dump(mode="json")
    trials = tuple(_applied(base, setting) for setting in settings)
    for trial, setting in zip(trials, settings, strict=True):
        _check_trial(path, trial, setting)
    plan = Plan(
        name=path.stem,
        search=sweep.search,
        early_stopping=sweep.early_stopping,
        cores=sweep.cores,
        keys=tuple(
            key for key in sweep.params if any(s[key] != settings[0][key] for s in settings)
        ),
        settings=tuple(settings),
        trials=trials,
        order=_order(sweep, len(trials)),
    )
    _check_early_stopping(path, plan)
    return plan


def _checked(content: Any, path: Path) -> _Sweep:
    if not isinstance(content, dict):
        allowed = ", ".join(_Sweep.model_fields)
        raise InputError(f"{path}: received {type(content).__name__}, allowed: the keys {allowed}")
    try:
        return _Sweep.model_validate(content)
    except ValidationError as error:
        key, problem = str(error.errors()[0]["loc"][0]), error.errors()[0]
        if problem["type"] in ("extra_forbidden", "invalid_key") and key not in _ALLOWED:
            allowed = ", ".join(_ALLOWED)
            raise InputError(f"{path.name}: {key}: unknown key, allowed: {allowed}") from None
        raise InputError(_refusal(path, key, content.get(key, "nothing"))) from None


def _refusal(path: Path, key: str, received: object) -> str:
    told = repr(received)
    told = f"{told[:300]}..." if len(told) > 300 else told
    return f"{path.name}: {key}: received {told}, allowed: {_ALLOWED[key]}"


def _check_key(path: Path, key: str, values: list[Any] | _Range, sweep: _Sweep) -> None:
    """Refuse a key that is none of params.yaml's, or decides nothing; and no values."""
    known = [
        name
        for name in allowed_values()
        if name.startswith(tuple(f"{section}." for section in _SECTIONS))
        and name not in _DECIDE_NOTHING
    ]
    if key not in known:
        raise InputError(f"{path.name}: params.{key}: unknown key, allowed: {', '.join(known)}")
    if isinstance(values, list):
        told = [json.dumps(value, sort_keys=True, default=str) for value in values]
        if not values or len(set(told)) < len(told):
            raise InputError(
                f"{path.name}: params.{key}: received {values}, allowed: values, each once"
            )
        return
    is_numbers = values.low < values.high and (values.scale == "linear" or values.low > 0)
    is_finite = math.isfinite(values.low) and math.isfinite(values.high)
    if sweep.search != "random" or not (is_numbers and is_finite):
        received = values.model_dump(by_alias=True)
        raise InputError(
            f"{path.name}: params.{key}: received {received}, allowed: a list of values; in a "
            "random search also {from: 0.001, to: 0.1, scale: log}, the smaller number first, and "
            "above 0 for log"
        )


def _grid(sweep: _Sweep, path: Path) -> list[Setting]:
    """Every combination, the last key changing fastest."""
    lists = [values for values in sweep.params.values() if isinstance(values, list)]
    num = math.prod(len(each) for each in lists)
    if not 2 <= num <= MOST_TRIALS:
        raise InputError(
            f"{path.name}: params: received {num} combinations, allowed: 2 to {MOST_TRIALS}"
        )
    return [dict(zip(sweep.params, values, strict=True)) for values in itertools.product(*lists)]


def _random(sweep: _Sweep, path: Path) -> list[Setting]:
    """Different combinations, drawn."""
    assert sweep.trials
    rng = np.random.default_rng(sweep.seed)
    drawn: dict[str, Setting] = {}
    for _ in range(100 * sweep.trials):
        setting = {key: _draw(rng, values) for key, values in sweep.params.items()}
        drawn.setdefault(json.dumps(setting, sort_keys=True), setting)
        if len(drawn) == sweep.trials:
            return list(drawn.values())
    raise InputError(
        f"{path.name}: trials: received {sweep.trials}, allowed: up to the {len(drawn)} "
        "combinations that there are"
    )


def _order(sweep: _Sweep, num: int) -> tuple[int, ...]:
    """A grid in order would begin with the worst, often, and from one to the next get better: then
    nothing could be given up early."""
    if sweep.early_stopping is None:
        return tuple(range(num))
    return tuple(map(int, np.random.default_rng(sweep.seed).permutation(num)))


def _draw(rng: np.random.Generator, values: list[Any] | _Range) -> Any:
    if isinstance(values, list):
        return values[int(rng.integers(len(values)))]
    if values.scale == "log":
        drawn = math.exp(rng.uniform(math.log(values.low), math.log(values.high)))
    else:
        drawn = float(rng.uniform(values.low, values.high))
    # Four digits are as good as sixteen, and can be read.
    return round(drawn) if isinstance(values.low, int) else float(f"{drawn:.4g}")


def _applied(base: Mapping[str, Mapping[str, Any]], setting: Setting) -> dict[str, Any]:
    changed = {section: dict(values) for section, values in base.items()}
    for name, value in setting.items():
        section, _, key = name.partition(".")
        changed[section][key] = value
    return changed


def _check_trial(path: Path, trial: dict[str, Any], setting: Setting) -> None:
    told = ", ".join(f"{key}={value}" for key, value in setting.items())
    if check_params(trial, f"{path.name}: {told}").train.strategy == "multi_worker":
        raise InputError(
            "train.strategy: received multi_worker, allowed in a sweep: default or mirrored, as "
            "each trial is one process"
        )


def _check_early_stopping(path: Path, plan: Plan) -> None:
    """Refuse to compare trials whose scores are of other images, and what stops nothing."""
    first = plan.early_stopping
    if first is None:
        return
    other = [key for key in plan.keys if key.startswith(("data.", "mask."))]
    if set(other) - {"data.train_size"}:
        raise InputError(
            f"{path.name}: early_stopping: received {first} with {', '.join(other)}, allowed: null "
            "where trials are validated on other images or holes, as these cannot be compared"
        )
    fewest = min(plan.epochs(trial) for trial in range(len(plan.trials)))
    if first >= fewest:
        raise InputError(
            f"{path.name}: early_stopping: received {first}, allowed: fewer than train.epochs, "
            f"here {fewest}"
        )
