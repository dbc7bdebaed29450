"""params.yaml as nobody should write it: one line that names the key, never a traceback."""

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.base.errors import InputError
from inpaint.params import Params, load_params

ROOT = Path(__file__).parents[2]
DEFAULT: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "params.yaml").read_text())
KEYS = [f"{section}.{key}" for section, content in DEFAULT.items() for key in content]

# No key may be any of these, but for those below.
WRONG: dict[str, Any] = {
    "nothing": None,
    "a truth value": True,
    "a negative number": -1,
    "a huge number": 10**30,
    "a number of 4,000 digits": 10**4000,
    "an infinity": float("inf"),
    "no number": float("nan"),
    "an empty text": "",
    "a text": "abc\x00def",
    "a long text": "x" * 100_000,
    "nearly a long number": "9" * 90_000 + "x",  # of which a search might go back at each digit
    "Python's own number": "1_000",
    "a day": datetime.date(2026, 9, 29),
    "a list": [],
    "a nested list": [[[[1]]]],
    "a section": {"a": 1},
}
_SIZES = {"nothing"}  # all there are, or the data set's own
MAY_BE = {
    "data.image_size": _SIZES,
    "data.train_size": _SIZES,
    "data.valid_size": _SIZES,
    "data.test_size": _SIZES,
    "data.path": {"a long text", "nearly a long number", "Python's own number"},
    "model.skip_connections": {"a truth value"},
    "train.resume": {"a truth value"},
    "registry.model": {"Python's own number"},
    "tracking.experiment": {"Python's own number"},
}
CASES = [(key, what) for key in KEYS for what in WRONG if what not in MAY_BE.get(key, ())]


def refusal(path: Path, text: str | bytes) -> str:
    """The one line that such a params.yaml is refused with."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        load_params(path)
    told = str(caught.value)
    assert "\n" not in told
    assert len(told) < 5000
    return told


@pytest.mark.parametrize(("key", "what"), CASES)
def test_wrong_value_is_refused(tmp_path: Path, key: str, what: str) -> None:
    section, name = key.split(".")
    content = DEFAULT | {section: DEFAULT[section] | {name: WRONG[what]}}
    told = refusal(tmp_path / "params.yaml", yaml.safe_dump(content))
    if what != "a long text":
        assert re.search(rf"{key}: received .*, allowed\b.*: .", told)


@pytest.mark.parametrize("key", KEYS)
def test_missing_key_is_named(tmp_path: Path, key: str) -> None:
    section, name = key.split(".")
    rest = {other: value for other, value in DEFAULT[section].items() if other != name}
    told = refusal(tmp_path / "params.yaml", yaml.safe_dump(DEFAULT | {section: rest}))
    assert f"{key}: received nothing, allowed: " in told


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
TEXTS: dict[str, str | bytes] = {
    "empty": "",
    "a text": "just words",
    "a list": "- data\n- mask\n",
    "a number": "7",
    "a comment": "# nothing\n",
    "several documents": "data: {}\n---\nmask: {}\n",
    "an open bracket": "data: [1, 2",
    "3,000 brackets": "data: " + "[" * 3000,
    "3,000 pairs of brackets": "data: " + "[" * 3000 + "]" * 3000,
    "3,000 nested sections": "data: " + "{a: " * 3000 + "1" + "}" * 3000,
    "nested by question marks": "? " * 3000,
    "a bomb of aliases": BOMB,
    "a bomb in a value": f"{BOMB}train: {{epochs: *i}}\n",
    "an alias": "data: &x {seed: 1}\nmask: *x\n",
    "a merge key": "data: &x {seed: 1}\nmask:\n  <<: *x\n",
    "an alias of itself": "data: &x [*x]\n",
    "an unknown alias": "data: *nobody\n",
    "a key that is there twice": "data: {seed: 1, seed: 2}\n",
    "a section that is there twice": "data: {}\ndata: {}\n",
    "an unknown section": yaml.safe_dump(DEFAULT | {"trian": {}}),
    "an unknown key": yaml.safe_dump(DEFAULT | {"train": DEFAULT["train"] | {"epoch": 1}}),
    "a number as key": yaml.safe_dump(DEFAULT | {1: {}}),
    "a list as key": "? [a, b]\n: 1\n",
    "a section as key": "? {a: b}\n: 1\n",
    "Python's code": "data: !!python/object/apply:os.system [echo hacked]\n",
    "Python's name": "data: !!python/name:os.system\n",
    "Python's tuple": "data: !!python/tuple [1, 2]\n",
    "no whole number": "train: {epochs: !!int abc}\n",
    "no float": "train: {learning_rate: !!float abc}\n",
    "no truth value": "train: {resume: !!bool maybe}\n",
    "no day": "data: {seed: !!timestamp abc}\n",
    "an impossible day": "data: {seed: 2026-99-99}\n",
    "bytes": "data: {seed: !!binary AAAA}\n",
    "a set": "mask: {box_sides: !!set {1, 2}}\n",
    "no bytes": "data: {seed: !!binary '***'}\n",
    "an unknown type": "data: !unknown {}\n",
    "5,000 digits": "data: {seed: " + "9" * 5000 + "}\n",
    "a line of 52 MB": "data: " + "x" * 52_000_000,
    "5,000 keys": "".join(f"k{i}: 1\n" for i in range(5_000)),
    "tabs": "data:\n\tseed: 1\n",
    "a zero byte": b"data: \x00\n",
    "no text": b"\xff\xfe\x00\xd8",
    "another encoding": "Größe: 1".encode("latin-1"),
    "control characters": b"data: \x07\n",
    "a directive": "%YAML 9.9\n---\ndata: {}\n",
    "a tag directive": "%TAG ! tag:evil,2026:\n---\n!x {}\n",
}


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_no_file_of_parameters_is_refused(tmp_path: Path, what: str) -> None:
    assert refusal(tmp_path / "params.yaml", TEXTS[what])


def test_every_section_is_in_the_table() -> None:
    assert {key.split(".")[0] for key in KEYS} == set(Params.model_fields)
