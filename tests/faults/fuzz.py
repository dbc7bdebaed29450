"""Readers of files that come from outside, fed with what a fuzzer makes up.

`python -m tests.faults.fuzz READER SECONDS` begins with files that are right, and goes on with
those that reach new lines of the reader, or of what it uses. Whatever comes, the reader takes it or
refuses it by an InputError, in 10 seconds and 2 GB; otherwise the input is kept, and told.

READER: one of READERS.
"""

import gzip
import io
import sys
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import atheris
import numpy as np
from PIL import Image

with atheris.instrument_imports(
    include=["inpaint.data", "inpaint.params", "yaml", "tarfile", "PIL"],
):
    from inpaint.base.errors import InputError
    from inpaint.data.images import formats
    from inpaint.data.pictures import reading
    from inpaint.params import load_params

ROOT = Path(__file__).parents[2]
_FILE = Path(tempfile.mkdtemp()) / "file"
_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=16384")


def read_idx(content: bytes) -> None:
    formats.read_idx(content, "file")


def read_compressed_idx(content: bytes) -> None:
    """As the published files are."""
    formats.read_idx(formats.gunzip(content, "file"), "file")


def read_cifar(content: bytes) -> None:
    """An archive, compressed, and all its files taken for batches."""
    for batch in formats.untar(gzip.compress(content, 1), "file").values():
        with suppress(InputError):
            formats.read_cifar(batch, "file")


def read_picture(content: bytes) -> None:
    """Upright pixels that have a place in memory."""
    _FILE.write_bytes(content)
    picture = reading.read(_FILE)
    height, width, channels = picture.colours.shape
    assert min(height, width) > 0
    assert channels in (1, 3)
    assert picture.alpha is None or picture.alpha.shape == (height, width)


def read_params(content: bytes) -> None:
    """What is taken can be written and read again."""
    _FILE.write_bytes(content)
    load_params(_FILE).model_dump_json()


def idx_files() -> Iterator[bytes]:
    for shape in ((3,), (2, 4), (2, 3, 5)):
        values = np.zeros(shape, np.uint8)
        dimensions = np.array(shape, ">u4").tobytes()
        yield bytes([0, 0, 8, len(shape)]) + dimensions + values.tobytes()


def compressed_idx_files() -> Iterator[bytes]:
    return (gzip.compress(content) for content in idx_files())


def archives() -> Iterator[bytes]:
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=kind) as tar:
            for name in ("batches/data_batch_1.bin", "batches/" + "x" * 90):
                member = tarfile.TarInfo(name)
                member.size = 3073
                tar.addfile(member, io.BytesIO(bytes(3073)))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "../elsewhere"
            tar.addfile(link)
        yield archive.getvalue()


def pictures() -> Iterator[bytes]:
    """Each format in the kinds of pixels it has."""
    kinds = {
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), "JPEG": ("L", "RGB", "CMYK"),
        "WEBP": ("RGB", "RGBA"), "TIFF": ("1", "L", "P", "RGB", "RGBA", "I;16"),
    }  # fmt: skip
    for name, modes in kinds.items():
        for mode in modes:
            file = io.BytesIO()
            Image.new("RGB", (7, 5), (200, 30, 90)).convert(
                "I" if mode == "I;16" else mode
            ).convert(mode).save(file, name)
            yield file.getvalue()


def parameters() -> Iterator[bytes]:
    yield (ROOT / "params.yaml").read_bytes()
    lines = (ROOT / "params.yaml").read_text().splitlines()
    yield "\n".join(line.partition(" #")[0] for line in lines).encode()


READERS: dict[str, tuple[Callable[[bytes], None], Callable[[], Iterator[bytes]]]] = {
    "idx": (read_idx, idx_files),
    "compressed-idx": (read_compressed_idx, compressed_idx_files),
    "cifar": (read_cifar, archives),
    "picture": (read_picture, pictures),
    "params": (read_params, parameters),
}


def main(name: str, seconds: str) -> None:
    read, examples = READERS[name]
    corpus = Path(tempfile.mkdtemp())
    for number, content in enumerate(examples()):
        (corpus / f"example-{number}").write_bytes(content)

    def read_or_refuse(content: bytes) -> None:
        with suppress(InputError):
            read(content)

    warnings.simplefilter("ignore")  # Pillow's, of what it reads all the same
    options = (f"-max_total_time={seconds}", f"-artifact_prefix={tempfile.mkdtemp()}/", *_LIMITS)
    atheris.Setup([sys.argv[0], *options, str(corpus)], read_or_refuse)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
