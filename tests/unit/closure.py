"""Which files of the project a file of it imports, and those in turn."""

import ast
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).parents[2]


def module_files(name: str) -> set[Path]:
    """The file of a dotted module name in src, and the __init__.py of each package above it."""
    parts = name.split(".")
    files = set()
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath("src", *parts[:depth])
        files |= {f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()}
    return files


def imported_names(path: Path) -> set[str]:
    """Dotted names that a file imports, at its top or inside its functions.

    What is imported from a module may be a module, too: `a` and `a.b` for `from a import b`.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def import_closure(start: set[Path], without: Collection[str] = ()) -> set[Path]:
    """Every file of src whose code can run when these files run.

    Args:
        start: these files.
        without: modules and packages whose files, and what only they import, do not count.
    """
    left_out = {
        file for name in without for place in [ROOT.joinpath("src", *name.split("."))]
        for file in (place.with_suffix(".py"), *place.rglob("*.py"))
    }  # fmt: skip
    todo, done = set(start), set[Path]()
    while todo:
        path = todo.pop()
        done.add(path)
        if path == ROOT / "src" / "inpaint" / "__init__.py":
            continue  # it imports what people ask for from Python, and only then
        names = [name for name in imported_names(path) if name.startswith("inpaint")]
        todo |= {file for name in names for file in module_files(name)} - done - left_out
    return done
