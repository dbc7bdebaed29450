"""Whole photographs, damaged and restored: the model beside what needs no training.

    python -m benchmarks.pictures                             # all cases: numbers, table, figure
    python -m benchmarks.pictures coffee-text chelsea-dots    # some, which are only printed

astronaut, chelsea and coffee, of scikit-image, are in no training of the models that come with the
package. Another model can be tried, on single cases: `--colour MODEL.keras`, `--grey MODEL.keras`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import sheet
from benchmarks.damage import DAMAGES
from benchmarks.tables import table, with_results
from benchmarks.task import ROOT
from inpaint.base.errors import InputError
from inpaint.base.files import write_json, write_text
from inpaint.base.seeds import generator
from inpaint.commands.launch import exit_codes
from inpaint.restoring import fill
from inpaint.restoring.fill import Fill
from inpaint.terminal.quiet import without_greetings

with without_greetings():
    from inpaint.restoring import serving
    from inpaint.scoring import metrics, plots

RESULTS = ROOT / "benchmarks" / "pictures.json"
PAGE = ROOT / "benchmarks" / "quality.md"
FIGURE = ROOT / "docs" / "pictures.png"

_PICTURES, _GREY = ("astronaut", "chelsea", "coffee"), "_grey"
CASES = [
    f"{picture}{version}-{damage}"
    for version in ("", _GREY)
    for picture in _PICTURES
    for damage in DAMAGES
]
BASELINES: dict[str, Fill] = {
    "biharmonic": fill.biharmonic,
    "telea": fill.telea,
    "navier_stokes": fill.navier_stokes,
}
MODEL = "inpaint"
_SHIPPED = {"colour": serving.PRETRAINED[3], "grey": serving.PRETRAINED[1]}


def load_model(path: Path) -> Fill:
    """The model that is measured, as what it does to images with holes."""
    try:
        return serving.load(path).restore
    except ValueError as error:
        raise InputError(str(error)) from None


def image_of(case: str) -> np.ndarray:
    """The undamaged picture, uint8 (H, W, 3), or (H, W, 1) if it is a grey version."""
    import skimage.data

    name = case.partition("-")[0]
    colour = np.asarray(getattr(skimage.data, name.removesuffix(_GREY))())
    return np.atleast_3d(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)) if is_grey(case) else colour


def hole_of(case: str) -> np.ndarray:
    """What is missing, bool (H, W): the same each time, and of both versions of a picture."""
    name, _, damage = case.partition("-")
    rng = generator(0, name.removesuffix(_GREY), damage)
    return DAMAGES[damage](rng, *image_of(case).shape[:2])


def is_grey(case: str) -> bool:
    return case.partition("-")[0].endswith(_GREY)


def restore(image: np.ndarray, hole: np.ndarray, methods: Mapping[str, Fill]) -> sheet.Shown:
    """One picture, (H, W, C), as each method restores it.

    Raises:
        InputError: the model is not one for such pictures.
    """
    try:
        return {
            name: method(image[np.newaxis], hole[np.newaxis])[0] for name, method in methods.items()
        }
    except ValueError as error:
        raise InputError(str(error)) from None


def score(image: np.ndarray, hole: np.ndarray, restored: sheet.Shown) -> dict[str, Any]:
    """What is kept of a case. Whatever else is measured of a restored picture is an entry here.

    Returns:
        How many pixels are missing and, by method: the PSNR of these, all channels together, in dB
        (None without any error), and how many known pixels are not as they were.
    """
    return {
        "missing": int(hole.sum()),
        "psnr_db": {name: psnr_db(image, each, hole) for name, each in restored.items()},
        "known_changed": {
            name: int(((each != image).any(axis=-1) & ~hole).sum())
            for name, each in restored.items()
        },
    }


def psnr_db(image: np.ndarray, restored: np.ndarray, hole: np.ndarray) -> float | None:
    of_each = metrics.PER_IMAGE["hole_mse"]
    (error,) = of_each(image[np.newaxis], restored[np.newaxis], hole[np.newaxis])
    return metrics.psnr_db(float(error))


def best_baseline(psnr: Mapping[str, float]) -> str:
    return max((name for name in psnr if name != MODEL), key=lambda name: psnr[name])


def measure(case: str, model: Fill) -> tuple[dict[str, Any], sheet.Row]:
    """Restore a picture by every method; give the scores, and the detail that shows them."""
    image, hole = image_of(case), hole_of(case)
    restored = restore(image, hole, BASELINES | {MODEL: model})
    scores = score(image, hole, restored)
    best = best_baseline(scores["psnr_db"])
    shown = {name: restored[name] for name in (best, MODEL)}
    return scores, sheet.row(image, hole, shown, scores["psnr_db"])


def with_tables(page: str, measured: Mapping[str, Any]) -> str:
    """The page with its table made anew."""
    results = measured["cases"]
    content = [_sentence(results.values()), _table(results)]
    return with_results(page, "benchmarks/pictures.py", content)


def _table(results: Mapping[str, Any]) -> str:
    header = ["picture", "damage", "missing pixels", *BASELINES, MODEL, "gain over the best"]
    rows = []
    for case, result in results.items():
        psnr = result["psnr_db"]
        rows.append(
            [
                *_in_words(case),
                f"{result['missing']:,}",
                *(_cell(psnr, name) for name in (*BASELINES, MODEL)),
                f"{_gain(psnr):+.2f}",
            ]
        )
    return table(header, rows)


def _in_words(case: str) -> list[str]:
    return case.replace(_GREY, ", grey").replace("_", " ").split("-")


def _cell(psnr: Mapping[str, float], method: str) -> str:
    """The score; in bold if no method has a better one."""
    shown = f"{psnr[method]:.2f}"
    return f"**{shown}**" if psnr[method] == max(psnr.values()) else shown


def _gain(psnr: Mapping[str, float]) -> float:
    return psnr[MODEL] - psnr[best_baseline(psnr)]


def _sentence(results: Iterable[Mapping[str, Any]]) -> str:
    """What holds of all cases together."""
    gains = [_gain(result["psnr_db"]) for result in results]
    changed = sum(sum(result["known_changed"].values()) for result in results)
    better = f"The model is better than all others in {sum(gain > 0 for gain in gains)} of "
    return " ".join(
        [
            f"{better}{len(gains)} cases.",
            f"{changed} known pixels were changed."
            if changed
            else "Known pixels came back bit for bit from every method.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Restore whole photographs, beside rivals.")
    for kind, path in _SHIPPED.items():
        parser.add_argument(
            f"--{kind}", type=Path, metavar="MODEL", default=path, help="instead of the package's"
        )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    given = parser.parse_args(arguments)
    if unknown := set(given.cases) - set(CASES):
        raise InputError(
            f"case: received {', '.join(sorted(unknown))}, allowed: {', '.join(CASES)}"
        )
    paths = {kind: getattr(given, kind) for kind in _SHIPPED}
    if paths != _SHIPPED and not given.cases:
        raise InputError("case: received none, allowed with another model: some, to be printed")
    models = {kind: load_model(path) for kind, path in paths.items()}
    results, rows = {}, {}
    for case in given.cases or CASES:
        results[case], rows[case] = measure(case, models["grey" if is_grey(case) else "colour"])
        scores = ", ".join(f"{name} {db:.2f}" for name, db in results[case]["psnr_db"].items())
        print(f"{case}  {scores} dB", flush=True)
    if not given.cases:  # all from one run
        digests = {kind: digest(path) for kind, path in paths.items()}
        keep({"models": digests, "cases": results})
        plots.save(sheet.figure({case: rows[case] for case in sheet.CASES}), FIGURE)
        print("the table is in benchmarks/quality.md, the figure is docs/pictures.png")


def digest(path: Path) -> str:
    """The first digits of a file's SHA-256: which model the numbers are of."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def keep(measured: Mapping[str, Any]) -> None:
    write_json(RESULTS, measured)
    write_text(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), measured))


def load() -> dict[str, Any]:
    """What was measured last."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with exit_codes() as exit_code:
        main()
    sys.exit(exit_code.value)
