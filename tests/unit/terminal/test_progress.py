"""Progress: a bar on a terminal, few plain lines elsewhere."""

import re

import pytest

from inpaint.terminal.progress import ProgressBar


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the captured output is taken for is up to each test."""
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)


def test_each_epoch_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("Epoch", total=4, lines=4) as bar:
        for epoch in range(1, 5):
            bar.update(epoch, f"loss 0.{epoch}")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"Epoch 2/4  loss 0\.2  \d+ s left", lines[1])
    assert lines[3] == "Epoch 4/4  loss 0.4  0 s left"


def test_line_without_a_note_has_no_gap(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("Scored", total=1) as bar:
        bar.update(1)
    assert capsys.readouterr().out == "Scored 1/1  0 s left\n"


@pytest.mark.parametrize("total", [1, 3, 10, 11, 1000])
def test_there_are_at_most_so_many_lines_and_the_last_is_the_end(
    capsys: pytest.CaptureFixture[str], total: int
) -> None:
    with ProgressBar("Scored", total=total, lines=10) as bar:
        for i in range(1, total + 1):
            bar.update(i)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == min(total, 10)
    assert lines[-1].startswith(f"Scored {total}/{total} ")


def test_lines_are_spread_evenly(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("Scored", total=1000, lines=4) as bar:
        for i in range(1, 1001):
            bar.update(i)
    numbers = [int(n) for n in re.findall(r"Scored (\d+)/1000", capsys.readouterr().out)]
    assert numbers == [250, 500, 750, 1000]


def test_unknown_total_prints_no_more_lines_either(capsys: pytest.CaptureFixture[str]) -> None:
    # A server need not say how long a file is.
    with ProgressBar("Fetching", total=0, lines=10) as bar:
        for i in range(1, 101):
            bar.update(i * 65536)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 10
    assert not any("-" in line for line in lines)  # no negative time left


def test_remaining_time_follows_from_the_elapsed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("inpaint.terminal.progress.time.monotonic", lambda: now)
    with ProgressBar("Epoch", total=4, lines=4) as bar:
        now = 150.0
        bar.update(1)  # of which nobody knows how long it was for getting ready
        now = 180.0
        bar.update(2)
    assert capsys.readouterr().out == "Epoch 1/4\nEpoch 2/4  60 s left\n"  # 30 s each, 2 to go


def test_terminal_shows_a_bar_instead_of_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with ProgressBar("Epoch", total=4, lines=4) as bar:
        bar.update(2, "loss 0.5")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    assert "━" in shown
    assert "Epoch" in shown
    assert "2/4" in shown
    assert "loss 0.5" in shown
    assert "s left" not in shown
