"""A sweep as MLflow has it: a run, whose children are those of its trials."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric, Run

from inpaint.tracking.settling import FAILURE, SWEEP, forget_failure, settle, writer_tags
from inpaint.tracking.store import PROBLEMS, TRAINING_ID, Store, connect, telling_problems
from inpaint.tracking.sync import log_batch

_WAIT_S, _LOOK_S = 60.0, 0.5  # for the process of a trial that is given up


@dataclass(frozen=True)
class SweepRun:
    """The run of a sweep that is under way."""

    run_id: str
    store: Store
    root: Path

    def log(self, files: Sequence[Path], metrics: Mapping[str, float], note: str) -> None:
        """Log what came of the sweep; a note is what its page begins with.

        Raises:
            InputError: the store does not answer.
        """
        now = round(time.time() * 1000)
        with telling_problems(self.root):
            for path in files:
                self.store.client.log_artifact(self.run_id, str(path))
            log_batch(
                self.store,
                self.run_id,
                tags={"mlflow.note.content": note},
                metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
            )

    def run_of(self, trial: int, failure: str | None = None) -> str:
        """The id of a trial's run, when it has ended; "" if it has none.

        Args:
            trial: its number.
            failure: why it has no result, which the run will tell.

        Raises:
            InputError: the store does not answer.
        """
        with telling_problems(self.root):
            found = self._ended(trial)
            if found is None:
                return ""
            if failure is not None:
                self.store.client.set_tag(found.info.run_id, FAILURE, failure)
            return str(found.info.run_id)

    def forget_others(self, trial: int, run_id: str) -> None:
        """Delete the runs of a trial that was begun again, as its worker was lost before there was
        anything to keep, or after it was trained.

        Args:
            trial: its number.
            run_id: of the training that has come to its end.

        Raises:
            InputError: the store does not answer.
        """
        with telling_problems(self.root):
            settle(self.store.client)
            for run in self._runs(trial):
                if run.info.status != "RUNNING" and run.data.tags.get(TRAINING_ID) != run_id:
                    self.store.client.delete_run(run.info.run_id)

    def _runs(self, trial: int) -> list[Run]:
        """The runs of a trial, the newest first."""
        condition = f"tags.`mlflow.parentRunId` = '{self.run_id}' and tags.trial = '{trial}'"
        return list(self.store.client.search_runs([self.store.experiment_id], condition))

    def _ended(self, trial: int) -> Run | None:
        """The newest run of a trial, when its process has ended, or soon should have."""
        until = time.monotonic() + _WAIT_S
        while True:
            settle(self.store.client)
            found = self._runs(trial)
            if not found or found[0].info.status != "RUNNING" or time.monotonic() > until:
                return found[0] if found else None
            time.sleep(_LOOK_S)


@contextmanager
def sweep_run(
    root: Path,
    experiment: str,
    key: str,
    name: str,
    params: Mapping[str, str],
    lock: Path,
) -> Iterator[SweepRun]:
    """The MLflow run of a sweep, RUNNING inside the block; that of an earlier process goes on.

    An exception makes it FAILED, with the reason as the tag `failure`; an interrupt KILLED.

    Args:
        root: the project tree.
        experiment: MLflow's, of the trials too.
        key: what tells the sweep from others.
        name: of the run.
        params: what sweep.yaml says.
        lock: a file that this process locks, see `settling`.

    Raises:
        InputError: the store does not answer.
    """
    with telling_problems(root):
        store = connect(root, experiment)
        settle(store.client)
        run = _find_or_create(store, key, name)
        tags = {SWEEP: key} | writer_tags(lock)
        log_batch(store, run.info.run_id, params=params, tags=tags)
    sweep = SweepRun(run.info.run_id, store, root)
    try:
        yield sweep
    except KeyboardInterrupt:
        _end(sweep, "KILLED", "interrupted")
        raise
    except Exception as error:
        _end(sweep, "FAILED", str(error))
        raise
    with telling_problems(root):
        store.client.set_terminated(sweep.run_id, "FINISHED")


def _find_or_create(store: Store, key: str, name: str) -> Run:
    found = store.client.search_runs([store.experiment_id], f"tags.{SWEEP} = '{key}'")
    if not found:
        return store.create(name, round(time.time() * 1000), {SWEEP: key})
    [run, *_] = found
    store.client.update_run(run.info.run_id, "RUNNING", name)
    forget_failure(store.client, run)
    return run


def _end(sweep: SweepRun, status: str, failure: str) -> None:
    """End a run that has no result, whether or not the store answers by now."""
    with suppress(*PROBLEMS):  # `settling` ends it later on
        sweep.store.client.set_tag(sweep.run_id, FAILURE, failure[:5000])
        sweep.store.client.set_terminated(sweep.run_id, status)
