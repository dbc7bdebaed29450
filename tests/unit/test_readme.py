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


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("dvc exp run")])
def test_experiments_set_parameters_that_exist_to_values_that_are_allowed(command: str) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    words = shlex.split(command)[3:]
    assert words[::2] == ["-S"] * (len(words) // 2)
    for assignment in words[1::2]:
        name, value = assignment.split("=")
        section, key = name.split(".")
        assert key in content[section]
        content[section][key] = yaml.safe_load(value)
    Params.model_validate(content)


def test_the_100_epochs_experiment_differs_from_the_default() -> None:
    assert "dvc exp run -S train.epochs=100" in COMMANDS
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
