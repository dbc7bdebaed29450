"""Who may become champion, by files as the stages write them; nothing is trained."""

import hashlib
import json
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint.base.checked import array_digest, write_checked
from inpaint.base.errors import InputError, StageError
from inpaint.data.holes import draw_split
from inpaint.data.images.selection import select
from inpaint.scoring import metrics
from inpaint.tracking.registry import rescore
from inpaint.tracking.registry.gate import Candidate, candidate_of, conditions
from inpaint.tracking.registry.models import Version
from inpaint.tracking.runs import SCORE, RunInfo, Runs

OURS, THEIRS = "our" + "0" * 29, "their" + "0" * 27
NUM = 24
REPLACE = "`inpaint promote --force --reason TEXT` makes another one champion"
DATA = {
    "dataset": "mnist", "source": "bundled", "path": "", "image_size": None, "seed": 0,
    "train_size": 60, "valid_size": NUM, "test_size": 10,
}  # fmt: skip
MASK = {"kind": "box", "box_sides": [3, 9], "seed": 0}


class Stored(Runs):
    """Runs whose files a test gives: run id -> name -> content."""

    def __init__(self, files: dict[str, dict[str, bytes]]) -> None:
        self._files = files
        self.all = [run_of(run_id) for run_id in files]

    def file(self, run: RunInfo, name: str) -> bytes:
        if name not in self._files[run.run_id]:
            raise InputError(f"{name} is lost")
        return self._files[run.run_id][name]


def run_of(run_id: str) -> RunInfo:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return RunInfo(run_id, run_id, "a run", "FINISHED", now, "", {}, {SCORE: 0.9}, {})


def per_image(ssim: float) -> bytes:
    """As the stage evaluate writes it: the baseline has 0.5 everywhere."""
    names = ("composite/ssim", "composite/hole_mse", "telea/ssim", "telea/hole_mse")
    lines = [f"split,index,original,group,hole_pixels,{','.join(names)}"]
    lines += [f"valid,{i},{i},{i},64,{ssim + 0.01 * (i % 3)},0.1,0.5,0.2" for i in range(NUM)]
    return "\n".join(lines).encode()


def checked(path: Path, content: dict[str, Any]) -> bytes:
    write_checked(path / "file.json", content)
    return (path / "file.json").read_bytes()


@cache
def chosen() -> dict[str, np.ndarray]:
    return {split: selection.images() for split, selection in select(DATA, Path()).items()}


def trained(run_id: str, *, mask_seed: int = 0, **changes: Any) -> dict[str, Any]:
    """What reports/train.json holds of a training."""
    mask = MASK | {"seed": mask_seed}
    digests = {}
    for split, images in chosen().items():
        digests[f"{split}_images"] = array_digest(images)
        digests[f"{split}_holes"] = array_digest(draw_split(mask, split, *images.shape[:3]))
    return {
        "run_id": run_id, "collapsed": False, "params": {"data": DATA, "mask": mask},
        "digests": digests, "largest_hole": 0.1, "terms": {},
        "files": {"model": hashlib.sha256(b"a network").hexdigest()},
    } | changes  # fmt: skip


def files_of(
    folder: Path, training: dict[str, Any], ssim: float, **changes: Any
) -> dict[str, bytes]:
    scores = per_image(ssim)
    result = {
        "run_id": training["run_id"],
        "valid": {"best_baseline": "telea", "num_groups": NUM, "gain": {
            "ssim_unit": {"mean": 0.0, "low": -0.1, "high": 0.1}}},
        "learned_nothing": False, "files": {"per_image": hashlib.sha256(scores).hexdigest()},
    }  # fmt: skip
    return {
        "train.json": checked(folder, training),
        "metrics.json": checked(folder, result | changes),
        "per_image.csv": scores,
    }


def champion_at(folder: Path, training: dict[str, Any] | None = None) -> Version:
    """A model's files, see `model_files`."""
    network = folder / "model" / "data" / "network"
    network.mkdir(parents=True)
    (network / "inpainter.keras").write_bytes(b"a network")
    if training is not None:
        write_checked(network / "training.json", training)
    return Version(str(folder / "model"), "3", "", THEIRS)


@pytest.fixture(autouse=True)
def model_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow finds a model's files by their folder."""

    def at(uri: str, advice: str) -> AbstractContextManager[Path]:
        assert advice == f"; {REPLACE}"
        return nullcontext(Path(uri))

    monkeypatch.setattr("inpaint.tracking.registry.gate.model_files", at)


def without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


