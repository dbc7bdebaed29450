"""Where a result comes from: the experiment, its commit, and how the code differs from that."""

import getpass
import hashlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import NotRequired, TypedDict

from inpaint import __version__

# What decides a result and is kept in Git. No stage reads the models that come with the package.
_CODE = ("src", ":(exclude)src/inpaint/restoring/pretrained", "dvc.yaml", "params.yaml")


# The environment variable that names a JSON file with the origin, for a process that has the code
# alone, and no repository.
ORIGIN = "INPAINT_ORIGIN"


class Origin(TypedDict):
    """What brings the code of a result back."""

    experiment: str | None  # of DVC; None for a plain `dvc repro`
    baseline: str | None  # commit; None if unknown, as outside of a Git repository
    diff: str  # patch from the baseline to the code that ran; "" if there is none
    code_version: str  # see `code_version`
    sweep: NotRequired[str]  # the MLflow run of `inpaint sweep`
    trial: NotRequired[int]  # of this sweep


def capture(root: Path) -> Origin:
    """The origin of what this process makes in the project tree ``root``.

    It works alike in the workspace and in DVC's temporary directories, which are Git repositories
    of their own that know the baseline.
    """
    if path := os.environ.get(ORIGIN):
        told: Origin = json.loads(Path(path).read_text(encoding="utf-8"))
        return told | {"code_version": code_version()}
    baseline = os.environ.get("DVC_EXP_BASELINE_REV") or (_git(root, "rev-parse", "HEAD") or "")
    diff = _difference(root, baseline.strip())
    return {
        "experiment": os.environ.get("DVC_EXP_NAME"),
        "baseline": None if diff is None else baseline.strip(),
        "diff": diff or "",
        "code_version": code_version(),
    }


def changes_code(diff: str) -> bool:
    """Whether a patch changes more than parameters."""
    files = re.findall(r"^diff --git a/(.+) b/", diff, re.MULTILINE)
    return any(not file.endswith("params.yaml") for file in files)


def user() -> str | None:
    """The login name; None if there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def code_version() -> str:
    """The package's version and a digest of the source files that are running."""
    return f"{__version__}+{digest_of(Path(__file__).parents[1])}"


def digest_of(package: Path) -> str:
    """The first digits of a SHA-256 of a package's source files and their names."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _difference(root: Path, baseline: str) -> str | None:
    """The patch from ``baseline`` to the files as they are, new files included.

    None if there is no such commit, or none of this project: a folder that lies inside somebody
    else's repository has nothing to do with its commits.

    It is made with an index of its own: the person's staged changes are left alone.
    """
    if not _git(root, "ls-tree", baseline, "--", "dvc.yaml"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        read = _git(root, "read-tree", baseline, **index)
        added = _git(root, "add", "--all", "--", *_CODE, **index)
        if read is None or added is None:  # such as a file that cannot be read
            return None
        # Unlike `git diff`, `diff-index` heeds no setting of the person's.
        patch = ("diff-index", "--cached", "--patch", "--binary", "--full-index")
        return _git(root, *patch, baseline, "--", *_CODE, **index)


def _git(root: Path, *arguments: str, **environment: str) -> str | None:
    """What a Git command prints; None if it fails, as where there is no Git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            env=os.environ | environment,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    # A patch may hold text in any encoding; escaped, it survives JSON and comes back as it was.
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
