"""DVC's experiments, which are Git commits under refs/exps, and trees of them to work in.

DVC and Git are run as commands; nothing of DVC is imported.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import Paths, project_root
from inpaint.base.processes import OWNER, is_running, on_threads

_REF = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(?P<name>.+)")
_FORMAT = "--format=%(objectname) %(refname)"
_TREE = re.compile(r"inpaint-(?P<pid>\d{1,9})-.*")  # see `tree_of`


@dataclass(frozen=True)
class Experiment:
    """A DVC experiment.

    Attributes:
        name: unique among those of one baseline.
        revision: its commit.
        ref: the Git ref that keeps it.
    """

    name: str
    revision: str
    ref: str


def all_experiments(root: Path) -> list[Experiment]:
    """The experiments of the repository, the newest first; none outside of a Git repository."""
    command = ["git", "for-each-ref", "--sort=-creatordate", _FORMAT, "refs/exps"]
    listing = _run(command, cwd=root, may_fail=True)
    refs = (line.split(" ", 1) for line in listing.splitlines())
    return [
        Experiment(match["name"], revision, ref)
        for revision, ref in refs
        if (match := _REF.fullmatch(ref))
    ]


def training_ids(root: Path) -> list[tuple[str, str]]:
    """The names of the experiments, the newest first, with the trainings that they hold."""
    summaries = ((e.name, summary_of(root, e.revision)) for e in all_experiments(root))
    return [(name, summary["run_id"]) for name, summary in summaries if summary is not None]


def summary_of(root: Path, revision: str) -> dict[str, Any] | None:
    """reports/summary.json of a commit; None if it does not name the commit's own training.

    It does not where `dvc exp run train` ran no other stage.
    """
    paths = Paths(Path())
    try:
        summary = json.loads(_show(root, revision, paths.summary))
        stages = yaml.safe_load(_show(root, revision, Path("dvc.lock")))["stages"]
        trained, scored = (
            next(file["md5"] for file in files if file["path"] == paths.train_summary.as_posix())
            for files in (stages["train"]["outs"], stages["evaluate"]["deps"])
        )
        is_own = trained == scored and {"run_id", "test_ssim_unit"} <= set(summary)
    except (ValueError, KeyError, TypeError, StopIteration, yaml.YAMLError):
        return None
    return summary if is_own else None


def is_name(name: str) -> bool:
    """Whether an experiment can have this name."""
    command = ["git", "check-ref-format", f"refs/exps/{name}"]
    return "/" not in name and subprocess.run(command, check=False).returncode == 0


def _show(root: Path, revision: str, path: Path) -> str:
    """A file of a commit; "" if it has none."""
    return _run(["git", "show", f"{revision}:./{path.as_posix()}"], cwd=root, may_fail=True)


def has_commit(root: Path, revision: str) -> bool:
    kind = _run(["git", "cat-file", "-t", revision], cwd=root, may_fail=True)
    return kind.strip() == "commit"


@contextmanager
def tree_of(root: Path, revision: str) -> Iterator[Path]:
    """A temporary checkout of a commit that shares the project's Git objects.

    It lies where DVC makes its own temporary trees, and goes when the block ends; that of a process
    that was killed goes here.
    """
    parent = root / ".dvc" / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        match = _TREE.fullmatch(left.name)
        if match and not is_running(int(match["pid"])):
            shutil.rmtree(left, ignore_errors=True)
    inside = _run(["git", "rev-parse", "--show-prefix"], cwd=root).strip()
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"inpaint-{os.getpid()}-") as folder:
        _share_objects(root, Path(folder))
        _run(["git", "checkout", "--quiet", "--detach", revision], cwd=Path(folder))
        yield Path(folder, inside)


def check_out_results(tree: Path, root: Path) -> None:
    """Bring the files that the pipeline had made in this commit back from the project's cache.

    Raises:
        StageError: the cache lacks some.
    """
    dvc(tree, "cache", "dir", "--local", _cache(root))
    dvc(tree, "checkout", "--quiet", "--force")


def apply_patch(tree: Path, patch: bytes) -> None:
    """Change a tree as `inpaint.base.origin` found it changed.

    Raises:
        StageError: the patch does not fit.
    """
    command = ["git", "apply", "--index", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=_top(tree), input=patch, capture_output=True, check=False)
    if done.returncode:
        raise StageError(f"the run's code.diff does not fit its commit: {done.stderr.decode()}")


def run_pipeline(tree: Path, root: Path, name: str, baseline: str, threads: int) -> None:
    """Run every stage in ``tree`` as the experiment ``name``, and keep it in the project ``root``.

    Each computes on so many threads. Runs and downloads go where those of the project go, results
    to its cache. Its run-cache is left alone: a parameter that is flipped back restores the first
    run, not one that was made again.

    Raises:
        StageError: a stage failed.
    """
    environment = _environment() | {"DVC_ROOT": str(project_root(root))}
    environment |= {"DVC_EXP_NAME": name, "DVC_EXP_BASELINE_REV": baseline}
    environment |= on_threads(threads) | {OWNER: str(os.getpid())}
    command = [sys.executable, "-m", "dvc", "repro", "--force"]
    process = subprocess.Popen(command, cwd=tree, env=environment, start_new_session=True)
    try:
        code = process.wait()
    except BaseException:
        # However this process is stopped, the stages are too. Not by SIGINT, which a process that
        # was started in the background ignores.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if code:
        raise StageError("the pipeline failed, see above")
    # A cache is laid out as a remote is.
    dvc(tree, "remote", "add", "--local", "project", _cache(root))
    dvc(tree, "push", "--quiet", "--remote", "project")
    dvc(tree, "exp", "save", "--name", name)
    [made] = [experiment for experiment in all_experiments(tree) if experiment.name == name]
    _run(["git", "fetch", "--quiet", str(_top(tree)), f"{made.ref}:{made.ref}"], cwd=root)


def dvc(tree: Path, *arguments: str) -> str:
    """Run DVC in a tree, quietly; give what it prints."""
    return _run([sys.executable, "-m", "dvc", *arguments], cwd=tree)


def _cache(root: Path) -> str:
    return str((root / dvc(root, "cache", "dir").strip()).resolve())


def _share_objects(root: Path, folder: Path) -> None:
    """Make ``folder`` a Git repository that looks for commits in the one of ``root``.

    `git clone --shared` does so too, but not where that one is shallow.
    """
    _run(["git", "init", "--quiet"], cwd=folder)
    for name, target in (("objects", "objects/info/alternates"), ("shallow", "shallow")):
        source = root / _run(["git", "rev-parse", "--git-path", name], cwd=root).strip()
        if source.is_dir():
            (folder / ".git" / target).write_text(f"{source.resolve()}\n")
        elif source.exists():
            shutil.copy(source, folder / ".git" / target)


def _top(tree: Path) -> Path:
    return Path(_run(["git", "rev-parse", "--show-toplevel"], cwd=tree).strip())


def _environment() -> dict[str, str]:
    """`python` and `dvc` of this environment come first, as DVC's stages need."""
    folder = Path(sys.executable).parent
    return dict(os.environ) | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _run(command: list[str], *, cwd: Path, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=_environment(), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise InputError(f"{command[0]} is not installed") from None
    if done.returncode and not may_fail:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise StageError(f"`{' '.join(command[:4])}` failed: {reason[0] if reason else ''}")
    return done.stdout if done.returncode == 0 else ""
