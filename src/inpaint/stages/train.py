"""train: images and holes -> models/inpainter.keras, its history, and an MLflow run."""

import hashlib
import json
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint.base import origin
from inpaint.base.errors import StageError
from inpaint.base.files import atomic, read_json, write_csv, write_json
from inpaint.base.paths import SPLITS, Paths
from inpaint.base.seeds import derive_seed, generator
from inpaint.data.holes import draw
from inpaint.data.store import load_split
from inpaint.params import Params, TrainParams
from inpaint.restoring.coarse import deepest_at_once
from inpaint.restoring.fill.regions import REACH, window_around
from inpaint.restoring.networks import NETWORKS
from inpaint.terminal.progress import ProgressBar
from inpaint.tracking.live import LiveRun, training_run
from inpaint.tracking.record import LEARNED_NOTHING, epoch_metrics
from inpaint.tracking.sync import log_results
from inpaint.training import health
from inpaint.training.batches import Batch, BatchSource, make_batch
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
    manifests = {"data": read_json(paths.images_manifest), "mask": read_json(paths.holes_manifest)}
    keras.utils.disable_interactive_logging()
    keras.utils.set_random_seed(derive_seed(params.train.seed, "weights") % 2**32)
    tf.config.experimental.enable_op_determinism()
    source = _batch_source(params, paths, manifests)
    model = NETWORKS[params.model.network].build(
        source.images.shape[3],
        filters=params.model.filters,
        dropout=params.model.dropout,
        skip_connections=params.model.skip_connections,
        deepest=deepest_at_once(source.holes, crops=source.motif == "crops"),
        mirrored=source.mirrors,
    )
    record = _describe_training(params, paths, manifests)
    with training_run(paths.root, record, on_problem=_warn) as live:
        started = time.monotonic()
        curve_images, curve_holes = (
            np.asarray(each[:_CURVE_IMAGES]) for each in load_split(paths, "valid")
        )
        history, state = _train(
            Trainer(
                model,
                params.train.model_dump(),
                source.batches_per_epoch,
                _window(params.model.network, source.holes, curve_holes),
            ),
            source,
            make_batch(params.model.network, curve_images, curve_holes),
            params,
            live,
        )
        seconds = time.monotonic() - started
        with atomic(paths.model) as temporary:
            model.save(temporary)
        write_csv(paths.history, _HISTORY, history)
        seen = (source.holes, load_split(paths, "valid")[1])
        last = dict(zip(_HISTORY, history[-1], strict=True))
        result = {
            "run_id": live.run_id,
            "epochs": len(history),
            "images_seen": len(history) * len(source.images),
            "seconds": round(seconds, 1),
            "train_loss": last["train_loss"],
            "valid_loss": last["valid_loss"],
            "num_parameters": model.count_params(),
            "collapsed": state.collapsed,
            "learned_nothing": state.learned_nothing,
            # How much of its image the largest hole hides, in [0, 1].
            "largest_hole": max(float(each.mean(axis=(1, 2)).max()) for each in seen),
        }
        write_json(paths.train_summary, result | record)
    return (
        f"trained {params.model.network} for {len(history)} epochs in {seconds:.0f} s: "
        f"loss {last['train_loss']:.4f}{_warning(state)}{log_results(paths)}"
    )


def _warning(state: health.Health) -> str:
    """Of the result's line: what is wrong with the model."""
    learned_nothing = ", LEARNED NOTHING" if state.learned_nothing else ""
    return (", COLLAPSED" if state.collapsed else "") + learned_nothing


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
        "origin": origin.capture(paths.root),
    }


def _params_digest(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 of the parameters that decide what the network learns."""
    decisive = {section: sections[section] for section in ("data", "mask", "model", "train")}
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
) -> tuple[list[tuple[float, ...]], health.Health]:
    """Train all epochs; give the rows of the history, and what is wrong with the network."""
    epochs, seed = params.train.epochs, params.train.seed
    history: list[tuple[float, ...]] = []
    watch = health.Watch(curve_data, epochs, source.batches_per_epoch)
    state = health.Health()
    with ProgressBar("Epoch", epochs, lines=epochs) as bar:
        for epoch in range(1, epochs + 1):
            train_loss = trainer.train_epoch(source.epoch(generator(seed, "epoch", epoch)))
            health.check_finite(train_loss, epoch)
            valid = trainer.validate(curve_data)
            health.check_finite(valid.loss, epoch)
            history.append((epoch, train_loss, valid.loss, valid.ssim_unit, trainer.learning_rate))
            before, state = state, watch.judge(valid, epoch)
            live.mark(LEARNED_NOTHING, holds=state.learned_nothing)
            live.log_epoch(epoch, epoch_metrics(dict(zip(_HISTORY, history[-1], strict=True))))
            bar.update(epoch, f"loss {train_loss:.4f}  valid ssim_unit {valid.ssim_unit:.4f}")
            if state.problem and params.train.on_collapse == "stop":
                raise StageError(f"after epoch {epoch}, {state.problem}")
            if state.problem and not before.problem:
                print(f"after epoch {epoch}, {state.problem}", file=sys.stderr, flush=True)
    return history, state
