"""Tables in pages of Markdown, made anew between two lines of comment."""

from collections.abc import Sequence


def with_results(page: str, program: str, tables: Sequence[str]) -> str:
    """The page with the tables that a program makes in the place where they stand.

    Raises:
        SystemExit: the page has no such place.
    """
    start, end = f"<!-- results: made by {program} -->", "<!-- end of results -->"
    head, opening, rest = page.partition(start)
    old, closing, tail = rest.partition(end)
    if not (opening and closing) or "<!-- results:" in old:
        raise SystemExit(f"allowed: the tables between the lines {start} and {end}")
    content = "\n\n".join(tables)
    return f"{head}{start}\n{content}\n{end}{tail}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])
