"""What came of a trial."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from inpaint.base.checked import read_checked, write_checked
from inpaint.base.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        trial: its number, from 0.
        curve: the validation score after each epoch, by some of the images: ssim_unit.
        run_id: of its MLflow run; "" where it is not known.
        score: ssim_unit of all validation images: mean, and low and high of its 95% interval; {} if
            it did not come so far.
        gain: the same, of what it is better than the best method without training.
        task: digests of the validation images and holes: only scores of equal tasks compare.
        seconds: of its training.
        troubles: what is wrong with its network, in words.
        is_given_up: it was stopped early, for being worse than others.
        failure: why it has no score; "" if it has one, or was given up.
    """

    trial: int
    curve: list[float] = field(default_factory=list)
    run_id: str = ""
    score: dict[str, float] = field(default_factory=dict)
    gain: dict[str, float] = field(default_factory=dict)
    task: list[str] = field(default_factory=list)
    seconds: float = 0.0
    troubles: list[str] = field(default_factory=list)
    is_given_up: bool = False
    failure: str = ""


def write_outcome(folder: Path, outcome: Outcome) -> None:
    write_checked(_path(folder, outcome.trial), asdict(outcome))


def read_outcomes(folder: Path, num_trials: int) -> dict[int, Outcome]:
    """Those that there are, and are as they were written, by their numbers."""
    found = {}
    for trial in range(num_trials):
        with suppress(InputError, TypeError):  # TypeError: of another version
            found[trial] = Outcome(**read_checked(_path(folder, trial)))
    return found


def ranked(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Those with a score, the best first; in groups that were validated on the same, the largest
    first."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.score:
            groups.setdefault(tuple(outcome.task), []).append(outcome)
    for group in groups.values():
        group.sort(key=lambda each: -each.score["mean"])
    return sorted(groups.values(), key=len, reverse=True)


def _path(folder: Path, trial: int) -> Path:
    return folder / f"trial-{trial:03}.json"
