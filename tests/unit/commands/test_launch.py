"""Starting stages: what is printed, and what the process exits with."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import Paths
from inpaint.commands import launch as launch_module
from inpaint.commands.launch import STAGES, exit_codes, launch, launch_command
from inpaint.params import Params, load_params

ROOT = Path(__file__).parents[3]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's params.yaml alone."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    for variable in (
        "TF_CPP_MIN_LOG_LEVEL",
        "MLFLOW_DISABLE_TELEMETRY",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
        "MLFLOW_HTTP_REQUEST_TIMEOUT",
    ):
        monkeypatch.setenv(variable, os.environ.get(variable, "3"))  # gone after the test
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, result: str | BaseException) -> list[object]:
    """Let every stage give ``result``; return where its arguments will be kept."""
    received: list[object] = []

    def run(params: Params, paths: Paths) -> str:
        received.extend([params, paths])
        if isinstance(result, BaseException):
            raise result
        return result

    modules = SimpleNamespace(import_module=lambda _: SimpleNamespace(run=run))
    monkeypatch.setattr(launch_module, "importlib", modules)
    return received


def test_stages_are_in_the_order_of_the_pipeline() -> None:
    assert STAGES == ("prepare", "mask", "train", "evaluate", "plot")


@pytest.mark.parametrize("stage", STAGES)
def test_stage_runs_on_the_given_tree_and_its_result_is_printed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    received = stand_in(monkeypatch, "all done")
    assert launch(stage, root=root) == 0
    assert received == [load_params(root / "params.yaml"), Paths(root)]
    assert capsys.readouterr() == ("all done\n", "")


def test_the_named_stage_is_imported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []

    def import_module(name: str) -> SimpleNamespace:
        imported.append(name)
        return SimpleNamespace(run=lambda *_: "done")

    monkeypatch.setattr(launch_module, "importlib", SimpleNamespace(import_module=import_module))
    launch("mask", root=root)
    assert imported == ["inpaint.stages.mask"]


@pytest.mark.parametrize(
    ("stage", "wish", "setting"), [("train", None, "1"), ("train", "0", "0"), ("mask", None, None)]
)
def test_training_has_the_faster_convolutions_unless_they_are_not_wanted(
    root: Path, monkeypatch: pytest.MonkeyPatch, stage: str, wish: str | None, setting: str | None
) -> None:
    if wish:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", wish)
    stand_in(monkeypatch, "done")
    launch(stage, root=root)
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == setting


@pytest.mark.parametrize("stage", ["", "Train", "all", "../train"])
def test_unknown_stage_is_refused_in_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    assert launch(stage, root=root) == 2
    assert capsys.readouterr() == (
        "",
        f"error: stage: received {stage!r}, allowed: prepare, mask, train, evaluate, plot\n",
    )


def test_missing_params_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("prepare", root=tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {tmp_path / 'params.yaml'} is not there")
    assert err.count("\n") == 1


def test_stage_without_its_inputs_is_refused_in_one_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch("mask", root=root) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "an earlier stage writes it; run `dvc repro`" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("train.epochs: received 0"), 2, "error: train.epochs: received 0\n"),
        (StageError("the network collapsed"), 1, "failed: the network collapsed\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_meant_for_people_become_a_line_and_an_exit_code(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    stand_in(monkeypatch, error)
    assert launch("train", root=root) == code
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyError("k"), RuntimeError("r")])
def test_defect_keeps_its_traceback(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    stand_in(monkeypatch, error)
    with pytest.raises(type(error)) as caught:
        launch("train", root=root)
    assert caught.value is error
    assert capsys.readouterr() == ("", "")


def test_exit_code_is_zero_if_nothing_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with exit_codes() as code:
        print("result")
    assert code.value == 0
    assert capsys.readouterr() == ("result\n", "")


def greeting(name: str) -> SimpleNamespace:
    """Import a stage whose libraries write to the process's standard error."""
    os.write(2, f"greetings from {name}\n".encode())
    return SimpleNamespace(run=lambda *_: os.write(2, b"from the stage itself\n") and "done")


