"""Telling a network that cannot be saved from one that is learning."""

import math

from inpaint.base.errors import StageError
from inpaint.training.loop import Validation

# Of the range [-1, 1]: one step between two grey levels of an 8-bit image.
_ONE_GREY_LEVEL = 2 / 255


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
    "value; try a smaller train.learning_rate, train.loss=hole_mse_ssim or "
    "model.network=residual_unet (train.on_collapse=continue trains on regardless)"
)
