"""Other processes of this machine."""

import os

# The environment variable that names a process which stages are not to outlive.
OWNER = "INPAINT_OWNER"


def is_running(pid: int) -> bool:
    """Whether there is a process of this number, anybody's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
