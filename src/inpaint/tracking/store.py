"""The MLflow store: where it is, how to reach it, and which experiment the runs belong to."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

import mlflow
from filelock import FileLock
from google.protobuf import json_format, message
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run, ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from inpaint.base.errors import InputError
from inpaint.base.files import remove_leftovers, temporary_beside
from inpaint.base.paths import project_root

# Every run of this project has it: the `run_id` of reports/train.json. It is MLflow's own id of
# the run, except where the store did not answer when the training began, or is another store.
TRAINING_ID = "training_id"

# How long, in seconds, to wait for another process, which may have been stopped in the middle.
PATIENCE_S = 300.0

# What a store that is down, slow or broken raises. Requests' errors are OSErrors, protobuf's are of
# answers that are none of MLflow's.
PROBLEMS = (MlflowException, OSError, json_format.Error, message.Error)


@dataclass(frozen=True)
class Store:
    """A store that answers, and the experiment in it that new runs go to."""

    uri: str
    client: MlflowClient
    experiment_id: str

    def find(self, training_id: str) -> Run | None:
        """The run of a training, also if people have deleted it; None if there is none.

        Runs that lie in another experiment do not count: they were made where the project was
        before it was moved or copied, and their files are there.
        """
        with ignoring("RESOURCE_DOES_NOT_EXIST"):
            run = self.client.get_run(training_id)
            if run.info.experiment_id == self.experiment_id:
                return run
        found = self.client.search_runs(
            [self.experiment_id],
            f"tags.{TRAINING_ID} = '{training_id}'",
            run_view_type=ViewType.ALL,
        )
        return found[0] if found else None

    def create(self, name: str, started: int, tags: Mapping[str, str]) -> Run:
        """Make a run.

        Args:
            name: of the run.
            started: milliseconds since 1970.
            tags: the training's id among them.
        """
        run: Run = self.client.create_run(
            self.experiment_id, start_time=started, tags=dict(tags), run_name=name
        )
        if not run.info.run_id:
            raise MlflowException("the server has made no run")
        return run


def tracking_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, else the database in the project's root.

    Plain `mlflow ui` there shows it, also what ran in DVC's temporary directories.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _own_uri(root)
    scheme, separator, path = uri.partition(":///")
    if scheme.startswith("sqlite") and separator and not Path(path).is_absolute():
        # From a temporary directory it would mean a database there.
        return f"{scheme}:///{project_root(root) / path}"
    return uri


def open_client(root: Path) -> MlflowClient:
    """A client of the project's store, whose database is created if it is missing.

    Raises:
        InputError: MLFLOW_TRACKING_URI is no address of a store.
        MlflowException, OSError: the store does not answer.
    """
    # Otherwise MLflow tells about every table that it creates, and of a locked database by whole
    # tracebacks, and urllib3 about every retry.
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    uri = tracking_uri(root)
    if uri.partition(":")[0].lower().partition("+")[0] not in _SCHEMES:
        received = without_secrets(uri, uri)
        raise InputError(
            f"MLFLOW_TRACKING_URI: received {received!r}, allowed: an address that begins with one "
            f"of {', '.join(_SCHEMES)}"
        )
    mlflow.set_tracking_uri(uri)  # where `Model.log` looks for it
    with _one_at_a_time(root, uri):
        try:
            _create_if_missing(uri)
            return MlflowClient(uri)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            # A damaged database, one that does not answer, or whose driver is not installed; an
            # address with a port that is no number.
            raise MlflowException(str(error)) from error


def _create_if_missing(uri: str) -> None:
    """Make a database under another name: one whose making was cut short is of no use."""
    if not uri.startswith("sqlite"):
        return
    address = make_url(uri)
    path = Path(address.database or "")
    if not address.database or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    temporary = temporary_beside(path)
    try:
        MlflowClient(str(address.set(database=str(temporary))))
        with suppress(FileExistsError):  # another program has been faster: its runs stay
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def connect(root: Path, experiment: str) -> Store:
    """Reach the store, and find or create the experiment in it; errors as `open_client` has."""
    client = open_client(root)
    uri = tracking_uri(root)
    with _one_at_a_time(root, uri):
        experiment_id = _experiment(client, root, experiment).experiment_id
    mlflow.set_experiment(experiment_id=experiment_id)  # where `Model.log` puts the model's files
    return Store(uri, client, experiment_id)


def all_runs(client: MlflowClient, condition: str = "", *, tag: str = TRAINING_ID) -> Iterator[Run]:
    """The project's runs that are not deleted, the newest first.

    Args:
        client: of the store.
        condition: of MLflow's search, that they have to meet.
        tag: that they have; of trainings unless told otherwise.
    """
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    wanted = " and ".join(filter(None, (f"tags.{tag} != ''", condition)))
    order = ["attributes.start_time DESC"]
    page = client.search_runs(experiments, wanted, order_by=order)
    yield from page
    while page.token:
        page = client.search_runs(experiments, wanted, order_by=order, page_token=page.token)
        yield from page


def describe_problem(root: Path, error: Exception) -> str:
    """One line for people about an exception of `PROBLEMS`."""
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    if "Caused by" in reason:  # of urllib3: the cause comes last
        reason = reason.rpartition(": ")[2].strip("\"')")
    uri = tracking_uri(root)
    told = without_secrets(f"the MLflow store {uri} cannot be used: {reason}", uri)
    if uri == _own_uri(root) and any(sign in reason for sign in _DAMAGES):
        told += "; it is damaged: move it away, and `inpaint sync` logs what the project holds anew"
    return told


def without_secrets(text: str, address: str) -> str:
    """A text that may quote an address, or parts of it, without its user, password and options;
    of other addresses in it without user and password."""
    _, is_address, place = address.partition("://")
    users, _, rest = (place if is_address else address).rpartition("@")
    if users and not users.startswith("/"):  # the path of a file
        for part in filter(None, users.split("@")):  # a password may have an @, and readers differ
            text = text.replace(f"{part}@", "")
    text = re.sub(r"(?<=://)[^\s/@'\"]+@", "", text)
    _, mark, options = rest.partition("?")
    return text.replace(mark + options, "") if options else text


@contextmanager
def ignoring(error_code: str) -> Iterator[None]:
    """End the block, but not more, if MLflow answers with this code."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != error_code:
            raise


