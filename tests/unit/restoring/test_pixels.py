"""Between 8-bit images and the scale that networks see, and how many are looked at at once."""

import numpy as np
import pytest

from inpaint.restoring import pixels


def test_every_grey_level_survives_scaling() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(pixels.to_uint8(pixels.to_signed(levels)), levels)


def test_signed_scale_goes_from_black_to_white() -> None:
    signed = pixels.to_signed(np.array([0, 51, 255], np.uint8))
    assert signed.dtype == np.float32
    np.testing.assert_allclose(signed, [-1, -0.6, 1], atol=1e-7)


def test_to_uint8_rounds_and_clips() -> None:
    # (0.5 + 1) * 127.5 = 191.25; (-0.506 + 1) * 127.5 = 62.985
    received = pixels.to_uint8(np.array([-1.5, 1.5, 0.5, -0.506]))
    assert received.tolist() == [0, 255, 191, 63]


@pytest.mark.parametrize(
    ("side", "sizes"), [(28, [255, 255, 90]), (300, [2] * 300), (700, [1] * 600)]
)
def test_images_are_looked_at_in_parts_by_their_pixels(side: int, sizes: list[int]) -> None:
    images = np.arange(600)
    received = [images[part] for part in pixels.in_parts(600, side, side)]
    assert [len(part) for part in received] == sizes
    np.testing.assert_array_equal(np.concatenate(received), images)
