"""Sparse equations, taken apart into those that have no unknown in common, and solved.

Equal parts are solved once. Narrow parts are banded matrices, whose factors LAPACK finds at several
billion operations a second; wide ones are left to SuperLU, whose order keeps more zeros.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

_WIDEST_BAND = 64  # up to this LAPACK works in one thread: OpenBLAS's come in each other's way
_LARGEST_PART = 250_000  # unknowns of a part without a narrow band: its factors take 2 GB at most
_SMALL_PART = 64  # unknowns; as many parts together as fit into _TOGETHER
_TOGETHER = 100_000  # unknowns
_WORTH_THREADS = 20_000  # unknowns
_THREADS = 2


@dataclass(frozen=True)
class Part:
    """Equations with no unknown in common with others, or several such, one after the other.

    Attributes:
        unknowns: int (k, n): which unknowns these are, in each of k equal parts.
        band: float64 (n, b + 1), the lower diagonals, if they are few, else None.
        matrix: sparse (n, n), else.
    """

    unknowns: np.ndarray
    band: np.ndarray | None
    matrix: Any = None


def parts_of(around: np.ndarray, factors: np.ndarray) -> list[Part]:
    """Take equations apart.

    Args:
        around: int (n, 13), the unknowns of each equation, from 1, in ascending order; 0 for none.
        factors: float64 (n, 13), theirs. The matrix is symmetric and positive definite, as a part
            of the square of a symmetric matrix is.

    Raises:
        ValueError: a part is too large for the memory that is allowed.
    """
    num = len(around)
    band = _band(around, factors, np.arange(num))
    if num * 8 <= _TOGETHER and band is not None:
        return [Part(np.arange(num)[np.newaxis], band)]
    order, first = _in_parts(around)
    sizes = np.diff(first)
    several = [unknowns[np.newaxis] for unknowns in _small_parts(order, sizes)]
    several += _equal_parts(order, first, sizes, around, factors)
    found = [_part(equal, around, factors) for equal in several]
    return sorted(found, key=lambda part: -part.unknowns.shape[1])


def solve(parts: list[Part], right: np.ndarray) -> np.ndarray:
    """The solution for right-hand sides: float64 (n, m) -> the same."""
    solution = np.empty_like(right)

    def fill_in(part: Part) -> None:
        copies, num = part.unknowns.shape
        sides = right[part.unknowns.T].reshape(num, -1)  # (n, k * m)
        solution[part.unknowns.T] = _solve(part, sides).reshape(num, copies, -1)

    if len(right) < _WORTH_THREADS or len(parts) == 1:
        for part in parts:
            fill_in(part)
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fill_in, parts))
    return solution


def _solve(part: Part, sides: np.ndarray) -> np.ndarray:
    from scipy.linalg import lapack
    from scipy.sparse.linalg import splu

    if part.band is None:
        equations = splu(
            part.matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        return np.asarray(equations.solve(sides))
    _, solution, failed = lapack.dpbsv(part.band.T, sides, lower=1)
    assert not failed  # positive definite
    return np.asarray(solution)


def _part(equal: np.ndarray, around: np.ndarray, factors: np.ndarray) -> Part:
    """A part with the order of its unknowns that gives the narrowest band: (k, n) as in Part."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    own = equal[0]
    band = _band(around, factors, own)
    if band is not None:
        return Part(equal, band)
    row, which, column = _entries(around, own)
    entries = (factors[own[row], which], column.astype(np.int32))
    first = np.searchsorted(row, np.arange(len(own) + 1)).astype(np.int32)
    matrix = csr_array((*entries, first), shape=(len(own), len(own)))
    order = reverse_cuthill_mckee(matrix, symmetric_mode=True)
    band = _band(around, factors, own[order])
    if band is not None:
        return Part(equal[:, order], band)
    if len(own) > _LARGEST_PART:
        raise ValueError(
            f"holes: received a part of {len(own)} missing pixels without a gap, "
            f"allowed: {_LARGEST_PART}, or a stroke of about 20 pixels' width"
        )
    return Part(equal, None, matrix.T)  # the same matrix, by columns, as SuperLU wants it


def _entries(around: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row of each entry, which of the 13 it is, and its column, for unknowns in this order."""
    number = np.empty(len(around) + 1, np.int32)  # touched only where needed
    number[own + 1] = np.arange(len(own))
    near = around[own]
    row, which = np.nonzero(near)
    return row, which, number[near[row, which]]


def _band(around: np.ndarray, factors: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """The lower diagonals for this order of unknowns, float64 (n, b + 1); None if too many."""
    row, which, column = _entries(around, own)
    below = row - column
    width = int(below.max())
    if width > _WIDEST_BAND:
        return None
    lower = below >= 0
    band = np.zeros((len(own), width + 1))
    band[column[lower], below[lower]] = factors[own[row[lower]], which[lower]]
    return band


def _in_parts(around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unknowns, (n,), part by part, ascending in each, and where parts start, (parts + 1,)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    num = len(around)
    row, which = np.nonzero(around)
    first = np.searchsorted(row, np.arange(num + 1)).astype(np.int32)
    graph = csr_array((np.ones(len(row)), around[row, which] - 1, first), shape=(num, num))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(labels))])


def _small_parts(order: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """Unknowns of small parts, those of similar size together: their bands are no wider."""
    classes = np.ceil(np.log2(sizes)).astype(int)
    classes[sizes >= _SMALL_PART] = -1
    of_unknown = np.repeat(classes, sizes)
    for each in np.unique(classes[classes >= 0]):
        unknowns = order[of_unknown == each]
        ends = np.cumsum(sizes[classes == each])
        start = 0
        while start < len(unknowns):
            last = int(np.searchsorted(ends, start + _TOGETHER, side="right"))
            end = int(ends[last - 1])
            yield unknowns[start:end]
            start = end


def _equal_parts(
    order: np.ndarray,
    first: np.ndarray,
    sizes: np.ndarray,
    around: np.ndarray,
    factors: np.ndarray,
) -> Iterator[np.ndarray]:
    """Unknowns of parts that are not small, equal ones together: int (k, n)."""
    number = np.empty(len(order) + 1, np.int32)  # of each unknown in its part
    number[0] = -1
    number[order + 1] = np.arange(len(order)) - np.repeat(first[:-1], sizes)
    groups: dict[bytes, list[np.ndarray]] = {}
    for part in np.flatnonzero(sizes >= _SMALL_PART):
        own = order[first[part] : first[part + 1]]
        # The same neighbours with the same factors: the same equations.
        content = hashlib.sha256(number[around[own]])
        content.update(factors[own])
        groups.setdefault(content.digest(), []).append(own)
    for equal in groups.values():
        yield np.stack(equal)
