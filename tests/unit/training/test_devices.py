"""One device, and two, which train as one."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from inpaint.training.devices import Devices, of_strategy, part_of
from inpaint.training.hosts import ALONE, Hosts
from tests.checkout import ROOT
from tests.unit.training.two_devices import SETTINGS


def test_one_device_shares_nothing() -> None:
    devices = of_strategy("default", ALONE)
    batch = (tf.zeros((3, 4)), {"hole": tf.ones((3, 4))})
    assert type(devices) is Devices
    assert len(devices) == 1
    assert devices.own(batch) == (batch, 1.0)
    assert devices.total(batch) is batch
    assert devices.weighted(batch[0], tf.constant(3.0)) is batch[0]
    assert devices.run(lambda first, _: first, batch) is batch[0]
    arrays = [np.zeros(3)]
    assert devices.of_chief(arrays) is arrays


@pytest.mark.parametrize(
    ("num_images", "num_hosts", "num_here"),
    [(32, 2, 2), (3, 2, 2), (13, 4, 4), (1, 1, 2), (1, 3, 2), (9, 3, 3), (7, 1, 8)],
)
def test_each_image_counts_once(num_images: int, num_hosts: int, num_here: int) -> None:
    counted = np.zeros(num_images)
    for host in range(num_hosts):
        here = np.arange(num_images)[Hosts((("host", 1),) * num_hosts, host).own(num_images)]
        for device in range(num_here):
            begin, end, share = part_of(tf.constant(len(here)), device, num_here)
            assert begin < end
            counted[here[int(begin) : int(end)]] += float(share)
    # By all devices alike: what is weighted is divided by the sum.
    np.testing.assert_allclose(counted, counted[0])


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
