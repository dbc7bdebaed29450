"""Rows and cells are asked for by the beginnings of their names."""

import pytest

from benchmarks.chosen import names_beginning
from inpaint.base.errors import InputError

NAMES = ["mnist-dots-seed0", "mnist-dots-seed1", "photos-half", "photos-halfway"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], NAMES),
        (["photos-half", "mnist-dots-seed1"], NAMES[1:]),  # in the order of the names
        (["mnist", "mnist-dots"], NAMES[:2]),
    ],
)
def test_all_names_that_begin_with_a_word(words: list[str], expected: list[str]) -> None:
    assert names_beginning(words, NAMES, "row", "mnist-..., photos-...") == expected


def test_a_word_without_a_name_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        names_beginning(["photos", "dots"], NAMES, "row", "mnist-..., photos-...")
    assert str(caught.value) == (
        "row: received 'dots', allowed: a beginning of mnist-..., photos-..."
    )
