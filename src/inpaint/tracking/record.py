"""What an MLflow run should hold, put together from the files of the pipeline alone."""

import io
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from inpaint.base import origin
from inpaint.base.checked import check_file, read_array, read_checked, read_columns
from inpaint.base.errors import InputError
from inpaint.base.files import flatten
from inpaint.base.paths import Paths
from inpaint.data.store import check_seen, load_split
from inpaint.tracking.description import describe

# Tags: when a run's scores were computed, which sort as they follow each other; and by which code
# the run was logged: other code might log more, so `inpaint sync` looks at the run again.
EVALUATED, LOGGED_BY = "evaluated", "logged_by"
# Tag of a run whose network is no better for having been trained: of any other it is taken away.
LEARNED_NOTHING = "learned_nothing"

# The scores of a split that are metrics of the run: what a list, a chart or a comparison of runs
# needs. The artifact metrics.json has all of them.
_SCORES = ("ssim_unit", "hole_psnr_db", "hole_mse", "hole_mae")
_HEADLINES = (
    "score/",
    "gain/",
    "model/raw/ssim_unit",
    *(f"model/composite/{s}" for s in _SCORES),
)
# Validation images that a model comes with, to try it.
_TRIED = 2
# Test images that `inpaint compare` can draw.
_EXAMPLES = 20


@dataclass
class Record:
    """One training and what came of it.

    Attributes:
        training_id: `run_id` of reports/train.json.
        experiment: the MLflow experiment that the run belongs to.
        started, ended: milliseconds since 1970.
        curves: metrics of each epoch, beginning with the first.
        inputs: split -> what MLflow shows of its images.
        model: the saved network.
        training: the content of reports/train.json.
        example: `images`, uint8 (n, H, W, C), and `holes`, bool (n, H, W), to try the model with.
        files: path among the run's artifacts -> content.
        without_scores: the same, but for what came of it; None if nothing has.
    """

    training_id: str
    experiment: str
    name: str
    started: int
    ended: int
    params: dict[str, str]
    tags: dict[str, str]
    curves: list[dict[str, float]]
    inputs: dict[str, dict[str, Any]]
    model: Path
    training: dict[str, Any]
    example: dict[str, np.ndarray]
    metrics: dict[str, float]
    files: dict[str, bytes]
    without_scores: "Record | None" = None


def read_record(paths: Paths, *, is_scored: bool = True) -> Record:
    """What the project tree holds of its last training.

    Scores and figures are part of it if they belong to this training: a pipeline that was
    interrupted may have left those of another one.

    Args:
        paths: of the project tree.
        is_scored: whether to look for scores at all; there are none when a training has just ended,
            but there may be those of another one, which anybody may have made.

    Raises:
        InputError: no training has left its files here, or they are damaged.
    """
    try:
        return _read_record(paths, is_scored)
    except OSError as error:
        raise InputError(f"{error.filename} is not there: run `dvc repro`") from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{paths.train_summary} and the files beside it are damaged, or of another version of "
            f"inpaint ({error!r}): run `dvc repro`"
        ) from None


def _read_record(paths: Paths, is_scored: bool) -> Record:
    trained = read_checked(paths.train_summary)
    check_seen(paths, trained)
    check_file(paths.model, trained["files"]["model"])
    started = milliseconds(trained["started"])
    history = read_columns(paths.history, trained["files"]["history"])
    record = Record(
        training_id=trained["run_id"],
        experiment=trained["params"]["tracking"]["experiment"],
        name=run_name(trained),
        started=started,
        ended=started + round(trained["seconds"] * 1000),
        params=params_of(trained),
        tags=run_tags(trained),
        curves=[
            epoch_metrics(dict(zip(history, map(float, row), strict=True)))
            for row in zip(*history.values(), strict=True)
        ],
        inputs=inputs_of(trained),
        model=paths.model,
        training=trained,
        example={
            name: np.array(array[:_TRIED])
            for name, array in zip(("images", "holes"), load_split(paths, "valid"), strict=True)
        },
        metrics={
            "num_parameters": float(trained["num_parameters"]),
            "train/seconds": float(trained["seconds"]),
        },
        files={"train.json": paths.train_summary.read_bytes()},
    )
    _add_diff(record, trained["origin"])
    if is_scored and paths.metrics.exists():
        result = read_checked(paths.metrics)
        if result.get("run_id") == record.training_id:
            record.without_scores = deepcopy(record)
            _add_scores(record, paths, trained, result)
    if is_scored and paths.report.is_file():
        _add_report(record, paths)
    return record


def _add_report(record: Record, paths: Paths) -> None:
    """Report and figures, if they are of this training, and of its scores."""
    report = paths.report.read_bytes()
    # Those of older versions do not say when the scores were computed.
    scored = {
        found.decode(errors="replace") for found in re.findall(rb"(?<=Scored )\S+(?=\.)", report)
    }
    if record.training_id.encode() in report and scored <= {record.tags.get(EVALUATED)}:
        record.files["report.md"] = report
        for figure in filter(Path.is_file, sorted(paths.figures.glob("*.png"))):
            record.files[f"figures/{figure.name}"] = figure.read_bytes()


