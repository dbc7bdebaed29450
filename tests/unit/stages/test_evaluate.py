"""The gain over the network's own fill, which decides whether it has learned anything."""

from unittest.mock import Mock

import numpy as np
import pytest

from inpaint.base.seeds import generator
from inpaint.params import Params
from inpaint.scoring import metrics
from inpaint.scoring.intervals import intervals
from inpaint.stages import evaluate

GROUPS = [0, 0, 1, 1, 2, 3, 3, 4]
MANIFEST = {"splits": {"valid": {"groups": GROUPS}}}


@pytest.fixture
def scores() -> evaluate.Scores:
    """Of a model and two methods; the second is nearer to the true images."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 256, (len(GROUPS), 16, 20, 1), dtype=np.uint8)
    holes = np.zeros(true.shape[:3], dtype=bool)
    holes[:, 4:9, 6:13] = True

    def near(noise: int) -> dict[str, np.ndarray]:
        pred = np.clip(true + rng.integers(-noise, noise + 1, true.shape), 0, 255).astype(np.uint8)
        return metrics.score_images(true, np.where(holes[..., np.newaxis], pred, true), holes)

    return {"composite": near(10), "raw": near(10), "telea": near(60), "biharmonic": near(30)}


@pytest.mark.parametrize(("own_fill", "num_draws"), [("biharmonic", 1), ("telea", 2)])
def test_the_gain_over_the_fill_is_drawn_unless_it_is_the_best_method(
    params: Params,
    scores: evaluate.Scores,
    monkeypatch: pytest.MonkeyPatch,
    own_fill: str,
    num_draws: int,
) -> None:
    drawing = Mock(wraps=intervals)
    monkeypatch.setattr(evaluate, "intervals", drawing)
    methods = ["telea", "biharmonic"]
    summary = evaluate._summarize(params.evaluate, MANIFEST, {"valid": scores}, methods)["valid"]
    assert summary["best_baseline"] == "biharmonic"
    found = evaluate._against_fill(params.evaluate, MANIFEST, summary, scores, scores[own_fill])
    assert drawing.call_count == num_draws
    # Drawn or not, it is what drawing gives, digit for digit.
    drawn = intervals(
        generator(0, "bootstrap", "valid"),
        scores["composite"],
        scores[own_fill],
        np.array(GROUPS),
        params.evaluate.bootstrap_samples,
    )
    assert found == {"gain_over_fill": drawn["gain"], "num_groups": 5}
