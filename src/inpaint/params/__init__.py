"""The schema of params.yaml: what each key means, and what it may be.

It refuses values or passes them on as they are, and nothing else: DVC tracks the values, so the
stages need not run again when this file changes.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from inpaint.base.errors import InputError
from inpaint.data.holes import HOLE_KINDS, in_pixels
from inpaint.data.images.catalogue import DATASETS
from inpaint.params.plain_yaml import read_yaml
from inpaint.restoring.networks import NETWORKS
from inpaint.training.losses import LOSSES


def _one_of(names: Iterable[str]) -> Any:
    """A field that holds one of these names."""
    known = tuple(dict.fromkeys(names))
    return Field(pattern=f"^({'|'.join(map(re.escape, known))})$", description=", ".join(known))


def _up_to(largest: int) -> Any:
    """A field that holds a number of things."""
    return Field(ge=1, le=largest, description=f"a whole number from 1 to {largest}")


# What these refuse is told by `_describe`, as the field's description has it.


def _refuse_lookalikes(value: object) -> object:
    # YAML's `true` is Python's True, and Python's own '1_000' a number: pydantic takes both.
    is_text = isinstance(value, str) and not (
        len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value)
    )
    if isinstance(value, bool) or is_text:
        raise ValueError
    return value


def _refuse_default(name: str) -> str:
    if name.strip() != name or not name.isprintable() or name == "Default":
        raise ValueError
    return name


def _refuse_repetition(kinds: list[str]) -> list[str]:
    if len(set(kinds)) < len(kinds):
        raise ValueError
    return kinds


# DVC writes 0.00001 as `1e-05`, which YAML 1.1 reads as a string.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
Number = Annotated[float, BeforeValidator(_refuse_lookalikes), Field(allow_inf_nan=False)]
NumImages = Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None
ImageSize = Annotated[StrictInt, Field(ge=16, le=300)] | None
Seed = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]
# Pixels, or a share of the image's shorter side.
Length = Annotated[StrictInt, Field(ge=1)] | Annotated[Number, Field(gt=0, lt=1)]

_LONGEST_NUMBER = 50  # characters
_MOST_TOLD = 10  # of what is wrong
_LONGEST_ECHO = 300  # characters of a wrong value
_NUM_IMAGES = "a whole number from 1 to 1000000, or null for all there are"
_IMAGE_SIZE = "a whole number of pixels from 16 to 300, or null for the data set's own"
_SEED = "a whole number from 0 to 9223372036854775807"
_LENGTH = "a whole number of pixels, at least 1, or a share of the image's side between 0 and 1"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataParams(_Section):
    """Which images, and how many of them."""

    dataset: str = _one_of(DATASETS)
    image_size: ImageSize = Field(description=_IMAGE_SIZE)
    source: str = _one_of(("auto", *(name for each in DATASETS.values() for name in each.sources)))
    path: str = Field(
        pattern=r"^[^\x00-\x1f]+$", description="a folder of pictures, for folder and folder_grey"
    )
    train_size: NumImages = Field(description=_NUM_IMAGES)
    valid_size: NumImages = Field(description=_NUM_IMAGES)
    test_size: NumImages = Field(description=_NUM_IMAGES)
    seed: Seed = Field(description=_SEED)


class MaskParams(_Section):
    """What the holes look like."""

    kind: str = _one_of(HOLE_KINDS)
    size: Length = Field(description=_LENGTH)
    box_sides: list[Length] = Field(
        min_length=2, max_length=2, strict=True, description="[shortest, longest], each " + _LENGTH
    )
    brush_width: Length = Field(description=_LENGTH)
    share: Number = Field(gt=0, le=0.9, description="a number above 0, up to 0.9")
    seed: Seed = Field(description=_SEED)


class ModelParams(_Section):
    """The network."""

    network: str = _one_of(NETWORKS)
    filters: StrictInt = _up_to(1024)
    dropout: Number = Field(ge=0, lt=1, description="a number from 0 up to, not including, 1")
    skip_connections: StrictBool = Field(description="true or false")


class TrainParams(_Section):
    """How the network is trained."""

    epochs: StrictInt = _up_to(1_000_000)
    batch_size: StrictInt = _up_to(1_000_000)
    learning_rate: Number = Field(gt=0, le=10, description="a number above 0, up to 10")
    optimizer: Literal["muon", "adamw", "adam"]
    loss: str = _one_of(LOSSES)
    augmentation: Literal["joint", "input", "none"]
    holes: Literal["random", "fixed"]
    hole_kinds: Annotated[
        list[Annotated[str, _one_of(HOLE_KINDS)]], AfterValidator(_refuse_repetition)
    ] = Field(
        min_length=1,
        strict=True,
        description=f"a list with one or more of {', '.join(HOLE_KINDS)}, each once",
    )
    precision: Literal["float32", "bfloat16"]
    strategy: Literal["default", "mirrored", "multi_worker"]
    on_collapse: Literal["stop", "continue"]
    resume: StrictBool = Field(description="true or false")
    seed: Seed = Field(description=_SEED)


class EvaluateParams(_Section):
    """How the scores are checked and their uncertainty estimated."""

    parity_images: StrictInt = _up_to(1_000_000)
    bootstrap_samples: StrictInt = _up_to(100_000)


class PlotParams(_Section):
    """The figures."""

    num_images: StrictInt = _up_to(20)


class TrackingParams(_Section):
    """Where MLflow keeps the runs."""

    experiment: Annotated[str, AfterValidator(_refuse_default)] = Field(
        min_length=1,
        max_length=200,
        description="a name of up to 200 characters, other than Default, whose artifacts "
        "`mlflow ui` may claim",
    )


class RegistryParams(_Section):
    """What good models are called in MLflow's registry."""

    # MLflow takes more, but cannot find or load all that it takes.
    model: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$",
        description="a name of up to 200 letters, digits, _, - and ., a letter or digit first",
    )


