"""train: images and holes -> models/inpainter.keras, its history, and an MLflow run."""

import hashlib
import json
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint.base import checkpoints, origin
from inpaint.base.checked import file_digest, read_checked, write_checked
from inpaint.base.errors import StageError
from inpaint.base.files import atomic, write_csv
from inpaint.base.paths import SPLITS, Paths
from inpaint.base.processes import num_threads
from inpaint.base.seeds import derive_seed, generator
from inpaint.data.holes import draw
from inpaint.data.store import load_split
from inpaint.params import Params, TrainParams
from inpaint.restoring.coarse import deepest_at_once
from inpaint.restoring.fill.regions import REACH, window_around
from inpaint.restoring.networks import NETWORKS
from inpaint.terminal.progress import ProgressBar
from inpaint.tracking.live import Earlier, LiveRun, training_run
from inpaint.tracking.record import LEARNED_NOTHING, epoch_metrics
from inpaint.tracking.sync import log_results
from inpaint.training.batches import Batch, BatchSource, make_batch
from inpaint.training.devices import Devices, of_strategy, telling_of_loss
from inpaint.training.health import Health, Watch, check_finite
from inpaint.training.hosts import ALONE, meet, named
from inpaint.training.loop import WHOLE, Trainer, Window

# The curve of the validation loss is for looking at, and decides nothing: a part of the images
# shows the same curve in less time. The stage evaluate scores all of them.
_CURVE_IMAGES = 500
# How many random holes there are to draw from: few enough for inpaint.restoring.fill to keep the
# maps of all in images of up to 32x32, which new holes for each batch would have it make anew.
_HOLE_POOL = 500
_VERSIONS = ("tensorflow", "keras", "numpy", "scikit-image", "opencv-python-headless", "mlflow")

_HISTORY = ("epoch", "train_loss", "valid_loss", "valid_ssim_unit", "learning_rate")


def run(params: Params, paths: Paths) -> str:
    manifests = {
        "data": read_checked(paths.images_manifest),
        "mask": read_checked(paths.holes_manifest),
    }
    with _telling_of_memory():
        source = _batch_source(params, paths, manifests)
        curve = [np.asarray(each[:_CURVE_IMAGES]) for each in load_split(paths, "valid")]
    record = _describe_training(params, paths, manifests)
    key = checkpoints.key_of(record)
    # Hosts may have cores in different numbers.
    devices = _devices(params.train.strategy, checkpoints.key_of(record | {"threads": None}))
    keras.utils.disable_interactive_logging()
    keras.utils.set_random_seed(derive_seed(params.train.seed, "weights") % 2**32)
    tf.config.experimental.enable_op_determinism()
    with _telling_of_memory(), telling_of_loss(devices.hosts):
        trainer, curve_data = _set_up(params, source, curve, devices)
        if not devices.hosts.is_chief:
            return _assist(trainer, source, params.train)
    with checkpoints.claimed(paths.root, key) as slot:
        course = _take_up(trainer, slot, params.train, record)
        record["started"] = course.started
        earlier = Earlier(course.run_id, course.curves) if course.history else None
        with training_run(paths.root, record, _warn, lock=slot.lock, earlier=earlier) as live:
            course.run_id = live.run_id
            with _telling_of_memory(), telling_of_loss(devices.hosts):
                trainer.follow_chief()
                try:
                    _train(trainer, source, curve_data, params, live, slot, course, paths)
                except StageError:  # it would end in the same way again
                    slot.discard()
                    raise
                _write_results(paths, trainer.model, source, course, record)
        logged = log_results(paths, is_scored=False)
    on_devices = f" on {len(devices)} devices" if len(devices) > 1 else ""
    return (
        f"trained {params.model.network} for {len(course.history)} epochs{on_devices} in "
        f"{course.seconds:.0f} s: loss {course.last['train_loss']:.4f}"
        f"{_warning(course.health)}{logged}"
    )


def _devices(strategy: str, key: str) -> Devices:
    """The devices to train on, once all hosts are there."""
    hosts = ALONE
    if strategy == "multi_worker":
        hosts = named()
        print(f"waiting for all of {hosts}", flush=True)
        meet(hosts, key)
    with telling_of_loss(hosts):
        return of_strategy(strategy, hosts)


def _set_up(
    params: Params, source: BatchSource, curve: Sequence[np.ndarray], devices: Devices
) -> tuple[Trainer, Batch]:
    """A trainer, and what its curves are of, from images and holes."""
    with devices.scope():
        model = NETWORKS[params.model.network].build(
            source.images.shape[3],
            filters=params.model.filters,
            dropout=params.model.dropout,
            skip_connections=params.model.skip_connections,
            deepest=deepest_at_once(source.holes, crops=source.motif == "crops"),
            mirrored=source.mirrors,
        )
    images, holes = curve
    trainer = Trainer(
        model,
        params.train.model_dump(),
        source.batches_per_epoch,
        _window(params.model.network, source.holes, holes),
        devices,
    )
    return trainer, make_batch(params.model.network, images, holes)


