"""Ray Tune runs the trials: which one when and where, and which are given up."""

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from inpaint.commands.sweep.outcome import Outcome
from inpaint.commands.sweep.plan import Plan
from inpaint.commands.sweep.trial import Job, run_trial

# Of those that have come so far, the better third goes on (Li et al., 2020, arXiv 1810.05934).
_REDUCTION = 3
_LOST_NODES = 3  # that a trial may survive
_EPOCH, _SCORE, _OUTCOME = "epoch", "valid_ssim_unit", "outcome"
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is for this process
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}


def search(
    plan: Plan,
    job: Job,
    on_epoch: Callable[[int, int], None],
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Run all trials on the Ray cluster that this process is connected to.

    Args:
        plan: of the sweep.
        job: what the trials have in common.
        on_epoch: called with the number of a trial and how many epochs it has trained.
        on_outcome: called with what came of a trial, when it ends.

    Raises:
        RayError: a trial could not be run.
    """
    os.environ.update(_QUIET)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # tracebacks of what is told in a line
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    class Watcher(tune.Callback):
        """Told by Ray Tune, in this process."""

        def __init__(self) -> None:
            self._curves: dict[int, list[float]] = {}

        def __reduce__(self) -> Any:  # Tune wants to keep it for a restart, which we do ourselves
            return tune.Callback, ()

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            del iteration, trials
            number, epoch = trial.config["trial"], result[_EPOCH]
            curve = self._curves.setdefault(number, [])
            curve[epoch - 1 :] = [result[_SCORE]]
            on_epoch(number, epoch)

        def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            del iteration, trials
            print(f"trial {trial.config['trial']} has lost its worker, and goes on with another")

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            del iteration, trials
            number, outcome = trial.config["trial"], trial.last_result.get(_OUTCOME)
            if outcome is None:
                outcome = Outcome(number, self._curves.get(number, []), is_given_up=True)
            on_outcome(outcome)

    scheduler: Any = None  # in turn
    most = max(map(plan.epochs, range(len(plan.trials))))
    if plan.early_stopping is not None:
        scheduler = ASHAScheduler(
            time_attr=_EPOCH,
            metric=_SCORE,
            mode="max",
            max_t=most + 1,  # to be scored, a trial has to outlive its last epoch
            grace_period=plan.early_stopping,
            reduction_factor=_REDUCTION,
        )
    with tempfile.TemporaryDirectory() as storage:
        results = tune.Tuner(
            tune.with_resources(tune.with_parameters(_run, job=job), {"cpu": plan.cores}),
            param_space={"trial": tune.grid_search(list(plan.order))},
            tune_config=tune.TuneConfig(
                scheduler=scheduler,
                trial_name_creator=lambda trial: f"trial-{trial.config['trial']:03}",
                trial_dirname_creator=lambda trial: f"trial-{trial.config['trial']:03}",
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=storage,
                failure_config=tune.FailureConfig(max_failures=_LOST_NODES),
                callbacks=[Watcher()],
                verbose=0,
            ),
        ).fit()
        for error in results.errors:
            raise error


def _run(config: dict[str, int], job: Job) -> None:
    """In a process of its own, which is a worker's."""
    from ray import tune

    trial = config["trial"]
    last = 0

    def on_epoch(epoch: int, score: float) -> None:
        nonlocal last
        last = epoch
        # The last one is told with the outcome.
        if epoch < job.trials[trial]["train"]["epochs"]:
            tune.report({_EPOCH: epoch, _SCORE: score})

    outcome = job.done.get(trial)
    if outcome is None:
        outcome = run_trial(job, trial, Path.cwd(), on_epoch)
    else:
        for epoch, score in enumerate(outcome.curve, 1):
            on_epoch(epoch, score)
    if not outcome.curve:  # it failed before
        outcome = replace(outcome, curve=[0.0])
    tune.report({_EPOCH: len(outcome.curve), _SCORE: outcome.curve[-1], _OUTCOME: outcome})
