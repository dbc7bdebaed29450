"""The models for photographs that come with the package."""

import json

import numpy as np
import pytest
import skimage.color
import skimage.data

from inpaint.restoring.fill import biharmonic
from inpaint.restoring.serving import PRETRAINED, load_pretrained


@pytest.mark.parametrize("channels", [1, 3])
def test_they_are_there_and_better_than_the_fill(channels: int) -> None:
    picture = skimage.data.chelsea()  # in no training
    if channels == 1:
        picture = np.rint(255 * skimage.color.rgb2gray(picture)).astype(np.uint8)[..., np.newaxis]
    images = picture[np.newaxis]
    holes = np.zeros(images.shape[:3], dtype=bool)
    for row in range(20, 280, 40):
        holes[0, row : row + 8, 20:430:40] = holes[0, row : row + 3, 30:430] = True
    model = load_pretrained(channels)
    assert model.channels == channels
    assert model._deepest == 9  # trained on crops
    restored = model.restore(images, holes)
    np.testing.assert_array_equal(restored[~holes], images[~holes])
    of_model, of_fill = (
        np.square(filled[holes].astype(float) - images[holes]).mean()
        for filled in (restored, biharmonic(images, holes))
    )
    assert of_model < 0.9 * of_fill


def test_each_has_its_paragraph_on_the_card() -> None:
    [folder] = {path.parent for path in PRETRAINED.values()}
    told = {
        f"{name}.keras": about
        for name, about in json.loads((folder / "card.json").read_text()).items()
    }
    assert {path.name: path.stat().st_size for path in PRETRAINED.values()} == {
        name: about["bytes"] for name, about in told.items()
    }
    card = (folder / "card.md").read_text()
    assert all(f"## {name}: " in card for name in told)


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="channels: received 4, allowed: 1 or 3"):
        load_pretrained(4)
