"""What a run has to be to become champion: better than the best baseline and the champion."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base.checked import OlderVersionError, check_file, parse_checked
from inpaint.base.errors import InputError, StageError
from inpaint.scoring import health
from inpaint.scoring.text import interval
from inpaint.terminal.quiet import without_greetings
from inpaint.tracking import compare
from inpaint.tracking.model import model_files
from inpaint.tracking.registry.models import Version
from inpaint.tracking.runs import RunInfo, Runs, with_scores

# Among fewer, that all have become better is no rare chance: 0.5 ** 5 is above 2.5%.
FEWEST_GROUPS = 6
# What older versions did not write.
_NEEDED = {
    "train.json": {"run_id", "largest_hole", "terms", "files"},
    "metrics.json": {"run_id", "learned_nothing", "files"},
}
_REPLACE = "`inpaint promote --force --reason TEXT` makes another one champion"


@dataclass(frozen=True)
class Candidate:
    """A run with what it says of itself.

    Attributes:
        trained, result, per_image: the contents of its train.json, metrics.json, per_image.csv.
    """

    run: RunInfo
    trained: dict[str, Any]
    result: dict[str, Any]
    per_image: bytes


@dataclass(frozen=True)
class Condition:
    """Something that a champion has to be, whether the candidate is, and by how much."""

    holds: bool
    text: str


def candidate_of(runs: Runs, run: RunInfo) -> Candidate:
    """Read a run's files.

    Raises:
        StageError: its network collapsed, or learned nothing.
        InputError: it has no scores, its files are lost or not as they were written, or an older
            version made it.
    """
    with_scores(run)
    trained, result = (_read(runs, run, name) for name in ("train.json", "metrics.json"))
    if trained["collapsed"]:
        raise StageError(
            f"run {run.run_id[:8]} is never promoted: its network collapsed, and fills every hole "
            "with one constant value"
        )
    if result["learned_nothing"]:
        raise StageError(
            f"run {run.run_id[:8]} is never promoted: its network learned nothing; "
            f"{health.reason(result)}"
        )
    return Candidate(run, trained, result, runs.per_image(run))


def _read(runs: Runs, run: RunInfo, name: str) -> dict[str, Any]:
    """One of a candidate's JSON files, by its digest."""
    try:
        content = runs.checked(run, name)
    except OlderVersionError:
        content = {}
    if not _NEEDED[name] <= content.keys():
        raise InputError(
            f"run {run.run_id[:8]} was made by an older version of inpaint: train it again"
        )
    return content


def conditions(
    root: Path, runs: Runs, champion: Version | None, candidate: Candidate
) -> list[Condition]:
    """Compare a candidate with the best baseline and, if there is one, the champion.

    All on the candidate's validation images and holes: the test images decide nothing.

    Raises:
        InputError: the champion's files are lost, or it has to be scored again, and the images
            cannot be had.
    """
    best = candidate.result["valid"]["best_baseline"]
    scores = compare.scores_of(candidate.per_image, "valid", best)
    found = [_beats(f"{best}, the best method without training", scores, candidate)]
    if champion is not None:
        found.append(_beats_champion(root, runs, champion, candidate))
    return found


def judge(opponent: str, gain: Mapping[str, float | None], num_groups: int) -> Condition:
    """Whether a candidate is better than an opponent by more than chance.

    Args:
        opponent: in words.
        gain: `mean`, `low` and `high` of the gain in ssim_unit over it.
        num_groups: how many independent pictures it is from.
    """
    text = f"better than {opponent}: {interval(gain, '+.4f')} in ssim_unit"
    if num_groups < FEWEST_GROUPS:
        return Condition(
            False,
            f"{text}, but {FEWEST_GROUPS} or more independent pictures are needed to tell, here "
            f"are {num_groups}",
        )
    return Condition(bool(gain["low"] is not None and gain["low"] > 0), text)


def _beats(opponent: str, scores: Mapping[str, np.ndarray], candidate: Candidate) -> Condition:
    own = compare.scores_of(candidate.per_image, "valid")
    gain = compare.gain(scores, own, "valid")["ssim_unit"]
    return judge(opponent, gain, len(np.unique(own["group"])))


def _beats_champion(root: Path, runs: Runs, champion: Version, candidate: Candidate) -> Condition:
    opponent = f"the champion, version {champion.number} of run {champion.run_id[:8]}"
    with model_files(champion.uri, f"; {_REPLACE}") as folder:
        network = folder / "data" / "network"
        trained = _training_of(network / "training.json", champion)
        if _dataset(trained) != _dataset(candidate.trained):
            raise InputError(
                f"the champion, version {champion.number}, is no model for "
                f"{_dataset(candidate.trained)}, but for {_dataset(trained)}; {_REPLACE}"
            )
        stored = _stored_scores(runs, champion, trained, candidate)
        if stored is not None:
            return _beats(opponent, compare.scores_of(stored, "valid"), candidate)
        return _beats_rescored(root, opponent, network / "inpainter.keras", trained, candidate)


def _training_of(path: Path, champion: Version) -> dict[str, Any]:
    """reports/train.json of a champion; none of this project has one."""
    name = f"training.json of the champion, version {champion.number},"
    if not path.is_file():
        raise InputError(f"{name} is not there: it is no model of this project; {_REPLACE}")
    return parse_checked(path.read_bytes(), name, _REPLACE)


def _dataset(trained: Mapping[str, Any]) -> str:
    return str(trained["params"]["data"]["dataset"])


def _stored_scores(
    runs: Runs, champion: Version, trained: Mapping[str, Any], candidate: Candidate
) -> bytes | None:
    """The champion's scores, if they are on the candidate's validation images and holes."""
    for what in ("valid_images", "valid_holes"):
        if trained["digests"][what] != candidate.trained["digests"][what]:
            return None
    run = next((run for run in runs.all if run.run_id == champion.run_id), None)
    with suppress(InputError):  # lost or changed: the model itself can be scored again
        if run and "run_id" in runs.checked(run, "metrics.json"):
            return runs.per_image(run)
    return None


def _beats_rescored(
    root: Path, opponent: str, network: Path, trained: Mapping[str, Any], candidate: Candidate
) -> Condition:
    """Score the champion on images that are new to it, unless it was trained on some of them."""
    with without_greetings():
        from inpaint.tracking.registry import rescore  # imports TensorFlow

    check_file(network, trained["files"]["model"])
    images = rescore.images_of(root, candidate.trained, "valid")
    holes = rescore.holes_of(candidate.trained, "valid", images)
    num = rescore.num_trained_on(images, rescore.images_of(root, trained, "train"))
    if num:
        seeds = [each["params"]["data"]["seed"] for each in (trained, candidate.trained)]
        return Condition(
            False,
            f"better than {opponent}: cannot be compared, for it was trained on {num} of these "
            f"{len(images)} validation images (data.seed {seeds[0]}, here {seeds[1]})",
        )
    scores = rescore.score(network, images, holes)
    return _beats(f"{opponent}, scored again on these images", scores, candidate)
