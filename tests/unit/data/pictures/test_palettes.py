"""Palettes: known pixels keep their index, filled ones get colours as good as there is room for."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from inpaint.data.pictures.palettes import indices_of
from inpaint.data.pictures.reading import Palette

COLOUR = np.ascontiguousarray(astronaut()[100:140, 200:230])


def palette_of(num_colours: int) -> Palette:
    image = Image.fromarray(COLOUR).quantize(num_colours)
    colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return Palette(np.asarray(image), colours, np.full(len(colours), 255, np.uint8))


@pytest.mark.parametrize("num_colours", [2, 60, 256])
def test_changed_pixels_get_new_colours_where_there_is_room(num_colours: int) -> None:
    palette = palette_of(num_colours)
    changed = palette.colours[palette.indices]
    changed[10:14, 5:9] = COLOUR[10:14, 5:9]
    indices, colours, alpha = indices_of(changed, None, palette)
    shown = colours[indices]
    outside = np.ones(indices.shape, dtype=bool)
    outside[10:14, 5:9] = False
    np.testing.assert_array_equal(indices[outside], palette.indices[outside])
    np.testing.assert_array_equal(shown[outside], palette.colours[palette.indices][outside])
    assert (alpha[indices] == 255).all()
    error = np.abs(shown.astype(int) - changed).max()
    assert error == 0 if num_colours < 200 else error < 40


def test_more_new_colours_than_there_is_room_for() -> None:
    palette = palette_of(200)
    changed = palette.colours[palette.indices]
    changed[:, :15] = COLOUR[:, :15]
    indices, colours, _ = indices_of(changed, None, palette)
    assert len(colours) <= 256
    assert np.abs(colours[indices].astype(int) - changed).mean() < 3


def test_what_is_transparent_stays_so() -> None:
    palette = palette_of(60)
    palette.alpha[3] = 0
    alpha = palette.alpha[palette.indices]
    changed = palette.colours[palette.indices]
    changed[20:25, 20:25] = 1, 2, 3
    alpha[20:25, 20:25] = 255
    indices, colours, opaque = indices_of(changed, alpha, palette)
    np.testing.assert_array_equal(opaque[indices], alpha)
    np.testing.assert_array_equal(colours[indices], changed)


def test_nothing_changes_where_nothing_did() -> None:
    palette = palette_of(60)
    indices, colours, alpha = indices_of(palette.colours[palette.indices], None, palette)
    np.testing.assert_array_equal(indices, palette.indices)
    np.testing.assert_array_equal(colours, palette.colours)
    np.testing.assert_array_equal(alpha, palette.alpha)
