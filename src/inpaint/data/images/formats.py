"""Readers of the official files, from bytes to arrays. None of these formats needs pickle."""

import gzip
import io
import math
import struct
import tarfile
import zlib

import numpy as np

from inpaint.base.errors import InputError

_LARGEST = 500_000_000  # bytes uncompressed: CIFAR-10 has 184,000,000
_IDX_UINT8 = 0x08
_MOST_DIMENSIONS = 3  # image, row, column
_CIFAR_SHAPE = (3, 32, 32)  # channels, rows, columns; one label byte goes before


def gunzip(content: bytes, name: str) -> bytes:
    """Uncompress a whole .gz file.

    Raises:
        InputError: ``content`` is truncated, is not gzip, or holds more than any official file; the
            message names ``name``.
    """
    if not content:  # which Python takes for a whole file of nothing
        raise InputError(f"{name} is damaged or cut short (it is empty); fetch it again")
    try:
        with gzip.open(io.BytesIO(content)) as file:
            uncompressed = file.read(_LARGEST + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{name} is damaged or cut short ({error}); fetch it again") from None
    if len(uncompressed) > _LARGEST:
        raise InputError(f"{name} holds more than {_LARGEST:,} bytes: it is not the official file")
    return uncompressed


def untar(content: bytes, name: str) -> dict[str, bytes]:
    """Read the plain files of a .tar.gz archive into memory, by their base names.

    Nothing is written, so no path in the archive can reach the disk; links, devices and files with
    holes, which a few bytes make as large as one likes, are left out. Errors as :func:`gunzip`.
    """
    archive = io.BytesIO(gunzip(content, name))
    files = {}
    try:
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            for member in tar:
                is_whole = member.isfile() and not member.issparse()
                if is_whole and (file := tar.extractfile(member)) is not None:
                    files[member.name.rsplit("/", 1)[-1]] = file.read()
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{name} is damaged or cut short ({error}); fetch it again") from None
    return files


def read_idx(content: bytes, name: str) -> np.ndarray:
    """Read an idx file of unsigned bytes (the format of MNIST and Fashion-MNIST).

    The format: two zero bytes, the type (8 = uint8), the number of dimensions, each dimension as
    a big-endian 32-bit integer, then the values in C order.

    Returns:
        uint8, of the shape that the header states.

    Raises:
        InputError: not an idx file of uint8, without values, or shorter or longer than its header
            says.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, _IDX_UINT8]):
        raise InputError(f"{name} is not an idx file of unsigned bytes: starts {content[:4]!r}")
    num_dimensions = content[3]
    if not 1 <= num_dimensions <= _MOST_DIMENSIONS:
        raise InputError(
            f"{name} has {num_dimensions} dimensions, allowed: 1 to {_MOST_DIMENSIONS}"
        )
    header = 4 + 4 * num_dimensions
    if len(content) < header:
        raise InputError(f"{name} is cut short: {len(content)} bytes, header {header}")
    shape = struct.unpack(f">{num_dimensions}I", content[4:header])
    values = np.frombuffer(content, np.uint8, offset=header)
    if not values.size or values.size != math.prod(shape):
        raise InputError(f"{name} holds {values.size} values, its header says {shape}")
    return values.reshape(shape)


def read_cifar(content: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a batch of CIFAR-10's binary version.

    The format: per image one label byte, then 1,024 red, 1,024 green and 1,024 blue bytes, row by
    row (https://www.cs.toronto.edu/~kriz/cifar.html).

    Returns:
        Images, uint8 (N, 32, 32, 3), and labels, uint8 (N,).

    Raises:
        InputError: the length is no multiple of an image's 3,073 bytes.
    """
    size = 1 + int(np.prod(_CIFAR_SHAPE))
    if not content or len(content) % size:
        raise InputError(f"{name} is cut short: {len(content)} bytes, allowed: multiples of {size}")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    # (N, channels, rows, columns) -> (N, rows, columns, channels)
    images = records[:, 1:].reshape(-1, *_CIFAR_SHAPE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0]
