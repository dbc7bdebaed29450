"""Every file that passes between stages, in one place."""

import os
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")


@dataclass
class Paths:
    """The files of one project tree; ``root`` holds params.yaml."""

    root: Path

    def __post_init__(self) -> None:
        self._prepared, self._holes = self.root / "data" / "prepared", self.root / "data" / "holes"
        reports = self.root / "reports"
        self.params = self.root / "params.yaml"
        self.images_manifest = self._prepared / "manifest.json"
        self.holes_manifest = self._holes / "manifest.json"
        self.holes_preview = self._holes / "preview.png"
        self.model = self.root / "models" / "inpainter.keras"
        self.history = reports / "train" / "history.csv"
        self.train_summary = reports / "train.json"
        self.metrics = reports / "metrics.json"
        self.per_image = reports / "per_image.csv"
        # The model's composites of the test images, uint8 (N, H, W, C): from evaluate, so that plot
        # draws without loading TensorFlow.
        self.restored = reports / "restored.npy"
        # How many test images reach which score: for DVC's own plots.
        self.histogram = reports / "histogram.csv"
        self.summary = reports / "summary.json"
        self.figures = reports / "figures"
        self.report = reports / "report.md"

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that stages write to."""
        reports = self.root / "reports"
        own = (self._prepared, self._holes, self.model.parent, reports, self.figures)
        outlasting = (checkpoints_dir(self.root), *raw_dir(self.root).glob("*"))
        return (*own, self.history.parent, *outlasting)

    def images(self, split: str) -> Path:
        """uint8 (N, H, W, C)."""
        return self._prepared / f"{split}.npy"

    def holes(self, split: str) -> Path:
        """bool (N, H, W), True = missing."""
        return self._holes / f"{split}.npy"


def raw_dir(root: Path) -> Path:
    """Where the official files are, one folder per data set."""
    return project_root(root) / "data" / "raw"


def project_root(root: Path) -> Path:
    """The project that ``root`` belongs to.

    `dvc exp run --temp` and `--queue` run stages in temporary directories; DVC_ROOT names the
    project they came from. What outlives a stage (mlflow.db, data/raw) belongs there.
    """
    return Path(os.environ.get("DVC_ROOT") or root).resolve()


def checkpoints_dir(root: Path) -> Path:
    """Where trainings that are under way keep how far they have come."""
    return project_root(root) / "models" / "checkpoints"
