"""Fill what is missing from a picture by a model server that runs elsewhere.

    python examples/restore.py examples/digit.png examples/hole.png restored.png

The mask is a picture of the same size: white is missing, black is known. This needs no more than
Python itself. `restore` takes any number of pictures at once, of any sizes.
"""

import argparse
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path


class RefusedError(Exception):
    """What was sent is not what the model takes."""


def restore(address: str, pictures: Sequence[bytes], masks: Sequence[bytes]) -> list[bytes]:
    """Have pictures filled where their masks are white.

    Args:
        address: of the server, such as ``http://127.0.0.1:5001``.
        pictures: PNG or JPEG files.
        masks: the same, one for each picture.

    Returns:
        PNG files; known pixels are those of the pictures.

    Raises:
        RefusedError: the server says what is wrong with them.
        OSError: no model server answers.
    """
    files = {"pictures": pictures, "masks": masks}
    texts = {name: [base64.b64encode(file).decode() for file in files[name]] for name in files}
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps({"inputs": texts}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return [base64.b64decode(text) for text in json.load(response)["predictions"]]
    except urllib.error.HTTPError as error:
        if error.code != 400:  # of something between here and there
            raise
        raise RefusedError(json.load(error)["message"]) from None
    except urllib.error.URLError as error:
        raise ConnectionError(
            f"no server answers at {address} ({error.reason}): `make serve` starts one"
        ) from None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", type=Path)
    parser.add_argument("mask", type=Path, help="white is missing")
    parser.add_argument("output", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:5001", help="default: %(default)s")
    given = parser.parse_args()
    try:
        files = given.image.read_bytes(), given.mask.read_bytes()
        [restored] = restore(given.address, [files[0]], [files[1]])
        given.output.write_bytes(restored)
    except RefusedError as error:
        raise SystemExit(f"refused: {error}") from None
    except OSError as error:  # a file, the address, or no server
        raise SystemExit(f"failed: {error}") from None


if __name__ == "__main__":
    main()
