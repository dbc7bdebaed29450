"""Pictures as people have them: one or many, grey or colour, of bytes or of finer numbers."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from inpaint.restoring import fill
from inpaint.restoring.fill import Fill

MODEL = "model"
CLASSICAL: dict[str, Fill] = {
    "biharmonic": fill.biharmonic,
    "telea": fill.telea,
    "navier-stokes": fill.navier_stokes,
}
METHODS = (MODEL, *CLASSICAL)
_FINER = 257  # 65535 / 255


class Restorer:
    """Fills the holes of pictures. :func:`load` makes one.

    Args:
        fill_for: from pictures' height, width and channels to what fills them.
    """

    def __init__(self, fill_for: Callable[[tuple[int, int, int]], Fill]) -> None:
        self._fill_for = fill_for

    def restore(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """Fill the hole of a picture, or of each picture of a batch.

        Args:
            image: a picture, (H, W) grey or (H, W, C), or a batch, (N, H, W) grey or (N, H, W, C),
                of any size; C is 1, grey, or 3, red, green and blue. uint8 in [0, 255], uint16 in
                [0, 65535], or floats in [0, 1]. What is under a hole is never looked at.
            hole: bool, True = missing: (H, W), of a picture or alike of a whole batch, or
                (N, H, W).

        Returns:
            Of the shape and type of ``image``. Known pixels come back bit for bit. What is filled
            has 256 levels, also where ``image`` has more.

        Raises:
            ValueError: another type, shape or range; no pixel is known; the model is not one for so
                many channels; or too much is missing to be filled in some 2.5 GB.

        Example:
            >>> import inpaint
            >>> import numpy as np
            >>> image = np.tile(np.arange(64, dtype=np.uint8), (64, 1))  # a grey ramp
            >>> hole = np.zeros((64, 64), dtype=bool)
            >>> hole[30:34, 10:50] = True
            >>> restored = inpaint.load(method="biharmonic").restore(image, hole)
            >>> bool((restored == image).all())
            True
        """
        image, hole = np.asarray(image), np.asarray(hole)
        images, holes = _as_batch(image.astype(image.dtype.newbyteorder("="), copy=False), hole)
        restored = self._fill_for(images.shape[1:])(_to_bytes(images, holes), holes)
        if images.dtype != np.uint8:
            restored = np.where(holes[..., np.newaxis], _from_bytes(restored, images.dtype), images)
        return restored.reshape(image.shape).astype(image.dtype, copy=False)


def load(model: Path | str | None = None, *, method: str = MODEL) -> Restorer:
    """Load what fills holes in pictures of any size.

    Args:
        model: a saved network, such as ``models/inpainter.keras``. If it is not given, the two
            models for photographs that come with the package, for grey pictures and for coloured
            ones, each loaded when the first such picture comes.
        method: ``model``, or one that needs none: ``biharmonic``, ``telea``, ``navier-stokes``.

    Raises:
        ValueError: another method, or the file is no network of this project.

    Example:
        >>> import inpaint
        >>> from skimage.data import astronaut
        >>> image = astronaut()
        >>> hole = (image == 255).all(axis=-1)  # True = missing
        >>> inpaint.load().restore(image, hole).shape
        (512, 512, 3)
    """
    if method not in METHODS:
        raise ValueError(f"method: received {method!r}, allowed: {', '.join(METHODS)}")
    if method != MODEL and model is not None:
        raise ValueError(f"method: received {method!r}, allowed with a model: model")
    if method != MODEL:
        return Restorer(lambda _: CLASSICAL[method])
    if model is None:
        return Restorer(lambda shape: _pretrained(shape[-1]))
    fill_by_network = _network(Path(model))
    return Restorer(lambda _: fill_by_network)


@cache
def _pretrained(channels: int) -> Fill:
    from inpaint.restoring.serving import load_pretrained

    return load_pretrained(channels).restore


def _network(path: Path) -> Fill:
    from inpaint.restoring import serving

    return serving.load(path).restore


def _as_batch(image: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, H, W, C) and (N, H, W), bool."""
    if hole.dtype != np.bool_ or hole.ndim not in (2, 3):
        raise ValueError(
            f"hole: received {hole.dtype} {hole.shape}, allowed: bool (H, W) or (N, H, W), "
            "True = missing; of a mask of 0 and 255, mask >= 128"
        )
    images = image
    if image.ndim == 2 or (image.ndim == 3 and _is_grey_batch(image, hole)):
        images = image[..., np.newaxis]
    images = images[np.newaxis] if images.ndim == 3 else images
    is_batch = images.ndim == 4 and images.shape[-1] in (1, 3)
    holes = np.broadcast_to(hole, (len(images), *hole.shape)) if hole.ndim == 2 else hole
    if not is_batch or holes.shape != images.shape[:3]:
        raise ValueError(
            f"image: received the shape {image.shape} with a hole {hole.shape}, allowed: (H, W) or "
            "(H, W, C), or a batch (N, H, W) or (N, H, W, C), with a hole of the same N, H and W; "
            "C is 1 or 3"
        )
    return images, holes


def _is_grey_batch(image: np.ndarray, hole: np.ndarray) -> bool:
    """Whether (N, H, W) are grey pictures, and not one of (H, W, C)."""
    is_picture = image.shape[2] in (1, 3) and (hole.ndim == 3 or hole.shape == image.shape[:2])
    return not is_picture and hole.shape in (image.shape, image.shape[1:])


def _to_bytes(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255]; what is under the holes is black."""
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.uint16:
        return ((images.astype(np.uint32) + _FINER // 2) // _FINER).astype(np.uint8)
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"image: received {images.dtype}, allowed: uint8, uint16, or floats")
    known = images[~holes]
    if known.size and not (known.min() >= 0 and known.max() <= 1):  # NaN is in no range
        raise ValueError(
            f"image: received floats from {known.min():g} to {known.max():g}, allowed: 0 to 1"
        )
    return np.rint(np.where(holes[..., np.newaxis], 0, images) * 255).astype(np.uint8)


def _from_bytes(images: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype == np.uint16:
        return images.astype(np.uint16) * np.uint16(_FINER)
    return (images / 255).astype(dtype)
