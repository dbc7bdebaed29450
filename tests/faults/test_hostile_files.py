"""What docs/security.md promises of files between stages, checkpoints and params.yaml: nothing that
a stranger made is run.

What is run leaves a trace, a file. Other tests see it appear where nothing hinders it.
"""

import hashlib
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml

from inpaint.base import checkpoints
from inpaint.base.checked import array_digest, write_checked
from inpaint.base.errors import InputError
from inpaint.commands.launch import launch
from inpaint.data.store import load_split
from tests.faults.traps import Trap, apply, archive_of, touching
from tests.pipeline.conftest import make_project


def test_a_checkpoint_is_not_unpickled(tmp_path: Path, trace: Path) -> None:
    """Though its digest is right: anybody can compute one."""
    content = archive_of(np.array([Trap(trace)]))
    with checkpoints.claimed(tmp_path, "key") as slot:
        slot.path.write_bytes(hashlib.sha256(content).digest() + content)
        assert slot.load() is None


@pytest.mark.parametrize("what", ["images", "holes"])
@pytest.mark.parametrize("how", ["an array of objects", "a pickle"])
def test_arrays_between_stages_are_not_unpickled(
    tmp_path: Path, trace: Path, capsys: pytest.CaptureFixture[str], what: str, how: str
) -> None:
    project = make_project(tmp_path)
    paths = project.paths
    arrays = {
        paths.images_manifest: (paths.images, np.zeros((2, 28, 28, 1), np.uint8)),
        paths.holes_manifest: (paths.holes, np.zeros((2, 28, 28), np.bool_)),
    }
    for manifest, (place, array) in arrays.items():
        content = {split: {"sha256": array_digest(array)} for split in ("train", "valid", "test")}
        write_checked(manifest, {"splits": content, "params": {}})
        for split in content:
            np.save(place(split), array)
    path = {"images": paths.images, "holes": paths.holes}[what]("train")
    if how == "a pickle":
        path.write_bytes(pickle.dumps(Trap(trace)))
    else:
        np.save(path, np.array([Trap(trace)]), allow_pickle=True)
    with pytest.raises(InputError, match=r"train\.npy is damaged"):
        load_split(paths, "train")
    stage = {"images": "mask", "holes": "train"}[what]
    assert launch(stage, root=tmp_path) == 2
    assert "train.npy is damaged" in capsys.readouterr().err


PARAMS: dict[str, Callable[[Path], str]] = {
    "os.system": lambda trace: apply("os.system", f"touch {trace}"),
    "subprocess": lambda trace: apply("subprocess.check_output", ["touch", str(trace)]),
    "eval": lambda trace: apply("eval", touching(trace)),
    "exec, as a new object": lambda trace: apply(
        "exec", touching(trace), tag="!!python/object/new:"
    ),
    "a whole tag": lambda trace: apply(
        "os.system>", f"touch {trace}", tag="!<tag:yaml.org,2002:python/object/apply:"
    ),
    "a tag's own prefix": lambda trace: (
        "%TAG !x! tag:yaml.org,2002:python/object/apply:\n---\n"
        + apply("os.system", f"touch {trace}", tag="!x!")
    ),
    "as a key": lambda trace: f"? !!python/object/apply:os.system ['touch {trace}']\n: 1\n",
    "in a value": lambda trace: (
        f"train:\n  epochs: !!python/object/apply:os.system ['touch {trace}']\n"
    ),
}


@pytest.mark.parametrize("what", PARAMS)
def test_parameters_run_nothing(
    tmp_path: Path, trace: Path, inpaint_command: Callable[..., str], what: str
) -> None:
    text = PARAMS[what](trace)
    (tmp_path / "params.yaml").write_text(text)
    for command in ("params", "prepare", "train"):
        assert "params.yaml is not YAML: received the tag " in inpaint_command(command, code=2)


@pytest.mark.parametrize("what", PARAMS)
def test_these_parameters_would_leave_a_trace(tmp_path: Path, what: str) -> None:
    with suppress(yaml.YAMLError, TypeError):  # what came of it is no key, or no object
        yaml.unsafe_load(PARAMS[what](tmp_path / "trace"))
    assert (tmp_path / "trace").exists()
