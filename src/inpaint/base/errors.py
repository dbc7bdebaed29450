"""The two ways a command ends badly through no fault of the code."""


class InputError(ValueError):
    """What a person gave cannot be used: a parameter, a file, an address.

    The message says what was received and what is allowed. The command line prints it as one line
    and exits with 2; any other exception is a defect and keeps its traceback.
    """


class StageError(RuntimeError):
    """A stage cannot give a result to rely on; the message says why and what to try.

    The command line prints it as one line and exits with 1.
    """
