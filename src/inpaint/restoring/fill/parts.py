"""Sparse equations, taken apart into those that have no unknown in common, and solved.

Equal parts are solved once. Most parts are strokes: banded matrices, whose factors LAPACK finds at
over ten billion operations a second; wide ones are left to SuperLU, whose order keeps more zeros.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from inpaint.restoring.fill.lapack import one_thread, solve_banded

_NARROW_BAND = 64  # of a thin stroke, which may be of any length
_WIDEST_BAND = 300  # with more, SuperLU needs less memory and not much more time
LARGEST_PART = 500_000  # unknowns of a part without a narrow band: its factors take 2 GB at most
_WORTH_ORDERING = 10_000_000  # operations with a band
_SMALL_PART = 64  # unknowns, so that a band is narrow in any order
_TOGETHER = 100_000  # unknowns of small parts that are one banded matrix
_AS_ONE = 4096  # unknowns that are not taken apart if their band is narrow as they are
_MANY_SIDES = 200  # right-hand sides; SuperLU takes many together, LAPACK's bands one by one
_WORTH_THREADS = 10_000  # unknowns
_THREADS = 2


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


@dataclass(frozen=True)
class Entries:
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

    @cached_property
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

    def reordered(self, order: np.ndarray) -> "Entries":
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        return Entries(place[self.row], place[self.column], self.value, self.diagonal[order])


@dataclass(frozen=True)
class Part:
    """Equations with no unknown in common with others, or several such, one after the other.

    Attributes:
        unknowns: int (k, n): which unknowns these are, in each of k equal parts.
        entries: of the matrix, of n unknowns.
    """

    unknowns: np.ndarray
    entries: Entries

    @cached_property
    def factors(self) -> Any:
        """SuperLU's, kept for the next images with the same hole."""
        return _factors(self.entries)


def parts_of(equations: Equations) -> list[Part]:
    """Take equations apart, the largest part first.

    Raises:
        ValueError: a part is too large for the memory that is allowed.
    """
    num = len(equations.later)
    if num <= _AS_ONE:
        entries = _entries(equations, np.arange(num))
        if entries.width <= _NARROW_BAND:
            return [Part(np.arange(num)[np.newaxis], entries)]
    order, sizes = _in_parts(equations.later)
    parts = [
        Part(unknowns[np.newaxis], _entries(equations, unknowns))
        for unknowns in _small_parts(order, sizes)
    ]
    parts += [_part(equal, equations) for equal in _equal_parts(order, sizes, equations)]
    return sorted(parts, key=lambda part: -part.unknowns.shape[1])


def solve(parts: list[Part], right: np.ndarray) -> np.ndarray:
    """The solution for right-hand sides: float64 (n, m) -> the same."""
    solution = np.empty_like(right)

    def fill_in(part: Part) -> None:
        copies, num = part.unknowns.shape
        sides = right[part.unknowns.T].reshape(num, -1)  # (n, k * m)
        solution[part.unknowns.T] = _solve(part, sides).reshape(num, copies, -1)

    with one_thread():  # a wide band of a few hundred unknowns is enough for threads
        if len(right) < _WORTH_THREADS or len(parts) == 1:
            for part in parts:
                fill_in(part)
            return solution
        # The memory that is allowed is that of one largest part: no two large ones at once.
        num_large = sum(part.unknowns.shape[1] > LARGEST_PART // _THREADS for part in parts)
        for part in parts[:num_large]:
            fill_in(part)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fill_in, parts[num_large:]))
    return solution


def _solve(part: Part, sides: np.ndarray) -> np.ndarray:
    if part.entries.width > _WIDEST_BAND:
        return np.asarray(_factors(part.entries).solve(sides))
    if sides.shape[1] >= _MANY_SIDES:
        return np.asarray(part.factors.solve(sides))
    return solve_banded(part.entries.as_band(), sides)


def _factors(entries: Entries) -> Any:
    from scipy.sparse.linalg import splu

    return splu(
        entries.as_sparse(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        relax=1,
        panel_size=2,
        options={"SymmetricMode": True},
    )


def _entries(equations: Equations, own: np.ndarray) -> Entries:
    """Of the unknowns ``own``, in this order; what is coupled with them is among them."""
    number = np.empty(len(equations.later) + 1, int)  # touched only where needed
    number[own + 1] = np.arange(len(own))
    later = equations.later[own]
    there = np.flatnonzero(later)
    row = there // later.shape[1]
    factors = equations.factors[own]
    value = factors[:, 1:].reshape(-1)[there]
    return Entries(row, number[later.reshape(-1)[there]], value, factors[:, 0])


def _part(equal: np.ndarray, equations: Equations) -> Part:
    """Equal parts, int (k, n) as in Part, each connected, in an order that makes the band narrow.

    Raises:
        ValueError: it would take too much memory.
    """
    entries, num = _entries(equations, equal[0]), equal.shape[1]
    if num * entries.width**2 < _WORTH_ORDERING:
        return Part(equal, entries)
    order = _along(entries)
    entries = entries.reordered(order)
    if num > LARGEST_PART and entries.width > _NARROW_BAND:
        raise ValueError(
            f"holes: received {num} missing pixels that hang together, allowed: {LARGEST_PART}, "
            "unless they are a thin stroke"
        )
    return Part(equal[:, order], entries)


def _along(entries: Entries) -> np.ndarray:
    """The unknowns of a connected part, along the stroke that it mostly is: int (n,)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    num, ones = len(entries.diagonal), np.ones(len(entries.row))
    graph = csr_array((ones, entries.column, starts(entries.row, num)), shape=(num, num))
    order = np.zeros(1, int)
    for _ in range(2):  # from any of them to the farthest, and back from there
        order = breadth_first_order(graph, order[-1], directed=False, return_predecessors=False)
    return order


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
