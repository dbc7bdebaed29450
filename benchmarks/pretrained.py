"""The models for photographs that come with the package: each is a DVC experiment.

    python -m benchmarks.pretrained          # both, half an hour each, then their card
    python -m benchmarks.pretrained colour   # one of them

Trained on pictures whose licences allow it. The pictures that they are judged by, whole, in
benchmarks/pictures.py are in no training.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.experiments import Settings, fetch, run
from inpaint.base.checked import read_checked
from inpaint.base.files import write_json, write_text
from inpaint.data.images.catalogue import DATASETS
from inpaint.restoring.serving import PRETRAINED
from inpaint.scoring.text import interval

CARD = next(iter(PRETRAINED.values())).with_name("card.md")
NUMBERS = CARD.with_suffix(".json")
_LARGEST_BYTES = 2_000_000
_COMMON: Settings = {
    "data.source": "bundled",
    "data.image_size": 64,
    "data.train_size": 12_000,
    "data.valid_size": 500,
    "data.test_size": 1000,
    "data.seed": 0,
    "mask.kind": "brush",
    "mask.brush_width": 5,
    "mask.share": 0.2,
    "mask.box_sides": [4, 32],
    "train.holes": "random",
    "train.hole_kinds": ["brush", "box", "dots"],
    "train.epochs": 12,
    "train.precision": "bfloat16",
}
MODELS: dict[str, tuple[int, Settings]] = {
    "colour": (3, _COMMON | {"data.dataset": "photos"}),
    "grey": (1, _COMMON | {"data.dataset": "photos_grey"}),
}


def collect(name: str) -> dict[str, Any]:
    """Put a trained model into the package; give what its card says of it."""
    channels, settings = MODELS[name]
    experiment = _experiment(name)
    with tempfile.TemporaryDirectory() as folder:
        metrics, train = (
            read_checked(fetch(experiment, f"reports/{file}", Path(folder, file)))
            for file in ("metrics.json", "train.json")
        )
        model = fetch(experiment, "models/inpainter.keras", Path(folder, "inpainter.keras"))
        size = model.stat().st_size
        if size > _LARGEST_BYTES:
            raise SystemExit(f"{model.name}: received {size} bytes, allowed: {_LARGEST_BYTES}")
        PRETRAINED[channels].parent.mkdir(exist_ok=True)
        shutil.copy(model, PRETRAINED[channels])
    valid, test = metrics["valid"], metrics["test"]
    return {
        "settings": settings,
        "commit": train["origin"]["baseline"],
        "bytes": size,
        "train_size": metrics["data"]["train_size"],
        "seconds": train["seconds"],
        "num_parameters": train["num_parameters"],
        "best_baseline": test["best_baseline"],
        "valid_gain": valid["gain"],
        "test_gain": test["gain"],
    }


def _experiment(name: str) -> str:
    return f"pretrained-{name}"


def card(made: dict[str, Any]) -> str:
    """What people should know before they use the models: Markdown."""
    sections = [
        "# The models that come with the package",
        "Made by `make pretrained` and loaded by "
        "`inpaint.restoring.serving.load_pretrained(channels)`: they fill holes in photographs of "
        "any size. They are networks of the kind `residual_unet`, which correct the biharmonic "
        "fill.",
    ]
    for name, about in made.items():
        channels, settings = MODELS[name][0], about["settings"]
        dataset = DATASETS[settings["data.dataset"]]
        best, valid, test = about["best_baseline"], about["valid_gain"], about["test_gain"]
        sections += [
            f"## {name}.keras: {channels} channel{'s' if channels > 1 else ''}",
            f"{about['num_parameters']:,} parameters, {about['bytes'] / 1e6:.2f} MB. Trained for "
            f"{about['seconds'] / 60:.0f} minutes on {about['train_size']:,} crops of "
            f"{settings['data.image_size']}x{settings['data.image_size']} pixels of the training "
            f"pictures of `{settings['data.dataset']}`, with holes of the kinds "
            f"{', '.join(settings['train.hole_kinds'])}, at commit {about['commit'][:12]}.",
            f"In the hole, on crops of pictures that were not trained on, with strokes of the kind "
            f"brush, better than {best} by {interval(valid['hole_psnr_db'], '+.2f')} dB "
            f"(validation) and {interval(test['hole_psnr_db'], '+.2f')} dB (test); the 95% "
            "intervals are between two and three pictures.",
            f"Licences of the pictures: {dataset.licence}.",
        ]
    sections += [
        "## Limits",
        "They continue what lies around a hole and do not invent what was in it: large holes stay "
        "smooth, and a face that is missing does not come back. What they fill in is plausible, "
        "not true: no evidence, no measurement, nothing to identify people by. How they do on "
        "whole photographs, benchmarks/quality.md says.",
    ]
    return "\n\n".join(sections) + "\n"


def load() -> dict[str, Any]:
    """What is known of the models that are there."""
    return json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}


def keep(made: dict[str, Any]) -> None:
    """Write the card, and the numbers on it."""
    ordered = {name: made[name] for name in MODELS if name in made}
    write_json(NUMBERS, ordered)
    write_text(CARD, card(ordered))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the models that come with the package.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}")
    chosen = parser.parse_args().names or list(MODELS)
    if unknown := set(chosen) - MODELS.keys():
        parser.error(f"received {', '.join(sorted(unknown))}, allowed: {', '.join(MODELS)}")
    for name in chosen:
        run(_experiment(name), MODELS[name][1], here=False)
        # The card as it is by now: the other model may have been trained beside this one.
        made = collect(name)
        keep(load() | {name: made})


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"error: `{' '.join(map(str, error.cmd[:3]))}` failed") from None
