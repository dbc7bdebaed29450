"""Sparse equations, taken apart into those that have no unknown in common, and solved.

Equal parts are solved once. Narrow parts are banded matrices, whose factors LAPACK finds at several
billion operations a second; wide ones are left to SuperLU, whose order keeps more zeros.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_WIDEST_BAND = 64  # with more, OpenBLAS's threads wait for each other at every step
_LARGEST_PART = 500_000  # unknowns of a part without a narrow band: its factors take 2 GB at most
_SMALL_PART = 64  # unknowns, so that a band is narrow in any order
_TOGETHER = 100_000  # unknowns of small parts that are one banded matrix
_AS_ONE = 4096  # unknowns that are not taken apart if their band is narrow as they are
_MANY_SIDES = 200  # right-hand sides; SuperLU takes many together, LAPACK's bands one by one
_WORTH_THREADS = 10_000  # unknowns
_THREADS = 2


@dataclass(frozen=True)
class Part:
    """Equations with no unknown in common with others, or several such, one after the other.

    Attributes:
        unknowns: int (k, n): which unknowns these are, in each of k equal parts.
        band: float64 (n, b + 1), the diagonal and those below it, if they are few, else None.
        matrix: sparse (n, n), else.
    """

    unknowns: np.ndarray
    band: np.ndarray | None
    matrix: Any = None

    @cached_property
    def factors_of_band(self) -> Any:
        """SuperLU's, kept for the next images with the same hole."""
        assert self.band is not None
        return _factors(_from_band(self.band))


@dataclass(frozen=True)
class Equations:
    """Symmetric and positive definite, as a part of the square of a symmetric matrix is.

    Attributes:
        later: int32 (n, s), the unknowns after its own in each equation, ascending, counted from
            1; 0 for none.
        factors: float64 (n, 1 + s), of its own unknown and of these.
    """

    later: np.ndarray
    factors: np.ndarray


def parts_of(equations: Equations) -> list[Part]:
    """Take equations apart, the largest part first.

    Raises:
        ValueError: a part is too large for the memory that is allowed.
    """
    num = len(equations.later)
    if num <= _AS_ONE:
        entries = _entries(equations, np.arange(num))
        if entries.width <= _WIDEST_BAND:
            return [Part(np.arange(num)[np.newaxis], entries.as_band())]
    order, sizes = _in_parts(equations.later)
    several = [unknowns[np.newaxis] for unknowns in _small_parts(order, sizes)]
    several += _equal_parts(order, sizes, equations)
    parts = [_part(equal, equations) for equal in several]
    return sorted(parts, key=lambda part: -part.unknowns.shape[1])


def solve(parts: list[Part], right: np.ndarray) -> np.ndarray:
    """The solution for right-hand sides: float64 (n, m) -> the same."""
    if len(parts) == 1 and np.array_equal(parts[0].unknowns, np.arange(len(right))[np.newaxis]):
        return _solve(parts[0], right)
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

    if part.band is None:
        return np.asarray(_factors(part.matrix).solve(sides))
    if sides.shape[1] >= _MANY_SIDES:
        return np.asarray(part.factors_of_band.solve(sides))
    _, solution, failed = lapack.dpbsv(part.band.T, sides, lower=1)
    assert not failed  # positive definite
    return np.asarray(solution)


def _factors(matrix: Any) -> Any:
    from scipy.sparse.linalg import splu

    return splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        relax=1,
        panel_size=2,
        options={"SymmetricMode": True},
    )


def _from_band(band: np.ndarray) -> Any:
    """The matrix whose diagonals these are, as in Part: sparse (n, n), by columns."""
    from scipy.sparse import dia_array

    num, width = band.shape
    below = dia_array((band.T, -np.arange(width)), shape=(num, num))
    above = dia_array((band.T[1:], -np.arange(1, width)), shape=(num, num)).T
    return (below.tocsc() + above.tocsc()).tocsc()


