"""The gain over the network's own fill, which decides whether it has learned anything."""

import numpy as np
import pytest
import skimage.data

from inpaint.params import Params
from inpaint.restoring import fill
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.serving import Inpainter
from inpaint.scoring import health, metrics
from inpaint.stages import evaluate

GROUPS = [0, 1, 2, 3]
MANIFEST = {"splits": {"valid": {"groups": GROUPS}}}


@pytest.mark.parametrize("deepest", [20, 6])
def test_a_network_that_changes_nothing_gains_nothing_over_its_fill(
    params: Params, deepest: float
) -> None:
    coffee = skimage.data.coffee()
    images = np.stack([coffee[top : top + 32, 100:140] for top in range(0, 320, 80)])
    holes = np.zeros(images.shape[:3], dtype=bool)
    holes[:, 14:] = True
    options = {"filters": 4, "dropout": 0, "skip_connections": True, "mirrored": False}
    untrained = Inpainter(NETWORKS["residual_unet"].build(3, deepest=deepest, **options))
    scores = metrics.score_images(images, untrained.restore(images, holes), holes)
    at_once = metrics.score_images(images, fill.biharmonic(images, holes), holes)
    # Deep holes are filled from a smaller picture, which is no merit of the network's.
    changed = scores["ssim"] != at_once["ssim"]
    assert changed.all() if deepest < 18 else not changed.any()
    found = evaluate._against_fill(
        params.evaluate,
        MANIFEST,
        {"composite": scores},
        evaluate._score_fill(untrained, images, holes),
    )
    gain = found["gain_over_fill"]
    assert gain["ssim_unit"] == gain["hole_psnr_db"] == {"mean": 0, "low": 0, "high": 0}
    assert found["num_groups"] == len(GROUPS)
    assert health.learned_nothing({"mean": 1, "low": 1, "high": 1}, gain["ssim_unit"])
