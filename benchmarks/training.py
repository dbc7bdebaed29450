"""Training: the report's way against ours, step by step and score by score."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.in_turn import Values, in_turn, seconds_of
from benchmarks.task import DIGITS, PICTURES, REPORT, Task, task
from inpaint.data.images.catalogue import DATASETS
from inpaint.restoring import fill
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.pixels import to_signed
from inpaint.scoring import metrics
from inpaint.training.batches import BatchSource, make_batch
from inpaint.training.loop import Trainer

_VALIDATED = 500  # images, as the stage train does for its curve


def step() -> Values:
    """A training step of the report's network: the mean of an epoch of 1,000 digits."""
    digits = task(data=DIGITS, **REPORT)
    images, holes = digits.images["train"], digits.holes["train"]
    data = tf.data.Dataset.from_tensor_slices(
        (to_signed(fill.constant(images, holes)), to_signed(images))
    )
    data = data.shuffle(len(images)).batch(digits.params.train.batch_size)
    model = reports_model(images.shape[1:])
    return in_turn(
        {
            "inpaint": _step(digits),
            "Keras": lambda: (
                seconds_of(lambda: model.fit(data, verbose=0, shuffle=False)) / len(data)
            ),
        },
        rounds=20,
    )


def bfloat16(**changes: Any) -> Callable[[], Values]:
    """A training step on digits with convolutions in bfloat16, against float32."""

    def measure() -> Values:
        methods = {}
        for method, precision in (("inpaint", "bfloat16"), ("float32", "float32")):
            train = changes.get("train", {}) | {"precision": precision}
            methods[method] = _step(task(data=DIGITS, **changes | {"train": train}))
        return in_turn(methods, rounds=8)

    return measure


def _step(of: Task) -> Callable[[], float]:
    """An epoch's mean step, whenever called."""
    (source, trainer), rng = _set_up(of), np.random.default_rng(0)
    return lambda: (
        seconds_of(lambda: trainer.train_epoch(source.epoch(rng))) / source.batches_per_epoch
    )


def reports_model(image_shape: tuple[int, ...]) -> keras.Model:
    """The report's network as the report builds and compiles it, with augmentation inside."""
    layers = keras.layers

    def conv(x: keras.KerasTensor, num: int) -> keras.KerasTensor:
        return layers.Conv2D(num, 3, padding="same", activation="relu")(x)

    masked = keras.Input(image_shape)
    x = layers.RandomZoom(0.1)(layers.RandomRotation(0.1)(masked))
    c1 = layers.Dropout(0.2)(conv(conv(x, 32), 32))
    c2 = layers.Dropout(0.2)(conv(conv(layers.MaxPooling2D(2)(c1), 64), 64))
    x = conv(layers.MaxPooling2D(2)(c2), 128)
    for skipped, num in ((c2, 64), (c1, 32)):
        x = layers.UpSampling2D(2)(x)
        x = layers.Conv2DTranspose(num, 3, padding="same", activation="relu")(x)
        x = conv(layers.Concatenate()([x, skipped]), num)
    output = layers.Conv2D(image_shape[-1], 3, padding="same", activation="tanh")(x)
    model = keras.Model(masked, output)
    model.compile("adam", "mse")
    return model


def mnist() -> Values:
    """The default training, until it is better than biharmonic interpolation, and until 0.94."""
    digits = task(data=DIGITS)
    wanted = {"better than biharmonic": _biharmonic(digits), "0.94": 0.94}
    rounds = [_times_to(wanted, digits) for _ in range(3)]
    return {name: [times[name] for times in rounds] for name in wanted}


def cifar10() -> Values:
    """Until it is better than biharmonic interpolation, and than the report's network ever is.

    The report's network trains before, and once: it takes minutes.
    """
    pictures = task(data=PICTURES)
    theirs = list(_curve(task(data=PICTURES, **REPORT)))
    best = max(score for _, score in theirs)
    print(f"  the report's network: at best {best:.4f}", flush=True)
    wanted = {"better than biharmonic": _biharmonic(pictures), "report_unet's best": best}
    rounds = [_times_to(wanted, pictures) for _ in range(3)]
    times = {name: [times[name] for times in rounds] for name in wanted}
    return times | {"report_unet": [next(at for at, score in theirs if score == best)]}


def _times_to(wanted: dict[str, float], of: Task) -> dict[str, float]:
    """Seconds of training until the validation score is above each of these."""
    times: dict[str, float] = {}
    for at, score in _curve(of):
        times |= {name: at for name in wanted.keys() - times if score > wanted[name]}
        if len(times) == len(wanted):
            return times
    raise SystemExit(f"training ended at {score:.4f}, before {wanted}")


def _curve(of: Task) -> Iterator[tuple[float, float]]:
    """Train by a task's parameters; give the seconds so far and the validation score, by epoch.

    The seconds include building and compiling the network, and validation.
    """
    start = time.perf_counter()
    keras.utils.set_random_seed(of.params.train.seed)
    source, trainer = _set_up(of)
    valid = make_batch(
        of.params.model.network, of.images["valid"][:_VALIDATED], of.holes["valid"][:_VALIDATED]
    )
    rng = np.random.default_rng(of.params.train.seed)
    for _ in range(of.params.train.epochs):
        trainer.train_epoch(source.epoch(rng))
        score = trainer.validate(valid).ssim_unit
        yield time.perf_counter() - start, score


def _biharmonic(of: Task) -> float:
    images, holes = of.images["valid"][:_VALIDATED], of.holes["valid"][:_VALIDATED]
    scores = metrics.ssim_tensorflow(images, fill.biharmonic(images, holes))
    return float(metrics.ssim_unit(scores).mean())


def _set_up(of: Task) -> tuple[BatchSource, Trainer]:
    params, images = of.params, of.images["train"]
    source = BatchSource(
        network=params.model.network,
        images=images,
        holes=of.holes["train"],
        draw_holes=False,
        batch_size=params.train.batch_size,
        augment_jointly=params.train.augmentation == "joint",
        motif=DATASETS[params.data.dataset].motif,
    )
    model = NETWORKS[params.model.network].build(
        images.shape[3],
        filters=params.model.filters,
        dropout=params.model.dropout,
        skip_connections=params.model.skip_connections,
        deepest=4,
        mirrored=source.mirrors,
    )
    return source, Trainer(model, params.train.model_dump(), source.batches_per_epoch)
