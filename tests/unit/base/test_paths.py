"""Where files lie."""

from pathlib import Path

import pytest

from inpaint.base.paths import SPLITS, Paths, project_root


def test_every_file_has_its_own_path_below_the_root(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    files = [value for name, value in vars(paths).items() if name[0] != "_" and name != "root"]
    files += [paths.images(split) for split in SPLITS] + [paths.holes(split) for split in SPLITS]
    assert len(set(files)) == len(files) > 15
    assert all(tmp_path in file.parents for file in files)


def test_project_root_is_the_tree_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert project_root(Path()) == tmp_path.resolve()


def test_project_root_of_an_experiment_is_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert project_root(tmp_path / "experiment") == (tmp_path / "project").resolve()


def test_empty_dvc_root_names_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", "")
    assert project_root(tmp_path) == tmp_path.resolve()
