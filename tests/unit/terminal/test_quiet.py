"""What libraries say on the way: kept back, unless something goes wrong."""

import os

import pytest

from inpaint.terminal.quiet import without_greetings


def greet(text: str) -> None:
    """Write to the process's standard error below Python, as C++ libraries do."""
    os.write(2, text.encode())


@pytest.fixture(autouse=True)
def _restored_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")  # gone after the test, whatever is set in it


def test_only_the_block_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    greet("before\n")
    with without_greetings():
        greet("inside\n")
        print("result")
    greet("after\n")
    assert capfd.readouterr() == ("result\n", "before\nafter\n")


def test_what_was_written_is_shown_if_the_block_raises(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_greetings():
            greet("inside\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    greet("after\n")
    assert capfd.readouterr().err == "inside\nafter\n"


def test_no_file_stays_open() -> None:
    def num_open() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = num_open()
    for _ in range(3):
        with without_greetings():
            pass
    assert num_open() == before


@pytest.mark.parametrize(("before", "after"), [(None, "3"), ("0", "0")])
def test_tensorflow_is_told_to_be_silent_unless_a_person_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    if before is None:
        monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    else:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", before)
    with without_greetings():
        pass
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == after
