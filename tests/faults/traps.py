"""What leaves a trace, a file, where somebody runs it, and the files to hide it in."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


class Trap:
    """Whoever unpickles it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._trace,)


def touching(trace: Path) -> str:
    """Python that leaves a trace."""
    return f"__import__('pathlib').Path({str(trace)!r}).touch()"


def archive_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, array_0000=array, facts=np.frombuffer(b"{}", np.uint8))
    return file.getvalue()


def apply(called: str, *arguments: object, tag: str = "!!python/object/apply:") -> str:
    """YAML that would call something, were it let."""
    return f"data: {tag}{called} {json.dumps(arguments)}\n"


def write_model(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_layer(members: dict[str, bytes], layer: dict[str, Any]) -> dict[str, bytes]:
    """With one more layer, which looks at the image."""
    config = json.loads(members["config.json"])
    image = {"shape": [None, None, None, 1], "dtype": "float32", "keras_history": ["image", 0, 0]}
    node = {"args": [{"class_name": "__keras_tensor__", "config": image}], "kwargs": {}}
    usual = {"registered_name": None, "name": "trap", "inbound_nodes": [node]}
    config["config"]["layers"].append(usual | layer)
    return members | {"config.json": json.dumps(config).encode()}


def lambda_layer(function: Any, **arguments: Any) -> dict[str, Any]:
    options = {"name": "trap", "function": function, "arguments": arguments}
    return {"module": "keras.layers", "class_name": "Lambda", "config": options}


def function(module: str, name: str, **other: Any) -> dict[str, Any]:
    named = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    return named | other


def gallery(trace: Path) -> dict[str, Any]:
    """A function of Keras's own draws images into a file, as the network is loaded."""
    options = {"path": str(trace), "value_range": [0, 255], "rows": 1, "cols": 1}
    layer = lambda_layer(function("keras.visualization", "plot_image_gallery"), **options)
    images = {"value": np.zeros((4, 8, 8, 3)).tolist(), "dtype": "uint8"}
    node = {"args": [{"class_name": "__numpy__", "config": images}], "kwargs": {}}
    return layer | {"inbound_nodes": [node]}
