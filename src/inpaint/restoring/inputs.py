"""What strangers hand over to be restored: checked, then made the library's own arrays.

A stage knows what an earlier one wrote. A served model gets what somebody sent, often numbers out
of JSON, which has neither small integers nor a type for arrays. Nothing is guessed here: a wrong
type, range, shape or polarity is a ValueError that says what was received and what is allowed.
"""

from collections.abc import Mapping

import numpy as np

_LONGEST_ECHO = 100  # characters
# By NumPy's letter for the kind of a type.
_KINDS = {"U": "text", "S": "text", "b": "truth values", "O": "something else than 64-bit numbers"}


def check_inputs(
    received: object, channels: int, largest_hole: float
) -> tuple[np.ndarray, np.ndarray]:
    """The images and holes of a request.

    Args:
        received: a mapping of `images`, whole numbers in [0, 255] (N, H, W, C), and `holes`, True
            or 1 = missing (N, H, W).
        channels: C of the images that the network takes.
        largest_hole: the largest share of an image that was missing in training and validation, in
            [0, 1].

    Returns:
        images, uint8 (N, H, W, C), and holes, bool (N, H, W).

    Raises:
        ValueError: anything else was received.
    """
    names = sorted(map(str, received)) if isinstance(received, Mapping) else None
    if not isinstance(received, Mapping) or names != ["holes", "images"]:
        what = ", ".join(names)[:_LONGEST_ECHO] if names is not None else type(received).__name__
        raise ValueError(
            f"received {what or 'nothing'}, allowed: images and holes, or pictures and masks"
        )
    images = _whole_numbers("images", received["images"], 0, 255, "black to white")
    if images.ndim != 4 or images.size == 0 or images.shape[3] != channels:
        raise ValueError(
            f"images: received the shape {images.shape}, allowed: (N, height, width, {channels}) "
            "for N images of so many rows, columns and channels"
        )
    holes = _whole_numbers("holes", received["holes"], 0, 1, "or false and true: 1 is missing")
    if holes.shape != images.shape[:3]:
        raise ValueError(
            f"holes: received the shape {holes.shape}, allowed for these images: {images.shape[:3]}"
        )
    _check_polarity(holes, largest_hole)
    return images.astype(np.uint8), holes.astype(bool)


def _whole_numbers(name: str, values: object, low: int, high: int, meaning: str) -> np.ndarray:
    """An array of numbers that are exactly what they mean: nothing is rounded or cut off."""
    allowed = f"allowed: whole numbers from {low} to {high}, {meaning}"
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: received lists that make no array, {allowed}") from None
    is_flag = array.dtype == np.bool_ and (low, high) == (0, 1)
    is_array = (is_flag or array.dtype.kind in "iu") and array.ndim > 0
    if not is_array or (array.size and (array.min() < low or array.max() > high)):
        raise ValueError(f"{name}: received {_describe(array)}, {allowed}")
    return array


def _describe(array: np.ndarray) -> str:
    if array.size == 0:
        return "none"
    if array.dtype.kind not in "fiu":
        return _KINDS.get(array.dtype.kind, f"{array.dtype} values")
    return f"{array.dtype} values from {array.min():g} to {array.max():g}"


def largest_accepted(largest_hole: float) -> float:
    """The largest share of an image that may be missing.

    Half-way between the largest hole of the training and the whole image. Holes that are somewhat
    larger pass. The other polarity of a hole does not, if no hole of the training hides more than a
    third of an image; where they hide more, it cannot always be told.
    """
    return (1 + largest_hole) / 2


def _check_polarity(holes: np.ndarray, largest_hole: float) -> None:
    limit = largest_accepted(largest_hole)
    shares = holes.mean(axis=(1, 2))
    worst = int(shares.argmax())
    if shares[worst] > limit:
        raise ValueError(
            f"holes: received one, number {worst}, that hides {shares[worst]:.1%} of its image, "
            f"allowed: up to {limit:.1%}. 1 and true mean missing, 0 and false mean known"
        )