@contextmanager
def _telling_of_memory() -> Iterator[None]:
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        raise StageError(
            "there is not enough memory: try a smaller train.batch_size or model.filters"
        ) from None


@dataclass
class _Course:
    """How far a training has come.

    Attributes:
        started: as reports/train.json has it.
        experiment: of DVC. What has come to its end is not taken over by another one.
        run_id: of its MLflow run.
        seconds: that were spent on it, those of processes that were ended included.
        history: a row for each epoch, see _HISTORY.
        health: after the last epoch.
        num_in_vain: of `health.Watch`.
        trial: the sweep and the number in it; () for no trial.
    """

    started: str
    experiment: str | None
    run_id: str = ""
    seconds: float = 0.0
    history: list[list[float]] = field(default_factory=list)
    health: Health = field(default_factory=Health)
    num_in_vain: int = 0
    trial: Sequence[str | int] = ()

    @property
    def last(self) -> dict[str, float]:
        """The last epoch's row of the history, by name."""
        return dict(zip(_HISTORY, self.history[-1], strict=True))

    @property
    def curves(self) -> list[dict[str, float]]:
        """What MLflow is told of each epoch."""
        return [epoch_metrics(dict(zip(_HISTORY, row, strict=True))) for row in self.history]


def _take_up(
    trainer: Trainer, slot: checkpoints.Slot, train: TrainParams, record: Mapping[str, Any]
) -> _Course:
    """Where to begin: after the last epoch that a process, ended too early, has kept."""
    made_by = record["origin"]
    experiment = made_by["experiment"]
    trial = [made_by["sweep"], made_by["trial"]] if "sweep" in made_by else []
    kept = slot.load() if train.resume else None
    is_done = kept is not None and len(kept.facts["history"]) == train.epochs
    if kept is None or (is_done and kept.facts["experiment"] != experiment):
        return _Course(record["started"], experiment, trial=trial)
    kept.facts["experiment"] = experiment
    trainer.restore(kept.arrays)
    course = _Course(**kept.facts | {"health": Health(**kept.facts["health"])})
    print(f"goes on after epoch {len(course.history)} of {train.epochs}", flush=True)
    return course


def _write_results(
    paths: Paths,
    model: keras.Model,
    source: BatchSource,
    course: _Course,
    record: dict[str, Any],
) -> None:
    with atomic(paths.model) as temporary:
        model.save(temporary)
    write_csv(paths.history, _HISTORY, course.history)
    seen = (source.holes, load_split(paths, "valid")[1])
    result = {
        "run_id": course.run_id,
        "epochs": len(course.history),
        "images_seen": len(course.history) * len(source.images),
        "seconds": round(course.seconds, 1),
        "train_loss": course.last["train_loss"],
        "valid_loss": course.last["valid_loss"],
        "num_parameters": model.count_params(),
        "collapsed": course.health.collapsed,
        "learned_nothing": course.health.learned_nothing,
        "files": {"model": file_digest(paths.model), "history": file_digest(paths.history)},
        # How much of its image the largest hole hides, in [0, 1].
        "largest_hole": max(float(each.mean(axis=(1, 2)).max()) for each in seen),
    }
    write_checked(paths.train_summary, result | record)


def _warning(health: Health) -> str:
    """Of the result's line: what is wrong with the model."""
    learned_nothing = ", LEARNED NOTHING" if health.learned_nothing else ""
    return (", COLLAPSED" if health.collapsed else "") + learned_nothing


def _describe_training(
    params: Params, paths: Paths, manifests: Mapping[str, Any]
) -> dict[str, Any]:
    """What made the model: enough to log the run later, and to train it again."""
    # Data and holes as the earlier stages had them, whatever params.yaml says now.
    sections = {section: manifests[section]["params"] for section in ("data", "mask")}
    for name, section in (
        ("model", params.model),
        ("train", params.train),
        ("tracking", params.tracking),
    ):
        sections[name] = section.model_dump()
    digests = {
        f"{split}_{what}": manifests[section]["splits"][split]["sha256"]
        for section, what in (("data", "images"), ("mask", "holes"))
        for split in SPLITS
    }
    return {
        "terms": {key: manifests["data"][key] for key in ("licence", "citation")},
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "params": sections,
        "digests": digests | {"params": _params_digest(sections)},
        "versions": {name: version(name) for name in _VERSIONS}
        | {"python": platform.python_version()},
        "threads": num_threads(),
        "origin": origin.capture(paths.root),
    }


