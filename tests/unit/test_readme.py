"""What the README tells people to type is true."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from inpaint.params import Params

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# Lines of shell blocks, with continued lines joined.
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


def assignments(command: str) -> list[tuple[str, str]]:
    words = shlex.split(command)
    return [
        (words[i + 1].split("=")[0], words[i + 1].split("=")[1])
        for i, w in enumerate(words)
        if w == "-S"
    ]


@pytest.mark.parametrize("command", [c for c in COMMANDS if "-S" in shlex.split(c)])
def test_experiments_set_parameters_that_exist_to_values_that_are_allowed(command: str) -> None:
    for name, values in assignments(command):
        section, key = name.split(".")
        # A list of values is a grid, unless it is in brackets.
        for value in [values] if values.startswith("[") else values.split(","):
            content = yaml.safe_load((ROOT / "params.yaml").read_text())
            assert key in content[section]
            content[section][key] = yaml.safe_load(value)
            Params.model_validate(content)


def test_the_100_epochs_experiment_differs_from_the_default() -> None:
    assert ("train.epochs", "100") in [a for c in COMMANDS for a in assignments(c)]
    assert yaml.safe_load((ROOT / "params.yaml").read_text())["train"]["epochs"] != 100


def test_make_targets_exist() -> None:
    rules = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    mentioned = set(re.findall(r"`make ([a-z0-9-]+)`", README)) | {
        command.split()[1] for command in COMMANDS if command.startswith("make")
    }
    assert {"run", "test"} <= mentioned <= targets


def test_linked_files_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
