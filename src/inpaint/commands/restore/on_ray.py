"""Pictures restored by the workers of a Ray cluster, each with a model of its own."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import numpy as np

from inpaint.base.cluster import connected
from inpaint.base.errors import is_of_memory
from inpaint.commands.restore.engine import Done, Task, do
from inpaint.commands.restore.tables import Part
from inpaint.commands.restore.work import Settings, Work
from inpaint.terminal.quiet import without_greetings

_BATCH = 16  # pictures that a worker gets at once, at most
_TURNS = 4  # of each worker, about


class Worker:
    """Lives in a process of its own, and loads the model once."""

    def __init__(self, settings: Settings) -> None:
        os.chdir(settings.root)  # relative paths mean the same on every node
        self._settings = settings
        self._work: Work | None = None

    def __call__(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Do tasks. An error that ends all is handed over: raised, Ray would try again."""
        num_done, done = 0, np.empty(len(batch["item"]), dtype=object)
        try:
            self._work = self._work or Work(self._settings)
            for each in do(self._work, list(batch["item"])):
                done[num_done] = each
                num_done += 1
        except Exception as error:  # whatever it is, it ends all
            done[num_done:] = MemoryError(str(error)) if is_of_memory(error) else error
        return {"done": done}


def on_ray(settings: Settings, tasks: Sequence[Task]) -> Generator[Done]:
    """Do all tasks, in any order.

    Raises:
        InputError: Ray is not installed, or there is no such model.
        OSError: there is no room, or no right to write.
        StageError: there is no such cluster.
    """
    # Closed before the cluster: what Ray's data are left with at the end would start another one.
    with connected("--engine ray") as ray, closing(_rows(ray, settings, tasks)) as rows:
        with without_greetings():  # Ray warns of how it starts its own actors
            first = next(rows)
        for row in chain([first], rows):
            done = row["done"]
            if isinstance(done, Exception):
                raise done
            yield done


def _rows(ray: Any, settings: Settings, tasks: Sequence[Task]) -> Generator[dict[str, Any]]:
    """What `Worker` gives of each task."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    num_workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    batch = min(_BATCH, -(-len(tasks) // num_workers))
    if isinstance(tasks[0], Part):  # before it, the rows of its row group are read in vain
        batch = -(-len(tasks) // (_TURNS * num_workers))
    num_batches = -(-len(tasks) // batch)
    outcomes = ray.data.from_items(
        list(tasks), override_num_blocks=min(num_batches, _TURNS * num_workers)
    ).map_batches(
        Worker,
        fn_constructor_args=(settings,),
        batch_size=batch,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=min(num_batches, num_workers)),
    )
    yield from outcomes.iter_rows()
