"""The schema of params.yaml: what each key means, and what it may be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
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

from inpaint.errors import InputError

Dataset = Literal["mnist", "cifar10", "fashion_mnist", "photos", "textures"]
HoleKind = Literal["center", "box", "brush", "dots", "half", "mixed"]

# Height, width (pixels) and channels of each data set's images.
IMAGE_SHAPES: dict[str, tuple[int, int, int]] = {
    "mnist": (28, 28, 1),
    "fashion_mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "photos": (32, 32, 3),
    "textures": (28, 28, 1),
}
# Where each data set can come from; `auto` takes the first.
SOURCES: dict[str, tuple[str, ...]] = {
    "mnist": ("bundled", "official"),
    "fashion_mnist": ("official",),
    "cifar10": ("official",),
    "photos": ("bundled",),
    "textures": ("bundled",),
}


def _refuse_bool(value: object) -> object:
    # YAML's `true` is Python's True, which pydantic would take for 1.0.
    if isinstance(value, bool):
        raise ValueError("a truth value is not a number")
    return value


def _refuse_default(name: str) -> str:
    if name.strip() != name or not name.isprintable() or name == "Default":
        raise ValueError("not a usable name")
    return name


def _refuse_repetition(kinds: list[HoleKind]) -> list[HoleKind]:
    if len(set(kinds)) < len(kinds):
        raise ValueError("a kind is there twice")
    return kinds


# Lax on purpose: DVC writes 0.00001 as `1e-05`, which YAML 1.1 reads as a string.
Number = Annotated[float, BeforeValidator(_refuse_bool), Field(allow_inf_nan=False)]
Count = Annotated[StrictInt, Field(ge=1)]
Seed = Annotated[StrictInt, Field(ge=0)]
# Pixels, or a share of the image's shorter side.
Length = Count | Annotated[Number, Field(gt=0, lt=1)]

_COUNT = "a whole number of at least 1"
_SIZE = "a whole number of at least 1, or null for all there are"
_SEED = "a whole number of at least 0"
_LENGTH = "a whole number of pixels, at least 1, or a share of the image's side between 0 and 1"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataParams(_Section):
    """Which images, and how many of them."""

    dataset: Dataset
    source: Literal["auto", "bundled", "official"]
    train_size: Count | None = Field(description=_SIZE)
    valid_size: Count | None = Field(description=_SIZE)
    test_size: Count | None = Field(description=_SIZE)
    seed: Seed = Field(description=_SEED)

    @property
    def resolved_source(self) -> str:
        """`source`, with `auto` decided by the data set alone."""
        return SOURCES[self.dataset][0] if self.source == "auto" else self.source


class MaskParams(_Section):
    """What the holes look like."""

    kind: HoleKind
    size: Length = Field(description=_LENGTH)
    box_sides: list[Length] = Field(
        min_length=2, max_length=2, description="[shortest, longest], each " + _LENGTH
    )
    brush_width: Length = Field(description=_LENGTH)
    share: Number = Field(gt=0, le=0.9, description="a number above 0, up to 0.9")
    seed: Seed = Field(description=_SEED)


class ModelParams(_Section):
    """The network."""

    network: Literal["residual_unet", "report_unet"]
    filters: Count = Field(description=_COUNT)
    dropout: Number = Field(ge=0, lt=1, description="a number from 0 up to, not including, 1")
    skip_connections: StrictBool = Field(description="true or false")


class TrainParams(_Section):
    """How the network is trained."""

    epochs: Count = Field(description=_COUNT)
    batch_size: Count = Field(description=_COUNT)
    learning_rate: Number = Field(gt=0, description="a number above 0")
    optimizer: Literal["adamw", "adam"]
    loss: Literal["hole_mse_ssim", "hole_mse", "mse"]
    augmentation: Literal["joint", "input", "none"]
    holes: Literal["random", "fixed"]
    hole_kinds: Annotated[list[HoleKind], AfterValidator(_refuse_repetition)] = Field(
        min_length=1,
        description=f"a list with one or more of {', '.join(get_args(HoleKind))}, each once",
    )
    precision: Literal["float32", "bfloat16"]
    on_collapse: Literal["stop", "continue"]
    seed: Seed = Field(description=_SEED)


class EvaluateParams(_Section):
    """How the scores are checked and their uncertainty estimated."""

    parity_images: Count = Field(description=_COUNT)
    bootstrap_samples: Annotated[StrictInt, Field(ge=1, le=100_000)] = Field(
        description="a whole number from 1 to 100000"
    )


class PlotParams(_Section):
    """The figures."""

    num_images: Annotated[StrictInt, Field(ge=1, le=20)] = Field(
        description="a whole number from 1 to 20"
    )


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
        return IMAGE_SHAPES[self.data.dataset]

    @model_validator(mode="after")
    def _sections_agree(self) -> "Params":
        dataset, source = self.data.dataset, self.data.source
        if source not in ("auto", *SOURCES[dataset]):
            allowed = ", ".join(("auto", *SOURCES[dataset]))
            raise ValueError(f"data.source: received '{source}', allowed for {dataset}: {allowed}")
        self._check_lengths()
        return self

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


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that is there twice; YAML itself would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]} is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        InputError: the file is missing, is not YAML, or holds a wrong, missing or unknown key. One
            line: the key, what was received, what is allowed.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)
    except FileNotFoundError:
        raise InputError(
            f"{path} is not there: run in the project's root, which holds params.yaml"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: received {type(content).__name__}, "
            f"allowed: the sections {', '.join(Params.model_fields)}"
        )
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        # A value that fits no branch of `X | Y` is a problem of each.
        problems = "; ".join(dict.fromkeys(_describe(problem) for problem in error.errors()))
        raise InputError(f"{path.name}: {problems}") from None


def in_pixels(length: Length, height: int, width: int) -> int:
    """A length in pixels: itself, or that share of the image's shorter side, at least 1."""
    if isinstance(length, int):
        return length
    return max(1, round(length * min(height, width)))


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters by their names: ``{"train.epochs": 40, ...}``."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


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
    if problem["type"] == "missing":
        allowed = _allowed(*keys) if len(keys) == 2 else "a section"
        return f"{name}: received nothing, allowed: {allowed}"
    if len(keys) == 1:
        allowed = f"a section with the keys {', '.join(_section(keys[0]).model_fields)}"
        return f"{name}: received {problem['input']!r}, allowed: {allowed}"
    return f"{name}: received {problem['input']!r}, allowed: {_allowed(*keys)}"


def _section(name: str) -> type[BaseModel]:
    annotation = Params.model_fields[name].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _allowed(section: str, key: str) -> str:
    field = _section(section).model_fields[key]
    return field.description or ", ".join(map(str, get_args(field.annotation)))
