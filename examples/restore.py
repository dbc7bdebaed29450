"""Fill the hole of a picture by a model server that runs elsewhere.

    python examples/restore.py examples/digit.png examples/hole.png restored.png

The hole is a picture of the same size: white is missing, black is known. NumPy and Pillow are all
that this needs. `restore` takes any number of images at once.
"""

import argparse
import json
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image


class RefusedError(Exception):
    """What was sent is not what the model takes."""


def restore(address: str, images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Have the holes of images filled.

    Args:
        address: of the server, such as ``http://127.0.0.1:5001``.
        images: uint8 (N, H, W, C) in [0, 255].
        holes: bool (N, H, W), True = missing.

    Returns:
        uint8 (N, H, W, C); known pixels are those of ``images``.

    Raises:
        RefusedError: the server says what is wrong with them.
        OSError: no model server answers.
    """
    content = {"inputs": {"images": images.tolist(), "holes": holes.tolist()}}
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            return np.array(json.load(response)["predictions"], np.uint8)
    except urllib.error.HTTPError as error:
        if error.code != 400:  # of something between here and there
            raise
        raise RefusedError(json.load(error)["message"]) from None


def read_image(path: Path) -> np.ndarray:
    """uint8 (H, W, C), with one channel for grey pictures, three for others."""
    with Image.open(path) as picture:
        is_grey = picture.mode in ("1", "L")
        return np.atleast_3d(np.asarray(picture.convert("L" if is_grey else "RGB")))


def read_hole(path: Path) -> np.ndarray:
    """bool (H, W), True = missing."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")) >= 128


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", type=Path)
    parser.add_argument("hole", type=Path, help="white is missing")
    parser.add_argument("output", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:5001", help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        image, hole = read_image(arguments.image), read_hole(arguments.hole)
        [restored] = restore(arguments.address, image[np.newaxis], hole[np.newaxis])
        Image.fromarray(restored.squeeze()).save(arguments.output)
    except RefusedError as error:
        raise SystemExit(f"refused: {error}") from None
    except (OSError, ValueError) as error:  # a file, the address, or no server
        raise SystemExit(f"failed: {error}") from None


if __name__ == "__main__":
    main()
