"""The one training loop."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from inpaint.base.seeds import derive_seed
from inpaint.restoring.pixels import in_parts
from inpaint.scoring.ssim import ssim
from inpaint.training.batches import Batch
from inpaint.training.devices import Devices
from inpaint.training.losses import LOSSES, num_averaged
from inpaint.training.muon import Muon

_WEIGHT_DECAY = 1e-4
# How long AdamW remembers how large gradients were: 0.99 is some 100 steps. With the usual 0.999, a
# network of smooth pictures, which has little to gain, forgot within epochs what it had learned.
_BETA_2 = 0.99
_WARM_UP = 0.05  # share of all steps over which the learning rate rises
_AVERAGING_EPOCHS = 2.0  # averaged weights remember about this many epochs
_SCHEDULED = {"muon": Muon, "adamw": keras.optimizers.AdamW}
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


Window = tuple[slice, slice]  # rows and columns of the images
WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Validation:
    """How the model does on images that it was not trained on.

    Attributes:
        loss: the training loss.
        ssim_unit: of the composite, before rounding to uint8.
        hole_range: brightest minus darkest value that the network put into any hole, on [-1, 1], of
            the channel where that is most: one constant colour has none.
        hole_range_true: the same of what belongs there.
    """

    loss: float
    ssim_unit: float
    hole_range: float
    hole_range_true: float


class Trainer:
    """Trains a model, one epoch at a time.

    With `muon` and `adamw` the learning rate warms up and then falls along a cosine, and ``model``
    holds an average of the weights over the last epochs; with `adam`, the report's way, the rate
    is constant and ``model`` holds the weights themselves. With the precision `bfloat16` the layers
    that convolve compute in it (Micikevicius et al., 2018, arXiv 1710.03740; it has float32's
    range, so no loss has to be scaled); the weights, all else, and ``model`` are float32.

    Args:
        model: the network.
        train: the section `train` of the parameters.
        steps_per_epoch: batches.
        window: rows and columns of the images that the network is run on, if nothing is missing
            elsewhere and it passes known pixels through.
        devices: that share the training; ``model`` was made in their scope.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Mapping[str, Any],
        steps_per_epoch: int,
        window: Window = WHOLE,
        devices: Devices | None = None,
    ) -> None:
        self.model = model
        self.devices = devices or Devices()
        self._window = window
        self._steps_per_epoch = steps_per_epoch
        self._loss = train["loss"]
        with self.devices.scope():
            self._build(train)
        self._graphs: dict[str, Any] = {}

    def _build(self, train: Mapping[str, Any]) -> None:
        """Make what a step changes, besides the model's own weights."""
        if train["optimizer"] in _SCHEDULED:
            self._forget: float | None = 1 / (_AVERAGING_EPOCHS * self._steps_per_epoch)
            self._rate = _cosine(train["learning_rate"], train["epochs"] * self._steps_per_epoch)
            self._optimizer = _SCHEDULED[train["optimizer"]](
                float(self._rate(0)),
                beta_2=_BETA_2,
                weight_decay=_WEIGHT_DECAY,
                global_clipnorm=1.0,
            )
        else:
            self._forget = None
            self._rate = None
            self._optimizer = keras.optimizers.Adam(train["learning_rate"])
        if train["optimizer"] == "adam" and train["precision"] == "float32":
            self._trained = self.model
        else:
            self._trained = _copy(self.model, train["precision"])
        self.devices.prepare(self._optimizer)
        # With its variables missing, the step would be traced once more after they are made.
        self._optimizer.build(self._trained.trainable_variables)
        is_augmented = train["augmentation"] == "input"
        self._augment = _input_augmentation(train["seed"]) if is_augmented else None

    @property
    def num_epochs(self) -> int:
        """That were trained."""
        return int(np.array(self._optimizer.iterations)) // self._steps_per_epoch

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(np.array(self._optimizer.learning_rate))

    def state(self) -> list[np.ndarray]:
        """All that steps change: where it is restored, training goes on bit for bit."""
        return [np.array(variable) for variable in self._variables()]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Go on from a `state` of a trainer that was made alike."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def follow_chief(self) -> None:
        """Take over the state of the first of the processes that share the training."""
        self.restore(self.devices.of_chief(self.state()))

    def _variables(self) -> list[keras.Variable]:
        """Weights, those that are averaged, the optimizer's, and the states of random layers."""
        holders = [self.model, self._optimizer]
        holders += [self._trained] if self._trained is not self.model else []
        holders += [self._augment] if self._augment is not None else []
        return [variable for holder in holders for variable in holder.variables]

    def train_epoch(self, batches: Iterable[Batch]) -> float:
        """Take one step per batch; give the mean loss of an image."""
        total, num_images = 0.0, 0
        for batch in batches:
            loss = self._run("train", batch.inputs, batch.image_true, batch.hole)
            total += float(loss) * batch.num_images
            num_images += batch.num_images
        return total / num_images

    def validate(self, data: Batch) -> Validation:
        """Score ``model`` on images that are never trained on."""
        losses, scores, inside, inside_true = [], [], [], []
        parts = list(in_parts(*data.hole.shape[:3]))
        for part in parts:
            result = self._run(
                "valid",
                {name: each[part] for name, each in data.inputs.items()},
                data.image_true[part],
                data.hole[part],
            )
            loss, score, values, values_true = (value.numpy() for value in result)
            losses.append(loss)
            scores.append(score)
            inside.append(values)
            inside_true.append(values_true)
        sizes = [len(data.hole[part]) for part in parts]
        return Validation(
            loss=float(np.average(losses, weights=sizes)),
            ssim_unit=(float(np.average(scores, weights=sizes)) + 1) / 2,
            hole_range=_widest(inside),
            hole_range_true=_widest(inside_true),
        )

    def _run(self, step: str, *arrays: Any) -> Any:
        """Take a step, by one graph for all batches: the last one of an epoch is smaller."""
        if step not in self._graphs:
            function = {"train": self._train_step, "valid": self._valid_step}[step]
            signature = tree.map_structure(
                lambda array: tf.TensorSpec((None, *array.shape[1:])), arrays
            )
            self._graphs[step] = tf.function(function, signature, autograph=False)
        return self._graphs[step](*arrays)

    def _look(self, model: keras.Model, inputs: dict[str, tf.Tensor], *, training: bool) -> Any:
        """The network's whole image, from what it makes of the window."""
        if self._window == WHOLE:
            return tf.cast(model(inputs, training=training), tf.float32)
        seen = {name: each[:, *self._window] for name, each in inputs.items()}
        change = tf.cast(model(seen, training=training), tf.float32) - seen["image"]
        image = inputs["image"]
        around = [
            (span.start, size - span.stop)
            for span, size in zip(self._window, image.shape[1:3], strict=True)
        ]
        return image + tf.pad(change, [(0, 0), *around, (0, 0)])

    def _train_step(
        self, inputs: dict[str, tf.Tensor], image_true: tf.Tensor, hole: tf.Tensor
    ) -> tf.Tensor:
        loss = self.devices.run(self._learn, (inputs, image_true, hole))
        if self._rate is not None:
            # Once a step: Keras would ask a schedule of its own for every variable.
            self._optimizer.learning_rate = self._rate(self._optimizer.iterations)
        if self._trained is not self.model:
            self._take_over(self._trained.trainable_variables)
        return loss

    def _learn(
        self, inputs: dict[str, tf.Tensor], image_true: tf.Tensor, hole: tf.Tensor
    ) -> tf.Tensor:
        """Move the weights of one device; give the loss of all."""
        (inputs, image_true, hole), share = self.devices.own((inputs, image_true, hole))
        if self._augment is not None:
            inputs = inputs | {"image": self._augment(inputs["image"], training=True)}
        with tf.GradientTape() as tape:
            image_pred = self._look(self._trained, inputs, training=True)
            own = LOSSES[self._loss](image_true, image_pred, hole)
            loss = self.devices.weighted(own, share * num_averaged(self._loss, hole))
        weights = self._trained.trainable_variables
        gradients = self.devices.total(tape.gradient(loss, weights))
        self._optimizer.apply(gradients, weights)
        return self.devices.total(loss)

    def _take_over(self, weights: Sequence[tf.Variable]) -> None:
        """Bring ``model`` up to date with the weights that were trained."""
        kept = self.model.trainable_variables
        if self._forget is None:
            for old, weight in zip(kept, weights, strict=True):
                old.assign(weight)
            return
        step = tf.cast(self._optimizer.iterations, tf.float32)
        # Early on, average over the steps there have been.
        forget = tf.maximum(self._forget, 1 / (step + 1))
        for average, weight in zip(kept, weights, strict=True):
            average.assign(average + forget * (weight - average))

    def _valid_step(
        self, inputs: dict[str, tf.Tensor], image_true: tf.Tensor, hole: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        image_pred = self._look(self.model, inputs, training=False)
        loss = LOSSES[self._loss](image_true, image_pred, hole)
        composite = hole * tf.clip_by_value(image_pred, -1, 1) + (1 - hole) * image_true
        score = tf.reduce_mean(ssim(image_true, composite))
        is_missing = hole[..., 0] > 0
        inside = tf.boolean_mask(image_pred, is_missing)
        return loss, score, inside, tf.boolean_mask(image_true, is_missing)


def _copy(model: keras.Model, precision: str) -> keras.Model:
    """A network with the same weights, whose convolutions are computed in a precision."""

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if precision == "bfloat16" and isinstance(layer, _CONVOLUTIONS):
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    copied = keras.models.clone_model(model, clone_function=copy)
    copied.set_weights(model.get_weights())
    return copied


def _cosine(highest: float, num_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A short rise from zero to the highest rate, and a cosine's fall to zero."""
    warm_up = max(1, round(_WARM_UP * num_steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, num_steps - warm_up), warmup_target=highest, warmup_steps=warm_up
    )


def _input_augmentation(seed: int) -> keras.Sequential:
    """The report's augmentation: of the network's input, but not of its target."""
    return keras.Sequential(
        [
            keras.layers.RandomRotation(0.1, seed=derive_seed(seed, "rotation") % 2**32),
            keras.layers.RandomZoom(0.1, seed=derive_seed(seed, "zoom") % 2**32),
        ]
    )


def _widest(values: list[np.ndarray]) -> float:
    """The range of values, (k, C) each, in the channel where it is widest."""
    return float(np.ptp(np.concatenate(values), axis=0).max())
