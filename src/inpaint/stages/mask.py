"""mask: a hole for each prepared image -> data/holes/{train,valid,test}.npy and a manifest."""

import cv2
import numpy as np

from inpaint.base.checked import array_digest, write_checked
from inpaint.base.errors import InputError
from inpaint.base.files import atomic, write_array
from inpaint.base.paths import SPLITS, Paths
from inpaint.data import holes
from inpaint.data.store import load_images, load_split
from inpaint.params import Params

_PREVIEW_IMAGES, _ZOOM, _GAP = 10, 4, 8  # images, how many times their size, pixels between them


def run(params: Params, paths: Paths) -> str:
    mask = params.mask.model_dump()
    entries = {}
    for split in SPLITS:
        num, *image_shape = load_images(paths, split).shape
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
    write_checked(paths.holes_manifest, {"kind": mask["kind"], "params": mask, "splits": entries})
    with atomic(paths.holes_preview) as temporary:
        # OpenCV has blue first; writing by itself, it would not tell of a full disk.
        temporary.write_bytes(cv2.imencode(".png", _preview(paths)[..., ::-1])[1].tobytes())
    return f"cut {mask['kind']} holes: {entries['test']['share']:.1%} of each image is missing"


def _preview(paths: Paths) -> np.ndarray:
    """The first training images above the same with their holes: uint8 (H, W, 3)."""
    images, drawn = (np.array(array[:_PREVIEW_IMAGES]) for array in load_split(paths, "train"))
    masked = holes.painted(images, drawn)
    rows = (
        np.stack([np.broadcast_to(images, masked.shape), masked])
        .repeat(_ZOOM, axis=2)
        .repeat(_ZOOM, axis=3)
    )
    framed = np.pad(rows, ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    # (row, image, height, width, 3) -> the rows below each other, the images side by side
    return np.concatenate([np.concatenate(row, axis=1) for row in framed])
