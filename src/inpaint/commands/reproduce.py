"""`inpaint reproduce RUN`: bring code and parameters of a run back, run them, compare."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from inpaint.base.checked import read_checked
from inpaint.base.errors import InputError
from inpaint.base.files import flatten, write_text
from inpaint.base.paths import Paths
from inpaint.base.processes import num_threads
from inpaint.terminal.console import console
from inpaint.tracking import experiments
from inpaint.tracking.compare import differences
from inpaint.tracking.runs import RunInfo, Runs, with_scores

# The parts of metrics.json that are results; the others tell the run and its origin.
_RESULTS = ("data", "holes", "valid", "test", "parity")
# The parts of its origin that say which code it was.
_CODE = ("baseline", "code_version")


def run(root: Path, wanted: str, *, name: str | None) -> int:
    runs = Runs(root)
    found = with_scores(runs.find(wanted, experiments.training_ids(root)))
    experiment = name or f"again-{found.run_id[:8]}"
    before, trained = (runs.record(found, name) for name in ("metrics.json", "train.json"))
    baseline = _baseline(root, found, before, experiment)
    out = console()
    for other in experiments.all_experiments(root):
        if other.name == experiment:
            after = _made_before(root, other, found, before, trained)
            return _report(out, found, experiment, before, after)
    with experiments.tree_of(root, baseline) as tree:
        if diff := before["origin"]["diff"]:
            experiments.apply_patch(tree, diff.encode("utf-8", "surrogateescape"))
        _set_params(Paths(tree), trained["params"] | before["params"])
        _warn_of_versions(out, trained["versions"])
        threads = trained.get("threads", num_threads())  # older versions did not tell
        experiments.run_pipeline(tree, root, experiment, baseline, threads)
        after = read_checked(Paths(tree).metrics)
    return _report(out, found, experiment, before, after)


def _baseline(root: Path, found: RunInfo, result: dict[str, Any], experiment: str) -> str:
    """The commit to start from.

    Raises:
        InputError: the run can't be made again here.
    """
    baseline: str | None = result["origin"]["baseline"]
    if baseline is None:
        raise InputError(
            f"run {found.run_id[:8]} was not made in a Git repository with commits: its code is "
            f"not known, but for its version {result['origin']['code_version']}"
        )
    if not experiments.has_commit(root, baseline):
        raise InputError(
            f"the run's commit {baseline} is not in this repository; another clone may have it"
        )
    if not experiments.is_name(experiment):
        raise InputError(
            f"--name: received {experiment!r}, allowed: what Git takes as a branch, without /"
        )
    return baseline


def _made_before(
    root: Path,
    other: experiments.Experiment,
    found: RunInfo,
    before: dict[str, Any],
    trained: dict[str, Any],
) -> dict[str, Any]:
    """The results of an experiment in which the run was made again: by a command that was killed
    before it told so, or has told it.

    Raises:
        InputError: it is another experiment, or has the results of the run itself.
    """
    with experiments.tree_of(root, other.revision) as tree:
        experiments.check_out_results(tree, root)
        again, after = (
            read_checked(path) for path in (Paths(tree).train_summary, Paths(tree).metrics)
        )
    if again["run_id"] == trained["run_id"]:
        raise InputError(
            f"--name: received {other.name!r}, which has the results of run {found.run_id[:8]} "
            "itself: give another one"
        )
    there, wanted = (
        (train["params"], result["params"], *(result["origin"][key] for key in _CODE))
        for train, result in ((again, after), (trained, before))
    )
    if there != wanted:
        raise InputError(
            f"--name: received {other.name!r}, which exists: give another one, or "
            f"`dvc exp remove {other.name}`"
        )
    return after


def _set_params(paths: Paths, wanted: dict[str, dict[str, Any]]) -> None:
    """Write the run's parameters where they are not in the tree already, with its comments."""
    content = yaml.safe_load(paths.params.read_text(encoding="utf-8"))
    there, parts = flatten(content), flatten(wanted)
    if any(there.get(key) != value for key, value in parts.items()):
        for section, values in wanted.items():
            content[section] = content.get(section, {}) | values
        write_text(paths.params, yaml.safe_dump(content, sort_keys=False))


def _warn_of_versions(out: Console, before: dict[str, str]) -> None:
    now = {key: platform.python_version() if key == "python" else version(key) for key in before}
    for name, (then, here) in differences(before, now).items():
        out.print(f"note: the run had {name} {then}, here is {here}")


def _report(
    out: Console,
    found: RunInfo,
    experiment: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> int:
    parts = [flatten({key: result[key] for key in _RESULTS}) for result in (before, after)]
    num, other = len(parts[0]), differences(*parts)
    out.print(f"The run is made again as experiment {experiment}.")
    if not other:
        out.print(f"All {num} results are those of run {found.run_id[:8]}, digit for digit.")
        return 0
    out.print(f"{len(other)} of {num} results are others:")
    for name, (then, now) in other.items():
        out.print(f"  {name}: {then} then, {now} now")
    return 1
