"""What the README tells people to type is true."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from inpaint import cli
from inpaint.params import Params

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
README = PAGES[0].read_text()
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
    texts = "\n".join(path.read_text() for path in PAGES)
    rules = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    mentioned = set(re.findall(r"^make ([a-z0-9-]+)|`make ([a-z0-9-]+)`", texts, re.MULTILINE))
    names = {name for pair in mentioned for name in pair if name}
    assert {"run", "test", "serve"} <= names <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page: Path) -> None:
    found = re.findall(r"\]\(([^)]+)\)", page.read_text())
    links = [link for link in found if "://" not in link and not link.startswith("#")]
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_what_contributors_are_told_to_touch_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text[text.index("## To add one") :]
    paths = re.findall(r"`([\w/]+(?:/|\.py))`", table)
    assert len(paths) > 15
    places = (ROOT / "src" / "inpaint", ROOT / "tests", ROOT / "tests" / "pipeline", ROOT)
    assert [path for path in paths if not any((place / path).exists() for place in places)] == []


def test_the_server_is_started_alike_everywhere() -> None:
    command = "inpaint serve --model models:/inpaint-mnist@champion --port 5001"
    assert command in (ROOT / "docs" / "serving.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert "MODEL ?= inpaint-mnist\nPORT ?= 5001\n" in makefile
    assert command.replace("inpaint-mnist", "$(MODEL)").replace("5001", "$(PORT)") in makefile


def test_commands_of_the_project_exist() -> None:
    texts = "\n".join(path.read_text() for path in PAGES)
    mentioned = set(re.findall(r"^inpaint ([a-z]+)|`inpaint ([a-z]+)[ `]", texts, re.MULTILINE))
    group: Any = typer.main.get_command(cli.app)
    assert {name for pair in mentioned for name in pair if name} <= set(group.commands)


def test_first_command_of_the_readme_restores_the_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(COMMANDS[0])
    assert words[:2] == ["inpaint", "restore"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    result = CliRunner().invoke(cli.app, words[1:])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "restored.compare.png").stat().st_size > 100_000


def test_options_of_restore_are_those_of_its_page() -> None:
    page = (ROOT / "docs" / "restoring.md").read_text()
    group: Any = typer.main.get_command(cli.app)
    known = {name for each in group.commands["restore"].params for name in each.opts}
    mentioned = set(re.findall(r"--[a-z]+", page)) - {"--help"}
    assert mentioned <= known
    assert {name for name in known if name.startswith("--")} <= mentioned


def test_python_of_the_readme_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    picture, hole, restored = (names[name] for name in ("picture", "hole", "restored"))
    assert (restored[~hole] == picture[~hole]).all()
    assert abs(restored[hole].astype(int) - picture[hole]).mean() < 10  # grey levels
