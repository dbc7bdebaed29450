"""params.yaml as a file: what is no plain YAML is refused, whatever it holds."""

import os
import re
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml  # type: ignore[import-untyped]

from inpaint.base.errors import InputError
from inpaint.params import load_params
from inpaint.params.plain_yaml import read_yaml
from tests.unit.params_yaml import PARAMS_YAML, load_text, refusal


@pytest.mark.parametrize(
    ("text", "received"), [("", "NoneType"), ("# nothing\n", "NoneType"), ("- 1\n", "list")]
)
def test_file_without_sections_is_refused(tmp_path: Path, text: str, received: str) -> None:
    message = refusal(tmp_path, text)
    assert f"received {received}, allowed: the sections data, mask, model" in message


@pytest.mark.parametrize("text", ["data: [1, 2\n", "data:\n\tsize: 1\n", "a: b: c\n"])
def test_file_that_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not YAML" in refusal(tmp_path, text)


@pytest.mark.parametrize("bracket", ["[", "{", "- "])
def test_file_that_is_nested_without_end_is_refused(tmp_path: Path, bracket: str) -> None:
    assert "is nested too deeply" in refusal(tmp_path, bracket * 5000)


def test_number_of_5000_digits_is_refused(tmp_path: Path) -> None:
    text = re.sub(r"epochs: \S+", f"epochs: {'9' * 5000}", PARAMS_YAML)
    assert len(refusal(tmp_path, text)) < 1000


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="is not YAML"):
        load_params(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    told = f"{path} is not there: run in the project's root, which holds params.yaml"
    with pytest.raises(InputError, match=f"^{re.escape(told)}$"):
        load_params(path)


@pytest.mark.parametrize(
    ("text", "told", "line", "column"),
    [
        ("mask:\n  size: 9\n  size: 8\n", "the key size is there twice", 2, 3),
        ("? [1, 2]\n: 1\n? [1, 2]\n: 2\n", "the key [1, 2] is there twice", 1, 1),
        ("a: &x 1\nb: *x\n", "received the alias *x, allowed: plain values", 2, 4),
        ("a: !b 1\n", "received the tag !b, allowed: plain values", 1, 4),
        *(
            (f"a: {n}\n", f"received {n}, allowed: a number without leading zeros and colons", 1, 4)
            for n in ("010", "-07", "0_1", "1:30", "1:30.5")
        ),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(
    tmp_path: Path, text: str, told: str, line: int, column: int
) -> None:
    place = f'in "<unicode string>", line {line}, column {column}'
    assert refusal(tmp_path, text).startswith(f"{tmp_path}/params.yaml is not YAML: {told} {place}")


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("0x10", 16), ("0", 0), ("-0", 0), ("0.5", 0.5), ("1.0e+1", 10)]
)
def test_numbers_that_are_the_same_to_dvc_are_read(tmp_path: Path, text: str, value: float) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"a: {text}\n")
    assert read_yaml(path, "make it") == {"a": value} == parse_yaml(path.read_text(), path)


def test_a_file_may_have_a_hundred_thousand_bytes(tmp_path: Path) -> None:
    filled = PARAMS_YAML + "#" * (100_000 - len(PARAMS_YAML.encode()))
    assert load_text(tmp_path, filled) == load_text(tmp_path, PARAMS_YAML)
    told = f"{tmp_path}/params.yaml: received 100,001 bytes, allowed: up to 100,000"
    assert refusal(tmp_path, filled + "#") == told


def test_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_params(tmp_path)


def test_a_pipe_or_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="is a pipe or a device, allowed: a file"):
            load_params(path)


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"params\.yaml cannot be read: Not a directory"):
        load_params(tmp_path / "file" / "params.yaml")
