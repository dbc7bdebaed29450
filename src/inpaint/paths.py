"""Every file that passes between stages, in one place."""

import os
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Paths:
    """The files of one project tree; ``root`` holds params.yaml."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    def images(self, split: str) -> Path:
        """uint8 (N, H, W, C)."""
        return self.root / "data" / "prepared" / f"{split}.npy"

    @property
    def images_manifest(self) -> Path:
        return self.root / "data" / "prepared" / "manifest.json"

    def holes(self, split: str) -> Path:
        """bool (N, H, W), True = missing."""
        return self.root / "data" / "holes" / f"{split}.npy"

    @property
    def holes_manifest(self) -> Path:
        return self.root / "data" / "holes" / "manifest.json"

    @property
    def holes_preview(self) -> Path:
        return self.root / "data" / "holes" / "preview.png"

    @property
    def model(self) -> Path:
        return self.root / "models" / "inpainter.keras"

    @property
    def history(self) -> Path:
        return self.root / "reports" / "train" / "history.csv"

    @property
    def train_summary(self) -> Path:
        return self.root / "reports" / "train.json"

    @property
    def metrics(self) -> Path:
        return self.root / "reports" / "metrics.json"

    @property
    def per_image(self) -> Path:
        return self.root / "reports" / "per_image.csv"

    @property
    def restored(self) -> Path:
        """The model's composites of the test images: uint8 (N, H, W, C).

        Written by evaluate, so that plot draws without loading TensorFlow.
        """
        return self.root / "reports" / "restored.npy"

    @property
    def histogram(self) -> Path:
        """How many test images reach which score: for DVC's own plots."""
        return self.root / "reports" / "histogram.csv"

    @property
    def summary(self) -> Path:
        return self.root / "reports" / "summary.json"

    @property
    def figures(self) -> Path:
        return self.root / "reports" / "figures"

    @property
    def report(self) -> Path:
        return self.root / "reports" / "report.md"


def raw_dir(root: Path) -> Path:
    """Where the official files are, one folder per data set."""
    return project_root(root) / "data" / "raw"


def project_root(root: Path) -> Path:
    """The project that ``root`` belongs to.

    `dvc exp run --temp` and `--queue` run stages in temporary directories; DVC_ROOT names the
    project they came from. What outlives a stage (mlflow.db, data/raw) belongs there.
    """
    return Path(os.environ.get("DVC_ROOT") or root).resolve()
