"""What all tests share."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a skipped test fails the run (make test-all)"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


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
