"""Short trainings on every data set and kind of hole: does the method hold everywhere?

    python -m benchmarks.grid                     # all cells, two at a time, then the table
    python -m benchmarks.grid mnist-dots photos   # those whose names begin so, then the table

Results are kept as they come. A cell that is there, of the same code and parameters, is not run
again: an interrupted grid goes on where it was.
"""

import argparse
import ast
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import inpaint
from benchmarks import cell
from benchmarks.cell import Result, Settings
from benchmarks.chosen import names_beginning, of_present_settings
from benchmarks.grid_tables import as_line, with_tables
from benchmarks.task import ROOT, official_pictures, parameters
from inpaint.base.errors import StageError
from inpaint.base.files import write_json, write_text
from inpaint.commands.launch import exit_codes
from inpaint.data.holes import HOLE_KINDS
from inpaint.data.images.official import MIRROR_VARIABLE

PACKAGE = Path(inpaint.__file__).parent
RESULTS = ROOT / "benchmarks" / "grid.json"
PAGE = ROOT / "benchmarks" / "quality.md"

# A minute of training on one core; or two and four, as textures and photos are still learning after
# 16 epochs.
_EPOCHS = {"mnist": 12, "textures": 32, "cifar10": 10, "photos": 48}
_SEEDS = (0, 1, 2)
_SIZES = {"train_size": 1000, "valid_size": 1000, "test_size": 1000}
# One that learns nothing is to be recorded, too.
_ON_COLLAPSE = "continue"
# Two implementations of SSIM are compared in every run of the pipeline; here a sample will do.
_PARITY_IMAGES = 100

_AT_ONCE = 2
# What TensorFlow, MLflow and the fills keep of each cell would add up to gigabytes.
_CELLS_OF_A_POOL = 24
_ONE_CORE_EACH = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
# What decides a result.
_CODE = ("base/seeds.py", "data", "restoring", "training", "scoring", "stages")


def _cell(dataset: str, kind: str, seed: int, epochs: int, sizes: dict[str, int]) -> Settings:
    """A network trained and scored on one kind of holes."""
    holes = {} if kind == "center" else {"holes": "random", "hole_kinds": [kind]}
    return {
        "data": {"dataset": dataset, **sizes},
        "mask": {"kind": kind},
        "train": {"seed": seed, "epochs": epochs, "on_collapse": _ON_COLLAPSE, **holes},
        "evaluate": {"parity_images": _PARITY_IMAGES},
    }


CELLS: dict[str, Settings] = {
    # Where it was first seen that a network can learn nothing without a word.
    "cifar10-mixed-example": _cell("cifar10", "mixed", seed=7, epochs=60, sizes={}),
    **{
        f"{dataset}-{kind}-seed{seed}": _cell(dataset, kind, seed, epochs, _SIZES)
        for dataset, epochs in _EPOCHS.items()
        for kind in HOLE_KINDS
        for seed in _SEEDS
    },
}
_NAMES = (
    f"{{{','.join(_EPOCHS)}}}-{{{','.join(HOLE_KINDS)}}}-seed{{{','.join(map(str, _SEEDS))}}} "
    "or cifar10-mixed-example"
)


def code_version(package: Path = PACKAGE) -> str:
    """A digest of the code that decides what comes out of a cell, whatever is said of it."""
    chosen = [package / name for name in _CODE]
    files = sorted(
        file for path in chosen for file in (path.rglob("*.py") if path.is_dir() else [path])
    )
    return _digest(
        {
            file.relative_to(package).as_posix(): _without_words(file.read_text(encoding="utf-8"))
            for file in files
        }
    )


def _without_words(source: str) -> str:
    """Python code without comments and docstrings, in one layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def decisive(settings: Settings) -> str:
    """A digest of all parameters of a cell, with those that params.yaml decides."""
    sections = ("data", "mask", "model", "train", "evaluate")
    return _digest(parameters(**settings).model_dump(include=set(sections)))


def is_there(name: str, kept: dict[str, Result], code: str) -> bool:
    """Whether a cell has a result of this code and of these parameters."""
    result = kept.get(name, {})
    return result.get("code") == code and result.get("parameters") == decisive(CELLS[name])


def run(names: Sequence[str]) -> Iterator[tuple[str, Result | StageError]]:
    """Run cells two at a time, each on one core; give each as it ends."""
    os.environ.update(_ONE_CORE_EACH)
    if any(CELLS[name]["data"]["dataset"] == "cifar10" for name in names):
        os.environ[MIRROR_VARIABLE] = official_pictures()
    for start in range(0, len(names), _CELLS_OF_A_POOL):
        yield from _run_in_a_pool(names[start : start + _CELLS_OF_A_POOL])


def _run_in_a_pool(names: Sequence[str]) -> Iterator[tuple[str, Result | StageError]]:
    with tempfile.TemporaryDirectory() as folder:
        pool = ProcessPoolExecutor(
            _AT_ONCE,
            # TensorFlow does not outlive a fork.
            mp_context=get_context("spawn"),
            initializer=cell.start_worker,
            initargs=(folder,),
        )
        running = {pool.submit(cell.run, CELLS[name]): name for name in names}
        try:
            for done in as_completed(running):
                error = done.exception()
                if error is not None and not isinstance(error, StageError):
                    raise error
                yield running[done], error or done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def run_and_keep(names: Sequence[str], kept: dict[str, Result], code: str) -> list[str]:
    """Run cells, keep each result as it comes; give the names of those that failed."""
    failed, clock = [], _Clock({name: CELLS[name]["train"]["epochs"] for name in names})
    for number, (name, result) in enumerate(run(names), start=1):
        if isinstance(result, StageError):
            failed.append(name)
            said = f"failed: {result}"
        else:
            about = {"code": code, "parameters": decisive(CELLS[name])}
            kept[name] = {"settings": CELLS[name], **about, **result}
            keep(kept)
            said = as_line(result)
        left = clock.minutes_left(name)
        print(f"[{number}/{len(names)}] {name}  {said}  {left:.0f} min left", flush=True)
    return failed


class _Clock:
    """Tells how long the rest will take, from how long so much work took."""

    def __init__(self, work: dict[str, int]) -> None:
        self._work, self._done = work, 0
        self._started = time.monotonic()

    def minutes_left(self, name: str) -> float:
        """Now that ``name`` is done as well."""
        self._done += self._work[name]
        elapsed = time.monotonic() - self._started
        return elapsed * (sum(self._work.values()) - self._done) / self._done / 60


def keep(results: dict[str, Result]) -> None:
    """Write the file of all results, and the page's table made from it.

    Those of other settings than the cells have now are dropped.
    """
    ordered = of_present_settings(results, CELLS)
    write_json(RESULTS, ordered)
    write_text(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), ordered))


def load() -> dict[str, Result]:
    """The results that are there."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train on every data set and kind of hole.")
    parser.add_argument(
        "beginnings", nargs="*", metavar="CELL", help=f"a cell or its beginning, of {_NAMES}"
    )
    chosen = names_beginning(parser.parse_args(arguments).beginnings, CELLS, "cell", _NAMES)
    kept, code = load(), code_version()
    names = [name for name in chosen if not is_there(name, kept, code)]
    print(f"{len(chosen) - len(names)} of {len(chosen)} cells are there already", flush=True)
    failed = run_and_keep(names, kept, code)
    keep(kept)  # should the table look otherwise now
    print("the table is in benchmarks/quality.md, all numbers in benchmarks/grid.json")
    if failed:
        raise StageError(f"no result of {', '.join(failed)}")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


if __name__ == "__main__":
    with exit_codes() as exit_code:
        main()
    sys.exit(exit_code.value)
