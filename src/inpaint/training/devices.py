"""Where the steps of a training are computed: on one device, on all of a machine, or on many hosts.

Devices that share a training hold the same weights. Each computes the gradient of its part of every
batch, and all take the same step, by the sum: synchronous data parallelism by `tf.distribute`,
under whose strategies Keras's own `fit` does not work.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint.base.errors import StageError
from inpaint.training.hosts import ALONE, Hosts

Step = Callable[..., tf.Tensor]
# What the others meet when a process of the training is gone.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Devices:
    """One device, which shares nothing."""

    hosts = ALONE

    def __len__(self) -> int:
        return 1

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is made inside the block is on each device."""
        yield

    def prepare(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Have an optimizer take the gradients of `total` as they are."""

    def run(self, step: Step, batch: tuple[Any, ...]) -> tf.Tensor:
        """Take a step on all devices, by what each has of a batch; give its result.

        Args:
            step: gives the same on all devices; it may use `own`, `weighted` and `total`.
            batch: tensors, (B, ...), or dictionaries of such.
        """
        return step(*batch)

    def own(self, batch: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        """In a step: this device's part of what its process has of a batch, and what each image of
        the part counts for."""
        return batch, 1.0

    def weighted(self, mean: tf.Tensor, _count: tf.Tensor) -> tf.Tensor:
        """In a step: what a mean over so many things adds to the mean over all devices'."""
        return mean

    def total(self, tensors: Any) -> Any:
        """In a step: the sums over all devices."""
        return tensors

    def of_chief(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The first process's arrays, from those that each process gives, of the same shapes."""
        return arrays


class SharedDevices(Devices):
    """The devices of a strategy.

    Args:
        strategy: of TensorFlow, for this process alone or for many.
        hosts: the processes.
    """

    def __init__(self, strategy: tf.distribute.Strategy, hosts: Hosts = ALONE) -> None:
        self._strategy = strategy
        self.hosts = hosts

    def __len__(self) -> int:
        num: int = self._strategy.num_replicas_in_sync
        return num

    @contextmanager
    def scope(self) -> Iterator[None]:
        with self._strategy.scope():
            yield

    def prepare(self, optimizer: keras.optimizers.Optimizer) -> None:
        # Keras sums after it has clipped, so that each device's own gradient would be clipped.
        optimizer._all_reduce_sum_gradients = lambda summed: summed

    def run(self, step: Step, batch: tuple[Any, ...]) -> tf.Tensor:
        results = self._strategy.run(step, batch)
        return self._strategy.experimental_local_results(results)[0]

    def own(self, batch: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        num_here = len(self) // len(self.hosts)
        num_images = tf.shape(keras.tree.flatten(batch)[0])[0]
        device = self._device() - num_here * self.hosts.index
        begin, end, share = part_of(num_images, device, num_here)
        return keras.tree.map_structure(lambda tensor: tensor[begin:end], batch), share

    def weighted(self, mean: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        return mean * count / tf.maximum(self.total(count), 1.0)

    def total(self, tensors: Any) -> Any:
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)

    def of_chief(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if len(self.hosts) == 1:
            return arrays
        # One type for all, which holds the values of the others.
        sent = [np.asarray(array, np.float64) for array in arrays]

        def step(*values: tf.Tensor) -> list[tf.Tensor]:
            is_first = self._device() == 0
            return self.total([tf.where(is_first, each, tf.zeros_like(each)) for each in values])

        def all_steps() -> list[tf.Tensor]:
            results = self._strategy.run(step, tuple(sent))
            return [self._strategy.experimental_local_results(each)[0] for each in results]

        received = tf.function(all_steps, autograph=False)()
        return [
            each.numpy().astype(array.dtype) for each, array in zip(received, arrays, strict=True)
        ]

    def _device(self) -> Any:
        return tf.distribute.get_replica_context().replica_id_in_sync_group


def part_of(num_images: tf.Tensor, device: Any, num_devices: int) -> tuple[tf.Tensor, ...]:
    """Which of a process's images a device computes, from and up to, and what each counts for.

    All compute all of too few images, each of which then counts for a part with each of them.
    """
    begin, end = (num_images * each // num_devices for each in (device, device + 1))
    is_enough = num_images >= num_devices
    return (
        tf.where(is_enough, begin, 0),
        tf.where(is_enough, end, num_images),
        tf.where(is_enough, 1.0, 1.0 / num_devices),
    )


def of_strategy(name: str, hosts: Hosts) -> Devices:
    """The devices of `train.strategy`; before TensorFlow computes anything.

    Args:
        name: default, mirrored or multi_worker.
        hosts: those that have met, for multi_worker.
    """
    if name == "default":
        return Devices()
    if name == "multi_worker":
        kept = signal.getsignal(signal.SIGTERM)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        signal.signal(signal.SIGTERM, kept)  # TensorFlow has put another one there
        return SharedDevices(strategy, hosts)
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return SharedDevices(tf.distribute.MirroredStrategy([device.name for device in found]))


@contextmanager
def telling_of_loss(hosts: Hosts) -> Iterator[None]:
    """Inside the block, a process that has ended too early is told.

    Raises:
        StageError: there was such a process.
    """
    try:
        yield
    except _LOST as error:
        if len(hosts) == 1:
            raise
        reason = str(error).rpartition("\n\n")[2].strip().splitlines()
        raise StageError(
            f"a process that shares the training has ended, of {hosts}: if it tells no reason, "
            "start all again, and the training goes on after the last epoch that was kept"
            f" ({reason[0] if reason else 'nothing more is known'})"
        ) from None
