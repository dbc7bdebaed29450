"""`inpaint compare A B`: what differs between two runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from inpaint.base.files import atomic, flatten
from inpaint.data.holes import painted
from inpaint.scoring import plots
from inpaint.scoring.metrics import ssim_unit
from inpaint.scoring.text import interval
from inpaint.terminal.console import console
from inpaint.tracking.compare import differences, gain, scores_of
from inpaint.tracking.experiments import training_ids
from inpaint.tracking.runs import RunInfo, Runs, with_scores

_SPLITS = {"valid": "validation", "test": "test"}
_IMAGES = 8  # in the figure


def run(root: Path, first: str, second: str, *, output: Path) -> int:
    runs, held = Runs(root), training_ids(root)
    a, b = (with_scores(runs.find(wanted, held)) for wanted in (first, second))
    out = console()
    if a.run_id == b.run_id:
        out.print(f"Both are run {a.run_id[:8]} {a.name}: there is nothing to compare.")
        return 0
    out.print(_table("Parameters", a, b, differences(a.params, b.params)))
    out.print(_table("Metrics", a, b, differences(*(_metrics(runs, run) for run in (a, b)))))
    for run in (a, b):
        if run.troubles:
            out.print(f"The network of {run.run_id[:8]} {' and '.join(run.troubles)}.")
    per_image = {run.run_id: runs.per_image(run) for run in (a, b)}
    for split, name in _SPLITS.items():
        if _digests(a, split) != _digests(b, split):
            out.print(f"They were scored on other {name} images or holes: not compared.")
            continue
        scores = [scores_of(per_image[run.run_id], split) for run in (a, b)]
        gains = gain(scores[0], scores[1], split)
        out.print(
            f"On the same {name} images, {b.run_id[:8]} scores "
            f"{interval(gains['ssim_unit'], '+.4f')} in ssim_unit and "
            f"{interval(gains['hole_psnr_db'], '+.2f')} dB in the hole: "
            f"{verdict(gains, a.run_id[:8], b.run_id[:8])}."
        )
    if _digests(a, "test") == _digests(b, "test"):
        _draw(runs, a, b, per_image, output)
        out.print(f"The first test images are in {output}.")
    return 0


def _digests(run: RunInfo, split: str) -> tuple[str, ...]:
    return tuple(run.tags.get(f"digest.{split}_{what}", run.run_id) for what in ("images", "holes"))


def _metrics(runs: Runs, run: RunInfo) -> dict[str, float]:
    """Numbers of the training, and all scores of the model."""
    result = runs.record(run, "metrics.json")
    scores = {f"{s}/model/composite": result[s]["model"]["composite"] for s in _SPLITS}
    return flatten(scores, "/") | {
        name: value
        for name, value in run.metrics.items()
        if name.startswith(("curves/", "train/", "num_parameters"))
    }


def _table(title: str, a: RunInfo, b: RunInfo, values: dict[str, tuple[Any, Any]]) -> Table | str:
    if not values:
        return f"{title}: no difference"
    table = Table(title=f"{title} that differ", title_justify="left")
    table.add_column("", no_wrap=True)
    for run in (a, b):
        table.add_column(f"{run.run_id[:8]} {run.name}", justify="right")
    is_number = all(isinstance(value, float) for pair in values.values() for value in pair if value)
    if is_number:
        table.add_column("difference", justify="right")
    for name, pair in values.items():
        cells = [_text(value) for value in pair]
        if is_number and None not in pair:
            cells.append(f"{pair[1] - pair[0]:+.5g}")
        table.add_row(name, *cells)
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def verdict(gains: Mapping[str, Mapping[str, float | None]], a: str, b: str) -> str:
    """Which of two runs is better, by each of the two scores: one may win by one alone.

    Args:
        gains: of b over a: `ssim_unit` and `hole_psnr_db`, with "low" and "high".
        a, b: what the runs are called.
    """
    better = {key: _better(gain["low"], gain["high"], a, b) for key, gain in gains.items()}
    by_ssim, by_psnr = better["ssim_unit"], better["hole_psnr_db"]
    if by_ssim == by_psnr:
        return by_ssim
    return f"by ssim_unit, {by_ssim}; by PSNR in the hole, {by_psnr}"


def _better(low: float | None, high: float | None, a: str, b: str) -> str:
    if low is None or high is None:
        return "it cannot be told"
    if low == high == 0:
        return "there is no difference"
    if low > 0:
        return f"{b} is better"
    return f"{a} is better" if high < 0 else "the difference may be chance"


def _draw(runs: Runs, a: RunInfo, b: RunInfo, per_image: dict[str, bytes], output: Path) -> None:
    examples = {run.run_id: runs.examples(run) for run in (a, b)}
    images, holes = (examples[a.run_id][key][:_IMAGES] for key in ("images", "holes"))
    rows = {"original": images, "masked": painted(images, holes)}
    titles = {}
    for run in (a, b):
        label = f"{run.name}\n{run.run_id[:8]}"
        rows[label] = examples[run.run_id]["restored"][:_IMAGES]
        scores = ssim_unit(scores_of(per_image[run.run_id], "test")["ssim"][: len(images)])
        titles[label] = [f"ssim_unit {score:.4f}" for score in scores]
    with atomic(output) as temporary:
        plots.save(plots.image_rows(rows, titles), temporary)
