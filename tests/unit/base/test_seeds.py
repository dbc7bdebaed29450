"""Seeds: the same everywhere, different for every purpose."""

import os
import subprocess
import sys

import numpy as np
import pytest

from inpaint.base.seeds import derive_seed, generator


def test_derive_seed_is_half_the_first_eight_bytes_of_sha256() -> None:
    # printf '[0, "epoch", 3]' | sha256sum  ->  332d02ef62eb5dc8..., shifted right by one bit
    assert derive_seed(0, "epoch", 3) == 0x332D02EF62EB5DC8 >> 1


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_derive_seed_is_the_same_in_another_process(hash_seed: str) -> None:
    code = "from inpaint.base.seeds import derive_seed; print(derive_seed(7, 'mask', 'train'))"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(printed) == derive_seed(7, "mask", "train")


def test_other_labels_give_other_seeds() -> None:
    calls: list[tuple[int, *tuple[str | int, ...]]] = [
        (0,), (1,), (0, "a"), (0, "b"), (0, "a", "b"), (0, "b", "a"), (0, "ab"), (0, "a", 1),
        (0, "a", "1"), (0, "a1"), (0, 1), (1, 0), (0, "1"), (10,),
    ]  # fmt: skip
    assert len({derive_seed(*call) for call in calls}) == len(calls)


def test_seeds_are_within_63_bits_and_use_them() -> None:
    seeds = [derive_seed(0, i) for i in range(200)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62
    assert {seed % 2 for seed in seeds} == {0, 1}


def test_generator_repeats_itself() -> None:
    first, second = generator(3, "order").random(5), generator(3, "order").random(5)
    np.testing.assert_array_equal(first, second)


def test_generators_with_other_labels_are_unrelated() -> None:
    first, second = generator(3, "order").random(500), generator(3, "holes").random(500)
    # 5 standard deviations of the correlation of 500 independent pairs
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / 500**0.5
