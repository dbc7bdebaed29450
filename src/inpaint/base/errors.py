"""The ways a command ends badly through no fault of the code."""

import sys


class InputError(ValueError):
    """What a person gave cannot be used: a parameter, a file, an address.

    The message says what was received and what is allowed. The command line prints it as one line
    and exits with 2; any other exception is a defect and keeps its traceback.
    """


class StageError(RuntimeError):
    """A stage cannot give a result to rely on; the message says why and what to try.

    The command line prints it as one line and exits with 1.
    """


def is_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory, as TensorFlow too tells it, where it is there."""
    tensorflow = sys.modules.get("tensorflow")
    of_tensorflow = tensorflow and isinstance(error, tensorflow.errors.ResourceExhaustedError)
    return isinstance(error, MemoryError) or bool(of_tensorflow)
