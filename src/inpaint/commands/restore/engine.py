"""Tasks, and this process as their engine."""

from collections.abc import Generator, Sequence

from inpaint.base.errors import InputError
from inpaint.commands.restore.tables import Part, restore_parts
from inpaint.commands.restore.work import Outcome, Settings, Work
from inpaint.data.pictures.jobs import Job

Task = Job | Part
Done = Sequence[Outcome | InputError]  # of a task's pictures


def do(work: Work, tasks: Sequence[Task]) -> Generator[Done]:
    """Restore the pictures of tasks, of one kind, in their order.

    Raises:
        OSError: there is no room, or no right to write.
    """
    yield from restore_parts(work, [task for task in tasks if isinstance(task, Part)])
    yield from ([work.attempt(task)] for task in tasks if isinstance(task, Job))


def one_after_the_other(settings: Settings, tasks: Sequence[Task]) -> Generator[Done]:
    """Do all tasks in this process.

    Raises:
        InputError: there is no such model.
        OSError: there is no room, or no right to write.
    """
    return do(Work(settings), tasks)
