"""Two ways to fill a hole, mixed as they prove themselves on what is known beside it.

In a smooth place a classical fill continues what is around a large hole better than a network does
that works on a smaller picture; in a rough one it is far off. Which it is, the known pixels beside
the hole tell: they are filled both ways from farther outside, as if the hole were so much higher,
and so much wider.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from inpaint.restoring.fill import Fill

BORDER = 12  # pixels beside the hole, on which the two are tried
_LARGEST = 20_000  # pixels of a hole: more take too long to be filled three times
_LEAST_ERROR = 0.5  # squared grey levels; less is no merit
_CORNER = 1.5  # a corner is farther away than a side: by the square root of 2, and some slack

# From pictures, uint8 (N, H, W, C), and what all of them miss, bool (H, W), to filled ones.
FillAlike = Callable[[np.ndarray, np.ndarray], np.ndarray]


def mixed(
    images: np.ndarray, hole: np.ndarray, inside: np.ndarray, first: FillAlike, rival: Fill
) -> np.ndarray:
    """Fill pictures that all miss the same both ways, and mix what they give, each by itself.

    Args:
        images: uint8 (N, H, W, C).
        hole: bool (H, W), True = missing.
        inside: bool (H, W), where the mixture is wanted.
        first: one way.
        rival: the other one.

    Returns:
        uint8 (N, H, W, C). Where nothing else is known than what is beside the hole, and for very
        large holes, all is by the first.
    """

    def second(images: np.ndarray, hole: np.ndarray) -> np.ndarray:
        return rival(images, np.broadcast_to(hole, (len(images), *hole.shape)))

    filled = first(images, hole)
    trials = list(_larger(hole, inside)) if np.count_nonzero(hole) <= _LARGEST else []
    if not trials:
        return filled
    # What is missing elsewhere counts as known, so that it is not filled once more in each trial.
    whole = np.where(hole[..., np.newaxis], filled, images)
    errors = np.array(  # (trials, 2, N)
        [
            [_errors(whole, fill(whole, tried), tried & ~hole) for fill in (first, second)]
            for tried in trials
        ]
    )
    # The inverse fourth power of the geometric mean: who has twice the squared error has a
    # seventeenth of the say.
    weights = np.exp(-4 * np.log(errors).mean(axis=0))
    share = (weights[0] / weights.sum(axis=0))[:, np.newaxis, np.newaxis, np.newaxis]
    mixture = share * filled + (1 - share) * second(images, hole)
    return np.rint(mixture).astype(np.uint8)


def _larger(hole: np.ndarray, inside: np.ndarray) -> Iterator[np.ndarray]:
    """The hole around the inside, higher and then wider by BORDER at either end: bool (H, W) each.

    Where that adds nothing, or leaves nothing known, there is none.
    """
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    # A stroke that goes on from the hole is no part of it.
    around = hole & (away < _CORNER * away[~hole].min())
    length = 2 * BORDER + 1
    for line in (np.ones((length, 1), np.uint8), np.ones((1, length), np.uint8)):
        larger = cv2.dilate(around.astype(np.uint8), line) == 1
        if (larger & ~hole).any() and not (larger | hole).all():
            yield larger


def _errors(images: np.ndarray, filled: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean square there of each picture, and the least that counts: squared grey levels, (N,)."""
    difference = images[:, where].astype(np.float64) - filled[:, where]
    mean: np.ndarray = np.square(difference).mean(axis=(1, 2))
    return mean + _LEAST_ERROR
