"""What a run should hold, from what reports/train.json says."""

import getpass
from pathlib import Path
from typing import Any

import pytest

from inpaint.base.origin import digest_of
from inpaint.tracking import record
from inpaint.tracking.record import (
    epoch_metrics,
    inputs_of,
    logging_code,
    params_of,
    run_name,
    run_tags,
)
from tests.unit.example import PARAMS

TRAINED: dict[str, Any] = {
    "params": PARAMS,
    "collapsed": False,
    "versions": {"keras": "3.15.1", "python": "3.11.7"},
    "digests": {
        "train_images": "1a" * 32,
        "valid_images": "2b" * 32,
        "test_images": "3c" * 32,
        "valid_holes": "4d" * 32,
        "params": "5e" * 32,
    },
    "origin": {
        "experiment": "longer",
        "baseline": "0b6e3f5c92aa4f0c8d7e6b5a493827160fedcba9",
        "diff": "diff --git a/src/a.py b/src/a.py\n",
        "code_version": "0.1.0+0123456789ab",
    },
}


def with_origin(**changes: Any) -> dict[str, Any]:
    return TRAINED | {"origin": TRAINED["origin"] | changes}


def test_params_are_text_by_their_path() -> None:
    params = params_of(TRAINED)
    assert params["data.train_size"] == "None"
    assert params["mask.box_sides"] == "[4, 12]"
    assert params["train.learning_rate"] == "0.002"
    assert params["tracking.experiment"] == "inpaint"
    assert len(params) == sum(map(len, PARAMS.values()))


def test_a_run_is_named_by_its_experiment_or_by_what_tells_most() -> None:
    assert run_name(TRAINED) == "longer"
    assert run_name(with_origin(experiment=None)) == "mnist-residual_unet-70"
    assert run_name(with_origin(experiment=None, sweep="0" * 32, trial=3)) == "trial-003"


def test_tags_tell_where_a_run_comes_from_and_what_it_is_made_of() -> None:
    assert run_tags(TRAINED) == {
        "versions": "keras 3.15.1, python 3.11.7",
        "logged_by": logging_code(),
        "digest.train_images": "1a" * 6,
        "digest.valid_images": "2b" * 6,
        "digest.test_images": "3c" * 6,
        "digest.valid_holes": "4d" * 6,
        "digest.params": "5e" * 6,
        "experiment_name": "longer",
        "baseline_commit": "0b6e3f5c92aa4f0c8d7e6b5a493827160fedcba9",
        "code_version": "0.1.0+0123456789ab",
        "code_changed": "true",
        "mlflow.source.git.commit": "0b6e3f5c92aa4f0c8d7e6b5a493827160fedcba9",
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": getpass.getuser(),
    }


def test_tags_say_no_more_than_is_known() -> None:
    assert run_tags(with_origin(diff=""))["code_changed"] == "false"
    unknown = run_tags(with_origin(experiment=None, baseline=None, diff=""))
    assert not unknown.keys() & {
        "experiment_name", "baseline_commit", "code_changed", "mlflow.source.git.commit",
    }  # fmt: skip


def test_a_collapse_is_a_tag() -> None:
    assert run_tags(TRAINED | {"collapsed": True})["collapsed"] == "true"
    running = {key: value for key, value in TRAINED.items() if key != "collapsed"}
    assert "collapsed" not in run_tags(running)


def test_nothing_learned_is_a_tag() -> None:
    assert run_tags(TRAINED | {"learned_nothing": True})["learned_nothing"] == "true"
    assert "learned_nothing" not in run_tags(TRAINED | {"learned_nothing": False})
    assert "learned_nothing" not in run_tags(TRAINED)  # running, or made by an older version


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 1234"), OSError("none")])
def test_a_user_without_a_name_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """As in a container that runs under a number of its own."""

    def getuser() -> str:
        raise error

    named = run_tags(TRAINED)
    monkeypatch.setattr("getpass.getuser", getuser)
    assert run_tags(TRAINED) == {k: v for k, v in named.items() if k != "mlflow.user"}


def test_inputs_are_the_images_that_training_reads() -> None:
    inputs = inputs_of(TRAINED)
    assert set(inputs) == {"train", "valid"}
    assert inputs["valid"] == {
        "name": "mnist-valid",
        "digest": "2b" * 18,  # MLflow takes 36 characters
        "source": {
            "dataset": "mnist",
            "image_size": "None",
            "train_size": "None",
            "seed": "0",
        },
    }


def test_epoch_metrics_have_the_names_of_the_run() -> None:
    row = {"epoch": 3.0, "train_loss": 0.5, "valid_loss": 0.6, "valid_ssim_unit": 0.9,
           "learning_rate": 0.001}  # fmt: skip
    assert epoch_metrics(row) == {
        "curves/train_loss": 0.5,
        "curves/valid_loss": 0.6,
        "curves/valid_ssim_unit": 0.9,
        "train/learning_rate": 0.001,
    }


def test_the_code_that_logs_is_known_by_its_files() -> None:
    package = Path(record.__file__).parent
    assert logging_code() == digest_of(package) != digest_of(package / "registry")
