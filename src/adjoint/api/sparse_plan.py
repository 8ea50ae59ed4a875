"""How a sparse Jacobian is filled: which products are computed, and where their elements go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adjoint.differentiate.colouring import colour_lines, full_lines, star_colours, star_entries
from adjoint.differentiate.sparsity import pattern_of
from adjoint.differentiate.tape import Derivative
from adjoint.graph.types import ArrayType

_KEPT_BYTES = 1 << 26  # of directions that are kept


@dataclass(frozen=True)
class Products:
    """Products of the derivative with directions that are sums of unit vectors.

    Args:
        forward: whether they are forward products; else reverse ones.
        colours: the product that each element of the sources takes part in; -1: none.
        count: how many products there are.
        at: where the entries of the matrix that they give lie among the results, which are
            [products, elements of the targets].
    """

    forward: bool
    colours: Any
    count: int
    at: Any
    _kept: dict[int, list[Any]] = field(default_factory=dict)

    def seeds(self, kinds: Sequence[ArrayType], first: int, width: int) -> list[Any]:
        """The directions of some products, for sources of these types."""
        if first in self._kept:
            return self._kept[first]
        seeds, at = [], 0
        for kind in kinds:
            mine = self.colours[at : at + kind.size] - first
            seed = np.zeros((width, kind.size), kind.dtype)
            inside = np.flatnonzero((mine >= 0) & (mine < width))
            seed[mine[inside], inside] = 1
            seeds.append(seed.reshape(width, *kind.shape))
            at += kind.size
        if width >= self.count and sum(x.nbytes for x in seeds) <= _KEPT_BYTES:
            self._kept[first] = seeds
        return seeds


@dataclass(frozen=True)
class Block:
    """One block of the matrix.

    Args:
        like: a matrix with its places, whose elements do not matter.
        entries: which entries of the whole are in it; None where all are.
        dtype: of its elements.
    """

    like: Any
    entries: Any
    dtype: np.dtype[Any]

    def matrix(self, data: Any) -> Any:
        """The block with these elements, which may be recorded; its arrays are its own."""
        if data.dtype.kind == "c" and self.dtype.kind != "c":
            data = data.real
        data = data if data.dtype == self.dtype else data.astype(self.dtype)
        from adjoint.trace.calls.scipy_sparse_recorded import with_elements

        return with_elements(self.like, data)


@dataclass(frozen=True)
class Plan:
    """Which products give the entries that may differ from zero.

    Args:
        products: those of one mode, and perhaps some of the other.
        order: puts their entries, one after the other, into the order of the matrix; None
            where they are in it.
        blocks: for each output those of each input.
    """

    products: tuple[Products, ...]
    order: Any
    blocks: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class _Entries:
    """The places of the entries, in order of rows; and each row among those that are active."""

    rows: Any
    columns: Any
    shape: tuple[int, int]
    packed: Any


def make_plan(
    forward: Derivative,
    residuals: Sequence[Any],
    ins: Sequence[ArrayType],
    outs: Sequence[ArrayType],
    symmetric: bool,
) -> Plan:
    """Find the pattern, and the fewest products among the ways we know.

    Mostly they are of one mode, in which lines of one colour share a product. Lines that would
    need many colours, because they are nearly full, are found by the other mode, one by one.
    """
    from scipy import sparse

    shape = (sum(t.size for t in outs), sum(t.size for t in ins))
    active = dict.fromkeys(forward.active_outputs, True)
    found = iter(pattern_of(forward.graph, residuals))
    empty = [sparse.csr_array((t.size, shape[1]), dtype=bool) for t in outs]
    parts = [next(found) if i in active else none for i, none in enumerate(empty)]
    pattern = sparse.vstack(parts, format="csr") if parts else sparse.csr_array(shape, dtype=bool)
    symmetric = symmetric and len(active) == len(outs) and _alike(ins, outs)
    if symmetric:
        pattern = (pattern + pattern.T).tocsr()
    pattern.sum_duplicates()
    rows = np.repeat(np.arange(shape[0]), np.diff(pattern.indptr))
    is_active = np.repeat([i in active for i in range(len(outs))], [t.size for t in outs])
    packed = np.cumsum(is_active) - 1
    entries = _Entries(rows, pattern.indices, shape, packed)
    products, order = _products(entries, is_active, symmetric)
    return Plan(products, order, _blocks(pattern, rows, ins, outs))


def _alike(ins: Sequence[ArrayType], outs: Sequence[ArrayType]) -> bool:
    return [t.shape for t in ins] == [t.shape for t in outs] and all(
        t.dtype.kind == "f" for t in [*ins, *outs]
    )


def _products(
    entries: _Entries, is_active: Any, symmetric: bool
) -> tuple[tuple[Products, ...], Any]:
    rows, columns, shape = entries.rows, entries.columns, entries.shape
    if not len(rows):
        return (), None
    by_rows, by_columns = full_lines(rows, shape[0]), full_lines(columns, shape[1])
    forward = by_rows.cost <= by_columns.cost
    full = (by_rows if forward else by_columns).full
    lines, others = (rows, columns) if forward else (columns, rows)
    n_lines, n_others = shape if forward else shape[::-1]
    is_full = np.zeros(n_lines, bool)
    is_full[full] = True
    rest, those = np.flatnonzero(~is_full[lines]), np.flatnonzero(is_full[lines])
    colours, count = colour_lines(lines[rest], others[rest], (n_lines, n_others))
    if symmetric:
        star, n_star = star_colours(rows, columns, shape[0], count + len(full))
        if star is not None:
            at = star_entries(rows, columns, star, shape[0])
            return (_of_mode(True, star, n_star, *at, entries, is_active),), None
    alone = np.full(n_lines, -1)
    alone[full] = np.arange(len(full))
    made = []
    if len(rest):
        made.append(
            _of_mode(
                forward, colours, count, colours[others[rest]], lines[rest], entries, is_active
            )
        )
    if len(those):
        made.append(
            _of_mode(
                not forward,
                alone,
                len(full),
                alone[lines[those]],
                others[those],
                entries,
                is_active,
            )
        )
    order = np.argsort(np.concatenate([rest, those])) if len(made) == 2 else None
    return tuple(made), order


def _of_mode(
    forward: bool,
    colours: Any,
    count: int,
    product: Any,
    target: Any,
    entries: _Entries,
    is_active: Any,
) -> Products:
    """Products in which an entry is an element of the result of one product."""
    if forward:
        n_active = int(entries.packed[-1]) + 1
        return Products(True, colours, count, product * n_active + entries.packed[target])
    return Products(False, colours[is_active], count, product * entries.shape[1] + target)


def _blocks(
    pattern: Any, rows: Any, ins: Sequence[ArrayType], outs: Sequence[ArrayType]
) -> tuple[tuple[Block, ...], ...]:
    from scipy import sparse

    top, left = _offsets(outs), _offsets(ins)
    columns, made = pattern.indices, []
    for i, out in enumerate(outs):
        row = []
        for j, kind in enumerate(ins):
            dtype = np.result_type(out.dtype, kind.dtype)
            inside = (rows >= top[i]) & (rows < top[i + 1])
            inside &= (columns >= left[j]) & (columns < left[j + 1])
            entries = np.flatnonzero(inside)
            counts = np.bincount(rows[entries] - top[i], minlength=out.size)
            starts = np.concatenate([[0], np.cumsum(counts)])
            parts = (np.zeros(len(entries), dtype), columns[entries] - left[j], starts)
            like = sparse.csr_array(parts, shape=(out.size, kind.size))
            assert like.has_canonical_format  # asked once, known to all that are made like it
            like.data = np.zeros(0, dtype)
            row.append(Block(like, None if len(entries) == len(rows) else entries, dtype))
        made.append(tuple(row))
    return tuple(made)


def _offsets(kinds: Sequence[ArrayType]) -> list[int]:
    return [0, *np.cumsum([kind.size for kind in kinds]).tolist()]
