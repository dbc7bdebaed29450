"""`inpaint sweep sweep.yaml`: search for settings, by Ray Tune, and choose by validation scores."""

from pathlib import Path


def run(root: Path, file: Path) -> int:
    # Here, as each trial's process imports this package, and needs nothing of MLflow's.
    from inpaint.commands.sweep.command import sweep

    return sweep(root, file)
