"""prepare: real images -> data/prepared/{train,valid,test}.npy and a manifest."""

from collections.abc import Mapping
from itertools import islice

import numpy as np

from inpaint.base.checked import array_digest, write_checked
from inpaint.base.files import new_array
from inpaint.base.paths import SPLITS, Paths
from inpaint.data.images.catalogue import DATASETS
from inpaint.data.images.selection import select
from inpaint.params import Params

_TOLD = 10  # files


def run(params: Params, paths: Paths) -> str:
    data = params.data.model_dump()
    selected = select(data, paths.root)
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
        shape = len(indices), *dataset.shape(data["image_size"])
        with new_array(paths.images(split), shape, np.uint8) as images:
            for places, part in selected[split].parts():
                images[places] = part
            digest = array_digest(images)
        entries[split] = {
            "count": len(indices),
            "shape": list(shape[1:]),
            "sha256": digest,
            "original": [pool.names[i] for i in indices],
            "groups": np.unique(pool.groups[indices], return_inverse=True)[1].tolist(),
        }
    left_out = dict(selected["train"].pool.left_out)
    if left_out:
        manifest["left_out"] = left_out
    write_checked(paths.images_manifest, manifest | {"splits": entries})
    counts = ", ".join(f"{entry['count']} {split}" for split, entry in entries.items())
    return f"prepared {data['dataset']} ({source}): {counts} images{_tell(left_out)}"


def _tell(left_out: Mapping[str, str]) -> str:
    """Which files were left out, and why; of many, the first."""
    told = [f"{name} {reason}" for name, reason in islice(left_out.items(), _TOLD)]
    more = [f"and {len(left_out) - _TOLD} more"] if len(left_out) > _TOLD else []
    header = [f"; {len(left_out)} files left out, see data/prepared/manifest.json:"]
    return "\n  ".join(header + told + more) if left_out else ""
