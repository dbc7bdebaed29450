"""sweep.yaml: which settings a sweep tries, and how."""

import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from inpaint.base.errors import InputError
from inpaint.data.images.catalogue import DATASETS, OWN
from inpaint.params import Number, Params, Seed, allowed_values, check_params
from inpaint.params.plain_yaml import read_yaml

MOST_TRIALS = 1000
# What decides what comes of a training, and so can be searched, but for two keys that do not.
_SECTIONS = ("data.", "mask.", "model.", "train.")
_DECIDE_NOTHING = ("train.resume", "train.strategy")
_OF_IMAGES = ("data.", "mask.")
_ALLOWED = {
    "search": "grid, every combination, or random, some",
    "trials": f"a whole number from 2 to {MOST_TRIALS} for a random search, null for a grid",
    "early_stopping": "null, or after how many epochs, 1 or more, the first trials are given up",
    "cores": "a whole number from 1 to 1024, of each trial",
    "seed": "a whole number from 0 to 9223372036854775807, of what is drawn",
    "params": "keys of params.yaml, such as train.learning_rate, each with a list of values or, in "
    "a random search, {from: 0.001, to: 0.1, scale: log}",
}
_LARGEST = 10**15  # of a range
_LONGEST_ECHO = 300  # characters of a wrong value
# With others, the same trials may come to other scores.
_LIBRARIES = ("tensorflow", "keras", "numpy", "opencv-python-headless")

# Key of params.yaml -> value, of one trial.
Setting = dict[str, Any]