def test_a_candidate_is_what_its_files_say(tmp_path: Path) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6)
    found = candidate_of(Stored({OURS: files}), run_of(OURS))
    assert found.run.run_id == OURS
    assert found.trained == trained(OURS)
    assert found.result == without(json.loads(files["metrics.json"]), "sha256")
    assert found.per_image == per_image(0.6)


def test_a_collapsed_network_is_no_candidate(tmp_path: Path) -> None:
    files = files_of(tmp_path, trained(OURS, collapsed=True), 0.6)
    with pytest.raises(StageError) as caught:
        candidate_of(Stored({OURS: files}), run_of(OURS))
    assert str(caught.value) == (
        "run our00000 is never promoted: its network collapsed, and fills every hole with one "
        "constant value"
    )


def test_a_network_that_learned_nothing_is_no_candidate(tmp_path: Path) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6, learned_nothing=True)
    with pytest.raises(StageError) as caught:
        candidate_of(Stored({OURS: files}), run_of(OURS))
    told = "run our00000 is never promoted: its network learned nothing; on the validation images"
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        *(("train.json", key) for key in ("run_id", "largest_hole", "terms", "files")),
        *(("metrics.json", key) for key in ("run_id", "learned_nothing", "files")),
    ],
)
def test_a_run_of_an_older_version_is_no_candidate(tmp_path: Path, name: str, lacking: str) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6)
    content = without(json.loads(files[name]), "sha256")
    files[name] = checked(tmp_path, without(content, lacking))
    with pytest.raises(InputError) as caught:
        candidate_of(Stored({OURS: files}), run_of(OURS))
    told = "run our00000 was made by an older version of inpaint: train it again"
    assert str(caught.value) == told


def test_files_of_versions_without_digests_are_no_candidates(tmp_path: Path) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6)
    files["train.json"] = b'{"run_id": "our"}'
    with pytest.raises(InputError, match=r"^run our00000 was made by an older version"):
        candidate_of(Stored({OURS: files}), run_of(OURS))


@pytest.mark.parametrize("name", ["train.json", "metrics.json"])
def test_a_file_whose_digest_was_taken_away_is_not_believed(tmp_path: Path, name: str) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6)
    files[name] = json.dumps(without(json.loads(files[name]), "sha256")).encode()
    with pytest.raises(InputError, match=f"^{name} of run our00000 is not as it was written: "):
        candidate_of(Stored({OURS: files}), run_of(OURS))


@pytest.mark.parametrize("name", ["train.json", "metrics.json"])
def test_files_of_another_run_are_not_believed(tmp_path: Path, name: str) -> None:
    """Whole ones, with digests that are right."""
    files = files_of(tmp_path, trained(OURS), 0.6)
    others = files_of(tmp_path, trained(THEIRS), 0.9)
    files |= {name: others[name], "per_image.csv": others["per_image.csv"]}
    with pytest.raises(InputError) as caught:
        candidate_of(Stored({OURS: files}), run_of(OURS))
    told = f"{name} of run our00000 is that of another training, their000: if it is the "
    assert str(caught.value).startswith(told)


def test_a_run_without_scores_is_no_candidate(tmp_path: Path) -> None:
    files = files_of(tmp_path, trained(OURS), 0.6)
    run = run_of(OURS)
    run.metrics.clear()
    with pytest.raises(InputError, match="run our00000 has no scores; it is FINISHED"):
        candidate_of(Stored({OURS: files}), run)


def against(champion: Version, runs: Runs, ssim: float, training: dict[str, Any]) -> list[Any]:
    """The conditions that a candidate has to meet."""
    result = {"valid": {"best_baseline": "telea"}}
    candidate = Candidate(run_of(OURS), training, result, per_image(ssim))
    return conditions(Path(), runs, champion, candidate)


@pytest.mark.parametrize(("ssim", "is_better"), [(0.7, True), (0.6, False), (0.55, False)])
def test_it_has_to_be_better_than_the_champion(
    tmp_path: Path, ssim: float, is_better: bool
) -> None:
    champion = champion_at(tmp_path, trained(THEIRS))
    runs = Stored({THEIRS: files_of(tmp_path, trained(THEIRS), 0.6)})
    over_baseline, over_champion = against(champion, runs, ssim, trained(OURS))
    assert over_baseline.holds
    assert over_champion.holds is is_better
    assert over_champion.text.startswith(
        f"better than the champion, version 3 of run their000: {(ssim - 0.6) / 2:+.4f} ["
    )


