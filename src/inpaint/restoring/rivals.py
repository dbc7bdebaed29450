"""Two ways to fill a hole, mixed as they prove themselves on holes of its shape beside it.

In a smooth place a classical fill continues what is around a large hole better than a network does
that works on a smaller picture; in a rough one it is far off. Which it is, the known pixels tell:
above, below, left and right of the hole, those in the shape of its inside are filled both ways.
"""

from collections.abc import Callable, Iterator

import numpy as np

from inpaint.restoring.fill import Fill
from inpaint.restoring.fill.regions import REACH, window_around

_LARGEST = 20_000  # pixels of a hole: more take too long to be filled five times
_LEAST_ERROR = 0.5  # squared grey levels; less is no merit

FillOne = Callable[[np.ndarray, np.ndarray], np.ndarray]


def mixed(
    image: np.ndarray, hole: np.ndarray, inside: np.ndarray, first: FillOne, rival: Fill
) -> np.ndarray:
    """Fill one picture both ways, and mix what they give.

    Args:
        image: uint8 (H, W, C).
        hole: bool (H, W), True = missing.
        inside: bool (H, W), where the mixture is wanted.
        first: from a picture and its hole to the filled picture.
        rival: from pictures and their holes to filled ones.

    Returns:
        uint8 (H, W, C). Without room beside the hole, and for very large holes, all is by the
        first.
    """

    def second(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        return rival(image[np.newaxis], hole[np.newaxis])[0]

    filled = first(image, hole)
    trials = list(_beside(hole, inside)) if np.count_nonzero(hole) <= _LARGEST else []
    if not trials:
        return filled
    # What is missing otherwise counts as known, so that it is not filled once more in each trial.
    whole = np.where(hole[..., np.newaxis], filled, image)
    errors = np.array(
        [[_error(whole, fill(whole, tried), tried) for fill in (first, second)] for tried in trials]
    )
    # The inverse square of the geometric mean: who has twice the squared error has a fifth of the
    # say.
    weights = np.exp(-2 * np.log(errors).mean(axis=0))
    share = weights[0] / weights.sum()
    mixture = share * filled + (1 - share) * second(image, hole)
    return np.rint(mixture).astype(np.uint8)


def _beside(hole: np.ndarray, inside: np.ndarray) -> Iterator[np.ndarray]:
    """The inside, moved to where all is known: bool (H, W) each."""
    rows, columns = window_around(inside, 0)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    for down, right in (
        (-height - 2 * REACH, 0),
        (height + 2 * REACH, 0),
        (0, -width - 2 * REACH),
        (0, width + 2 * REACH),
    ):
        row, column = rows.start + down, columns.start + right
        place = np.s_[row : row + height, column : column + width]
        if row < 0 or column < 0 or hole[place].shape != (height, width) or hole[place].any():
            continue
        moved = np.zeros_like(hole)
        moved[place] = inside[rows, columns]
        yield moved


def _error(image: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """Mean square over the hole, in grey levels."""
    difference = image[hole].astype(np.float64) - filled[hole]
    return float(np.square(difference).mean()) + _LEAST_ERROR
