"""Images with holes to measure on, as the stages prepare and mask would make them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from inpaint.base.paths import SPLITS, project_root, raw_dir
from inpaint.data.holes import draw_split
from inpaint.data.images.official import MIRROR_VARIABLE
from inpaint.data.images.selection import select
from inpaint.params import Params

ROOT = Path(__file__).parents[1]
# All that an installed package carries, whatever params.yaml says.
DIGITS = {
    "dataset": "mnist",
    "source": "bundled",
    "train_size": 1000,
    "valid_size": 1000,
    "test_size": 3000,
}
PICTURES = DIGITS | {"dataset": "cifar10", "source": "official", "test_size": None}
# The report's network and its training.
REPORT = {
    "model": {"network": "report_unet", "filters": 32, "dropout": 0.2},
    "train": {
        "epochs": 100,
        "batch_size": 64,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "loss": "mse",
        "augmentation": "input",
        "on_collapse": "continue",
    },
}


@dataclass(frozen=True)
class Task:
    """By split: images, uint8 (N, H, W, C), and holes, bool (N, H, W), True = missing."""

    params: Params
    images: dict[str, np.ndarray]
    holes: dict[str, np.ndarray]


def task(**changes: Any) -> Task:
    """The task of params.yaml with changes, such as ``data=PICTURES``."""
    params = parameters(**changes)
    selected = select(params.data.model_dump(), ROOT)
    images = {split: selected[split].images() for split in SPLITS}
    mask = params.mask.model_dump()
    holes = {split: draw_split(mask, split, *images[split].shape[:3]) for split in SPLITS}
    return Task(params, images, holes)


def parameters(**changes: Any) -> Params:
    """params.yaml with changes, checked."""
    return Params.model_validate(_sections(changes))


def write_params(folder: Path, **changes: Any) -> None:
    """Write params.yaml with changes to a folder, where stages can then be run."""
    (folder / "params.yaml").write_text(yaml.safe_dump(_sections(changes)))


def official_pictures() -> str:
    """A mirror that has CIFAR-10's files, so that no stage has to fetch them."""
    task(data=PICTURES)
    fetched = raw_dir(ROOT)
    if (fetched / "cifar10").is_dir():
        return str(fetched)
    return str(project_root(Path()) / Path(os.environ[MIRROR_VARIABLE]).expanduser())


def _sections(changes: dict[str, Any]) -> dict[str, Any]:
    sections = yaml.safe_load((ROOT / "params.yaml").read_text())
    return {name: section | changes.get(name, {}) for name, section in sections.items()}
