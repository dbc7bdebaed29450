"""Ray Tune runs the trials: which one when and where, and which are given up."""

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inpaint.base.errors import InputError
from inpaint.commands.sweep.outcome import Outcome
from inpaint.commands.sweep.plan import Plan
from inpaint.commands.sweep.trial import Job, run_trial

# Of those that have come so far, the better third goes on (Li et al., 2020, arXiv 1810.05934).
_REDUCTION = 3
_LOST_WORKERS = 3  # that a trial may survive
_EPOCH, _SCORE, _OUTCOME = "epoch", "valid_ssim_unit", "outcome"
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is for this process
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}


def search(
    job: Job,
    images: Path | None,
    on_epoch: Callable[[int, int], None],
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Run all trials on the Ray cluster that this process is connected to.

    Args:
        job: what the trials have in common.
        images: a folder with `data` of all trials, on this machine; None where Ray brings it, or
            trials make their own.
        on_epoch: called with the number of a trial and how many epochs it has trained.
        on_outcome: called with what came of a trial, when it ends; not of those done before.

    Raises:
        InputError: Ray is installed without what a search needs.
    """
    os.environ.update(_QUIET)
    try:
        from ray import tune
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.stopper import NoopStopper
    except ImportError as error:
        raise InputError(
            f"inpaint sweep needs the extra `ray`: pip install 'inpaint[ray]' ({error})"
        ) from None
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # tracebacks of what is told in a line
    plan = job.plan

    class Watcher(tune.Callback):
        """Told by Ray Tune, in this process."""

        def __init__(self) -> None:
            self._curves: dict[int, list[float]] = {}
            self.failure: Exception | None = None

        def __reduce__(self) -> Any:  # Tune wants to keep it for a restart, which we do ourselves
            return tune.Callback, ()

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            del iteration, trials
            number, epoch = trial.config["trial"], result[_EPOCH]
            curve = self._curves.setdefault(number, [])
            curve[epoch - 1 :] = [result[_SCORE]]
            self._tell(lambda: on_epoch(number, epoch))

        def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            del iteration, trials
            told = f"trial {trial.config['trial']} has lost its worker, and goes on with another"
            self._tell(lambda: print(told, flush=True))

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            del iteration, trials
            number, outcome = trial.config["trial"], trial.last_result.get(_OUTCOME)
            if outcome is None:
                outcome = Outcome(number, self._curves.get(number, []), is_given_up=True)
            self._end(outcome)

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            del iteration, trials
            last = (str(trial.get_error()).strip() or "no reason told").splitlines()[-1]
            failure = f"its worker was lost {1 + _LOST_WORKERS} times: {last}"
            self._end(Outcome(trial.config["trial"], failure=failure))

        def _end(self, outcome: Outcome) -> None:
            # What was done before may be given up this time, as other trials are ahead of it.
            if outcome.trial not in job.done:
                self._tell(lambda: on_outcome(outcome))

        def _tell(self, action: Callable[[], None]) -> None:
            # What is raised here, Tune would take for a fault of the trial's, and try that again.
            try:
                if self.failure is None:
                    action()
            except Exception as error:
                self.failure = error

    watcher = Watcher()

    class Stop(NoopStopper):
        """Ends all once this process cannot write down what comes of it."""

        def __reduce__(self) -> Any:
            return NoopStopper, ()

        def stop_all(self) -> bool:
            return watcher.failure is not None

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as storage:
        tune.Tuner(
            tune.with_resources(
                tune.with_parameters(_run, job=job, images=images), {"cpu": plan.cores}
            ),
            param_space={"trial": tune.grid_search(_still_to_run(job))},
            tune_config=tune.TuneConfig(
                scheduler=_scheduler(plan, ASHAScheduler),
                trial_name_creator=lambda trial: f"trial-{trial.config['trial']:03}",
                trial_dirname_creator=lambda trial: f"trial-{trial.config['trial']:03}",
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=storage,
                failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
                callbacks=[watcher],
                stop=Stop(),
                verbose=0,
            ),
        ).fit()
    if watcher.failure is not None:
        raise watcher.failure


def _still_to_run(job: Job) -> list[int]:
    """The trials, in the order in which they are begun. What was done before comes first, where
    others have to be compared with it."""
    if job.plan.early_stopping is None:
        return [number for number in job.plan.order if number not in job.done]
    return sorted(job.plan.order, key=lambda number: number not in job.done)


def _scheduler(plan: Plan, asha: Callable[..., Any]) -> Any:
    """None: one trial after the other, each to its end."""
    if plan.early_stopping is None:
        return None
    return asha(
        time_attr=_EPOCH,
        metric=_SCORE,
        mode="max",
        # To be scored, a trial has to outlive its last epoch.
        max_t=1 + max(map(plan.epochs, range(len(plan.trials)))),
        grace_period=plan.early_stopping,
        reduction_factor=_REDUCTION,
    )


def _run(config: dict[str, int], job: Job, images: Path | None) -> None:
    """In a process of its own, which is a worker's."""
    from ray import tune

    trial = config["trial"]

    def on_epoch(epoch: int, score: float) -> None:
        # The last one is told with the outcome.
        if epoch < job.plan.epochs(trial):
            tune.report({_EPOCH: epoch, _SCORE: score})

    outcome = job.done.get(trial)
    if outcome is None:
        try:
            outcome = run_trial(job, trial, images or Path.cwd(), on_epoch)
        except Exception as error:  # whatever it is, the other trials go on
            outcome = Outcome(trial, failure=str(error) or type(error).__name__)
    else:
        for epoch, score in enumerate(outcome.curve, 1):
            on_epoch(epoch, score)
    curve = outcome.curve or [0.0]  # Tune wants a score, also of what failed before its first epoch
    tune.report({_EPOCH: len(curve), _SCORE: curve[-1], _OUTCOME: outcome})
