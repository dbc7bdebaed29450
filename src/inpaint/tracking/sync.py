"""Bringing an MLflow run to what the files of the pipeline say.

One way for every case: the end of a stage, a server that was down, an empty store beside a clone.
What the run has already is left as it is, so doing it again changes nothing.
"""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag

from inpaint.base.checkpoints import claimed
from inpaint.base.errors import StageError
from inpaint.base.paths import Paths, project_root
from inpaint.terminal.quiet import without_greetings
from inpaint.tracking.model import is_of_training, log_model, model_id_of
from inpaint.tracking.record import EVALUATED, LEARNED_NOTHING, Record, read_record
from inpaint.tracking.settling import forget_failure, settle, writer_tags
from inpaint.tracking.store import (
    PATIENCE_S,
    PROBLEMS,
    TRAINING_ID,
    Store,
    connect,
    describe_problem,
)

# The most that MLflow takes in one request.
_MAX_METRICS, _MAX_PARAMS = 1000, 100
# The lock of the process that makes a run, which one does at a time: named as all are.
_MAKING = "0" * 16


@dataclass(frozen=True)
class Synced:
    """What became of a run.

    Attributes:
        run_id: MLflow's id of it.
        added: what it lacked, in words for people; empty if it was complete.
        is_deleted: people deleted the run in MLflow; nothing was added.
    """

    run_id: str
    added: tuple[str, ...] = ()
    is_deleted: bool = False


def log_results(paths: Paths, *, is_scored: bool = True) -> str:
    """At the end of a stage, log what the project tree holds; arguments as `read_record` has.

    Returns:
        "", or a line for people that says why the results are not logged. They are on the disk
        all the same, so that is no error.
    """
    record = read_record(paths, is_scored=is_scored)
    try:
        synced = log(paths.root, record, rescore=True)
    except PROBLEMS as error:
        problem = describe_problem(paths.root, error)
        return f"\nkept on the disk, but not logged; `inpaint sync` does that: {problem}"
    except StageError as error:
        return f"\nkept on the disk, but not logged: {error}"
    return f"\nnot logged: MLflow run {synced.run_id} was deleted" if synced.is_deleted else ""


def log(root: Path, record: Record, *, rescore: bool = False) -> Synced:
    """Log what the store of the project ``root`` lacks of a training; its run ends up FINISHED.

    Args:
        root: the project tree.
        record: from `read_record`.
        rescore: replace scores also by older ones. Otherwise the newest stay, whichever order the
            trees that hold them come in.

    Raises:
        MlflowException, OSError: the store does not answer.
        StageError: the model, which is as it was saved, cannot be loaded.
    """
    # Otherwise two processes would both find that there is no run, or no model.
    with FileLock(project_root(root) / "mlflow.db.log.lock", timeout=PATIENCE_S):
        store = connect(root, record.experiment)
        synced = complete(root, store, record, rescore=rescore)
        settle(store.client)
        return synced


def complete(root: Path, store: Store, record: Record, *, rescore: bool = False) -> Synced:
    """`log` to a store that is at hand."""
    run = store.find(record.training_id)
    is_new = run is None
    if run is None:
        run = _create(root, store, record)
    run_id = run.info.run_id
    if run.info.lifecycle_stage != "active":
        return Synced(run_id, is_deleted=True)
    is_newer = run.data.tags.get(EVALUATED, "") > record.tags.get(EVALUATED, "")
    if is_newer and not rescore:
        record = _unscored(record, run)
    steps = {
        "parameters": _add_params,
        "tags": _add_tags,
        "data sets": _add_inputs,
        "curves": _add_curves,
        "model": _add_model,
        "scores": _add_metrics,
        "files": _add_files,
    }
    added = [name for name, add in steps.items() if add(store, run, record)]
    if run.info.status != "FINISHED":
        forget_failure(store.client, run)
        store.client.set_terminated(run_id, "FINISHED", end_time=record.ended)
        added.append("end")
    return Synced(run_id, ("the whole run",) if is_new else tuple(added))


def _create(root: Path, store: Store, record: Record) -> Run:
    """Make a run that is KILLED until all is logged: this process might be."""
    with claimed(root, _MAKING) as slot:
        tags = {TRAINING_ID: record.training_id} | writer_tags(slot.lock)
        run = store.create(record.name, record.started, tags)
        store.client.set_terminated(run.info.run_id, "KILLED")
    return store.client.get_run(run.info.run_id)


def _unscored(record: Record, run: Run) -> Record:
    """What a run with newer scores can lack: the origin of these stays with them."""
    kept = record.without_scores or record
    # Whether anything was learned is told by these scores too.
    told = {key: value for key, value in run.data.tags.items() if key == LEARNED_NOTHING}
    lacking = {key: value for key, value in kept.tags.items() if key not in run.data.tags}
    lacking.pop(LEARNED_NOTHING, None)
    return replace(
        kept,
        tags=lacking | told,
        files={name: content for name, content in kept.files.items() if name != "code.diff"},
    )


