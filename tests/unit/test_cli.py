"""The command `inpaint`."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from inpaint import __version__, cli
from inpaint.commands.launch import STAGES
from inpaint.params import allowed_values

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs in an own folder, which has the project's params.yaml."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})


def test_version_is_the_installed_packages(run: CliRunner) -> None:
    result = run.invoke(cli.app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"inpaint {importlib.metadata.version('inpaint')}\n"
    assert importlib.metadata.version("inpaint") == __version__


def test_help_lists_the_stages_in_order(run: CliRunner) -> None:
    result = run.invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    commands = result.stdout.split("Single stages:")[1]
    places = [commands.index(f" {stage} ") for stage in STAGES]
    assert places == sorted(places)


def test_help_shows_how_to_run_the_pipeline(run: CliRunner) -> None:
    shown = run.invoke(cli.app, ["--help"]).stdout
    assert "dvc repro" in shown
    assert "dvc exp run -n longer -S train.epochs=100" in shown


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_explains_itself(run: CliRunner, stage: str) -> None:
    result = run.invoke(cli.app, [stage, "--help"])
    assert result.exit_code == 0
    assert "Reads the section" in result.stdout


@pytest.mark.parametrize("stage", STAGES)
def test_command_starts_its_stage_here_and_exits_with_its_code(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    started: list[tuple[str, Path]] = []

    def launch(stage: str, *, root: Path) -> int:
        started.append((stage, root))
        return 3

    monkeypatch.setattr(cli.stages, "launch", launch)
    assert run.invoke(cli.app, [stage]).exit_code == 3
    assert started == [(stage, tmp_path)]


@pytest.mark.parametrize(
    ("typed", "arguments", "options"),
    [
        ("runs", ("runs",), {"as_json": False}),
        ("runs --json", ("runs",), {"as_json": True}),
        ("show latest", ("show", "latest"), {}),
        ("compare longer 7ee0", ("compare", "longer", "7ee0"),
         {"output": Path("reports/compare.png")}),
        ("compare a b --output x.png", ("compare", "a", "b"), {"output": Path("x.png")}),
        ("reproduce 7ee0", ("reproduce", "7ee0"), {"name": None}),
        ("reproduce 7ee0 --name check", ("reproduce", "7ee0"), {"name": "check"}),
        ("sync", ("sync", []), {}),
        ("sync longer wider", ("sync", ["longer", "wider"]), {}),
        (
            "promote",
            ("promote", None),
            {"alias": "champion", "force": False, "reason": None},
        ),
        (
            "promote longer --alias challenger --force --reason why",
            ("promote", "longer"),
            {"alias": "challenger", "force": True, "reason": "why"},
        ),
        ("rollback", ("rollback", None), {"reason": None}),
        ("rollback a-mnist --reason why", ("rollback", "a-mnist"), {"reason": "why"}),
    ],
)  # fmt: skip
def test_command_on_runs_starts_here_with_what_was_typed_and_exits_with_its_code(
    run: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    arguments: tuple[object, ...],
    options: dict[str, object],
) -> None:
    started: list[object] = []

    def launch_command(*arguments: object, root: Path, **options: object) -> int:
        started.extend([arguments, root, options])
        return 3

    for module in (cli.runs, cli.registry):
        monkeypatch.setattr(module, "launch_command", launch_command)
    assert run.invoke(cli.app, typed.split()).exit_code == 3
    assert started == [arguments, tmp_path, options]


@pytest.mark.parametrize(
    "command", ["runs", "show", "compare", "reproduce", "sync", "promote", "rollback"]
)
def test_each_command_on_runs_gives_examples(run: CliRunner, command: str) -> None:
    result = run.invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0
    assert f"inpaint {command}" in result.stdout.split("Examples")[1]


@pytest.mark.parametrize("command", ["show", "reproduce", "compare", "compare latest"])
def test_a_run_has_to_be_named(run: CliRunner, command: str) -> None:
    result = run.invoke(cli.app, command.split())
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


@pytest.mark.parametrize("arguments", [["nothing"], ["train", "--epochs", "3"], ["plot", "x"]])
def test_unknown_commands_and_options_exit_with_2(run: CliRunner, arguments: list[str]) -> None:
    result = run.invoke(cli.app, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such" in result.stderr or "unexpected extra argument" in result.stderr


def test_help_of_params_says_what_each_may_be(run: CliRunner) -> None:
    shown = run.invoke(cli.app, ["params", "--help"]).stdout.split("Allowed values:")[1]
    words = " ".join(shown.split())
    for name, allowed in allowed_values().items():
        assert f"{name} {allowed}" in words


def test_params_prints_what_is_in_force(run: CliRunner) -> None:
    result = run.invoke(cli.app, ["params"])
    assert result.exit_code == 0
    assert yaml.safe_load(result.stdout) == yaml.safe_load((ROOT / "params.yaml").read_text())


def test_params_keeps_the_order_of_the_sections(run: CliRunner) -> None:
    printed = yaml.safe_load(run.invoke(cli.app, ["params"]).stdout)
    assert list(printed) == ["data", "mask", "model", "train", "evaluate", "plot", "tracking",
                             "registry"]  # fmt: skip


@pytest.mark.parametrize("command", ["params", *STAGES])
def test_wrong_params_exit_with_2_in_one_line(run: CliRunner, tmp_path: Path, command: str) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["train"]["epochs"] = "abc"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    result = run.invoke(cli.app, [command])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)  # no other exception, no traceback
    assert result.stdout == ""
    allowed = "a whole number from 1 to 1000000"
    assert (
        result.stderr == f"error: params.yaml: train.epochs: received 'abc', allowed: {allowed}\n"
    )


def test_missing_params_exit_with_2_in_one_line(run: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").unlink()
    result = run.invoke(cli.app, ["params"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_help_imports_nothing_heavy() -> None:
    heavy = {"tensorflow", "keras", "mlflow", "matplotlib", "skimage", "sklearn", "cv2", "dvc"}
    heavy |= {"numpy", "pydantic", "rich", "yaml"}
    code = (
        "import atexit, sys, inpaint.cli\n"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr))\n"
        "inpaint.cli.app(['--help'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert done.stderr == "[]\n"
