"""The README's tables: every row is a DVC experiment, and so an MLflow run.

    python -m benchmarks.results                      # all rows, and the tables
    python -m benchmarks.results mnist cifar10-seed   # those whose names begin so, and the tables
    python -m benchmarks.results --here mnist-seed0   # one row, left checked out in the workspace

Results are kept as they come. DVC's run-cache has the rows that were finished before with the same
code: an interrupted run goes on where it was.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.chosen import names_beginning, of_present_settings
from benchmarks.experiments import Settings, fetch, run
from benchmarks.tables import table, with_results
from benchmarks.task import REPORT, ROOT
from inpaint.base.checked import read_checked
from inpaint.base.files import flatten, write_json, write_text
from inpaint.commands.launch import exit_codes
from inpaint.data.images.catalogue import DATASETS
from inpaint.scoring.baselines import NAMES
from inpaint.scoring.text import interval

RESULTS = ROOT / "benchmarks" / "results.json"
README = ROOT / "README.md"

_OFFICIAL: Settings = {"data.source": "official", "data.test_size": None}
# Less than ten minutes of training on two cores that compute in bfloat16.
_EPOCHS = {"mnist": 180, "cifar10": 160}
# Less than an hour.
_EPOCHS_OF_ALL = {"mnist": 19, "cifar10": 18}


def _random(kind: str) -> Settings:
    return {"mask.kind": kind, "train.holes": "random", "train.hole_kinds": [kind]}


def _official_rows(dataset: str) -> dict[str, Settings]:
    official = {"data.dataset": dataset, **_OFFICIAL}
    base = official | {"train.epochs": _EPOCHS[dataset], "train.precision": "bfloat16"}
    rows = {f"seed{seed}": base | {"train.seed": seed} for seed in (0, 1, 2)}
    rows["report"] = official | flatten(REPORT)
    rows["all"] = base | {"data.train_size": None, "train.epochs": _EPOCHS_OF_ALL[dataset]}
    for kind in ("box", "brush", "dots", "half", "mixed"):
        rows[kind] = base | _random(kind) | {"train.epochs": _EPOCHS[dataset] // 2}
    return {f"{dataset}-{name}": settings for name, settings in rows.items()}


def _bundled_rows(dataset: str, epochs: int) -> dict[str, Settings]:
    """All crops of a few pictures: trained alike, each scored on one kind of holes."""
    kinds = ["center", "box", "brush"]
    base: Settings = {
        "data.dataset": dataset,
        "data.train_size": None,
        # The validation has two pictures: one that nothing was learned of would end the row.
        "train.on_collapse": "continue",
        "train.epochs": epochs,
        "train.holes": "random",
        "train.hole_kinds": kinds,
    }
    return {f"{dataset}-{kind}": base | {"mask.kind": kind} for kind in kinds}


ROWS = {
    **_official_rows("mnist"),
    **_official_rows("cifar10"),
    **_bundled_rows("textures", epochs=20),
    **_bundled_rows("photos", epochs=6),
}


def collect(row: str) -> dict[str, Any]:
    """What the tables need of a finished row."""
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for name in ("metrics.json", "train.json"):
            path = fetch(row, f"reports/{name}", Path(folder, name))
            contents.append(read_checked(path))
    metrics, train = contents
    test = metrics["test"]
    return {
        "settings": ROWS[row],
        "commit": train["origin"]["baseline"],
        "train_size": metrics["data"]["train_size"],
        "valid_ssim_unit": metrics["valid"]["model"]["composite"]["ssim_unit"],
        "ssim_unit": test["score"]["ssim_unit"],
        "raw_ssim_unit": test["model"]["raw"]["ssim_unit"],
        "hole_mse": test["model"]["composite"]["hole_mse"],
        "hole_psnr_db": test["model"]["composite"]["hole_psnr_db"],
        "best_baseline": test["best_baseline"],
        "baselines": {
            name: {key: scores[key] for key in ("ssim_unit", "hole_mse", "hole_psnr_db")}
            for name, scores in test["baselines"].items()
        },
        "gain": test["gain"],
        **{key: train[key] for key in ("epochs", "images_seen", "seconds", "num_parameters")},
        "collapsed": train["collapsed"],
        "learned_nothing": metrics["learned_nothing"],
    }


def with_tables(page: str, results: dict[str, Any]) -> str:
    """The page with its tables made anew."""
    content = [_main_table(results), _other_table(results)]
    missing = [row for row in ROWS if row not in results]
    if missing:
        content.append(f"Not measured yet: {', '.join(missing)}.")
    return with_results(page, "benchmarks/results.py", content)


# Row of the table -> what stands in it for a data set.
_TRAININGS = {
    "**inpaint**, 1,000 training images, seed 0": "seed0",
    "the same, seed 1": "seed1",
    "the same, seed 2": "seed2",
    "all training images, but 1,000": "all",
}


def _main_table(results: dict[str, Any]) -> str:
    """Both data sets of the report with its hole."""
    reported = {name: d.reported for name, d in DATASETS.items() if d.reported is not None}

    def of_each(row: str, shown: Callable[[dict[str, Any]], str]) -> list[str]:
        found = (results.get(f"{dataset}-{row}") for dataset in reported)
        return ["" if result is None else shown(result) for result in found]

    lines = [
        ["the report's network, as reported", *(f"{score:.4f}" for score in reported.values())],
        ["the same, run here, whole output", *of_each("report", _raw)],
        ["the same, known pixels restored", *of_each("report", _score)],
    ]
    for method, name in NAMES.items():
        lines.append([name, *of_each("all", partial(_of_baseline, method))])
    for name, row in _TRAININGS.items():
        lines.append([name, *of_each(row, _score)])
    return table(["`ssim_unit`, 8x8 hole in the centre", "MNIST", "CIFAR-10"], lines)


def _other_table(results: dict[str, Any]) -> str:
    """Every row of ours, against the best method without training."""
    lines = []
    for name, row in results.items():
        dataset, _, variant = name.partition("-")
        if variant == "report":
            continue
        best = row["best_baseline"]
        lines.append(
            [
                dataset,
                row["settings"].get("mask.kind", "center"),
                f"{row['train_size']:,}" + (f", seed {variant[4:]}" if "seed" in variant else ""),
                f"{row['epochs']}",
                f"{row['seconds']:.0f}",
                f"{best} {row['baselines'][best]['ssim_unit']:.4f}",
                f"{row['ssim_unit']['mean']:.4f}" + _notes(row),
                interval(row["gain"]["ssim_unit"], "+.4f"),
                interval(row["gain"]["hole_psnr_db"], "+.2f"),
                f"{row['hole_mse']:.4f}",
            ]
        )
    header = [
        "images", "holes", "training images", "epochs", "training, s", "best without training",
        "inpaint", "gain", "gain in the hole, dB", "MSE in the hole",
    ]  # fmt: skip
    return table(header, lines)


def _raw(result: dict[str, Any]) -> str:
    return f"{result['raw_ssim_unit']:.4f}"


def _of_baseline(method: str, result: dict[str, Any]) -> str:
    return f"{result['baselines'][method]['ssim_unit']:.4f}"


def _score(result: dict[str, Any]) -> str:
    return interval(result["ssim_unit"], ".4f") + _notes(result)


def _notes(result: dict[str, Any]) -> str:
    """What went wrong with a training."""
    collapsed = ", collapsed" if result["collapsed"] else ""
    return collapsed + (", learned nothing" if result["learned_nothing"] else "")


def load() -> dict[str, Any]:
    """The results that are there."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def keep(results: dict[str, Any]) -> None:
    """Write the file of all results, and the README's tables made from it.

    Those of other settings than the rows have now are dropped.
    """
    ordered = of_present_settings(results, ROWS)
    write_json(RESULTS, ordered)
    write_text(README, with_tables(README.read_text(encoding="utf-8"), ordered))


def main() -> None:
    parser = argparse.ArgumentParser(description="Reproduce the README's tables.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("beginnings", nargs="*", default=[], metavar="ROW", help="its beginning")
    what.add_argument("--here", metavar="ROW", choices=ROWS, help="run this row alone")
    arguments = parser.parse_args()
    if arguments.here:
        run(arguments.here, ROWS[arguments.here], here=True)
        return
    rows = names_beginning(arguments.beginnings, ROWS, "row", ", ".join(ROWS))
    for number, row in enumerate(rows, start=1):
        print(f"[{number}/{len(rows)}] {row}", flush=True)
        run(row, ROWS[row], here=False)
        keep(load() | {row: collect(row)})
    print("the tables are in README.md, all numbers in benchmarks/results.json")


if __name__ == "__main__":
    try:
        with exit_codes() as exit_code:
            main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"error: `{' '.join(map(str, error.cmd[:3]))}` failed") from None
    sys.exit(exit_code.value)