def log_batch(
    store: Store,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    metrics: Sequence[Metric] = (),
) -> None:
    """Log to a run, in as many requests as MLflow wants, without touching its status."""
    all_params = [Param(key, value) for key, value in (params or {}).items()]
    all_tags = [RunTag(key, value) for key, value in (tags or {}).items()]
    if all_params or all_tags:
        assert max(len(all_params), len(all_tags)) <= _MAX_PARAMS
        store.client.log_batch(run_id, params=all_params, tags=all_tags)
    for start in range(0, len(metrics), _MAX_METRICS):
        store.client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def log_inputs(store: Store, run_id: str, inputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Log which images a training used, from `record.inputs_of`."""
    contexts = {"train": "training", "valid": "validation"}
    store.client.log_inputs(
        run_id,
        datasets=[
            DatasetInput(
                Dataset(
                    name=entry["name"],
                    digest=entry["digest"],
                    source_type="code",
                    source=json.dumps({"tags": entry["source"]}),
                ),
                tags=[InputTag("mlflow.data.context", contexts[split])],
            )
            for split, entry in inputs.items()
        ],
    )


def logged_epochs(store: Store, run: Run, metric: str) -> dict[int, int]:
    """The epochs that a run has a metric for, and with it the others: all are logged at once.

    Returns:
        Epoch -> its time, in milliseconds since 1970.
    """
    history = store.client.get_metric_history(run.info.run_id, metric)
    return {each.step: each.timestamp for each in history}


def _add_params(store: Store, run: Run, record: Record) -> bool:
    missing = {key: value for key, value in record.params.items() if key not in run.data.params}
    log_batch(store, run.info.run_id, params=missing)
    return bool(missing)


def _add_tags(store: Store, run: Run, record: Record) -> bool:
    # Who made the run is not changed by somebody else's completing it.
    other = {
        key: value
        for key, value in record.tags.items()
        if run.data.tags.get(key) != value and not (key == "mlflow.user" and key in run.data.tags)
    }
    log_batch(store, run.info.run_id, tags=other)
    is_outdated = LEARNED_NOTHING in run.data.tags and LEARNED_NOTHING not in record.tags
    if is_outdated:
        store.client.delete_tag(run.info.run_id, LEARNED_NOTHING)
    return bool(other) or is_outdated


def _add_inputs(store: Store, run: Run, record: Record) -> bool:
    is_missing = not (run.inputs and run.inputs.dataset_inputs)
    if is_missing:
        log_inputs(store, run.info.run_id, record.inputs)
    return is_missing


def _add_curves(store: Store, run: Run, record: Record) -> bool:
    """Log the epochs that are missing, spread over the time of the training.

    None is before an earlier epoch, which may have been logged as it ended: later than by this
    time, that of getting ready does not count.
    """
    there = logged_epochs(store, run, next(iter(record.curves[0])))
    per_epoch = (record.ended - record.started) / len(record.curves)
    missing: list[Metric] = []
    latest = record.started
    for epoch, values in enumerate(record.curves, start=1):
        latest = max(latest, there.get(epoch, round(record.started + epoch * per_epoch)))
        if epoch not in there:
            missing += [Metric(key, value, latest, epoch) for key, value in values.items()]
    log_batch(store, run.info.run_id, metrics=missing)
    return bool(missing)


def _add_metrics(store: Store, run: Run, record: Record) -> bool:
    """Log scores that are missing or others."""
    other = [
        Metric(key, value, _latest(store, run, key), 0)
        for key, value in record.metrics.items()
        if run.data.metrics.get(key) != value
    ]
    log_batch(store, run.info.run_id, metrics=other)
    return bool(other)


def _latest(store: Store, run: Run, key: str) -> int:
    """A time, in milliseconds, after those of a metric's values, of which MLflow shows the latest:
    now, unless the clock went back."""
    now = round(time.time() * 1000)
    if key not in run.data.metrics:
        return now
    history = store.client.get_metric_history(run.info.run_id, key)
    return max([now, *(1 + metric.timestamp for metric in history)])


def _add_model(store: Store, run: Run, record: Record) -> bool:
    """Log the trained model, and a table of its layers."""
    model_id = model_id_of(store.client, run)
    if model_id is not None:
        if is_of_training(store.client, model_id, record.training):
            return False
        store.client.delete_logged_model(model_id)  # in place of which another one comes
    with without_greetings():
        from inpaint.restoring import serving  # seconds: not for a run that has its model

    try:
        layers = serving.load(record.model).layers
    except ValueError as error:  # of another version of Keras, or there is no memory for it
        raise StageError(str(error)) from None
    store.client.log_text(run.info.run_id, layers, "model_summary.txt")
    log_model(run.info.run_id, record.model, record.training, record.example)
    return True


def _add_files(store: Store, run: Run, record: Record) -> bool:
    run_id = run.info.run_id
    there = (store.client.list_artifacts(run_id, folder) for folder in (None, "figures"))
    sizes = {entry.path: entry.file_size for entries in there for entry in entries}
    with tempfile.TemporaryDirectory() as folder:
        other = False
        for name, content in record.files.items():
            if sizes.get(name) == len(content) and _download(store, run_id, name) == content:
                continue
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            other = True
        if other:
            store.client.log_artifacts(run_id, folder)
    return other


def _download(store: Store, run_id: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return Path(store.client.download_artifacts(run_id, name, folder)).read_bytes()
