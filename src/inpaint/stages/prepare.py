"""prepare: real images -> data/prepared/{train,valid,test}.npy and a manifest."""

import numpy as np

from inpaint.data.selection import select
from inpaint.files import array_digest, write_array, write_json
from inpaint.params import Params
from inpaint.paths import SPLITS, Paths, raw_dir

# How far images may be changed in training: see inpaint.training.augment.
MOTIFS = {
    "mnist": "signs",
    "fashion_mnist": "signs",
    "cifar10": "photographs",
    "photos": "crops",
    "textures": "crops",
}


def run(params: Params, paths: Paths) -> str:
    data = params.data
    source, selected = select(data, raw_dir(paths.root))
    manifest: dict[str, object] = {
        "dataset": data.dataset,
        "source": data.resolved_source,
        "licence": source.licence,
        "citation": source.citation,
        "motif": MOTIFS[data.dataset],
        "params": data.model_dump(),
        "splits": {},
    }
    entries = {}
    for split in SPLITS:
        pool, indices = selected[split].pool, selected[split].indices
        images = selected[split].images()
        write_array(paths.images(split), images)
        entries[split] = {
            "count": len(images),
            "shape": list(images.shape[1:]),
            "sha256": array_digest(images),
            "original": [pool.names[i] for i in indices],
            "groups": np.unique(pool.groups[indices], return_inverse=True)[1].tolist(),
        }
    write_json(paths.images_manifest, manifest | {"splits": entries})
    counts = ", ".join(f"{entry['count']} {split}" for split, entry in entries.items())
    return f"prepared {data.dataset} ({data.resolved_source}): {counts} images"
