"""The networks of runs, of registered models, and of the champions that fit a picture."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inpaint.base.errors import InputError
from inpaint.data.images.catalogue import DATASETS
from inpaint.restoring import serving
from inpaint.restoring.serving import Inpainter
from inpaint.tracking.experiments import training_ids
from inpaint.tracking.model import model_files
from inpaint.tracking.registry.models import Registry
from inpaint.tracking.registry.moves import CHAMPION
from inpaint.tracking.runs import Runs


@dataclass(frozen=True)
class Named:
    """A network, and what to call it."""

    name: str
    network: Inpainter


def find(root: Path, wanted: str) -> Named:
    """The network that a person means.

    Args:
        root: the project.
        wanted: MLflow's address of a registered model, such as ``models:/inpaint-mnist@champion``,
            or what means a run; see ``Runs.find``.

    Raises:
        InputError: there is none, or its files are not there.
    """
    runs = Runs(root)  # which also tells MLflow where the store is
    if wanted.startswith("models:/"):
        return Named(wanted, _load(wanted))
    run = runs.find(wanted, training_ids(root))
    source = Registry(root, run.name).source(run.run_id)
    return Named(f"run {run.run_id[:8]} {run.name}", _load(source))


class Champion:
    """The champion of a project's data set.

    Args:
        root: the project.
        name: of the registered model.
        dataset: what it was trained on.

    Raises:
        InputError: the store does not answer.
    """

    def __init__(self, root: Path, name: str, dataset: str) -> None:
        self._known = DATASETS[dataset]
        self._version = Registry(root, name).version_by_alias(CHAMPION)

    def fits(self, shape: tuple[int, int, int]) -> bool:
        """Whether it is there, and for pictures of this height, width and number of channels.

        One that was trained on crops fits pictures of any size, another one only such as it was
        trained on.
        """
        known = self._known
        fits = known.image_shape[2] == shape[2] and (known.crops or known.image_shape == shape)
        return self._version is not None and fits

    @cached_property
    def network(self) -> Named:
        """Its files are read when it is first asked for."""
        assert self._version
        return Named(f"{self._version.uri}, the champion", _load(self._version.uri))


def _load(uri: str) -> Inpainter:
    with model_files(uri) as folder:
        network = folder / "data" / "network" / "inpainter.keras"
        if not network.is_file():
            raise InputError(f"{uri} is no model that this project made")
        try:
            return serving.load(network)
        except ValueError as error:
            raise InputError(f"{uri}: {error}") from None
