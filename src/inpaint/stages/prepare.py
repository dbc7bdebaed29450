"""prepare: real images -> data/prepared/{train,valid,test}.npy and a manifest."""

import numpy as np

from inpaint.base.files import array_digest, write_array, write_json
from inpaint.base.paths import SPLITS, Paths, raw_dir
from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.selection import select
from inpaint.params import Params


def run(params: Params, paths: Paths) -> str:
    data = params.data.model_dump()
    selected = select(data, raw_dir(paths.root))
    dataset = DATASETS[data["dataset"]]
    source = dataset.resolve(data["source"])
    manifest: dict[str, object] = {
        "dataset": data["dataset"],
        "source": source,
        "licence": dataset.licence,
        "citation": dataset.sources[source].citation,
        "motif": dataset.motif,
        "params": data,
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
    return f"prepared {data['dataset']} ({source}): {counts} images"
