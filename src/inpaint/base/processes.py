"""Other processes of this machine, and how many cores this one takes."""

import os

# The environment variable that names a process which stages are not to outlive.
OWNER = "INPAINT_OWNER"

# What tells TensorFlow, and the libraries beside it, on how many threads to compute.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def is_running(pid: int) -> bool:
    """Whether there is a process of this number, anybody's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def on_threads(num: int) -> dict[str, str]:
    """The environment of a process that computes on so many threads."""
    return dict.fromkeys(_THREADS, str(num))


def num_threads() -> int:
    """On how many threads TensorFlow computes here, which decides a training's last digits: sums
    are added up in another order."""
    told = os.environ.get(_THREADS[0], "")
    if told.isdecimal() and int(told):
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