def test_a_champion_of_another_data_set_is_no_measure(tmp_path: Path) -> None:
    other = trained(THEIRS)
    other["params"]["data"] = DATA | {"dataset": "photos"}
    with pytest.raises(InputError) as caught:
        against(champion_at(tmp_path, other), Stored({}), 0.7, trained(OURS))
    told = "the champion, version 3, is no model for mnist, but for photos"
    assert str(caught.value) == f"{told}; {REPLACE}"


def test_a_champion_that_is_no_model_of_this_project_is_no_measure(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        against(champion_at(tmp_path), Stored({}), 0.7, trained(OURS))
    assert str(caught.value) == (
        "training.json of the champion, version 3, is not there: it is no model of this project; "
        + REPLACE
    )


def test_a_damaged_champion_is_no_measure(tmp_path: Path) -> None:
    champion = champion_at(tmp_path, trained(THEIRS))
    path = tmp_path / "model" / "data" / "network" / "training.json"
    path.write_text(path.read_text().replace("mnist", "MNIST"))
    with pytest.raises(InputError) as caught:
        against(champion, Stored({}), 0.7, trained(OURS))
    told = "training.json of the champion, version 3, is not as it was written"
    assert str(caught.value) == f"{told}: {REPLACE}"


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was scored again: networks, images and holes. Each image gets 0.6."""
    asked: list[tuple[Any, ...]] = []

    def score(network: Path, images: np.ndarray, holes: np.ndarray) -> dict[str, np.ndarray]:
        asked.append((network.read_bytes(), array_digest(images), array_digest(holes)))
        found = metrics.score_images(images, images, holes)
        return found | {"ssim": np.full(len(images), 0.6), "hole_mse": np.full(len(images), 0.1)}

    monkeypatch.setattr(rescore, "score", score)
    return asked


@pytest.mark.parametrize("why", ["other holes", "lost", "edited", "older", "another's", "no run"])
def test_a_champion_is_scored_again_where_its_scores_are_no_measure(
    tmp_path: Path, scored: list[Any], why: str
) -> None:
    ours = trained(OURS)
    theirs = trained(THEIRS, mask_seed=1 if why == "other holes" else 0)
    files = files_of(tmp_path, theirs, 0.9)
    if why == "lost":
        del files["per_image.csv"]
    elif why == "edited":
        files["per_image.csv"] = per_image(0.1)
    elif why == "older":
        result = without(json.loads(files["metrics.json"]), "sha256")
        files["metrics.json"] = json.dumps(without(result, "files")).encode()
    elif why == "another's":
        files = files_of(tmp_path, trained(OURS), 0.9)
    runs = Stored({} if why == "no run" else {THEIRS: files})
    # Both were trained on the same images, of which none is a validation image.
    _, over_champion = against(champion_at(tmp_path, theirs), runs, 0.7, ours)
    digests = ours["digests"]
    assert scored == [(b"a network", digests["valid_images"], digests["valid_holes"])]
    assert over_champion.holds
    assert over_champion.text.startswith(
        "better than the champion, version 3 of run their000, scored again on these images: +0.0"
    )


def test_a_champion_that_was_trained_on_the_images_is_no_measure(
    tmp_path: Path, scored: list[Any]
) -> None:
    everything = {"train_size": 4900, "valid_size": 50, "test_size": 50, "seed": 1}
    theirs = trained(THEIRS)
    theirs["params"]["data"] = DATA | everything
    images = select(theirs["params"]["data"], Path())
    theirs["digests"] |= {f"{split}_images": array_digest(images[split].images())
                          for split in ("train", "valid")}  # fmt: skip
    ours = trained(OURS)
    seen = {image.tobytes() for image in images["train"].images()}
    shared = sum(image.tobytes() in seen for image in chosen()["valid"])
    assert shared > 0
    _, over_champion = against(champion_at(tmp_path, theirs), Stored({}), 0.7, ours)
    assert not over_champion.holds
    assert over_champion.text == (
        "better than the champion, version 3 of run their000: cannot be compared, for it was "
        f"trained on {shared} of these {NUM} validation images (data.seed 1, here 0)"
    )
    assert scored == []


def test_a_damaged_network_is_not_scored_again(tmp_path: Path, scored: list[Any]) -> None:
    champion = champion_at(tmp_path, trained(THEIRS, mask_seed=1))
    (tmp_path / "model" / "data" / "network" / "inpainter.keras").write_bytes(b"another")
    with pytest.raises(InputError, match=r"inpainter\.keras is not as it was written"):
        against(champion, Stored({}), 0.7, trained(OURS))
    assert scored == []