@dataclass(frozen=True)
class _Entries:
    """Those of a symmetric matrix, of n unknowns, above its diagonal, and the diagonal.

    Attributes:
        row: int (e,).
        column: int (e,).
        value: float64 (e,).
        diagonal: float64 (n,).
    """

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    diagonal: np.ndarray

    @property
    def width(self) -> int:
        """How many diagonals there are below the main one, counting those that are zero."""
        return int(np.abs(self.column - self.row).max(initial=0))

    def as_band(self) -> np.ndarray:
        """As LAPACK's lower band, by columns: float64 (n, width + 1)."""
        band = np.zeros((len(self.diagonal), self.width + 1))
        band[:, 0] = self.diagonal
        first = np.minimum(self.row, self.column)
        band.reshape(-1)[first * band.shape[1] + np.abs(self.column - self.row)] = self.value
        return band

    def as_sparse(self) -> Any:
        """By columns, both halves: (n, n)."""
        from scipy.sparse import coo_array

        num, own = len(self.diagonal), np.arange(len(self.diagonal), dtype=np.int32)
        row, column = self.row.astype(np.int32), self.column.astype(np.int32)
        return coo_array(
            (
                np.concatenate([self.diagonal, self.value, self.value]),
                (np.concatenate([own, row, column]), np.concatenate([own, column, row])),
            ),
            shape=(num, num),
        ).tocsc()

    def reordered(self, order: np.ndarray) -> "_Entries":
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        return _Entries(place[self.row], place[self.column], self.value, self.diagonal[order])


def _entries(equations: Equations, own: np.ndarray) -> _Entries:
    """Of the unknowns ``own``, in this order; what is coupled with them is among them."""
    number = np.empty(len(equations.later) + 1, int)  # touched only where needed
    number[own + 1] = np.arange(len(own))
    later = equations.later[own]
    there = np.flatnonzero(later)
    row = there // later.shape[1]
    factors = equations.factors[own]
    value = factors[:, 1:].reshape(-1)[there]
    return _Entries(row, number[later.reshape(-1)[there]], value, factors[:, 0])


def _part(equal: np.ndarray, equations: Equations) -> Part:
    """Equal parts, int (k, n) as in Part, with an order of the unknowns that suits them."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    entries = _entries(equations, equal[0])
    if entries.width <= _WIDEST_BAND:
        return Part(equal, entries.as_band())
    matrix = entries.as_sparse()
    order = reverse_cuthill_mckee(matrix, symmetric_mode=True)
    entries = entries.reordered(order)
    if entries.width <= _WIDEST_BAND:
        return Part(equal[:, order], entries.as_band())
    if equal.shape[1] > _LARGEST_PART:
        raise ValueError(
            f"holes: received {equal.shape[1]} missing pixels that hang together, allowed: "
            f"{_LARGEST_PART}, unless they are a thin stroke"
        )
    return Part(equal, None, matrix)


def starts(row: np.ndarray, num: int) -> np.ndarray:
    """Where each of ``num`` rows starts, and the last ends, in ascending numbers of rows."""
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=num))]).astype(np.int32)


def _in_parts(later: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unknowns, (n,), part by part, ascending in each, and how many each part has."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    num = len(later)
    there = np.flatnonzero(later)
    column, first = later.reshape(-1)[there] - 1, starts(there // later.shape[1], num)
    graph = csr_array((np.ones(len(column)), column, first), shape=(num, num))
    _, labels = connected_components(graph, directed=False)
    return np.argsort(labels, kind="stable"), np.bincount(labels)


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
    order: np.ndarray, sizes: np.ndarray, equations: Equations
) -> Iterator[np.ndarray]:
    """Unknowns of parts that are not small, equal ones together: int (k, n)."""
    first = np.cumsum(sizes) - sizes
    number = np.empty(len(order) + 1, np.int32)  # of each unknown in its part
    number[0] = -1
    number[order + 1] = np.arange(len(order)) - np.repeat(first, sizes)
    often = np.bincount(sizes)
    groups: dict[bytes, list[np.ndarray]] = {}
    for part in np.flatnonzero(sizes >= _SMALL_PART):
        own = order[first[part] : first[part] + sizes[part]]
        content = hashlib.sha256(own[:1].tobytes())
        if often[len(own)] > 1:  # otherwise there is none to compare it with
            content = hashlib.sha256(number[equations.later[own]].tobytes())
            content.update(equations.factors[own].tobytes())
        groups.setdefault(content.digest(), []).append(own)
    for equal in groups.values():
        yield np.stack(equal)
