"""A sweep as MLflow has it: a run, whose children are those of its trials."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric, Run

from inpaint.tracking.runs import SCORE
from inpaint.tracking.settling import FAILURE, SWEEP, forget_failure, settle, writer_tags
from inpaint.tracking.store import PROBLEMS, TRAINING_ID, Store, connect, telling_problems
from inpaint.tracking.sync import log_batch

_WAIT_S, _LOOK_S = 40.0, 0.5  # for the process of a trial that has been ended


@dataclass
class SweepRun:
    """The run of a sweep that is under way."""

    run_id: str
    store: Store
    root: Path
    _until: float = 0.0  # when processes should have ended by

    def log(
        self,
        files: Sequence[Path],
        texts: Mapping[str, str],
        metrics: Mapping[str, float],
        note: str,
    ) -> None:
        """Log what came of the sweep.

        Args:
            files: to keep.
            texts: name of a file -> what it holds.
            metrics: of the sweep.
            note: what its page begins with.

        Raises:
            InputError: the store does not answer.
        """
        now = round(time.time() * 1000)
        with telling_problems(self.root):
            for path in files:
                self.store.client.log_artifact(self.run_id, str(path))
            for name, text in texts.items():
                self.store.client.log_text(self.run_id, text, name)
            log_batch(
                self.store,
                self.run_id,
                tags={"mlflow.note.content": note},
                metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
            )

    def has_scores(self, run_id: str) -> bool:
        """Whether a run of a trial is there, with scores.

        Raises:
            InputError: the store does not answer.
        """
        with telling_problems(self.root):
            run = self.store.find(run_id)
        if run is None or run.info.lifecycle_stage != "active":
            return False
        return SCORE in run.data.metrics

    def keep(self, trial: int, training_id: str) -> None:
        """Delete the runs of a trial but the one that counts: a trial begins again when its worker
        was lost before there was anything to keep, or after it was trained.

        Args:
            trial: its number.
            training_id: of the run that counts.

        Raises:
            InputError: the store does not answer.
        """
        with telling_problems(self.root):
            for run in self._ended(trial):
                if run.data.tags.get(TRAINING_ID) != training_id:
                    self.store.client.delete_run(run.info.run_id)

    def keep_newest(self, trial: int, failure: str) -> str:
        """Delete the runs of a trial without result, but the newest; give its id, "" for none.

        A run that has scores, of an attempt whose worker was lost afterwards, is left alone.

        Args:
            trial: its number.
            failure: why it has no result, which the run will tell.

        Raises:
            InputError: the store does not answer.
        """
        with telling_problems(self.root):
            found = [run for run in self._ended(trial) if SCORE not in run.data.metrics]
            if not found:
                return ""
            newest, *others = found
            for run in others:
                self.store.client.delete_run(run.info.run_id)
            self.store.client.set_tag(newest.info.run_id, FAILURE, failure[:5000])
            if newest.info.status not in ("FAILED", "KILLED"):
                self.store.client.set_terminated(newest.info.run_id, "KILLED")
            return str(newest.info.run_id)

    def _ended(self, trial: int) -> list[Run]:
        """The runs of a trial, the newest first, when their processes have ended.

        One on another machine, which cannot be judged from here, has some time to end, as all have
        together: it has lost its worker.
        """
        self._until = self._until or time.monotonic() + _WAIT_S
        condition = f"tags.`mlflow.parentRunId` = '{self.run_id}' and tags.trial = '{trial}'"
        while True:
            found = list(self.store.client.search_runs([self.store.experiment_id], condition))
            if time.monotonic() > self._until or all(run.info.status != "RUNNING" for run in found):
                return found
            settle(self.store.client)
            time.sleep(_LOOK_S)


@contextmanager
def sweep_run(
    root: Path,
    experiment: str,
    key: str,
    name: str,
    params: Mapping[str, str],
    lock: Path,
    earlier: str,
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
        earlier: the id of the run that goes on, if it is there; "" for none.

    Raises:
        InputError: the store does not answer.
    """
    with telling_problems(root):
        store = connect(root, experiment)
        settle(store.client)
        run = _go_on(store, earlier, name) or store.create(
            name, round(time.time() * 1000), {SWEEP: key} | writer_tags(lock)
        )
    sweep = SweepRun(run.info.run_id, store, root)
    try:
        with telling_problems(root):
            log_batch(store, sweep.run_id, params=params, tags=writer_tags(lock))
        yield sweep
    except KeyboardInterrupt:
        _end(sweep, "KILLED", "interrupted")
        raise
    except Exception as error:
        _end(sweep, "FAILED", str(error))
        raise
    with telling_problems(root):
        store.client.set_terminated(sweep.run_id, "FINISHED")


def _go_on(store: Store, run_id: str, name: str) -> Run | None:
    """The run of an earlier process, RUNNING again; None if it is not in this store."""
    run = store.find(run_id) if run_id else None
    if run is None or run.info.lifecycle_stage != "active":
        return None
    store.client.update_run(run.info.run_id, "RUNNING", name)
    forget_failure(store.client, run)
    return run


def _end(sweep: SweepRun, status: str, failure: str) -> None:
    """End a run that has no result, whether or not the store answers by now."""
    with suppress(*PROBLEMS):  # `settling` ends it later on
        sweep.store.client.set_tag(sweep.run_id, FAILURE, failure[:5000])
        sweep.store.client.set_terminated(sweep.run_id, status)
