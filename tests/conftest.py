"""What all tests share."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Files whose tests share what takes a minute to make: the first results of a checkout, runs that
# compete. One process runs them, so that it is made once.
_TOGETHER = {
    "checkout": ("tests/e2e/test_repro.py", "tests/e2e/test_situations.py"),
    "arena": (
        "tests/pipeline/test_champions_scored_again.py",
        "tests/pipeline/test_choice.py",
        "tests/pipeline/test_promote.py",
        "tests/pipeline/test_rollback.py",
    ),
}
_SHARED = {file: shared for shared, files in _TOGETHER.items() for file in files}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a skipped test fails the run (make test-all)"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _ByWhatIsShared(LoadFileScheduling):
    """A file's tests in one process, and those of files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return _SHARED.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByWhatIsShared | None:
    return _ByWhatIsShared(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def _no_inherited_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may write into a project or a tracking server that the shell happens to name."""
    for variable in ("DVC_ROOT", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def _no_setting_of_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stage train sets for its process is not left to the processes of other tests."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "")  # so that it is gone after the test
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
