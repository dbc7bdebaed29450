"""The one way from images with holes to restored images."""

import json
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

# Keras is told of the layers in saved networks.
import inpaint.restoring.networks.blocks  # noqa: F401
from inpaint.restoring.coarse import without_deep_holes
from inpaint.restoring.fill import Fill, check_holes
from inpaint.restoring.networks import NETWORKS, network_inputs
from inpaint.restoring.pixels import in_parts, num_at_once, to_signed, to_uint8
from inpaint.restoring.windows import Piece, pieces

# Models for photographs, by number of channels: made by `make pretrained`.
_FOLDER = Path(__file__).parent / "pretrained"
PRETRAINED = {1: _FOLDER / "grey.keras", 3: _FOLDER / "colour.keras"}
# What a saved network consists of. Keras would take all of its own classes and functions, in its
# safe mode too: some of them write files, others fetch them.
_MEMBERS = ["config.json", "metadata.json", "model.weights.h5"]
_PARTS = {
    "keras.DTypePolicy",
    "keras.initializers.GlorotUniform",
    "keras.initializers.Zeros",
    "keras.layers.Activation",
    "keras.layers.Add",
    "keras.layers.Concatenate",
    "keras.layers.Conv2D",
    "keras.layers.Conv2DTranspose",
    "keras.layers.Dropout",
    "keras.layers.InputLayer",
    "keras.layers.MaxPooling2D",
    "keras.src.models.functional.Functional",
    "keras.src.ops.numpy.Add",
    "keras.src.ops.numpy.Multiply",
    "keras.src.ops.numpy.Subtract",
    "keras.src.ops.numpy.TrueDivide",
    "None.__keras_tensor__",
}
_WEIGHT = 4  # bytes: of float32, as all here are
# What Keras, TensorFlow, h5py and zipfile raise of files that somebody has damaged or made up, or
# that there is no memory for.
_FAULTS = (
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError, OSError, ArithmeticError),
    *(EOFError, zipfile.BadZipFile, zlib.error, MemoryError, tf.errors.OpError),
)
# Pixels of a picture that a network sees whole: the report's takes 2.5 GB for them.
_LARGEST_WHOLE = 2_000_000


