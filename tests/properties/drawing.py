"""What several properties are tried on."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


@st.composite
def holes(draw: Any, most: int = 40, least: int = 2) -> np.ndarray:
    """One hole, bool (H, W), with a missing and a known pixel: some boxes and single pixels."""
    height, width = draw(st.integers(least, most)), draw(st.integers(least, most))
    hole = np.zeros((height, width), dtype=bool)
    for _ in range(draw(st.integers(1, 4))):
        row, column = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        rows, columns = draw(st.integers(1, height)), draw(st.integers(1, width))
        hole[row : row + rows, column : column + columns] = True
    hole[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = False
    if not hole.any():
        hole[0, 0], hole[-1, -1] = True, False
    return hole


@st.composite
def images_and_holes(draw: Any, most: int = 24, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, H, W, C) and bool (N, H, W): images that have one hole in common, or each its own
    of the same size."""
    hole = draw(holes(most, least))
    num, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 3]))
    images = draw(arrays(np.uint8, (num, *hole.shape, channels)))
    turned = [hole if draw(st.booleans()) else hole[::-1] for _ in range(num)]
    return images, np.stack(turned)
