"""Runs of the pipeline as DVC experiments, and what they leave."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from benchmarks.task import ROOT
from inpaint.base.files import flatten
from inpaint.params import Params

Settings = dict[str, Any]


def complete(settings: Settings, committed: str) -> Settings:
    """All parameters: what the settings leave open is as in the committed params.yaml.

    So neither an edited params.yaml nor the experiment run before changes what settings mean.
    """
    return flatten(Params.model_validate(yaml.safe_load(committed)).model_dump()) | settings


def run(name: str, settings: Settings, *, here: bool) -> None:
    """Run the pipeline as an experiment, in a temporary directory or in the workspace."""
    # An experiment can't be run again under its name. Its results stay in the run-cache.
    subprocess.run(["dvc", "exp", "remove", "--quiet", name], cwd=ROOT, capture_output=True)
    committed = _output("git", "show", "HEAD:params.yaml")
    every = complete(settings, committed)
    changes = [f"{key}={json.dumps(value)}" for key, value in every.items()]
    subprocess.run(
        ["dvc", "exp", "run", "--name", name]
        + ([] if here else ["--temp"])
        + [word for change in changes for word in ("--set-param", change)],
        cwd=ROOT,
        check=True,
    )


def fetch(name: str, path: str, target: Path) -> Path:
    """A copy of a file that an experiment has left."""
    _output("dvc", "get", "--quiet", "--force", ".", path, "--rev", name, "--out", target)
    return target


def _output(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout
