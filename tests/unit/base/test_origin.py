"""Where results come from: what is asked of real Git repositories, and a patch that brings the
code back."""

import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inpaint import __version__
from inpaint.base import origin

# In the order in which Python asks for them.
NAMES_OF_USER = ("LOGNAME", "USER", "LNAME", "USERNAME")
UNKNOWN = {"experiment": None, "baseline": None, "diff": "", "code_version": origin.code_version()}


@pytest.fixture
def project(repository: Any) -> Any:
    """A repository that holds a project; nothing in it has changed since its commit."""
    repository.write("src/stage.py", "one\ntwo\nthree\n")
    repository.write("src/old.py", "old\n")
    repository.write("src/table.bin", bytes(range(256)))
    repository.write("dvc.yaml", "stages: {}\n")
    repository.write("params.yaml", "train:\n  epochs: 70\n")
    repository.write(".gitignore", "__pycache__/\n")
    repository.write("README.md", "about it\n")
    repository.commit()
    return repository


def code_of(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file that decides a result, with its mode."""
    files = [root / "dvc.yaml", root / "params.yaml", *(root / "src").rglob("*")]
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }


def apply(patch: str, repository: Any, baseline: str, folder: Path) -> Path:
    """Check a commit out elsewhere and apply the patch, after its way through a JSON file."""
    # Without the objects that `git add` leaves behind.
    clone = ["git", "clone", "--quiet", "--no-local", str(repository.root), str(folder)]
    subprocess.run(clone, check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", baseline], check=True)
    content = json.loads(json.dumps(patch)).encode("utf-8", "surrogateescape")
    subprocess.run(["git", "-C", str(folder), "apply", "-"], input=content, check=True)
    return folder


def test_without_a_repository_nothing_is_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    git: None,  # noqa: ARG001
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert origin.capture(tmp_path) == UNKNOWN


def test_without_git_nothing_is_known(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project.root / "src"))
    assert origin.capture(project.root) == UNKNOWN


def test_without_a_commit_nothing_is_known(repository: Any) -> None:
    repository.write("dvc.yaml", "stages: {}\n")
    repository.git("add", "--all")
    assert origin.capture(repository.root) == UNKNOWN


def test_a_folder_inside_somebody_elses_repository_is_not_of_its_commits(project: Any) -> None:
    project.write("theirs/dvc.yaml", "stages: {}\n")
    project.write("theirs/src/stage.py", "mine\n")
    assert origin.capture(project.root / "theirs") == UNKNOWN


def test_code_that_git_cannot_read_is_not_known(project: Any) -> None:
    """A repository inside of src, without a commit, is an error for `git add`."""
    subprocess.run(["git", "init", "--quiet", str(project.root / "src" / "other")], check=True)
    assert origin.capture(project.root) == UNKNOWN


def test_unchanged_code_is_its_commit(project: Any) -> None:
    assert origin.capture(project.root) == UNKNOWN | {"baseline": project.git("rev-parse", "HEAD")}


def modify(project: Any) -> None:
    project.write("src/stage.py", "one\n2\nthree")  # and no newline at the end


def add(project: Any) -> None:
    project.write("src/folder/new file, größer.py", "new\n")
    project.write("src/empty.py", "")


def delete(project: Any) -> None:
    (project.root / "src" / "old.py").unlink()


def rename(project: Any) -> None:
    (project.root / "src" / "old.py").rename(project.root / "src" / "new.py")


def change_bytes(project: Any) -> None:
    project.write("src/table.bin", bytes(range(255, -1, -1)))
    project.write("src/new.bin", bytes(range(256)) * 3)


def change_encoding(project: Any) -> None:
    project.write("src/stage.py", "one\nzwei, höchstens drei\n".encode("latin-1"))


def change_line_ends(project: Any) -> None:
    project.write("src/stage.py", "one \r\ntwo\t\r\nthree\r\n")


def change_mode(project: Any) -> None:
    (project.root / "src" / "stage.py").chmod(0o755)


def change_settings(project: Any) -> None:
    project.write("params.yaml", "train:\n  epochs: 71\n")
    project.write("dvc.yaml", "stages: {}\nplots: []\n")


CHANGES = [
    modify, add, delete, rename, change_bytes, change_encoding, change_line_ends, change_mode,
    change_settings,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_baseline_and_patch_give_the_code_that_ran(
    project: Any, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    baseline = project.git("rev-parse", "HEAD")
    change(project)
    status = project.git("status", "--porcelain")
    found = origin.capture(project.root)
    assert found["baseline"] == baseline
    assert found["diff"]
    assert code_of(apply(found["diff"], project, baseline, tmp_path / "x")) == code_of(project.root)
    assert project.git("status", "--porcelain") == status


def test_what_does_not_decide_a_result_is_left_out(project: Any) -> None:
    project.write("README.md", "more about it\n")
    project.write("notes.txt", "of mine\n")
    project.write("src/__pycache__/stage.pyc", "ignored by Git\n")
    project.write("src/inpaint/restoring/pretrained/colour.keras", bytes(range(256)))
    assert origin.capture(project.root)["diff"] == ""


def test_staged_changes_are_seen_and_left_alone(project: Any, tmp_path: Path) -> None:
    project.write("src/stage.py", "staged\n")
    project.write("src/added.py", "staged\n")
    project.git("add", "src")
    project.git("rm", "--quiet", "--cached", "src/old.py")
    project.write("src/stage.py", "and changed again\n")
    project.write("src/untracked.py", "new\n")
    index = (project.root / ".git" / "index").read_bytes()
    status, staged = project.git("status", "--porcelain"), project.git("diff", "--cached")
    found = origin.capture(project.root)
    assert (project.root / ".git" / "index").read_bytes() == index
    assert project.git("status", "--porcelain") == status
    assert project.git("diff", "--cached") == staged
    assert code_of(apply(found["diff"], project, "HEAD", tmp_path / "x")) == code_of(project.root)


def test_a_project_may_lie_below_the_top_of_its_repository(repository: Any, tmp_path: Path) -> None:
    repository.write("part/dvc.yaml", "stages: {}\n")
    repository.write("part/params.yaml", "train: {}\n")
    repository.write("part/src/stage.py", "one\n")
    repository.write("src/stage.py", "somebody else's\n")
    baseline = repository.commit()
    repository.write("part/src/stage.py", "two\n")
    repository.write("src/stage.py", "somebody else's too\n")
    found = origin.capture(repository.root / "part")
    assert found["baseline"] == baseline
    tree = apply(found["diff"], repository, baseline, tmp_path / "x")
    assert code_of(tree / "part") == code_of(repository.root / "part")
    assert (tree / "src" / "stage.py").read_text() == "somebody else's\n"


@pytest.mark.parametrize(
    "setting",
    [
        "diff.noprefix=true",
        "diff.mnemonicPrefix=true",
        "diff.context=0",
        "diff.external=false",
        "color.ui=always",
        "core.quotePath=false",
        "diff.rot.textconv=tr a-z n-za-m <",
    ],
)
def test_a_persons_settings_do_not_spoil_the_patch(
    project: Any, tmp_path: Path, setting: str
) -> None:
    key, value = setting.split("=", 1)
    project.git("config", key, value)
    project.write(".git/info/attributes", "*.py diff=rot\n")
    modify(project)
    add(project)
    found = origin.capture(project.root)
    assert code_of(apply(found["diff"], project, "HEAD", tmp_path / "x")) == code_of(project.root)


def test_experiments_baseline_counts_where_dvc_names_it(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = project.git("rev-parse", "HEAD")
    modify(project)
    project.commit()  # as DVC does before it runs stages
    monkeypatch.setenv("DVC_EXP_NAME", "longer")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", baseline)
    found = origin.capture(project.root)
    assert found["experiment"] == "longer"
    assert found["baseline"] == baseline
    assert code_of(apply(found["diff"], project, baseline, tmp_path / "x")) == code_of(project.root)


def test_a_process_without_repository_is_told_the_origin(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modify(project)
    found = origin.capture(project.root)
    told = tmp_path / "origin.json"
    told.write_text(json.dumps(found | {"trial": 3, "code_version": "of who told it"}))
    monkeypatch.setenv("INPAINT_ORIGIN", str(told))
    (tmp_path / "empty").mkdir()
    assert origin.capture(tmp_path / "empty") == found | {"trial": 3}


def test_a_baseline_that_is_not_in_the_repository_is_not_known(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0123456789abcdef0123456789abcdef01234567")
    assert origin.capture(project.root) == UNKNOWN


def test_code_version_is_the_packages_with_a_digest_of_its_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "__file__", os.fspath(tmp_path / "base" / "origin.py"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text("two")
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "a.pyc").write_text("not a source")
    digest = hashlib.sha256(b"a.py\0one" + b"sub/b.py\0two").hexdigest()
    assert origin.code_version() == f"{__version__}+{digest[:12]}"


def test_the_user_is_known_by_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    assert origin.user() == "somebody"
    for name in NAMES_OF_USER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert origin.user() == pwd.getpwuid(0).pw_name


def test_a_user_without_a_name_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as a number."""
    for name in NAMES_OF_USER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)
    with pytest.raises(KeyError):
        pwd.getpwuid(os.getuid())
    assert origin.user() is None