def _params_digest(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 of the parameters that decide what the network learns."""
    decisive = {section: dict(sections[section]) for section in ("data", "mask", "model", "train")}
    decisive["train"].pop("resume", None)  # the same comes of it
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _warn(problem: str) -> None:
    print(f"training goes on without MLflow: {problem}", file=sys.stderr)


def _batch_source(params: Params, paths: Paths, manifests: dict[str, Any]) -> BatchSource:
    images, holes = load_split(paths, "train")
    draw_holes = params.train.holes == "random"
    if draw_holes:
        holes = _hole_pool(params.train, manifests["mask"]["params"], images.shape[1:3])
    return BatchSource(
        network=params.model.network,
        images=images,
        holes=holes,
        draw_holes=draw_holes,
        batch_size=params.train.batch_size,
        augment_jointly=params.train.augmentation == "joint",
        motif=manifests["data"]["motif"],
    )


def _hole_pool(train: TrainParams, mask: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """Holes of each chosen kind, as many of one as of another; bool (n, H, W)."""
    num = -(-_HOLE_POOL // len(train.hole_kinds))
    return np.concatenate(
        [
            draw(generator(train.seed, "hole pool", kind), kind, num, *shape, mask)
            for kind in train.hole_kinds
        ]
    )


def _window(network: str, *holes: np.ndarray) -> Window:
    """Where a network has to look for all these holes.

    It halves images, so that it matters where a window begins. If all holes are one, it is the
    window that is looked at when that hole is filled; otherwise, that around all of them.
    """
    if not NETWORKS[network].is_local:
        return WHOLE
    missing = np.logical_or.reduce([each.any(axis=0) for each in holes])
    window = window_around(missing, REACH)
    return WHOLE if window == tuple(slice(0, size) for size in missing.shape) else window


def _train(
    trainer: Trainer,
    source: BatchSource,
    curve_data: Batch,
    params: Params,
    live: LiveRun,
    slot: checkpoints.Slot,
    course: _Course,
    paths: Paths,
) -> None:
    """Train the epochs that are left."""
    epochs, seed = params.train.epochs, params.train.seed
    began = time.monotonic() - course.seconds
    watch = Watch(curve_data, epochs, source.batches_per_epoch, course.num_in_vain)
    with ProgressBar("Epoch", epochs, lines=epochs) as bar:
        for epoch in range(1 + len(course.history), 1 + epochs):
            train_loss = _train_epoch(trainer, source, seed, epoch)
            valid = trainer.validate(curve_data)
            check_finite(valid.loss, epoch)
            row = [epoch, train_loss, valid.loss, valid.ssim_unit, trainer.learning_rate]
            before, health = course.health, watch.judge(valid, epoch)
            course.history.append(row)
            course.health, course.num_in_vain = health, watch.num_in_vain
            course.seconds = time.monotonic() - began
            with suppress(OSError):  # to be looked at meanwhile; at the end there has to be room
                write_csv(paths.history, _HISTORY, course.history)
            live.mark(LEARNED_NOTHING, holds=health.learned_nothing)
            is_given_up = health.problem and params.train.on_collapse == "stop"
            if params.train.resume and not is_given_up:
                # Before the epoch is logged: it would be logged twice, if it were trained again.
                _keep(slot, trainer, course, is_last=epoch == epochs)
            live.log_epoch(epoch, course.curves[-1])
            bar.update(epoch, f"loss {train_loss:.4f}  valid ssim_unit {valid.ssim_unit:.4f}")
            if is_given_up:
                raise StageError(f"after epoch {epoch}, {health.problem}")
            if health.problem and not before.problem:
                print(f"after epoch {epoch}, {health.problem}", file=sys.stderr, flush=True)


def _train_epoch(trainer: Trainer, source: BatchSource, seed: int, epoch: int) -> float:
    own = trainer.devices.hosts.own
    train_loss = trainer.train_epoch(source.epoch(generator(seed, "epoch", epoch), own))
    check_finite(train_loss, epoch)
    return train_loss


def _assist(trainer: Trainer, source: BatchSource, train: TrainParams) -> str:
    """Train along with the chief, who keeps, judges and logs."""
    trainer.follow_chief()
    with ProgressBar("Epoch", train.epochs, lines=train.epochs) as bar:
        for epoch in range(1 + trainer.num_epochs, 1 + train.epochs):
            train_loss = _train_epoch(trainer, source, train.seed, epoch)
            bar.update(epoch, f"loss {train_loss:.4f}")
    return f"helped to train; the model is with the first of {trainer.devices.hosts}"


def _keep(slot: checkpoints.Slot, trainer: Trainer, course: _Course, *, is_last: bool) -> None:
    """Keep where the training could go on, if there is room for it on the disk."""
    if not (is_last or slot.is_due()):
        return
    try:
        slot.save(trainer.state(), asdict(course))
    except OSError as error:
        print(f"the training goes on without checkpoint: {error}", file=sys.stderr, flush=True)