def _add_scores(
    record: Record, paths: Paths, trained: dict[str, Any], result: dict[str, Any]
) -> None:
    record.metrics |= _headline_metrics(result)
    # Scored by code of this origin, which includes the training's: DVC would have trained again if
    # that had changed. The experiment stays the one that the training was made in.
    scored_by = result["origin"] | {"experiment": None}
    record.tags |= _origin_tags(scored_by) | {EVALUATED: result["evaluated"]}
    _add_diff(record, scored_by)
    record.tags |= {name: str(value) for name, value in flatten(result["params"]).items()}
    record.tags["mlflow.note.content"] = describe(result, trained)
    # All validation images have been looked at by now, and not only those of the curve.
    record.tags.pop(LEARNED_NOTHING, None)
    if result.get(LEARNED_NOTHING, False):  # older files do not say
        record.tags[LEARNED_NOTHING] = "true"
    record.files["metrics.json"] = paths.metrics.read_bytes()
    check_file(paths.per_image, result["files"]["per_image"])
    record.files["per_image.csv"] = paths.per_image.read_bytes()
    images, holes = (array[:_EXAMPLES] for array in load_split(paths, "test"))
    restored = read_array(paths.restored, result["files"]["restored"])[:_EXAMPLES]
    examples = io.BytesIO()
    np.savez_compressed(examples, images=images, holes=holes, restored=restored)
    record.files["examples.npz"] = examples.getvalue()


def _add_diff(record: Record, made_by: Mapping[str, Any]) -> None:
    if made_by["diff"]:
        record.files["code.diff"] = made_by["diff"].encode("utf-8", "surrogateescape")


def run_name(trained: Mapping[str, Any]) -> str:
    """The number in a sweep, else the experiment's name, else the most telling parameters."""
    params, origin = trained["params"], trained["origin"]
    if "trial" in origin:  # below the run of its sweep, where all are much the same
        return f"trial-{origin['trial']:03}"
    return origin["experiment"] or "-".join(
        (params["data"]["dataset"], params["model"]["network"], str(params["train"]["epochs"]))
    )


def params_of(trained: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that made the model, data and holes as the earlier stages had them."""
    return {name: str(value) for name, value in flatten(trained["params"]).items()}


def run_tags(trained: Mapping[str, Any]) -> dict[str, str]:
    """Where the training comes from, and what it was made of.

    Digests are cut: with whole ones, MLflow's page of a run is all tags. train.json has them.
    """
    versions = (f"{name} {version}" for name, version in trained["versions"].items())
    tags = {f"digest.{name}": digest[:12] for name, digest in trained["digests"].items()}
    tags |= {"versions": ", ".join(versions), LOGGED_BY: logging_code()}
    tags |= _origin_tags(trained["origin"])
    if name := origin.user():
        tags["mlflow.user"] = name
    troubles = ("collapsed", LEARNED_NOTHING)
    return tags | {name: "true" for name in troubles if trained.get(name, False)}


def logging_code() -> str:
    """A digest of the code that decides what a run holds."""
    return origin.digest_of(Path(__file__).parent)


def inputs_of(trained: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Split -> name, digest and origin of its images."""
    data = trained["params"]["data"]
    return {
        split: {
            "name": f"{data['dataset']}-{split}",
            "digest": trained["digests"][f"{split}_images"][:36],  # MLflow keeps 36 characters
            "source": {key: str(value) for key, value in data.items()},
        }
        for split in ("train", "valid")
    }


def milliseconds(time: str) -> int:
    """A time of train.json as MLflow counts it, since 1970."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def epoch_metrics(row: Mapping[str, float]) -> dict[str, float]:
    """A row of history.csv as metrics of the run.

    MLflow sorts its charts by their names: losses and score come first.
    """
    curves = {f"curves/{key}": row[key] for key in ("train_loss", "valid_loss", "valid_ssim_unit")}
    return curves | {"train/learning_rate": row["learning_rate"]}


def _origin_tags(made_by: Mapping[str, Any]) -> dict[str, str]:
    """The tags of `base.origin.Origin`; MLflow's pages show those that begin with `mlflow.`."""
    tags = {
        "experiment_name": made_by["experiment"],
        "baseline_commit": made_by["baseline"],
        "code_version": made_by["code_version"],
        "code_changed": str(origin.changes_code(made_by["diff"] or "")).lower()
        if made_by["baseline"]
        else None,
        "mlflow.source.git.commit": made_by["baseline"],
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.parentRunId": made_by.get("sweep"),
        "trial": str(made_by["trial"]) if "trial" in made_by else None,
    }
    return {key: value for key, value in tags.items() if value is not None}


def _headline_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """The scores worth comparing runs by; one that is not defined is left out.

    Keys are the paths of metrics.json, such as ``test/model/composite/ssim_unit``.
    """
    metrics = {"parity/max_abs_diff": result["parity"]["max_abs_diff"]}
    for split in ("valid", "test"):
        wanted = (*_HEADLINES, f"baselines/{result[split]['best_baseline']}/ssim_unit")
        metrics |= {
            f"{split}/{name}": float(value)
            for name, value in flatten(result[split], "/").items()
            if name.startswith(wanted) and value is not None
        }
    return metrics