class Inpainter:
    """A trained network with everything around it: scaling, filling, restoring known pixels."""

    def __init__(self, model: keras.Model) -> None:
        if model.name not in NETWORKS:
            raise ValueError(f"model: received {model.name!r}, allowed: {', '.join(NETWORKS)}")
        if model.output_shape[1] is not None:
            raise ValueError(
                f"model: received one for images of {model.output_shape[1:]}, allowed: any size; "
                "an older version made it: train it again"
            )
        self._model = model
        self._network = NETWORKS[model.name]
        if self._network.is_local:
            self._deepest = model.get_layer("surroundings").deepest
        # One graph for any size and number of images, where `predict` would make several.
        signature = {
            name: tf.TensorSpec((None, None, None, tensor.shape[-1]))
            for name, tensor in model.input.items()
        }
        self._predict = tf.function(
            lambda inputs: model(inputs, training=False), [signature], autograph=False
        )

    @property
    def channels(self) -> int:
        """Of the images that the network takes: 1 is grey, 3 are red, green and blue."""
        return int(self._model.output_shape[-1])

    @property
    def layers(self) -> str:
        """A table of the network's layers, for people."""
        lines: list[str] = []
        self._model.summary(print_fn=lines.append, line_length=100)
        return "\n".join(lines)

    def restore(self, images: np.ndarray, holes: np.ndarray, *, raw: bool = False) -> np.ndarray:
        """Fill the holes of images, or of one picture, of any size.

        But for `report_unet`, which sees whole images, with sides that are multiples of 4, only the
        surroundings of each hole are looked at, piece by piece, so time and memory grow with the
        holes.

        Args:
            images: uint8 (N, H, W, C) in [0, 255]; what is under a hole is never looked at.
            holes: bool (N, H, W), True = missing.
            raw: give the network's whole output, known pixels as it predicts them, instead.

        Returns:
            uint8 (N, H, W, C); known pixels are those of ``images``, bit for bit, unless ``raw``.

        Raises:
            ValueError: another type or shape, no rows or columns, a hole that leaves nothing known,
                sides that are no multiples of 4 where they have to be,
                or more than can be done in some 2.5 GB: a picture of over 2,000,000 pixels that the
                network sees whole, or as many missing ones, deep holes' inside not counted, or
                500,000 that hang together and are no thin stroke. No deep hole is begun before.
        """
        images, holes = np.asarray(images), np.asarray(holes)
        self._check(images)
        check_holes(images, holes)
        if self._network.is_local:
            return self._coarse_to_fine(images, holes, self._correct, self._network.fill)
        height, width = images.shape[1:3]
        if height * width > _LARGEST_WHOLE:
            raise ValueError(
                f"images: received {height}x{width} pixels, allowed for {self._model.name}: up to "
                f"{_LARGEST_WHOLE} in all"
            )
        restored = np.empty_like(images)
        for part in in_parts(len(images), height, width):
            inputs = network_inputs(self._model.name, np.asarray(images[part]), holes[part])
            restored[part] = to_uint8(self._predict(inputs).numpy())
        return restored if raw else np.where(holes[..., np.newaxis], restored, images)

    def fill(self, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
        """What a network that changes nothing would give, where ``restore`` refuses nothing."""
        if self._network.is_local:
            return self._coarse_to_fine(images, holes, self._network.fill, self._network.fill)
        return self._network.fill(images, holes)

    @property
    def inputs(self) -> dict[str, int]:
        """The names of the network's own inputs, with their numbers of channels."""
        return {name: int(each.shape[-1]) for name, each in self._model.input.items()}

    def predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The network alone: float32 (N, H, W, C) from its own inputs, of the same N, H and W."""
        output: np.ndarray = self._predict(dict(inputs)).numpy()
        return output

    def export(self, path: Path) -> None:
        """Write the network alone as ONNX, for images of any size.

        Its inputs are ``inputs``: of a ``residual_unet``, `image`, the image with its hole filled,
        float32 (N, H, W, C) in [-1, 1], and `hole`, float32 (N, H, W, 1), 1 = missing.

        Raises:
            ImportError: one of the packages of the extra `onnx` is not there.
        """
        signature = {
            name: keras.InputSpec(shape=(None, None, None, channels), dtype="float32", name=name)
            for name, channels in self.inputs.items()
        }
        self._model.export(path, format="onnx", input_signature=[signature], verbose=False)

    def _coarse_to_fine(
        self, images: np.ndarray, holes: np.ndarray, at_once: Fill, rival: Fill | None = None
    ) -> np.ndarray:
        """Fill the inside of deep holes from smaller pictures, and all the rest at once.

        The rival is tried on the pictures in their own size alone.
        """
        coarser = partial(self._coarse_to_fine, at_once=at_once)
        return at_once(*without_deep_holes(images, holes, self._deepest, coarser, rival))

    def _correct(self, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
        """Fill holes and correct the fill by the network, piece by piece."""
        filled = self._network.fill(images, holes)
        restored = filled.copy()
        for batch in _batches(pieces(holes)):
            hole = np.stack([piece.hole for piece in batch])[..., np.newaxis]
            seen = np.stack([_look_at(filled, piece) for piece in batch])
            inputs = {"image": to_signed(seen), "hole": hole.astype(np.float32)}
            for piece, output in zip(batch, to_uint8(self._predict(inputs).numpy()), strict=True):
                _look_at(restored, piece)[piece.core] = output[piece.core]
        return restored

    def _check(self, images: np.ndarray) -> None:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != self.channels:
            raise ValueError(
                f"images: received {images.dtype} {images.shape}, allowed: uint8 (N, any height, "
                f"any width, {self.channels})"
            )


def _look_at(images: np.ndarray, piece: Piece) -> np.ndarray:
    """A view of a piece of its picture: (h, w, C)."""
    return images[piece.picture, piece.rows, piece.columns]


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces of one size together, as many as the network is given at a time."""
    waiting: dict[tuple[int, ...], list[Piece]] = {}
    for piece in pieces:
        shape = piece.hole.shape
        batch = waiting.setdefault(shape, [])
        batch.append(piece)
        if len(batch) == num_at_once(*shape):
            yield waiting.pop(shape)
    yield from waiting.values()


def load_pretrained(channels: int) -> Inpainter:
    """Load the model for photographs that comes with the package.

    Args:
        channels: 1 for grey pictures, 3 for coloured ones.

    Raises:
        ValueError: another number of channels.
    """
    if channels not in PRETRAINED:
        allowed = " or ".join(map(str, PRETRAINED))
        raise ValueError(f"channels: received {channels}, allowed: {allowed}")
    return load(PRETRAINED[channels])


def load(path: Path) -> Inpainter:
    """Load a saved network. It is checked before Keras sees it, whose safe mode takes no code from
    the file either.

    Raises:
        ValueError: there is no such file, it is no Keras model, it holds more than the networks
            here are made of, or asks for more memory than it has weights for, or than there is, or
            an older version made it.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    if not zipfile.is_zipfile(path):  # Keras would say that it is not found
        raise ValueError(f"{path} is no model of this project, or is cut off: no Keras file")
    try:
        _check_parts(path)
        _check_stored(path)
        return Inpainter(keras.saving.load_model(path, compile=False, safe_mode=True))
    except _FAULTS as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} is no model of this project: {reason}") from None


def _check_parts(path: Path) -> None:
    """Refuse a file that names anything but `_PARTS` and the layers of this project, or that asks
    for more weights than it has bytes for."""
    if path.suffix != ".keras":  # by which Keras chooses another reader
        raise ValueError("its name does not end in .keras")
    with zipfile.ZipFile(path) as archive:
        if sorted(archive.namelist()) != _MEMBERS:
            raise ValueError(f"received other files in it, allowed: {', '.join(_MEMBERS)}")
        if any(member.compress_type for member in archive.infolist()):
            # Keras compresses nothing, and what is compressed may be any number of times as large.
            raise ValueError("received compressed files in it, allowed: as Keras writes them")
        content = archive.read("config.json")
    num_weights = 0
    left = [json.loads(content)]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if "class_name" in each:
                _check_part(each)
                num_weights += _num_weights(each)
            left += each.values()
        elif isinstance(each, list):
            left += each
    if num_weights * _WEIGHT > path.stat().st_size:
        raise ValueError(f"it asks for {num_weights:,} weights, which it has no room for")


def _check_stored(path: Path) -> None:
    """Refuse a file with arrays that would be larger than itself, once they are unpacked."""
    size = path.stat().st_size

    def check(name: str, found: h5py.Group | h5py.Dataset) -> None:
        # A piece of an array in pieces may be larger than the array.
        if isinstance(found, h5py.Dataset) and (
            found.dtype.kind not in "fu" or found.nbytes > size or found.chunks is not None
        ):
            raise ValueError(f"it holds {name!r:.100}, which are no weights as Keras writes them")

    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as file,
        h5py.File(file, "r") as weights,
    ):
        weights.visititems(check)


def _num_weights(part: Mapping[str, Any]) -> int:
    """How many weights Keras takes memory for when it makes a layer; 0 if it is no convolution.

    Raises:
        ValueError: it is told in another way than by the networks here.
    """
    options = part["config"]
    if not isinstance(options, dict) or "filters" not in options:
        return 0
    sizes = [options["filters"], *options["kernel_size"], part["build_config"]["input_shape"][-1]]
    is_plain = options["data_format"] == "channels_last" and "lora_rank" not in options
    if not is_plain or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"it holds a {part['class_name']!r:.100} that no network here has")
    return math.prod(sizes)


def _check_part(part: Mapping[str, object]) -> None:
    name, registered = part["class_name"], part.get("registered_name")
    is_keras = f"{part.get('module')}.{name}" in _PARTS and registered in (None, name)
    own = f"inpaint>{name}"
    is_own = registered == own and keras.saving.get_registered_object(own) is not None
    if not (is_keras or is_own):
        raise ValueError(f"it holds {name!r:.100}, which no network here is made of")
