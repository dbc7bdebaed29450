"""mask: a hole for each prepared image -> data/holes/{train,valid,test}.npy and a manifest."""

import numpy as np

from inpaint import fill, holes, plots
from inpaint.errors import InputError
from inpaint.files import array_digest, atomic, read_array, write_array, write_json
from inpaint.params import Params
from inpaint.paths import SPLITS, Paths

_PREVIEW_IMAGES = 10


def run(params: Params, paths: Paths) -> str:
    mask = params.mask
    entries = {}
    for split in SPLITS:
        num, *image_shape = read_array(paths.images(split)).shape
        if tuple(image_shape) != params.image_shape:
            raise InputError(
                f"{paths.images(split)} has images of shape {tuple(image_shape)}, those of "
                f"params.yaml have {params.image_shape}: run `dvc repro`"
            )
        height, width, _ = image_shape
        drawn = holes.draw_split(mask, split, num, height, width)
        write_array(paths.holes(split), drawn)
        entries[split] = {
            "count": num,
            "shape": [height, width],
            "sha256": array_digest(drawn),
            "share": float(drawn.mean()),
        }
    write_json(
        paths.holes_manifest,
        {"kind": mask.kind, "params": mask.model_dump(), "splits": entries},
    )
    images = np.asarray(read_array(paths.images("train"))[:_PREVIEW_IMAGES])
    masked = fill.constant(images, np.asarray(read_array(paths.holes("train"))[:_PREVIEW_IMAGES]))
    with atomic(paths.holes_preview) as temporary:
        plots.save(plots.image_rows({"original": images, "masked": masked}), temporary)
    return f"cut {mask.kind} holes: {entries['test']['share']:.1%} of each image is missing"
