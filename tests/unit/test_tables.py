"""Tables in pages of Markdown."""

import pytest

from benchmarks.tables import table, with_results


def test_table_is_markdowns() -> None:
    assert (
        table(["a", "b"], [["1", "2"], ["3", "4"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    )


def test_tables_keep_the_rest_of_the_page() -> None:
    start, end = "<!-- results: made by speed.py -->", "<!-- end of results -->"
    page = f"before\n{start}\nold numbers\n{end}\nafter\n"
    made = with_results(page, "speed.py", ["| 1 |", "| 2 |"])
    assert made == f"before\n{start}\n| 1 |\n\n| 2 |\n{end}\nafter\n"


@pytest.mark.parametrize(
    "page",
    [
        "before\nafter\n",
        "<!-- results: made by speed.py -->\nno end\n",
        "<!-- results: made by speed.py -->\n<!-- results: made by other.py -->\n"
        "<!-- end of results -->\n",
    ],
)
def test_page_without_a_place_for_tables_is_refused(page: str) -> None:
    with pytest.raises(SystemExit, match="allowed: the tables between"):
        with_results(page, "speed.py", ["| 1 |"])