class _Range(BaseModel):
    """Numbers between two ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: StrictInt | Number = Field(alias="from", ge=-_LARGEST, le=_LARGEST)
    high: StrictInt | Number = Field(alias="to", ge=-_LARGEST, le=_LARGEST)
    scale: Literal["linear", "log"] = "linear"

    @property
    def has_numbers(self) -> bool:
        return self.low < self.high and (self.scale == "linear" or self.low > 0)


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
        text: of the file.
        search: grid or random.
        early_stopping: after how many epochs the first trials may be given up; None for never.
        cores: of each trial.
        keys: of params.yaml, whose values differ.
        settings: the values of these keys, for each trial.
        trials: the whole content of params.yaml for each trial.
        order: in which trials are begun.
    """

    name: str
    text: str
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
        return not any(key.startswith(_OF_IMAGES) for key in self.keys)

    def key(self, code_version: str) -> str:
        """What tells the sweep from others: the same trials of the same images, code, libraries."""
        told = [
            *(self.search, self.early_stopping, self.cores, self.order, self.trials, code_version),
            *map(version, _LIBRARIES),
            *map(_listing, sorted({t["data"]["path"] for t in self.trials if _is_own(t)})),
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(path: Path, params: Params, root: Path) -> Plan:
    """Read and check a sweep.yaml.

    Args:
        path: of the file.
        params: of params.yaml, whose values all other keys keep.
        root: the project tree, which a relative `data.path` begins at.

    Raises:
        InputError: the file is missing, is not YAML, holds a wrong key or value, or a combination
            of values that params.yaml would not take. One line, as `load_params` has it.
    """
    if params.train.strategy == "multi_worker":
        raise InputError(
            "params.yaml: train.strategy: received multi_worker, allowed for a sweep: default or "
            "mirrored, as each trial is one process"
        )
    content = read_yaml(path, "give the path of one; docs/scaling.md says what it holds")
    sweep = _checked(content, path)
    if (sweep.search == "random") != (sweep.trials is not None):
        raise InputError(_refusal(path, "trials", sweep.trials))
    for key, values in sweep.params.items():
        _check_key(path, key, values, sweep.search)
    drawn = _grid(sweep, path) if sweep.search == "grid" else _random(sweep, path)
    base = params.model_dump(mode="json")
    trials = [_applied(base, setting, path, root) for setting in drawn]
    settings = [_setting(trial, sweep.params) for trial in trials]
    _check_different(path, settings)
    keys = tuple(k for k in sweep.params if any(s[k] != settings[0][k] for s in settings))
    plan = Plan(
        name=path.stem,
        text=path.read_text(encoding="utf-8"),
        search=sweep.search,
        early_stopping=sweep.early_stopping,
        cores=sweep.cores,
        keys=keys,
        settings=tuple({key: setting[key] for key in keys} for setting in settings),
        trials=tuple(trials),
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
        key = str(error.errors()[0]["loc"][0])
        if key not in _ALLOWED:
            allowed = ", ".join(_ALLOWED)
            raise InputError(f"{path.name}: {key!a}: unknown key, allowed: {allowed}") from None
        if key not in content:
            raise InputError(
                f"{path.name}: {key}: received nothing, allowed: {_ALLOWED[key]}"
            ) from None
        raise InputError(_refusal(path, key, content[key])) from None


def _refusal(path: Path, key: str, received: object) -> str:
    return f"{path.name}: {key}: received {_echo(received)}, allowed: {_ALLOWED[key]}"


def _echo(received: object) -> str:
    told = repr(received)
    return f"{told[:_LONGEST_ECHO]}..." if len(told) > _LONGEST_ECHO else told


def _check_key(path: Path, key: str, values: list[Any] | _Range, search: str) -> None:
    """Refuse a key that is none of params.yaml's, or decides nothing; and no values."""
    known = [
        name
        for name in allowed_values()
        if name.startswith(_SECTIONS) and name not in _DECIDE_NOTHING
    ]
    if key not in known:
        allowed = ", ".join(known)
        raise InputError(f"{path.name}: params.{key!a}: unknown key, allowed: {allowed}")
    if isinstance(values, list):
        if not values or not all(map(_is_plain, values)):
            raise InputError(
                f"{path.name}: params.{key}: received {_echo(values)}, allowed: a list of values, "
                f"each: {allowed_values()[key]}"
            )
    elif search != "random" or not values.has_numbers:
        received = values.model_dump(by_alias=True)
        raise InputError(
            f"{path.name}: params.{key}: received {received}, allowed: a list of values; in a "
            "random search also {from: 0.001, to: 0.1, scale: log}, the smaller number first, and "
            "above 0 for log"
        )


def _is_plain(value: object) -> bool:
    """Whether it is what params.yaml can hold."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


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
        setting = {key: _draw(rng, key, values) for key, values in sweep.params.items()}
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


def _draw(rng: np.random.Generator, key: str, values: list[Any] | _Range) -> Any:
    if isinstance(values, list):
        return values[int(rng.integers(len(values)))]
    low, high = values.low, values.high
    is_whole = isinstance(low, int) and isinstance(high, int) and not _is_fraction(key)
    if is_whole and values.scale == "linear":
        return int(rng.integers(int(low), int(high) + 1))
    if values.scale == "log":
        drawn = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        drawn = float(rng.uniform(low, high))
    # Four digits are as good as sixteen, and can be read.
    drawn = round(drawn) if is_whole else float(f"{drawn:.4g}")
    return min(max(drawn, low), high)


def _is_fraction(key: str) -> bool:
    """Whether a key of params.yaml takes any number, and not whole ones alone."""
    section, _, name = key.partition(".")
    owner: Any = Params.model_fields[section].annotation
    return owner.model_fields[name].annotation is float


def _applied(
    base: Mapping[str, Mapping[str, Any]], setting: Setting, path: Path, root: Path
) -> dict[str, Any]:
    """The whole content of params.yaml with a setting, as it is when it has been checked."""
    changed = {section: dict(values) for section, values in base.items()}
    for name, value in setting.items():
        section, _, key = name.partition(".")
        changed[section][key] = value
    told = ", ".join(f"{key}={_echo(value)}" for key, value in setting.items())
    trial = check_params(changed, f"{path.name}: {told}").model_dump(mode="json")
    if _is_own(trial):  # it is read from a tree elsewhere
        trial["data"]["path"] = str((root / trial["data"]["path"]).resolve())
    return trial


def _is_own(trial: Mapping[str, Any]) -> bool:
    """Whether a trial is trained on the pictures in `data.path`."""
    data = trial["data"]
    return DATASETS[data["dataset"]].resolve(data["source"]) == OWN


def _listing(folder: str) -> list[tuple[str, int, int]]:
    """What tells whether pictures have changed, without reading them."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    stats = ((path, path.stat()) for path in files)
    return [(str(path), found.st_size, found.st_mtime_ns) for path, found in stats]


def _setting(trial: Mapping[str, Any], names: Mapping[str, object]) -> Setting:
    parts = ((name, *name.split(".", 1)) for name in names)
    return {name: trial[section][key] for name, section, key in parts}


def _check_different(path: Path, settings: list[Setting]) -> None:
    """Refuse to try the same twice, however it was written."""
    seen = set()
    for setting in settings:
        told = json.dumps(setting, sort_keys=True)
        if told in seen:
            values = ", ".join(f"{key}={_echo(value)}" for key, value in setting.items())
            raise InputError(f"{path.name}: params: received twice: {values}, allowed: once")
        seen.add(told)


def _check_early_stopping(path: Path, plan: Plan) -> None:
    """Refuse to compare trials whose scores are of other images, and what stops nothing."""
    first = plan.early_stopping
    if first is None:
        return
    other = [key for key in plan.keys if key.startswith(_OF_IMAGES)]
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