class Params(_Section):
    """All of params.yaml. Immutable; unknown sections and keys are refused."""

    data: DataParams
    mask: MaskParams
    model: ModelParams
    train: TrainParams
    evaluate: EvaluateParams
    plot: PlotParams
    tracking: TrackingParams
    registry: RegistryParams

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width (pixels) and channels of the images."""
        return DATASETS[self.data.dataset].shape(self.data.image_size)

    @model_validator(mode="after")
    def _sections_agree(self) -> "Params":
        dataset, source = self.data.dataset, self.data.source
        allowed = ("auto", *DATASETS[dataset].sources)
        if source not in allowed:
            raise ValueError(
                f"data.source: received '{source}', allowed for {dataset}: {', '.join(allowed)}"
            )
        self._check_image_size()
        self._check_lengths()
        return self

    def _check_image_size(self) -> None:
        """Refuse sizes that the images do not have, or that the network does not take."""
        try:
            height, width, _ = self.image_shape
        except ValueError as error:
            raise ValueError(f"data.image_size: {error} ({self.data.dataset})") from None
        multiple = NETWORKS[self.model.network].multiple
        if height % multiple or width % multiple:
            raise ValueError(
                f"data.image_size: received {height}, allowed for {self.model.network}: multiples "
                f"of {multiple}"
            )

    def _check_lengths(self) -> None:
        """Refuse holes that do not fit into the images or would hide all of one."""
        height, width, _ = self.image_shape
        side = min(height, width)
        for key, length, largest in (
            ("size", self.mask.size, side - 1),
            ("box_sides", self.mask.box_sides[1], side - 1),
            ("brush_width", self.mask.brush_width, side // 2),
        ):
            if in_pixels(length, height, width) > largest:
                raise ValueError(
                    f"mask.{key}: received {length}, allowed for the {height}x{width} images of "
                    f"{self.data.dataset}: 1 to {largest} (pixels)"
                )
        shortest, longest = (in_pixels(each, height, width) for each in self.mask.box_sides)
        if shortest > longest:
            raise ValueError(
                f"mask.box_sides: received {self.mask.box_sides}, allowed: the shortest side first"
            )


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        InputError: the file is missing, is not YAML, or holds a wrong, missing or unknown key. One
            line: the key, what was received, what is allowed.
    """
    content = read_yaml(path, "run in the project's root, which holds params.yaml")
    return check_params(content, path.name)


def check_params(content: Any, name: str) -> Params:
    """Check what a params.yaml holds; ``name`` stands for it in the message.

    Raises:
        InputError: it holds a wrong, missing or unknown key.
    """
    if not isinstance(content, dict):
        raise InputError(
            f"{name}: received {type(content).__name__}, "
            f"allowed: the sections {', '.join(Params.model_fields)}"
        )
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        # A value that fits no branch of `X | Y` is a problem of each.
        problems = list(dict.fromkeys(_describe(problem) for problem in error.errors()))
        more = f"; and {num} more" if (num := len(problems) - _MOST_TOLD) > 0 else ""
        raise InputError(f"{name}: {'; '.join(problems[:_MOST_TOLD])}{more}") from None


def champion_of(root: Path) -> tuple[str, str] | None:
    """What a project's champion is found by: ``registry.model`` and ``data.dataset``.

    None where there is no project; errors as `load_params` has them.
    """
    path = root / "params.yaml"
    if not path.exists():
        return None
    params = load_params(path)
    return params.registry.model, params.data.dataset


def allowed_values() -> dict[str, str]:
    """What each parameter may be, in words, by its name, such as ``train.epochs``."""
    return {
        f"{section}.{key}": _allowed(section, key)
        for section in Params.model_fields
        for key in _section(section).model_fields
    }


def _describe(problem: Any) -> str:
    """One pydantic problem as `key: received ..., allowed: ...`."""
    # A location may end in pydantic's name for a branch of `X | None`; keys are what we keep.
    keys = [str(part) for part in problem["loc"][:2]]
    name = ".".join(keys)
    if not keys:
        return str(problem["ctx"]["error"])
    if problem["type"] in ("extra_forbidden", "invalid_key"):
        owner: type[BaseModel] = Params if len(keys) == 1 else _section(keys[0])
        kind = "section" if len(keys) == 1 else "key"
        return f"{name}: unknown {kind}, allowed: {', '.join(owner.model_fields)}"
    received = "nothing" if problem["type"] == "missing" else repr(problem["input"])
    if len(received) > _LONGEST_ECHO:
        received = f"{received[:_LONGEST_ECHO]}..."
    return f"{name}: received {received}, allowed: {_allowed(*keys)}"


def _section(name: str) -> type[BaseModel]:
    annotation = Params.model_fields[name].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _allowed(section: str, key: str | None = None) -> str:
    fields = _section(section).model_fields
    if key is None:
        return f"a section with the keys {', '.join(fields)}"
    return fields[key].description or ", ".join(map(str, get_args(fields[key].annotation)))
