"""Banded equations by LAPACK, and BLAS in one thread."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from inpaint.restoring.fill.lapack import one_thread, solve_banded


def threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize(("num", "below"), [(1, 0), (7, 3), (400, 90)])
@pytest.mark.parametrize("num_sides", [1, 4])
def test_banded_equations_are_solved(
    rng: np.random.Generator, num: int, below: int, num_sides: int
) -> None:
    lower = np.tril(np.triu(rng.random((num, num)), -below)) + np.eye(num)
    matrix = lower + lower.T + 2 * num * np.eye(num)
    band = np.zeros((num, below + 1))
    for column in range(num):
        inside = matrix[column : column + below + 1, column]
        band[column, : len(inside)] = inside
    sides = rng.random((num, num_sides))
    expected = np.linalg.solve(matrix, sides)
    before = sides.copy()
    np.testing.assert_allclose(solve_banded(band, sides), expected, rtol=1e-10)
    assert np.array_equal(sides, before)


def test_blas_has_one_thread_until_the_first_has_left() -> None:
    before, together = threads(), Barrier(2, timeout=60)

    def first() -> None:
        with one_thread():
            together.wait()
            together.wait()
            assert threads() == {1}
        assert threads() == before
        together.wait()

    def last() -> None:
        together.wait()
        with one_thread():
            with one_thread():
                assert threads() == {1}
            together.wait()
            together.wait()
        assert threads() == before

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(last)]:
            done.result()
    assert threads() == before


def test_blas_keeps_its_threads_after_an_error_and_where_there_is_no_need() -> None:
    before = threads()
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert threads() == before
    with one_thread(needed=False):
        assert threads() == before
