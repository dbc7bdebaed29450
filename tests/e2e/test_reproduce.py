"""`inpaint reproduce`: from a run back to its code, and to the same results."""

import json
from typing import Any

import pytest

SCORE = "test/model/composite/ssim_unit"


@pytest.mark.slow
def test_a_run_of_edited_uncommitted_code_comes_out_the_same(checkout: Any) -> None:
    source = checkout.root / "src" / "inpaint"
    stage, new = source / "stages" / "train.py", source / "more_seeds.py"
    original = stage.read_text()
    stage.write_text(
        original.replace(
            'derive_seed(params.train.seed, "weights")', 'derive_seed(more_seeds.SEED, "weights")'
        ).replace(
            "from inpaint.base import checkpoints, origin\n",
            "from inpaint import more_seeds\nfrom inpaint.base import checkpoints, origin\n",
        )
    )
    new.write_text("SEED = 1234\n")
    checkout.run("dvc", "exp", "run", "-n", "edited")
    checkout.back_to_head()
    new.unlink()
    [edited] = [r for r in checkout.runs().values() if r.info.run_name == "edited"]
    status, before = checkout.run("git", "status", "--short"), checkout.runs()
    restorable = run_cache(checkout)

    output = checkout.run("inpaint", "reproduce", "edited", "--name", "once-more")

    assert "digit for digit" in output
    assert checkout.run("git", "status", "--short") == status
    assert run_cache(checkout) == restorable  # so flipped parameters lead to the first run
    [added] = checkout.runs().keys() - before.keys()
    again = checkout.runs()[added]
    assert again.data.tags["experiment_name"] == "once-more"
    for kept in ("code_version", "baseline_commit", "digest.params"):
        assert again.data.tags[kept] == edited.data.tags[kept]
    scores = {name for name in edited.data.metrics if name.startswith(("test/", "valid/"))}
    assert {n: again.data.metrics[n] for n in scores} == {n: edited.data.metrics[n] for n in scores}
    committed = json.loads(checkout.run("git", "show", "HEAD:reports/summary.json"))
    assert edited.data.metrics[SCORE] != committed["test_ssim_unit"]
    assert "once-more" in checkout.run("dvc", "exp", "list", "--name-only")
    assert added in checkout.run("inpaint", "show", "once-more")
    # It is there: given again, as after a kill in the last moment, the command tells the same.
    told = checkout.run("inpaint", "reproduce", "edited", "--name", "once-more")
    assert told.splitlines() == output.splitlines()[-2:]
    assert checkout.runs().keys() == before.keys() | {added}
    # A name that another experiment has is refused before any work, be it another by its
    # parameters, by its code, or the very one.
    checkout.run("dvc", "exp", "run", "-n", "another", "-S", "train.epochs=2")
    checkout.back_to_head()
    stage.write_text(original + "# other code\n")
    checkout.run("dvc", "exp", "run", "-n", "other-code")
    checkout.back_to_head()
    for name, told in {
        "another": "which exists: give another one",
        "other-code": "which exists: give another one",
        "edited": f"which has the results of run {edited.info.run_id[:8]} itself",
    }.items():
        refused = checkout.run("inpaint", "reproduce", "edited", "--name", name, code=2)
        assert told in " ".join(refused.split())


def run_cache(checkout: Any) -> set[str]:
    folder = checkout.root / ".dvc" / "cache" / "runs"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
