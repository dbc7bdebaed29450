"""Telling a network that cannot be saved, or learns nothing, from one that is learning.

Whether the training was of any use in the end, `inpaint.scoring.health` judges, by all images.
"""

import math
from dataclasses import dataclass

import numpy as np

from inpaint.base.advice import LEARNED_NOTHING_ADVICE
from inpaint.base.errors import StageError
from inpaint.restoring.pixels import in_parts
from inpaint.scoring.ssim import ssim
from inpaint.training.batches import Batch
from inpaint.training.loop import Validation

# Of the range [-1, 1]: one step between two grey levels of an 8-bit image.
_ONE_GREY_LEVEL = 2 / 255
# When it is first asked whether a network has learned anything: after this share of the epochs,
# but not before so many steps, over which the learning rate of a short training still rises and
# no network has had the time to learn.
_FIRST_SHARE = 0.1
_LEAST_STEPS = 150
_ROUNDING = 1e-6  # float32's, of a mean SSIM: what is better by less is no better


@dataclass(frozen=True)
class Health:
    """What is wrong with a network after an epoch.

    Attributes:
        collapsed: see `is_collapsed`.
        learned_nothing: see `Watch`; False as long as it is too early to tell.
        problem: the worst of it in words, with what to try; "" if nothing is wrong.
    """

    collapsed: bool = False
    learned_nothing: bool = False
    problem: str = ""


class Watch:
    """Judges a network after each epoch of its training.

    A network has collapsed as soon as one epoch shows it. It has learned nothing when two epochs
    in a row show it, both from `first_judged` on: a score may dip once in a training that goes
    well. Where only the last epoch is one of these, it counts alone.

    Args:
        curve_data: the validation images that the network is scored on after each epoch.
        epochs: of the whole training.
        steps_per_epoch: batches.
        num_in_vain: epochs in a row that have shown no gain, up to the present one.
    """

    def __init__(
        self, curve_data: Batch, epochs: int, steps_per_epoch: int, num_in_vain: int = 0
    ) -> None:
        self._fill_score = fill_ssim_unit(curve_data)
        self._num_images = len(curve_data.hole)
        self._first_epoch = first_judged(epochs, steps_per_epoch)
        self._enough = 1 if self._first_epoch == epochs else 2
        self.num_in_vain = num_in_vain

    def judge(self, valid: Validation, epoch: int) -> Health:
        """Judge a network by its scores after an epoch, counted from 1: after each one in turn."""
        collapsed = is_collapsed(valid)
        is_due = epoch >= self._first_epoch
        is_no_better = is_due and learned_nothing(valid.ssim_unit, self._fill_score)
        self.num_in_vain = self.num_in_vain + 1 if is_no_better else 0
        in_vain = self.num_in_vain >= self._enough
        problem = ""
        if collapsed:
            problem = COLLAPSE_ADVICE
        elif in_vain:
            problem = (
                f"the network has learned nothing: ssim_unit {valid.ssim_unit:.4f} on "
                f"{self._num_images} validation images, where the fill that it is given has "
                f"{self._fill_score:.4f}; {LEARNED_NOTHING_ADVICE}"
            )
        return Health(collapsed, in_vain, problem)


def first_judged(epochs: int, steps_per_epoch: int) -> int:
    """The epoch after which a network should have learned something, counted from 1.

    It may lie beyond the last one: a very short training is judged by the stage evaluate alone.
    """
    return max(math.ceil(_FIRST_SHARE * epochs), math.ceil(_LEAST_STEPS / steps_per_epoch))


def fill_ssim_unit(data: Batch) -> float:
    """Score what the network's input is filled with, as `Trainer.validate` scores the network."""
    filled = np.where(data.hole > 0, data.inputs["image"], data.image_true)
    scores = [
        ssim(data.image_true[part], filled[part]).numpy() for part in in_parts(*filled.shape[:3])
    ]
    return (float(np.concatenate(scores).mean()) + 1) / 2


def learned_nothing(ssim_unit: float, fill_ssim_unit: float) -> bool:
    """Whether a network is no better than the fill that it is given to begin with."""
    return not ssim_unit > fill_ssim_unit + _ROUNDING


def is_collapsed(validation: Validation) -> bool:
    """Whether the network puts one and the same value into every hole, where others belong.

    The report's network does so on MNIST: tanh saturates at -1, its gradient vanishes, and
    nothing can be learned any more.
    """
    return validation.hole_range < _ONE_GREY_LEVEL <= validation.hole_range_true


def check_finite(train_loss: float, epoch: int) -> None:
    """Stop training that has diverged: NaN does not heal.

    Raises:
        StageError: the loss of this epoch is not a finite number.
    """
    if not math.isfinite(train_loss):
        raise StageError(
            f"the loss became {train_loss} in epoch {epoch}; try a smaller train.learning_rate"
        )


COLLAPSE_ADVICE = (
    "the network collapsed: it fills every hole of every validation image with one constant "
    "value; try a smaller train.learning_rate, train.loss=hole_rmse_ssim or "
    "model.network=residual_unet (train.on_collapse=continue trains on regardless)"
)
