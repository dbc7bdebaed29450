import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from inpaint.terminal.interrupts import forget, interruptible

LONGER = 0.7  # seconds: than it takes to be interrupted again
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _heeding_ctrl_c() -> Iterator[None]:
    """Also where a shell has started the tests in the background, which has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)]


class InterruptedInCallback:
    def __del__(self) -> None:
        interrupt()


@pytest.mark.parametrize("number", SIGNALS)
def test_the_block_ends_and_all_is_as_it_was(number: int) -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt), interruptible():
        interrupt(number)
    assert handlers() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_undisturbed_block_leaves_all_as_it_was() -> None:
    before = handlers()
    with interruptible():
        assert handlers() != before
    assert handlers() == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_comes_again() -> None:
    reached = []

    def work() -> None:
        InterruptedInCallback()
        reached.append("what comes after the callback")
        time.sleep(10)
        reached.append("the end")

    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    assert reached == ["what comes after the callback"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_python_drops_at_the_very_end_counts() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        InterruptedInCallback()
    with interruptible():
        pass


def test_one_that_a_library_catches_by_itself_is_forgotten() -> None:
    with interruptible():
        try:
            interrupt()
        except KeyboardInterrupt:
            forget()
        time.sleep(LONGER)


def test_one_that_is_being_caught_comes_no_more() -> None:
    with interruptible():
        try:
            interrupt()
        except KeyboardInterrupt:
            time.sleep(LONGER)
        time.sleep(LONGER)


def test_a_generator_that_is_closed_on_the_way_is_not_interrupted_again() -> None:
    ended = []

    def numbers() -> Generator[int]:
        try:
            yield 1
            yield 2
        finally:
            time.sleep(LONGER)
            ended.append("the generator")

    def work() -> None:
        for _ in numbers():
            interrupt()

    def work_with_care() -> None:
        with closing(numbers()) as all_numbers:
            for _ in all_numbers:
                interrupt()

    for each in (work, work_with_care):
        with pytest.raises(KeyboardInterrupt), interruptible():
            each()
    assert ended == ["the generator"] * 2


def test_what_is_put_in_order_is_not_interrupted_again() -> None:
    ended = []

    @contextmanager
    def resource() -> Iterator[None]:
        try:
            yield
        finally:
            with suppress(ValueError):
                time.sleep(LONGER)
                raise ValueError  # another exception on the way changes nothing
            ended.append("the generator")

    def work() -> None:
        try:
            with resource():
                interrupt()
        except KeyboardInterrupt:
            try:
                raise OSError
            except OSError:
                time.sleep(LONGER)
            ended.append("the handler")
            raise

    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    assert ended == ["the generator", "the handler"]


def test_who_does_not_wait_interrupts_again() -> None:
    ended = []

    def work() -> None:
        try:
            interrupt()
        finally:
            interrupt()
            ended.append("what is put in order")

    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    assert ended == []


def test_a_process_that_ignores_ctrl_c_goes_on_to_do_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            interrupt()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_may_enter_too() -> None:
    entered = []

    def enter() -> None:
        with interruptible():
            entered.append(handlers())

    before = handlers()
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [before]
