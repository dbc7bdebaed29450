"""`inpaint promote [RUN]`: a model that others rely on, earned by beating what there is."""

from pathlib import Path

import numpy as np

from inpaint.base.checked import read_checked
from inpaint.base.errors import InputError, StageError
from inpaint.base.paths import Paths
from inpaint.params import load_params
from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.tracking.experiments import training_ids
from inpaint.tracking.registry import card
from inpaint.tracking.registry.gate import Candidate, candidate_of, conditions
from inpaint.tracking.registry.models import Registry, Version, registered_name
from inpaint.tracking.registry.moves import CHAMPION, Kind, check_alias, check_reason
from inpaint.tracking.registry.trial import restore
from inpaint.tracking.runs import RunInfo, Runs
from inpaint.tracking.store import TRAINING_ID


def run(root: Path, wanted: str | None, *, alias: str, force: bool, reason: str | None) -> int:
    reason = (reason or "").strip()
    check_alias(alias)
    check_reason(reason)
    if force and not reason:
        raise InputError("--force: received no --reason, allowed: with --reason TEXT")
    runs = Runs(root)
    found = _of_workspace(root, runs) if wanted is None else runs.find(wanted, training_ids(root))
    candidate = candidate_of(runs, found)
    dataset = candidate.result["data"]["dataset"]
    prefix = load_params(Paths(root).params).registry.model
    registry = Registry(root, registered_name(prefix, dataset))
    with registry.locked():
        before = registry.version_by_alias(alias)
        if before is not None and before.run_id == found.run_id:
            console().print(f"{registry.name} version {before.number}, this run's, is {alias}.")
            return 0
        kind: Kind = "forced" if force else "registered without comparison"
        if alias == CHAMPION and not force:
            kind = "earned"
            reason = "; ".join(filter(None, (reason, _judge(root, runs, before, candidate))))
        with console().status("Trying the model ..."):
            source = registry.source(found.run_id)
            runs.check_model(found, candidate.trained)
            _check_restores_as_scored(source, runs, found)
        version = registry.register(found.run_id, source, _tags(candidate))
        registry.describe(version, card.write(version.uri, candidate.result, candidate.trained))
        registry.move(alias, before, version, kind, reason)
    was = f"; it was version {before.number}" if before else ""
    console().print(f"{registry.name} version {version.number} is {alias}{was}.")
    return 0


def _of_workspace(root: Path, runs: Runs) -> RunInfo:
    found = runs.of_training(read_checked(Paths(root).train_summary)["run_id"])
    if found is None:
        raise InputError(
            "the workspace's run is not in MLflow: `inpaint sync` logs it, unless it was deleted "
            "there"
        )
    return found


def _judge(root: Path, runs: Runs, champion: Version | None, candidate: Candidate) -> str:
    """Print how the candidate compares; give it in words.

    Raises:
        StageError: it has not earned to be champion.
    """
    result = candidate.result
    console().print(
        f"Run {candidate.run.run_id[:8]} {candidate.run.name}, on its "
        f"{result['data']['valid_size']} validation images with {result['holes']['kind']} holes:"
    )
    with console().status("Comparing ..."):  # a champion may have to be scored again
        found = conditions(root, runs, champion, candidate)
    for condition in found:
        console().print(f"  {'yes' if condition.holds else 'NO '}  {condition.text}")
    failed = [condition.text for condition in found if not condition.holds]
    if failed:
        raise StageError(f"not promoted, for it is not {', and not '.join(failed)}")
    return "; ".join(condition.text for condition in found)


def _check_restores_as_scored(source: str, runs: Runs, run: RunInfo) -> None:
    """Restore the run's first test images by its model alone, which is at ``source``.

    Raises:
        StageError: it does not restore them as the stage evaluate did.
    """
    examples = runs.examples(run)
    restored = restore(source, examples["images"], examples["holes"])
    difference = int(np.abs(restored - examples["restored"].astype(int)).max())
    # Another machine may round the last digit of the network's output otherwise.
    if difference > 1:
        raise StageError(
            f"the model restores test images otherwise than they were scored, by up to {difference}"
            " grey levels: has the code changed since it was trained? `dvc repro --force`"
        )


def _tags(candidate: Candidate) -> dict[str, str]:
    """What a version can be chosen by, without its run."""
    result, trained = candidate.result, candidate.trained
    tags = {TRAINING_ID: trained["run_id"], "run_name": candidate.run.name}
    for split in ("valid", "test"):
        scores = result[split]
        tags[f"{split}/ssim_unit"] = f"{scores['model']['composite']['ssim_unit']:.6f}"
        tags[f"{split}/gain/ssim_unit"] = interval(scores["gain"]["ssim_unit"], "+.4f")
        tags[f"{split}/gain/hole_psnr_db"] = interval(scores["gain"]["hole_psnr_db"], "+.2f")
    tags |= {"best_baseline": result["valid"]["best_baseline"], "holes": result["holes"]["kind"]}
    return tags | {f"digest.{name}": digest for name, digest in trained["digests"].items()}
