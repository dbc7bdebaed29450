"""The registry's gate: real trainings, a real registry, and what people are told."""

from pathlib import Path
from typing import Any

import pytest

from inpaint.base.paths import Paths
from inpaint.commands.launch import launch_command
from inpaint.tracking.registry.models import Registry
from inpaint.tracking.store import local_folder
from tests.pipeline.arena import Arena, make_champion, model_folder
from tests.pipeline.conftest import make_project


def test_a_champion_is_earned_and_can_be_taken_back(arena: Arena, said: Any) -> None:
    assert arena.promote("hopeless") == 1
    assert "NO   better than biharmonic, the best method without training: " in (told := said())
    assert "failed: not promoted, for it is not better than biharmonic" in told
    assert arena.aliases == {}

    assert arena.promote("good") == 0
    assert f"{arena.model} version 1 is champion." in said()
    assert arena.aliases == {"champion": "good"}

    assert arena.promote("good") == 0
    assert f"{arena.model} version 1, this run's, is champion." in said()
    assert arena.aliases == {"champion": "good"}

    assert arena.promote("better") == 0
    assert f"{arena.model} version 2 is champion; it was version 1." in said()
    assert arena.aliases == {"champion": "better"}

    assert arena.promote("good") == 1
    better = arena.runs["better"][:8]
    assert f"it is not better than the champion, version 2 of run {better}: -0." in said()
    assert arena.aliases == {"champion": "better"}

    assert arena.rollback("it is the cat") == 0
    assert f"{arena.model} version 1 is champion again; it was version 2." in said()
    assert arena.aliases == {"champion": "good"}
    assert arena.rollback() == 1
    assert "version 1 is champion, and there was none before" in said()

    moves = [move for _, move in Registry(arena.root, arena.model).moves()]
    assert [(m.before, m.after, m.kind) for m in moves] == [
        ("", "1", "earned"), ("1", "2", "earned"), ("2", "1", "rollback"),
    ]  # fmt: skip
    assert moves[1].why.startswith("better than biharmonic, the best method without training: +0.")
    assert moves[2].why == "it is the cat"


@pytest.mark.usefixtures("untried")
def test_a_champion_carries_its_card_and_its_numbers(arena: Arena) -> None:
    assert arena.promote("good", reason="first") == 0
    version = arena.client.get_model_version_by_alias(arena.model, "champion")
    run = arena.client.get_run(arena.runs["good"])
    assert version.run_id == run.info.run_id
    assert run.outputs is not None
    assert version.source == f"models:/{run.outputs.model_outputs[0].model_id}"
    assert str(version.description).startswith("**mnist, center holes** that hide 8.2% of each")
    for part in ("CC BY-SA 3.0", "## Limits", "## Intended use", "| validation |", "| test |"):
        assert part in str(version.description)
    score = run.data.metrics["test/model/composite/ssim_unit"]
    assert version.tags["test/ssim_unit"] == f"{score:.6f}"
    assert version.tags["digest.train_images"].startswith(run.data.tags["digest.train_images"])
    assert version.tags["valid/gain/ssim_unit"].startswith("+0.")
    assert ", earned: first; better than" in str(
        arena.client.get_registered_model(arena.model).description
    )


@pytest.mark.usefixtures("untried")
def test_a_challenger_needs_no_comparison_and_leaves_the_champion(arena: Arena, said: Any) -> None:
    assert arena.promote("hopeless", alias="challenger") == 0
    assert f"{arena.model} version 1 is challenger." in said()
    assert arena.aliases == {"challenger": "hopeless"}
    card = str(arena.client.get_model_version(arena.model, "1").description)
    assert "**On the test images it is not better than biharmonic" in card


@pytest.mark.usefixtures("untried")
def test_force_needs_a_reason_which_is_kept(arena: Arena, said: Any) -> None:
    for reason in (None, "", "  "):
        assert arena.promote("hopeless", force=True, reason=reason) == 2
        assert "--force: received no --reason, allowed: with --reason TEXT" in said()
    assert arena.promote("hopeless", force=True, reason="x" * 501) == 2
    assert arena.aliases == {}
    assert arena.promote("hopeless", force=True, reason="to show it") == 0
    assert arena.aliases == {"champion": "hopeless"}
    [(_, move)] = Registry(arena.root, arena.model).moves()
    assert (move.kind, move.why) == ("forced", "to show it")


@pytest.mark.parametrize(
    "options", [{}, {"alias": "challenger"}, {"force": True, "reason": "please"}]
)
def test_a_collapsed_network_is_never_promoted(
    arena: Arena, said: Any, options: dict[str, Any]
) -> None:
    assert arena.promote("collapsed", **options) == 1
    assert "is never promoted: its network collapsed" in said()
    assert arena.aliases == {}


@pytest.mark.parametrize(
    "options", [{}, {"alias": "challenger"}, {"force": True, "reason": "please"}]
)
def test_a_network_that_learned_nothing_is_never_promoted(
    arena: Arena, said: Any, options: dict[str, Any]
) -> None:
    assert arena.promote("idle", **options) == 1
    told = said()
    assert f"run {arena.runs['idle'][:8]} is never promoted: its network learned nothing; " in told
    assert "over biharmonic, the best method without training, is +0.0000 [+0.0000, +0" in told
    assert arena.aliases == {}


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("run", ["idle", "good"])
@pytest.mark.parametrize("name", ["per_image.csv", "metrics.json", "train.json"])
def test_a_run_whose_files_were_edited_is_not_promoted(
    arena: Arena, said: Any, run: str, name: str
) -> None:
    folder = local_folder(arena.client.get_run(arena.runs[run]).info.artifact_uri or "")
    assert folder is not None
    before = (folder / name).read_bytes()
    try:
        (folder / name).write_bytes(before.replace(b"0.9", b"0.99", 1).replace(b"e", b"E", 1))
        assert arena.promote(run) in ((1, 2) if run == "idle" else (2,))
    finally:
        (folder / name).write_bytes(before)
    told = said()
    is_refused = f"{name} of run {arena.runs[run][:8]} is not as it was written" in told
    assert is_refused or "is never promoted: its network learned nothing" in told
    assert arena.aliases == {}


