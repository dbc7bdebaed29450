"""LAPACK for positive definite bands, in one thread of its own for each thread that calls it."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import numpy as np


def solve_banded(band: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """The solution for right-hand sides, (n, m); other Python threads go on meanwhile.

    Args:
        band: the lower band by columns, C-contiguous float64 (n, b + 1): the diagonal and those
            below it. Overwritten.
        sides: float64 (n, m).
    """
    num, width = band.shape
    solution = np.array(sides.T, order="C")  # by columns, as Fortran has it
    failed = ctypes.c_int()
    sizes = [ctypes.c_int(size) for size in (num, width - 1, len(solution), width, num)]
    order, below, many, leading, rows = map(ctypes.byref, sizes)
    _dpbsv()(
        b"L", order, below, many, band.ctypes.data, leading, solution.ctypes.data, rows,
        ctypes.byref(failed),
    )  # fmt: skip
    assert not failed.value  # positive definite
    return solution.T


@cache
def _dpbsv() -> Callable[..., None]:
    """The routine itself: SciPy's wrapper keeps Python's lock while it computes."""
    from scipy.linalg import cython_lapack

    capsule = cython_lapack.__pyx_capi__["dpbsv"]
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
        ("PyCapsule_GetName", ctypes.pythonapi)
    )
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    name = name_of(capsule)
    assert name.startswith(b"void (char *, int *, int *, int *, "), name
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)(pointer_of(capsule, name))


_limited = Lock()


@contextmanager
def one_thread(needed: bool = True) -> Iterator[None]:
    """BLAS computes in the thread that calls it.

    OpenBLAS's threads wait for each other at every step: on a busy machine 10 ms for what takes 0.1
    ms in one. The limit takes 20 microseconds, where it is ``needed``, and is of the whole process.
    Who comes while it holds, from within or in another thread, leaves it to the first to lift it:
    lifted by several, it could be put back to what the first had made of it, and stay.
    """
    if not needed or not _limited.acquire(blocking=False):
        yield
        return
    try:
        with _blas().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()


@cache
def _blas() -> Any:
    """Looks at all libraries that are loaded, for some milliseconds."""
    from scipy.linalg import cython_lapack  # noqa: F401  # loads its BLAS
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