@contextmanager
def telling_problems(root: Path) -> Iterator[None]:
    """What the store raises in the block is told to people, as an InputError."""
    try:
        yield
    except PROBLEMS as error:
        raise InputError(describe_problem(root, error)) from None


def local_folder(uri: str) -> Path | None:
    """The folder that an artifact address means on this machine; None if it means another place."""
    parsed = urlparse(uri)
    return Path(unquote(parsed.path)) if parsed.scheme in ("", "file") else None


def is_in_place(root: Path, artifacts: str) -> bool:
    """Whether the files of a run lie where runs of the project ``root`` keep theirs.

    After a move they are lost; after a copy they are the other project's.
    """
    folder = local_folder(artifacts)
    if folder is None or tracking_uri(root) != _own_uri(root):
        return folder is None or folder.is_dir()
    return folder.is_dir() and folder.is_relative_to(project_root(root) / "mlruns")


_EXPERIMENT_TAGS = {  # what `mlflow ui` shows on the experiment's page
    "mlflow.note.content": "Trainings of networks that fill holes in images: one run for each. The "
    "score is `test/model/composite/ssim_unit`, (SSIM + 1) / 2 of the test images, and models are "
    "chosen by `valid/score/ssim_unit/mean`. `inpaint runs` ranks them, with intervals.",
}
# What SQLite says of a file that is none of its own, or was not made or migrated to its end.
_DAMAGES = ("already exists", "no such table", "malformed", "not a database")
_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql")


def _own_uri(root: Path) -> str:
    return f"sqlite:///{project_root(root)}/mlflow.db"


@contextmanager
def _one_at_a_time(root: Path, uri: str) -> Iterator[None]:
    """Several processes that meet a missing database at once would create it in each other's way.

    A server sees to that itself.
    """
    is_file = uri.startswith("sqlite")
    lock = FileLock(project_root(root) / "mlflow.db.lock", timeout=PATIENCE_S)
    with lock if is_file else nullcontext():
        yield


def _experiment(client: MlflowClient, root: Path, name: str) -> Experiment:
    """The experiment ``name``, whose artifacts lie in the project, or where a server keeps them.

    The location is absolute: a relative one would follow the directory of the process that creates
    the experiment, which DVC may delete afterwards. MLflow can't change it later. So when the
    project was moved or copied, the experiment keeps the runs made elsewhere under another name,
    and a new one takes its place.
    """
    here = (project_root(root) / "mlruns").as_uri()
    found = client.get_experiment_by_name(name)
    is_own_store = tracking_uri(root) == _own_uri(root)
    if found is not None and is_own_store and found.artifact_location != here:
        client.rename_experiment(
            found.experiment_id, _name_elsewhere(name, found.artifact_location)
        )
        # The project may have been here before.
        found = client.get_experiment_by_name(_name_elsewhere(name, here))
        if found is not None:
            client.rename_experiment(found.experiment_id, name)
    if found is not None and found.lifecycle_stage != "active":
        raise MlflowException(
            f"the MLflow experiment {name!r} was deleted: restore it, or set tracking.experiment"
        )
    if found is None:
        is_server = tracking_uri(root).startswith("http")
        with ignoring("RESOURCE_ALREADY_EXISTS"):  # on a server, somebody else may be faster
            client.create_experiment(name, None if is_server else here, _EXPERIMENT_TAGS)
        found = client.get_experiment_by_name(name)
        assert found is not None
    return found


def _name_elsewhere(name: str, location: str) -> str:
    folder = local_folder(location)
    return f"{name} (made in {location if folder is None else folder.parent})"
