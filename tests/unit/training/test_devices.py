"""One device, and two, which train as one."""

import os
import re
import subprocess
import sys

import numpy as np
import tensorflow as tf

from inpaint.training.devices import Devices, of_strategy
from inpaint.training.hosts import ALONE
from tests.checkout import ROOT
from tests.unit.training.two_devices import SETTINGS


def test_one_device_shares_nothing() -> None:
    devices = of_strategy("default", ALONE)
    batch = (tf.zeros((3, 4)), {"hole": tf.ones((3, 4))})
    assert type(devices) is Devices
    assert len(devices) == 1
    assert devices.own(batch) is batch
    assert devices.total(batch) is batch
    assert devices.weighted(batch[0], tf.constant(3.0)) is batch[0]
    assert devices.run(lambda first, _: first, batch) is batch[0]
    arrays = [np.zeros(3)]
    assert devices.of_chief(arrays) is arrays


def test_two_devices_train_as_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.training.two_devices"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    differences = re.findall(r"2 devices, other by (\S+)", done.stdout)
    assert len(differences) == len(SETTINGS)
    assert max(map(float, differences)) < 1e-5
