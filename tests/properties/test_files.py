"""Splits, parameters and formats of files, for contents of any kind."""

import gzip
import math
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from inpaint.base.checked import array_digest, read_array, read_checked, write_checked
from inpaint.base.errors import InputError
from inpaint.base.files import write_array
from inpaint.data.images import formats
from inpaint.data.images.splits import draw_splits, stratified_order
from inpaint.data.pictures.reading import as_stored, in_8_bits, read, upright
from inpaint.data.pictures.writing import write
from inpaint.params import load_params

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "params.yaml").read_text()
KEYS = [(section, key) for section, content in yaml.safe_load(DEFAULT).items() for key in content]
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    _PLAIN,
    lambda more: (
        st.lists(more, max_size=4) | st.dictionaries(st.text(max_size=5), more, max_size=3)
    ),
    max_leaves=8,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda more: st.lists(more, max_size=4) | st.dictionaries(st.text(
        st.characters(exclude_categories=["Cs"]), max_size=5), more, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=200),
    seed=st.integers(0, 2**32 - 1),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_splits_are_disjoint_and_of_the_sizes_asked_for(
    labels: list[int], seed: int, shares: tuple[float, float]
) -> None:
    num = len(labels)
    valid = int(shares[0] * num)
    test = int(shares[1] * (num - valid))
    sizes = {"train": num - valid - test, "valid": valid, "test": test}
    found = draw_splits(np.random.default_rng(seed), np.array(labels), sizes)
    assert {split: len(indices) for split, indices in found.items()} == sizes
    assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(num))
    # Another training size moves nothing else.
    smaller = sizes | {"train": sizes["train"] // 2}
    again = draw_splits(np.random.default_rng(seed), np.array(labels), smaller)
    np.testing.assert_array_equal(again["test"], found["test"])
    np.testing.assert_array_equal(again["valid"], found["valid"])
    np.testing.assert_array_equal(again["train"], found["train"][: smaller["train"]])


@given(labels=st.lists(st.integers(0, 3), min_size=4, max_size=300), seed=st.integers(0, 2**32 - 1))
def test_every_stretch_has_the_classes_in_their_proportions(labels: list[int], seed: int) -> None:
    array = np.array(labels)
    order = stratified_order(np.random.default_rng(seed), array)
    assert sorted(order.tolist()) == list(range(len(labels)))
    for end in (len(labels) // 2, len(labels) // 3):
        for label in np.unique(array):
            expected = end * (array == label).mean()
            # Each class is at most one image off its share, and their errors add up.
            assert abs((array[order[:end]] == label).sum() - expected) <= len(np.unique(array))


@given(key=st.sampled_from(KEYS), value=VALUES)
def test_any_value_of_any_parameter_is_taken_or_refused_in_one_line(
    tmp_path: Path, key: tuple[str, str], value: object
) -> None:
    content = yaml.safe_load(DEFAULT)
    content[key[0]][key[1]] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    told = None
    with suppress(InputError):
        taken = load_params(path).model_dump()
        assert taken[key[0]][key[1]] == value or float(str(value)) == taken[key[0]][key[1]]
        return
    with pytest.raises(InputError) as caught:
        load_params(path)
    told = str(caught.value)
    assert "\n" not in told
    # A text that a line of YAML cannot hold makes the file none.
    assert key[1] in told or "is not YAML" in told


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(
    "utf-8", "surrogatepass")))  # fmt: skip
@example(b"%")
@example(b"? !")
@example(b"&a [*a]")
def test_any_file_of_parameters_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


@given(array=arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=8)))
def test_idx_comes_back(array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    np.testing.assert_array_equal(formats.read_idx(header + array.tobytes(), "it"), array)


@given(content=st.binary(max_size=100) | st.tuples(
    st.just(b"\x00\x00\x08"), st.binary(max_size=100)).map(b"".join))  # fmt: skip
@example(b"\x00\x00\x08\xff" + bytes(1020))
def test_any_bytes_are_an_idx_file_or_refused(content: bytes) -> None:
    with suppress(InputError):
        array = formats.read_idx(content, "it")
        assert array.size == math.prod(array.shape) == len(content) - 4 - 4 * array.ndim


@given(content=st.binary(max_size=400), damage=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_damaged_gzip_is_refused_or_gives_the_very_content(
    content: bytes, damage: int, bit: int
) -> None:
    packed = bytearray(gzip.compress(content, mtime=0))
    packed[damage % len(packed)] ^= 1 << bit
    with suppress(InputError):
        assert formats.gunzip(bytes(packed), "it") == content


@given(content=st.binary(max_size=2000))
def test_any_bytes_are_an_archive_or_refused(content: bytes) -> None:
    with suppress(InputError):
        formats.untar(gzip.compress(content), "it")


@given(content=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4))
def test_a_record_comes_back_as_it_was(tmp_path: Path, content: dict[str, Any]) -> None:
    content.pop("sha256", None)
    path = tmp_path / "x.json"
    write_checked(path, content)
    assert read_checked(path) == content


@given(
    content=st.dictionaries(st.sampled_from("abc"), JSON, min_size=1),
    place=st.integers(0, 10**6),
    to=st.integers(32, 126),
)
def test_a_record_of_which_a_letter_was_changed_says_the_same_or_is_refused(
    tmp_path: Path, content: dict[str, Any], place: int, to: int
) -> None:
    path = tmp_path / "x.json"
    write_checked(path, content)
    changed = bytearray(path.read_bytes())
    changed[place % len(changed)] = to
    path.write_bytes(changed)
    with suppress(InputError):
        assert read_checked(path) == content  # such as one blank for another


@given(array=arrays(st.sampled_from([np.uint8, np.bool_, np.float32]), array_shapes(max_side=6)))
def test_an_array_comes_back_and_no_other(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "x.npy"
    write_array(path, array)
    digest = array_digest(array)
    np.testing.assert_array_equal(read_array(path, digest), array)
    write_array(path, np.append(array.ravel(), array.ravel()[:1]))
    with pytest.raises(InputError, match="not as it was written"):
        read_array(path, digest)


@given(
    pixels=arrays(np.uint8, st.tuples(
        st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3, 4]))),
    kind=st.sampled_from(["png", "tif", "webp"]),
    orientation=st.integers(1, 8),
)  # fmt: skip
def test_a_picture_comes_back_bit_for_bit(
    tmp_path: Path, pixels: np.ndarray, kind: str, orientation: int
) -> None:
    if kind == "webp" and pixels.shape[2] == 1:
        return  # it has no grey
    path, again = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "webp" else {}
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
    image.save(path, exif=exif, **options)
    picture = read(path)
    expected = upright(pixels, orientation)
    np.testing.assert_array_equal(picture.colours, expected[..., :3])
    write(again, picture)
    np.testing.assert_array_equal(read(again).colours, picture.colours)


@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF"):
        path.write_bytes(start + content)
        with suppress(InputError):
            assert read(path).colours.ndim == 3


@given(
    stored=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    orientation=st.integers(1, 8),
)
def test_turning_back_is_the_inverse(stored: np.ndarray, orientation: int) -> None:
    np.testing.assert_array_equal(as_stored(upright(stored, orientation), orientation), stored)


@given(level=st.integers(0, 255))
def test_levels_of_8_bits_come_back_from_16(level: int) -> None:
    assert in_8_bits(np.array([level * 257], np.uint16)) == level


def test_the_table_of_keys_is_that_of_params_yaml() -> None:
    assert len(KEYS) == len(re.findall(r"^  \w+:", DEFAULT, re.MULTILINE))
