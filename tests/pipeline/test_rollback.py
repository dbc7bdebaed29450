"""Going back to the champion before, and what cannot be gone back to."""

from typing import Any

from tests.pipeline.arena import Arena, make_champion, model_folder


def test_a_registry_without_champion_cannot_go_back(arena: Arena, said: Any) -> None:
    assert arena.rollback() == 1
    assert f"{arena.model}: it has no champion, and there was none before" in said()


def test_a_rollback_leaves_out_what_was_deleted(arena: Arena, said: Any) -> None:
    for name in ("hopeless", "good", "better"):
        make_champion(arena, name)
    arena.client.delete_model_version(arena.model, "2")
    assert arena.rollback() == 0
    assert arena.aliases == {"champion": "hopeless"}
    # The alias of a deleted champion is gone.
    make_champion(arena, "better")
    arena.client.delete_model_version(arena.model, "3")
    assert arena.aliases == {}
    assert arena.rollback() == 0
    assert "version 1 is champion again." in said()
    assert arena.aliases == {"champion": "hopeless"}


def test_a_move_that_somebody_has_edited_stops_nobody(arena: Arena) -> None:
    for name in ("hopeless", "good"):
        make_champion(arena, name)
    for key, value in (("move.yesterday", "{}"), ("move.2026-11-23T15:00:00Z", "by hand")):
        arena.client.set_registered_model_tag(arena.model, key, value)
    assert arena.rollback() == 0
    assert arena.aliases == {"champion": "hopeless"}


def test_lost_files_are_neither_compared_with_nor_gone_back_to(arena: Arena, said: Any) -> None:
    """As after the project was moved: MLflow takes a missing folder for an empty one."""
    for name in ("good", "better"):
        make_champion(arena, name)
    folders = {name: model_folder(arena, name) for name in ("good", "better")}
    for folder in folders.values():
        folder.rename(folder.with_name("elsewhere"))
    try:
        assert arena.rollback() == 2
        assert f"the files of models:/{arena.model}/1 are not where they were" in said()
        assert arena.promote("boxes") == 2
        assert "are not where they were; `inpaint promote --force --reason TEXT` makes" in said()
    finally:
        for folder in folders.values():
            folder.with_name("elsewhere").rename(folder)
    assert arena.aliases == {"champion": "better"}
