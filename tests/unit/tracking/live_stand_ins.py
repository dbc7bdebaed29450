"""What stands for the clock and for MLflow's client in tests of a training that is watched."""

from types import SimpleNamespace
from typing import Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList


class Clock:
    """Stands for the module `time`: it goes on only when told."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


class Server:
    """Stands for MLflow's client; keeps what it gets.

    Attributes:
        seconds: how long a batch takes.
        works_for: how many batches it still takes before it answers no more.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.works_for = 1000
        self.calls: list[list[Metric]] = []
        self.tags: dict[str, str] = {}
        self.status = "RUNNING"

    def create_run(self, *_: object, tags: dict[str, str], **__: object) -> SimpleNamespace:
        self.tags |= tags
        return SimpleNamespace(info=SimpleNamespace(run_id="7e" * 16))

    def log_batch(
        self,
        _: str,
        metrics: tuple[Metric, ...] | list[Metric] = (),
        params: object = (),  # noqa: ARG002
        tags: Any = (),
    ) -> None:
        self.clock.now += self.seconds
        self.works_for -= 1
        if self.works_for < 0:
            raise MlflowException("no answer\nwith a second line")
        self.tags |= {tag.key: tag.value for tag in tags}
        if metrics:
            self.calls.append(list(metrics))

    def search_experiments(self) -> list[object]:
        return []

    def search_runs(self, *_: object, **__: object) -> PagedList:
        return PagedList([], None)

    def delete_tag(self, _: str, tag: str) -> None:
        del self.tags[tag]

    def log_inputs(self, *_: object, **__: object) -> None:
        pass

    def set_terminated(self, _: str, status: str) -> None:
        self.status = status

    @property
    def steps(self) -> list[int]:
        return [metric.step for call in self.calls for metric in call]