def test_whole_files_of_another_run_are_not_believed(arena: Arena, said: Any) -> None:
    """By any command: their own digests are right."""
    good, better = (
        local_folder(arena.client.get_run(arena.runs[name]).info.artifact_uri or "")
        for name in ("good", "better")
    )
    assert good is not None
    assert better is not None
    names = ("metrics.json", "per_image.csv")
    before = {name: (good / name).read_bytes() for name in names}
    output, pair = arena.root / "comparison.png", (arena.runs["good"], arena.runs["boxes"])
    try:
        for name in names:
            (good / name).write_bytes((better / name).read_bytes())
        assert arena.promote("good") == 2
        assert launch_command("show", arena.runs["good"], root=arena.root) == 0
        assert launch_command("compare", *pair, root=arena.root, output=output) == 2
    finally:
        for name in names:
            (good / name).write_bytes(before[name])
    told = f"metrics.json of run {arena.runs['good'][:8]} is that of another training"
    assert said().count(told) == 3


@pytest.mark.parametrize(
    ("name", "of"),
    [("inpainter.keras", None), ("inpainter.keras", "better"), ("training.json", "better")],
)
def test_a_model_that_is_not_as_it_was_saved_is_not_promoted(
    arena: Arena, said: Any, name: str, of: str | None
) -> None:
    path, other = (
        model_folder(arena, each) / "data" / "network" / name for each in ("good", of or "good")
    )
    before = path.read_bytes()
    try:
        path.write_bytes(other.read_bytes() if of else before[:-1] + bytes([before[-1] ^ 1]))
        assert arena.promote("good") == 2
    finally:
        path.write_bytes(before)
    assert f"the model of run {arena.runs['good'][:8]} is not as it was saved: " in said()
    assert arena.aliases == {}


def test_scores_that_are_others_in_the_workspace_are_not_logged(arena: Arena, said: Any) -> None:
    """They would be of a run that could be promoted by them."""
    paths = Paths(arena.root)
    before = paths.per_image.read_bytes()
    try:
        paths.per_image.write_bytes(before.replace(b"0.9", b"0.99"))
        assert launch_command("sync", [], root=arena.root) == 1
    finally:
        paths.per_image.write_bytes(before)
    assert "per_image.csv is not as it was written: `dvc repro` makes it again" in said()


def test_runs_show_and_compare_tell_it(arena: Arena, said: Any) -> None:
    assert launch_command("runs", root=arena.root, as_json=False) == 0
    listed = said()
    assert listed.count("], learned nothing") == 1
    assert listed.count(", collapsed, learned nothing") == 1
    assert launch_command("show", arena.runs["idle"], root=arena.root) == 0
    assert "FINISHED, the network learned nothing" in said()
    output = arena.root / "comparison.png"
    pair = (arena.runs["good"], arena.runs["idle"])
    assert launch_command("compare", *pair, root=arena.root, output=output) == 0
    assert f"The network of {arena.runs['idle'][:8]} learned nothing." in (told := said())
    assert f"The network of {arena.runs['good'][:8]}" not in told


def test_a_run_that_learned_carries_no_tag_of_it(arena: Arena) -> None:
    tagged = {
        name
        for name, run_id in arena.runs.items()
        if "learned_nothing" in arena.client.get_run(run_id).data.tags
    }
    assert tagged == {"idle", "collapsed"}  # all black is what a collapsed one was given


def test_a_champion_that_somebody_else_moves_meanwhile_is_left(
    arena: Arena, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from another machine, which shares the server, but no lock."""

    def try_slowly(*_: object) -> None:
        make_champion(arena, "better")

    monkeypatch.setattr("inpaint.commands.promote._check_restores_as_scored", try_slowly)
    assert arena.promote("good") == 1
    assert "somebody else has moved champion meanwhile: try again" in said()
    assert arena.aliases == {"champion": "better"}


def test_a_model_that_restores_otherwise_than_it_was_scored_is_refused(
    arena: Arena, said: Any
) -> None:
    folder = model_folder(arena, "good")
    code = folder / "code" / "inpaint" / "restoring" / "pixels.py"
    before = code.read_text()
    code.write_text(before.replace("* 127.5)", "* 100)"))
    try:
        assert arena.promote("good") == 1
    finally:
        code.write_text(before)
    assert "the model restores test images otherwise than they were scored, by up to" in said()
    assert arena.aliases == {}


def test_without_run_it_is_the_workspaces(arena: Arena, said: Any) -> None:
    options = {"alias": "champion", "force": False, "reason": None}
    # The last training in the tree.
    assert launch_command("promote", None, root=arena.root, **options) == 1
    assert f"run {arena.runs['collapsed'][:8]} is never promoted" in said()


def test_a_damaged_record_of_the_workspace_is_told(tmp_path: Path, said: Any) -> None:
    project = make_project(tmp_path)
    project.paths.train_summary.parent.mkdir()
    options = {"alias": "champion", "force": False, "reason": None}
    for content in ("{}", "[]"):
        project.paths.train_summary.write_text(content)
        assert launch_command("promote", None, root=tmp_path, **options) == 2
        assert "train.json is not as it was written: `dvc repro` makes it again" in said()
