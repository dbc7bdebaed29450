"""A bound on the memory of what reads a stranger's file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DATA = 5  # place in statm, which counts pages


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Give this process so many bytes more than it has, until the block ends.

    Whoever asks for more meets a MemoryError. Linux alone knows such a limit; elsewhere there is
    none.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    has = int(Path("/proc/self/statm").read_text().split()[_DATA]) * resource.getpagesize()
    before, highest = resource.getrlimit(resource.RLIMIT_DATA)
    limit = has + size if before == resource.RLIM_INFINITY else min(has + size, before)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, highest))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, highest))