def test_greetings_of_libraries_are_not_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch_module, "importlib", SimpleNamespace(import_module=greeting))
    assert launch("train", root=root) == 0
    assert capfd.readouterr() == ("done\n", "from the stage itself\n")


def test_what_was_written_is_shown_if_the_import_fails(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(name: str) -> None:
        greeting(name)
        raise ImportError("no such library")

    monkeypatch.setattr(launch_module, "importlib", SimpleNamespace(import_module=failing))
    with pytest.raises(ImportError, match="no such library"):
        launch("train", root=root)
    assert capfd.readouterr().err == "greetings from inpaint.stages.train\n"


def test_command_gets_what_was_given_and_its_code_is_given_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[object] = []

    def import_module(name: str) -> SimpleNamespace:
        def run(*arguments: object, **options: object) -> int:
            received.extend([name, arguments, options])
            return 1

        return SimpleNamespace(run=run)

    monkeypatch.setattr(launch_module, "importlib", SimpleNamespace(import_module=import_module))
    assert launch_command("compare", "a", "b", output=Path("x.png"), root=root) == 1
    assert received == [
        "inpaint.commands.compare", (root, "a", "b"), {"output": Path("x.png")}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("there is no run yet"), 2, "error: there is no run yet\n"),
        (StageError("the pipeline failed"), 1, "failed: the pipeline failed\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_of_commands_become_a_line_and_an_exit_code(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    stand_in(monkeypatch, error)
    assert launch_command("show", "latest", root=root) == code
    assert capsys.readouterr() == ("", line)


def test_a_command_outside_of_a_project_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise MLflow would make a database there."""
    received = stand_in(monkeypatch, "")
    assert launch_command("runs", root=tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: params.yaml is not there")
    assert err.count("\n") == 1
    assert received == []


def test_output_that_nobody_reads_is_no_error() -> None:
    """As with `inpaint runs --json | head -1`."""
    code = """
import sys
from inpaint.commands.launch import exit_codes

with exit_codes() as code:
    for _ in range(10000):
        print("line " * 100, flush=True)
sys.exit(code.value)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("line line")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def run_src(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    """What dvc.yaml does."""
    return subprocess.run(
        [sys.executable, ROOT / "src", *arguments], cwd=root, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", [(), ("nothing",)])
def test_python_src_refuses_an_unknown_stage_in_one_line(
    root: Path, arguments: tuple[str, ...]
) -> None:
    done = run_src(*arguments, root=root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: stage: received ")
    assert done.stderr.count("\n") == 1


def test_python_src_works_in_the_current_folder(tmp_path: Path) -> None:
    done = run_src("prepare", root=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'params.yaml'} is not there")


def test_a_process_that_is_asked_to_end_does_so_as_after_an_interrupt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with exit_codes() as code:
        os.kill(os.getpid(), signal.SIGTERM)
    assert code.value == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_experiment_with_a_wrong_value_says_how_to_take_it_back(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC leaves in params.yaml what `-S` has written, but not from a directory of its own."""
    path = root / "params.yaml"
    path.write_text(re.sub(r"epochs: \d+", "epochs: abc", path.read_text()))
    told = "train.epochs: received 'abc', allowed: a whole number from 1 to 1000000"
    assert launch("prepare", root=root) == 2
    assert capsys.readouterr().err == f"error: params.yaml: {told}\n"
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0" * 40)
    monkeypatch.setenv("DVC_ROOT", str(root))
    assert launch("prepare", root=root) == 2
    advice = "`git checkout params.yaml` takes back what `-S` has written"
    assert capsys.readouterr().err == f"error: params.yaml: {told}; {advice}\n"
    monkeypatch.setenv("DVC_ROOT", str(root.parent))
    assert launch("prepare", root=root) == 2
    assert capsys.readouterr().err == f"error: params.yaml: {told}\n"
