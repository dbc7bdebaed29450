"""A training as people can watch it in MLflow. It never stops, and hardly slows, the training."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Run

from inpaint.tracking import record, settling
from inpaint.tracking.store import PROBLEMS, TRAINING_ID, Store, connect, describe_problem
from inpaint.tracking.sync import log_batch, log_inputs, logged_epochs

# Of the training's time, how much a slow server may take; what has to wait is logged at the end.
_SHARE = 0.1


@dataclass(frozen=True)
class Earlier:
    """What there is of a training that goes on.

    Attributes:
        run_id: of its run.
        curves: metrics of each epoch, beginning with the first.
    """

    run_id: str
    curves: Sequence[Mapping[str, float]]


@contextmanager
def training_run(
    root: Path,
    training: Mapping[str, Any],
    on_problem: Callable[[str], None],
    *,
    lock: Path,
    earlier: Earlier | None = None,
) -> Iterator["LiveRun"]:
    """An MLflow run that is RUNNING inside the block.

    An exception makes it FAILED, with the reason as the tag `failure`; an interrupt KILLED. After
    a block that ends well it is for `sync.complete` to finish the run, from the files.

    Args:
        root: the project tree.
        training: what reports/train.json will hold about parameters and origin.
        on_problem: told, once, why the store cannot be used; then the training goes on without.
        lock: a file that this process locks, see `settling`.
        earlier: the training goes on, and so does its run.

    Raises:
        InputError: MLFLOW_TRACKING_URI is no address of a store.
    """
    run = LiveRun(root, on_problem)
    try:
        run.start(training, lock, earlier)
        yield run
    except KeyboardInterrupt:
        run.end("KILLED", "interrupted")
        raise
    except Exception as error:
        run.end("FAILED", str(error))
        raise


class LiveRun:
    """What training tells MLflow while it goes on.

    Attributes:
        run_id: MLflow's id of the run, or one of our own if the store did not answer.
    """

    def __init__(self, root: Path, on_problem: Callable[[str], None]) -> None:
        self.run_id = uuid.uuid4().hex
        self._root = root
        self._on_problem = on_problem
        self._store: Store | None = None
        self._is_reachable = True
        self._waiting: list[Metric] = []
        self._marks: set[str] = set()
        self._marked: set[str] = set()  # those that the store knows of
        self._there: set[int] = set()  # epochs that were logged before
        self._spent = 0.0
        self._started = time.monotonic()

    def start(
        self, training: Mapping[str, Any], lock: Path, earlier: Earlier | None = None
    ) -> None:
        """See `training_run`."""
        curves = earlier.curves if earlier is not None else ()
        if earlier is not None:
            self.run_id = earlier.run_id
        self._waiting = [
            metric for epoch, values in enumerate(curves, 1) for metric in _metrics(epoch, values)
        ]
        self._attempt(lambda: self._begin(training, settling.writer_tags(lock), earlier))
        self._started = time.monotonic()

    def _begin(
        self, training: Mapping[str, Any], writer: dict[str, str], earlier: Earlier | None
    ) -> None:
        """Make the run, or go on with it, and log all that is known."""
        store = connect(self._root, training["params"]["tracking"]["experiment"])
        run = None if earlier is None else store.find(earlier.run_id)
        if run is None or run.info.lifecycle_stage != "active":
            # Should the answer get lost on its way, the run is found by this id of our own.
            run = store.create(
                record.run_name(training),
                record.milliseconds(training["started"]),
                record.run_tags(training) | {TRAINING_ID: self.run_id} | writer,
            )
            self._store, self.run_id = store, run.info.run_id
            log_inputs(store, self.run_id, record.inputs_of(training))
        else:
            self._store, self.run_id = store, run.info.run_id
            self._go_on(store, run, record.run_name(training))
        tags = record.run_tags(training) | {TRAINING_ID: self.run_id} | writer
        params, metrics = record.params_of(training), self._waiting
        log_batch(store, self.run_id, params=params, tags=tags, metrics=metrics)
        self._waiting = []
        settling.settle(store.client)

    def _go_on(self, store: Store, run: Run, name: str) -> None:
        """Go on with a run that was ended, or left RUNNING when its process was killed."""
        store.client.update_run(run.info.run_id, "RUNNING", name)
        settling.forget_failure(store.client, run)
        # Also epochs that are to be trained again: the checkpoint was of an earlier one.
        self._there = set(logged_epochs(store, run, self._waiting[0].key))
        self._waiting = [metric for metric in self._waiting if metric.step not in self._there]
        self._marked = {record.LEARNED_NOTHING} & run.data.tags.keys()

    def mark(self, tag: str, *, holds: bool) -> None:
        """Let the run have a tag as long as it holds; the store is told with the next epoch."""
        (self._marks.add if holds else self._marks.discard)(tag)

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        if epoch not in self._there:
            self._waiting += _metrics(epoch, metrics)
        began = time.monotonic()
        is_due = self._spent <= _SHARE * (began - self._started)
        if is_due and self._store is not None and self._is_reachable:
            store = self._store
            self._attempt(lambda: self._send(store))
            self._waiting = []
            self._spent += time.monotonic() - began

    def end(self, status: str, failure: str) -> None:
        """End a run that has no result; whether or not the store answers by now."""
        if self._store is None:
            return
        store = self._store

        def terminate() -> None:
            self._send(store, {settling.FAILURE: failure[:5000]})
            store.client.set_terminated(self.run_id, status)

        self._attempt(terminate)

    def _send(self, store: Store, tags: Mapping[str, str] | None = None) -> None:
        """Log what has to wait no longer."""
        new = dict.fromkeys(self._marks - self._marked, "true") | dict(tags or {})
        log_batch(store, self.run_id, metrics=self._waiting, tags=new)
        for tag in self._marked - self._marks:
            store.client.delete_tag(self.run_id, tag)
        self._marked = set(self._marks)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do it; after the first problem no other epoch has to wait for the store."""
        try:
            action()
        except PROBLEMS as error:
            if self._is_reachable:
                self._on_problem(describe_problem(self._root, error))
            self._is_reachable = False


def _metrics(epoch: int, values: Mapping[str, float]) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(key, value, now, epoch) for key, value in values.items()]
