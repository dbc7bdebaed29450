"""What fills a picture: a classical method, a model that was named, or the one that fits best."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from inpaint.base.errors import InputError
from inpaint.restoring.fill import Fill
from inpaint.restoring.restorer import CLASSICAL, MODEL
from inpaint.terminal.quiet import without_greetings

if TYPE_CHECKING:
    from inpaint.restoring.serving import Inpainter
    from inpaint.tracking.registry.networks import Champion

Shape = tuple[int, int, int]  # height, width and channels of pictures
Chosen = tuple[str, Fill]  # what people call it, and what it does


class Choice:
    """Chooses what fills pictures of each shape, and loads no more than that.

    Args:
        root: the folder that people are in; it need not be a project.
        method: one of ``restorer.METHODS``.
        model: MLflow's address of a registered model, what means a run (see ``Runs.find``), a
            .keras file, or None: the champion where it fits the picture, else the package's model.
        champion: ``registry.model`` and ``data.dataset`` of the project, if ``root`` is one.

    Raises:
        InputError: no such model, or a model with a method that has none.
    """

    def __init__(
        self,
        root: Path,
        method: str,
        model: str | None,
        champion: tuple[str, str] | None = None,
    ) -> None:
        if method != MODEL and model is not None:
            raise InputError(f"--model: received {model} with --method {method}, allowed: {MODEL}")
        self._choose = _chooser(root, method, model, champion)

    def __call__(self, shape: Shape) -> Fill:
        return self.named(shape)[1]

    def named(self, shape: Shape) -> Chosen:
        """What fills pictures of this height, width and channels, and its name for people."""
        return self._choose(shape)


def find(root: Path, model: str) -> tuple[str, "Inpainter"]:
    """The network that a person means, and what to call it.

    Args:
        root: the folder that people are in.
        model: as `Choice` has it.

    Raises:
        InputError: there is none, or its file is damaged.
    """
    if not model.endswith(".keras"):
        if not _has_store(root):
            raise InputError(
                f"--model: received {model!r}, allowed where no runs are kept: a .keras file"
            )
        with without_greetings():
            from inpaint.tracking.registry import networks
        found = networks.find(root, model)
        return found.name, found.network
    with without_greetings():
        from inpaint.restoring import serving
    try:
        return Path(model).name, serving.load(Path(model))
    except ValueError as error:
        raise InputError(f"--model: {error}") from None


def of_package(channels: int) -> tuple[str, "Inpainter"]:
    """The model for photographs that comes with the package, and what to call it."""
    with without_greetings():
        from inpaint.restoring.serving import load_pretrained
    kind = "grey" if channels == 1 else "colour"
    return f"the package's model for {kind} pictures", load_pretrained(channels)


def _chooser(
    root: Path, method: str, model: str | None, champion: tuple[str, str] | None
) -> Callable[[Shape], Chosen]:
    if method != MODEL:
        return lambda _: (f"method {method}", CLASSICAL[method])
    if model is not None:
        name, network = find(root, model)
        return lambda _: (name, network.restore)
    best = _champion(root, *champion) if champion else None
    return lambda shape: _best_fitting(best, shape)


def _champion(root: Path, prefix: str, dataset: str) -> "Champion | None":
    """The project's, if it has a store."""
    if not _has_store(root):
        return None
    with without_greetings():
        from inpaint.tracking.registry.models import registered_name
        from inpaint.tracking.registry.networks import Champion
    return Champion(root, registered_name(prefix, dataset), dataset)


def _has_store(root: Path) -> bool:
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (root / "mlflow.db").exists()


def _best_fitting(champion: "Champion | None", shape: Shape) -> Chosen:
    if champion and champion.fits(shape):
        return champion.network.name, champion.network.network.restore
    return _of_package(shape[-1])


@cache
def _of_package(channels: int) -> Chosen:
    name, network = of_package(channels)
    return name, network.restore
