"""Where a network has to look, to fill the holes of pictures of any size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inpaint.restoring.fill.regions import Region, by_hole, moved, regions
from inpaint.restoring.networks.residual_unet import RADIUS

# Pixels, multiples of 4, so that a network halves the pieces of a region alike: how much of a
# region is filled at a time, and how far the network looks around that.
_CORE = 224
_MARGIN = -(-RADIUS // 4) * 4


@dataclass(frozen=True)
class Piece:
    """A part of a picture, to be looked at for the sake of the missing pixels in its core.

    Attributes:
        picture: which picture.
        rows, columns: of it.
        hole: bool (h, w), True = missing, of one region alone.
        core: bool (h, w), the missing pixels whose values are taken from here.
    """

    picture: int
    rows: slice
    columns: slice
    hole: np.ndarray
    core: np.ndarray


def pieces(holes: np.ndarray) -> Iterator[Piece]:
    """The pieces that have to be looked at to fill holes, bool (N, H, W), True = missing.

    A piece is the window of a whole region. A larger one is split into cores, with all around that
    the network sees: so each pixel gets the value that it would get from the whole region, and
    there is no seam.
    """
    for missing, pictures in by_hole(holes):
        for region in regions(missing):
            for rows, columns, hole, core in _split(region):
                for picture in pictures:
                    yield Piece(int(picture), rows, columns, hole, core)


def _split(region: Region) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Rows and columns of the picture, hole and core of the pieces of a region."""
    whole = region.hole
    for rows, inner_rows in _spans(whole.shape[0]):
        for columns, inner_columns in _spans(whole.shape[1]):
            hole = whole[rows, columns].copy()
            core = np.zeros_like(hole)
            core[inner_rows, inner_columns] = hole[inner_rows, inner_columns]
            if core.any():
                yield (
                    moved(rows, region.rows.start),
                    moved(columns, region.columns.start),
                    hole,
                    core,
                )


def _spans(size: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of one side of a region: what is looked at, and where in that the core is."""
    if size <= _CORE + 2 * _MARGIN:
        yield slice(0, size), slice(0, size)
        return
    for start in range(0, size, _CORE):
        stop = min(start + _CORE, size)
        first = max(start - _MARGIN, 0)
        yield slice(first, min(stop + _MARGIN, size)), slice(start - first, stop - first)
