"""Ctrl-C, and SIGTERM like it: what they end does end, and puts things in order first."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_S = 0.2


class _Pending:
    """Whether there was an interrupt that nobody is known to have caught."""

    is_there = False


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise a KeyboardInterrupt inside the block, until somebody catches it.

    Python drops an exception that arises in a callback, as many are left behind by the import of a
    large library. Of 40 interrupts of a `dvc repro`, one was lost so while TensorFlow was imported,
    and dvc, which leaves Ctrl-C to its stage, went on to the end. A process that ignores SIGINT, as
    shells start one in the background, goes on to ignore it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may do so
        return
    handlers = {signal.SIGALRM: _interrupt_again, signal.SIGTERM: _interrupt}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        handlers[signal.SIGINT] = _interrupt
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
        if _Pending.is_there:
            raise KeyboardInterrupt
    finally:
        # Not the alarm's before there can be none.
        for number, handler in reversed(previous.items()):
            forget()
            signal.signal(number, handler)


def forget() -> None:
    """After a library has caught an interrupt by itself: all is well."""
    _Pending.is_there = False
    signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(*_: object) -> None:
    _Pending.is_there = True
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
    raise KeyboardInterrupt


def _interrupt_again(*_: object) -> None:
    """Interrupt what does not know of it yet: things that are put in order are left in peace."""
    handled = sys.exception()
    if isinstance(handled, GeneratorExit):  # one that is closed on the way
        return
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt):
            forget()
            return
        handled = handled.__context__
    raise KeyboardInterrupt
