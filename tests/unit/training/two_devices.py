"""A program that has two devices for TensorFlow: how far trainings on both are from those on one.

A process has as many devices as it had when TensorFlow was first used.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from inpaint.params import load_params
from inpaint.training.batches import make_batch
from inpaint.training.devices import Devices, of_strategy
from inpaint.training.hosts import ALONE
from inpaint.training.loop import Trainer
from tests.checkout import ROOT
from tests.unit.training.example import tiny_network

SETTINGS: list[dict[str, Any]] = [
    {},
    {"optimizer": "adamw", "loss": "hole_mse"},
    {"optimizer": "adam", "loss": "mse"},
]
_SIZES = (8, 7, 1)  # of the batches; one image is too few for two devices


def trained(devices: Devices, settings: dict[str, Any]) -> list[np.ndarray]:
    """The losses of the epochs, and the weights that are saved."""
    rng = np.random.default_rng(0)
    batches = []
    for size in _SIZES:
        images = rng.integers(0, 256, (size, 28, 28, 1), dtype=np.uint8)
        holes = np.zeros((size, 28, 28), bool)
        for hole in holes:
            height, width = rng.integers(4, 12, 2)
            hole[8 : 8 + height, 8 : 8 + width] = True
        batches.append(make_batch("residual_unet", images, holes))
    with devices.scope():
        model = tiny_network()
    trainer = Trainer(model, settings, len(batches), devices=devices)
    losses = [trainer.train_epoch(batches) for _ in range(3)]
    with TemporaryDirectory() as folder:
        model.save(path := Path(folder, "model.keras"))
        return [np.array(losses), *keras.saving.load_model(path).get_weights()]


def main() -> None:
    [processor] = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    usual = load_params(ROOT / "params.yaml").train.model_dump()
    devices = of_strategy("mirrored", ALONE)
    for changes in SETTINGS:
        one, two = (trained(each, usual | changes) for each in (Devices(), devices))
        difference = max(np.abs(a - b).max() for a, b in zip(one, two, strict=True))
        print(f"{len(devices)} devices, other by {difference:.1e}", flush=True)


if __name__ == "__main__":
    main()
