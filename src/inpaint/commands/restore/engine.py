"""Tasks, and this process as their engine."""

from collections.abc import Generator, Sequence

from inpaint.base.errors import InputError
from inpaint.commands.restore.tables import Part, restore_part
from inpaint.commands.restore.work import Outcome, Settings, Work
from inpaint.data.pictures.jobs import Job

Task = Job | Part
Done = Sequence[Outcome | InputError]  # of a task's pictures


def do(work: Work, task: Task) -> Done:
    """Restore the picture, or the pictures, of a task.

    Raises:
        OSError: there is no room, or no right to write.
    """
    return restore_part(work, task) if isinstance(task, Part) else [work.attempt(task)]


def one_after_the_other(settings: Settings, tasks: Sequence[Task]) -> Generator[Done]:
    """Do all tasks in this process.

    Raises:
        InputError: there is no such model.
        OSError: there is no room, or no right to write.
    """
    work = Work(settings)
    for task in tasks:
        yield do(work, task)
