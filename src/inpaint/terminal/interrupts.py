"""Ctrl-C, and SIGTERM like it: what they end does end, and puts things in order first."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_S = 0.2


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise a KeyboardInterrupt inside the block, until somebody has caught it.

    Python drops an exception that arises in a callback, as many are left behind by the import of a
    large library. Of 40 interrupts of a `dvc repro`, one was lost so while TensorFlow was imported,
    and dvc, which leaves Ctrl-C to its stage, went on to the end. A process that ignores SIGINT, as
    shells start one in the background, goes on to ignore it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may do so
        return
    handlers = {signal.SIGTERM: _interrupt, signal.SIGALRM: _interrupt_again}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        handlers[signal.SIGINT] = _interrupt
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
    raise KeyboardInterrupt


def _interrupt_again(*_: object) -> None:
    """Interrupt what does not know of it yet: things that are put in order are left in peace."""
    handled = sys.exception()
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt):
            return
        handled = handled.__context__
    raise KeyboardInterrupt
