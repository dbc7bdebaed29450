"""Experiments as DVC keeps them in Git, and trees of them: real Git, real DVC."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inpaint.base import origin
from inpaint.base.errors import InputError, StageError
from inpaint.tracking import experiments

# One stage, whose output is in DVC's cache alone, and which tells where it ran.
DVC_YAML = """
stages:
  double:
    cmd: python double.py
    deps: [number.txt, double.py]
    outs: [double.txt]
"""
DOUBLE = """
import os
import sys
from pathlib import Path

Path("double.txt").write_text(str(2 * int(Path("number.txt").read_text())))
names = ("DVC_ROOT", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
print(*(f"{name}={os.environ.get(name)}" for name in names), sep="\\n")
print("by", Path(sys.executable).parent)
"""


def keep(repository: Any, name: str, revision: str, baseline: str) -> None:
    """Keep a commit as DVC keeps an experiment."""
    repository.git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", revision)


@pytest.fixture
def baseline(repository: Any) -> str:
    revision: str = repository.commit()
    return revision


def test_all_experiments_come_newest_first(repository: Any, baseline: str) -> None:
    made = {}
    for day, name in ((2, "middle"), (3, "newest"), (1, "oldest")):
        made[name] = repository.commit(GIT_COMMITTER_DATE=f"2026-01-0{day}T12:00:00+00:00")
        keep(repository, name, made[name], baseline)
    found = experiments.all_experiments(repository.root)
    assert [(e.name, e.revision) for e in found] == [
        (name, made[name]) for name in ("newest", "middle", "oldest")
    ]
    assert found[0].ref == f"refs/exps/{baseline[:2]}/{baseline[2:]}/newest"


def test_dvcs_other_refs_are_no_experiments(repository: Any, baseline: str) -> None:
    for name in ("apply/auto", "exec/EXEC_BASELINE", "celery/stash", "stash"):
        repository.git("update-ref", f"refs/exps/{name}", baseline)
    assert experiments.all_experiments(repository.root) == []


def test_one_name_may_stand_for_an_experiment_of_each_baseline(
    repository: Any, baseline: str
) -> None:
    later = repository.commit()
    for start in (baseline, later):
        keep(repository, "longer", repository.commit(), start)
    found = experiments.all_experiments(repository.root)
    assert [e.name for e in found] == ["longer", "longer"]
    assert len({e.revision for e in found}) == 2


def test_without_a_repository_there_are_no_experiments(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    git: None,  # noqa: ARG001
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert experiments.all_experiments(tmp_path) == []
    assert experiments.training_ids(tmp_path) == []


def test_without_git_people_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^git is not installed$"):
        experiments.all_experiments(tmp_path)


@pytest.mark.parametrize("inside", [".", "part"])
def test_summary_of_a_commit_is_that_of_the_project(repository: Any, inside: str) -> None:
    scored(repository, "of the top")
    scored(repository, "of the part", inside="part")
    revision = repository.commit()
    scored(repository, "not committed", inside=inside)
    found = experiments.summary_of(repository.root / inside, revision)
    assert found is not None
    assert found["run_id"] == ("of the part" if inside == "part" else "of the top")


def test_a_summary_of_another_training_is_none(repository: Any) -> None:
    """`dvc exp run train` leaves the scores of the training before where they are."""
    scored(repository, "before")
    lock = repository.root / "dvc.lock"
    lock.write_text(lock.read_text().replace("before", "after", 1))
    assert experiments.summary_of(repository.root, repository.commit()) is None


def scored(repository: Any, run_id: str, inside: str = ".") -> None:
    """Write what DVC and evaluate keep in Git of a training."""
    summary = {"run_id": run_id, "test_ssim_unit": 0.9}
    repository.write(f"{inside}/reports/summary.json", json.dumps(summary))
    file = {"path": "reports/train.json", "md5": run_id}
    stages = {"train": {"outs": [file]}, "evaluate": {"deps": [file]}}
    repository.write(f"{inside}/dvc.lock", json.dumps({"stages": stages}))


def test_a_summary_that_names_no_run_is_none(repository: Any, baseline: str) -> None:
    repository.write("reports/summary.json", json.dumps({"epochs": 2}))
    without = repository.commit()
    repository.write("reports/summary.json", "<<<<<<<")
    damaged = repository.commit()
    assert experiments.summary_of(repository.root, damaged) is None
    assert experiments.summary_of(repository.root, without) is None
    assert experiments.summary_of(repository.root, baseline) is None  # no summary at all
    assert experiments.summary_of(repository.root, "0" * 40) is None


def test_training_ids_tell_which_experiment_holds_which_training(
    repository: Any, baseline: str
) -> None:
    for day, name, run_id in ((1, "first", "aa"), (2, "again", "aa"), (3, "other", "bb")):
        scored(repository, run_id)
        commit = repository.commit(GIT_COMMITTER_DATE=f"2026-01-0{day}T12:00:00+00:00")
        keep(repository, name, commit, baseline)
    keep(repository, "unfinished", baseline, baseline)
    assert experiments.training_ids(repository.root) == [
        ("other", "bb"), ("again", "aa"), ("first", "aa")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [("again-7ee06505", True), ("a b", False), ("a~1", False), ("a/b", False), ("", False)],
)
def test_names_are_those_that_git_takes(name: str, is_allowed: bool) -> None:
    assert experiments.is_name(name) == is_allowed


def test_has_commit_knows_commits_from_other_objects(repository: Any, baseline: str) -> None:
    tree = repository.git("rev-parse", f"{baseline}^{{tree}}")
    assert experiments.has_commit(repository.root, baseline)
    assert not experiments.has_commit(repository.root, tree)
    assert not experiments.has_commit(repository.root, "0" * 40)


@pytest.mark.parametrize("inside", [".", "part"])
def test_a_patch_of_origin_fits_its_commit(repository: Any, tmp_path: Path, inside: str) -> None:
    repository.write(f"{inside}/dvc.yaml", "stages: {}\n")
    repository.write(f"{inside}/params.yaml", "{}\n")
    repository.write(f"{inside}/src/stage.py", "one\n")
    baseline = repository.commit()
    content = "zwölf \r\n\t\n".encode("latin-1")
    repository.write(f"{inside}/src/stage.py", content)
    repository.write(f"{inside}/src/table.bin", bytes(range(256)))
    diff = origin.capture(repository.root / inside)["diff"]
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), baseline)
    tree = tmp_path / "tree" / inside
    experiments.apply_patch(tree, diff.encode("utf-8", "surrogateescape"))
    assert (tree / "src" / "stage.py").read_bytes() == content
    assert (tree / "src" / "table.bin").read_bytes() == bytes(range(256))


def test_a_patch_that_does_not_fit_changes_nothing(repository: Any) -> None:
    repository.write("src/a.py", "one\n")
    repository.write("src/b.py", "one\n")
    repository.commit()
    for name in ("a", "b"):
        repository.write(f"src/{name}.py", "two\n")
    patch = repository.git("diff", "src").encode() + b"\n"
    repository.write("src/a.py", "one\n")
    repository.write("src/b.py", "somebody else's\n")
    repository.commit()
    with pytest.raises(StageError, match=r"code\.diff does not fit its commit: error: .*src/b\.py"):
        experiments.apply_patch(repository.root, patch)
    assert (repository.root / "src" / "a.py").read_text() == "one\n"
    assert repository.git("status", "--porcelain") == ""


@dataclass(frozen=True)
class DvcProject:
    """A project below the top of a Git repository, whose stage has run.

    Attributes:
        repository: the Git repository.
        root: the project's folder in it.
        revision: the commit with its results.
    """

    repository: Any
    root: Path
    revision: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, new_repository: Any) -> DvcProject:
    repository = new_repository(tmp_path_factory.mktemp("ran") / "repository")
    repository.commit()  # so that there is a past to leave out
    root = repository.root / "part"
    root.mkdir()
    experiments.dvc(root, "init", "--subdir", "--quiet")
    repository.write("part/.dvc/config", "[core]\n    analytics = false\n")
    repository.write("part/dvc.yaml", DVC_YAML)
    repository.write("part/double.py", DOUBLE)
    repository.write("part/number.txt", "21")
    experiments.dvc(root, "repro", "--quiet")
    return DvcProject(repository, root, repository.commit())


@pytest.fixture
def project(ran: DvcProject) -> Iterator[DvcProject]:
    """It is found as it was made, whatever the tests do with its trees."""
    status = ran.repository.git("status", "--porcelain", "--ignored")
    yield ran
    assert ran.repository.git("status", "--porcelain", "--ignored") == status
    assert trees(ran) == []


def trees(project: DvcProject) -> list[Path]:
    return list((project.root / ".dvc" / "tmp").glob("inpaint-*"))


def test_a_tree_holds_the_commit_and_its_results(project: DvcProject) -> None:
    with experiments.tree_of(project.root, project.revision) as tree:
        assert (tree / "number.txt").read_text() == "21"
        assert not (tree / "double.txt").exists()
        experiments.check_out_results(tree, project.root)
        assert (tree / "double.txt").read_text() == "42"
        assert len(trees(project)) == 1
    assert not tree.exists()


def test_a_tree_goes_also_if_its_block_fails(project: DvcProject) -> None:
    def fail() -> None:
        with experiments.tree_of(project.root, project.revision):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert trees(project) == []


def test_a_tree_that_a_killed_process_left_goes_with_the_next(project: DvcProject) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = project.root / ".dvc" / "tmp"
    for name in (f"inpaint-{ended.pid}-left", f"inpaint-{os.getpid()}-mine", "inpaint-other"):
        (folder / name / "below").mkdir(parents=True)
    with experiments.tree_of(project.root, project.revision):
        there = {path.name for path in folder.glob("inpaint-*")}
    assert {f"inpaint-{os.getpid()}-mine", "inpaint-other"} < there
    assert f"inpaint-{ended.pid}-left" not in there
    for name in (f"inpaint-{os.getpid()}-mine", "inpaint-other"):
        shutil.rmtree(folder / name)


def test_a_tree_of_no_commit_is_refused_and_leaves_nothing(project: DvcProject) -> None:
    with (
        pytest.raises(StageError, match=r"^`git .*` failed: "),
        experiments.tree_of(project.root, "0" * 40),
    ):
        pass
    assert trees(project) == []


def test_a_shallow_clone_has_trees_of_its_experiments(
    project: DvcProject, new_repository: Any, tmp_path: Path
) -> None:
    shallow = new_repository(tmp_path / "shallow")
    shallow.git("fetch", "--quiet", "--depth=1", f"file://{project.repository.root}", "HEAD")
    shallow.git("checkout", "--quiet", "FETCH_HEAD")
    baseline = shallow.git("rev-parse", "HEAD")
    assert baseline == project.revision
    shallow.write("part/number.txt", "4")
    keep(shallow, "other", shallow.commit(), baseline)
    shallow.git("checkout", "--quiet", baseline)
    [made] = experiments.all_experiments(shallow.root)
    with experiments.tree_of(shallow.root / "part", made.revision) as tree:
        assert (tree / "number.txt").read_text() == "4"


def test_a_linked_worktree_has_trees_too(project: DvcProject, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    project.repository.git("worktree", "add", "--quiet", "--detach", str(linked))
    try:
        with experiments.tree_of(linked / "part", project.revision) as tree:
            assert (tree / "number.txt").read_text() == "21"
    finally:
        project.repository.git("worktree", "remove", "--force", str(linked))


def test_results_that_the_cache_lacks_are_an_error(project: DvcProject) -> None:
    cache = project.root / ".dvc" / "cache"
    cache.rename(cache.with_name("elsewhere"))
    try:
        with experiments.tree_of(project.root, project.revision) as tree:
            with pytest.raises(StageError, match=r"^`.* -m dvc checkout` failed: "):
                experiments.check_out_results(tree, project.root)
            assert not (tree / "double.txt").exists()
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        cache.with_name("elsewhere").rename(cache)


def test_the_pipeline_is_run_as_an_experiment_of_the_project(
    project: DvcProject, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # A shell in which the environment is not active finds another `python`, or none.
    git = shutil.which("git")
    assert git is not None
    monkeypatch.setenv("PATH", os.pathsep.join(["/nowhere", str(Path(git).parent)]))
    runs = project.root / ".dvc" / "cache" / "runs"
    restorable = sorted(runs.rglob("*"))
    with experiments.tree_of(project.root, project.revision) as tree:
        (tree / "number.txt").write_text("50")
        experiments.run_pipeline(tree, project.root, "other", project.revision, 1)
    told = capfd.readouterr().out.splitlines()
    [made] = experiments.all_experiments(project.root)
    try:
        assert {
            f"DVC_ROOT={project.root}",
            "DVC_EXP_NAME=other",
            f"DVC_EXP_BASELINE_REV={project.revision}",
            f"by {Path(sys.executable).parent}",
        } <= set(told)
        assert restorable
        assert sorted(runs.rglob("*")) == restorable
        assert made.name == "other"
        assert made.ref == f"refs/exps/{project.revision[:2]}/{project.revision[2:]}/other"
        assert (project.root / "double.txt").read_text() == "42"
        with experiments.tree_of(project.root, made.revision) as tree:
            experiments.check_out_results(tree, project.root)
            assert (tree / "double.txt").read_text() == "100"
    finally:
        project.repository.git("update-ref", "-d", made.ref)


def test_a_pipeline_that_fails_keeps_no_experiment(project: DvcProject) -> None:
    with experiments.tree_of(project.root, project.revision) as tree:
        (tree / "number.txt").write_text("no number")
        with pytest.raises(StageError, match=r"^the pipeline failed, see above$"):
            experiments.run_pipeline(tree, project.root, "other", project.revision, 1)
    assert experiments.all_experiments(project.root) == []


def test_dvcs_own_reason_is_given(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^`.* -m dvc repro` failed: .*not inside"):
        experiments.dvc(tmp_path, "repro")
