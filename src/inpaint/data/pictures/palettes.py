"""Colours for the pixels of a picture that has a palette, when some of them have changed."""

import numpy as np
from PIL import Image

from inpaint.data.pictures.reading import Palette

_MOST = 256
_AT_ONCE = 4096  # pixels


def indices_of(
    colours: np.ndarray, alpha: np.ndarray | None, palette: Palette
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the pixels of a picture by a palette.

    Pixels that are what they were keep their index. The others get the nearest colour, of those in
    use and new ones in the places of those that are not.

    Args:
        colours: uint8 (H, W, 3).
        alpha: uint8 (H, W), 0 = transparent; or None.
        palette: of the picture as it was.

    Returns:
        Indices, uint8 (H, W); the palette, uint8 (n, 3), and how opaque its colours are, uint8
        (n,).
    """
    opaque = np.full(colours.shape[:2], 255, np.uint8) if alpha is None else alpha
    pixels = np.dstack([colours, opaque])
    known = np.column_stack([palette.colours, palette.alpha])
    indices = palette.indices.copy()
    changed = (pixels != known[indices]).any(axis=-1)
    if changed.any():
        wanted = pixels[changed]
        in_use = np.unique(indices[~changed])
        free = np.setdiff1d(np.arange(_MOST), in_use)
        new = _few_colours(wanted, len(free))
        entries = np.concatenate([in_use, free[: len(new)]])
        table = np.zeros((max(len(known), int(entries.max()) + 1), 4), np.uint8)
        table[: len(known)] = known
        table[free[: len(new)]] = new
        indices[changed] = entries[_nearest(wanted, table[entries])]
        known = table
    return indices, known[:, :3], known[:, 3]


def _few_colours(pixels: np.ndarray, most: int) -> np.ndarray:
    """At most so many colours that stand for all: uint8 (N, 4) -> (n, 4)."""
    distinct = np.unique(pixels, axis=0)
    if len(distinct) <= most or most == 0:
        return distinct[:most]
    opaque = Image.fromarray(distinct[np.newaxis, :, :3])
    few = opaque.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = np.array(few.getpalette("RGB"), np.uint8).reshape(-1, 3)[:most]
    return np.column_stack([colours, np.full(len(colours), 255, np.uint8)])


def _nearest(pixels: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Which entry is the nearest: uint8 (N, 4) and (n, 4) -> int (N,)."""
    distinct, places = np.unique(pixels, axis=0, return_inverse=True)
    nearest = [
        np.square(part[:, np.newaxis].astype(np.int32) - entries).sum(axis=-1).argmin(axis=1)
        for part in np.split(distinct, range(_AT_ONCE, len(distinct), _AT_ONCE))
    ]
    return np.concatenate(nearest)[places.reshape(-1)]
