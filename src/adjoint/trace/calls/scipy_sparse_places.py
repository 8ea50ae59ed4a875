"""Sparse matrices with recorded elements: parts, blocks and products, by the places of elements.

What SciPy does to the structure of a matrix it is let do to a carrier: a matrix with the same
places whose elements are the numbers of the recorded ones, from 1. What comes out of it says
which element goes where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace.calls.scipy_sparse_recorded import (
    BASE,
    _holds,
    fill,
    like,
    parts,
    scaled,
    times,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule


def combined(matrix: Any) -> tuple[Any, Any, Any]:
    """The values, rows and columns with one element for each place."""
    values, rows, columns = parts(matrix)
    values, n = floating(values), matrix.shape[1]
    places, which = np.unique(np.asarray(rows, np.int64) * n + columns, return_inverse=True)
    if len(places) < len(rows):
        total = np.zeros(len(places), values.dtype) + 0 * np.sum(values)
        np.add.at(total, which, values)
        return total, places // n, places % n
    order = np.argsort(which)
    return values[order], places // n, places % n


def carrier(matrix: Any, first: int = 1) -> tuple[Any, Any]:
    """The values, and a plain CSR matrix of their numbers."""
    import scipy.sparse

    values, rows, columns = combined(matrix)
    kind = scipy.sparse.csr_matrix if scipy.sparse.isspmatrix(matrix) else scipy.sparse.csr_array
    numbers = np.arange(first, first + len(rows), dtype=np.int64)
    return values, kind((numbers, (rows, columns)), shape=matrix.shape)


def filled(found: Any, values: Any) -> Any:
    """What stands where a carrier's numbers came out: a sparse matrix, an array or a number."""
    import scipy.sparse

    if scipy.sparse.issparse(found):
        if found.ndim == 1:
            found = found.toarray()
        else:
            coo = found.tocoo()
            return fill(type(found).__new__(type(found)), values[coo.data - 1], coo.row, coo.col,
                        found.shape)  # fmt: skip
    numbers = np.asarray(found)
    if np.ndim(numbers) == 0:
        return values[int(numbers) - 1] if numbers else np.float64(0.0)
    return np.where(numbers > 0, values[np.maximum(numbers, 1) - 1], 0.0)


def _item(self: Any, key: Any) -> Any:
    values, numbers = carrier(self)
    return filled(numbers[key], values)


for _owner in ("scipy.sparse._index.IndexMixin", "scipy.sparse._lil._lil_base"):
    scipy_rule(f"{_owner}.__getitem__", wanted=_holds)(_item)


def _row_or_column(name: str) -> None:
    def rule(self: Any, i: int) -> Any:
        values, numbers = carrier(self)
        return filled(getattr(numbers, name)(i), values)

    for owner in ("scipy.sparse._matrix.spmatrix", BASE, "scipy.sparse._csr._csr_base",
                  "scipy.sparse._csc._csc_base"):  # fmt: skip
        scipy_rule(f"{owner}.{name}", wanted=_holds)(rule)


_row_or_column("getrow")
_row_or_column("getcol")


def _formatted(form: str) -> Callable[..., Any]:
    def rule(self: Any, *settings: Any, copy: Any = None, **_: Any) -> Any:
        import scipy.sparse

        if settings and form != "bsr":  # which is given the shape of its blocks first
            copy = settings[0]
        if self.format == form and not copy:
            return self
        ending = "matrix" if scipy.sparse.isspmatrix(self) else "array"
        kind = getattr(scipy.sparse, f"{form}_{ending}")
        values, rows, columns = parts(self)
        if form == "coo" and copy is not False:
            values = values.copy()  # the others make arrays of their own
        return fill(kind.__new__(kind), values, rows, columns, self.shape)

    return rule


def _multiplied(self: Any, other: Any) -> Any:
    """Element by element, with numbers, arrays that are stretched, or another sparse matrix."""
    import scipy.sparse

    values, rows, columns = combined(self)
    if scipy.sparse.issparse(other):
        theirs, numbers = carrier(other)
        share = filled(numbers.tocsr()[rows, columns], theirs)
        return like(self, values * np.reshape(share, (-1,)), rows, columns, self.shape)
    share = np.broadcast_to(floating(other), self.shape)[rows, columns]
    return like(self, values * share, rows, columns, self.shape)


def product(self: Any, other: Any) -> Any:
    """The product with a number, an array, or a sparse matrix: each pair of elements that meet."""
    import scipy.sparse

    if np.ndim(other) == 0 and not scipy.sparse.issparse(other):
        return scaled(self, other)
    if not scipy.sparse.issparse(other):
        return times(self, other)
    values, rows, columns = combined(self)
    theirs, first, second = combined(other)  # its rows in order
    starts = np.searchsorted(first, np.arange(other.shape[0] + 1))
    counts = np.diff(starts)[columns]
    one = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    two = starts[columns][one] + within
    made = like(self, values[one] * theirs[two], rows[one], second[two],
                (self.shape[0], other.shape[1]))  # fmt: skip
    return like(self, *combined(made), made.shape)


for _owner in (BASE, "scipy.sparse._coo._coo_base", "scipy.sparse._compressed._cs_matrix",
               "scipy.sparse._data._data_matrix", "scipy.sparse._csr._csr_base",
               "scipy.sparse._csc._csc_base", "scipy.sparse._dia._dia_base",
               "scipy.sparse._bsr._bsr_base", "scipy.sparse._lil._lil_base"):  # fmt: skip
    scipy_rule(f"{_owner}.multiply", wanted=_holds)(_multiplied)
    for _form in ("csr", "csc", "coo", "dia", "bsr", "lil"):
        scipy_rule(f"{_owner}.to{_form}", wanted=_holds)(_formatted(_form))


# *** matrices of matrices ***


def _any_holds(blocks: Any, *_: Any, **__: Any) -> bool:
    return any(_any_holds(b) if isinstance(b, list | tuple) else _holds(b) for b in blocks)


def _blocks(name: str) -> None:
    """A matrix of blocks, laid out by SciPy from carriers."""

    @scipy_rule(f"scipy.sparse.{name}", wanted=_any_holds)
    def rule(blocks: Any, format: Any = None, dtype: Any = None) -> Any:
        import scipy.sparse

        found: list[Any] = []
        count = [1]

        def numbered(block: Any) -> Any:
            if isinstance(block, list | tuple):
                return [numbered(b) for b in block]
            if block is None:
                return None
            if not scipy.sparse.issparse(block):
                block = scipy.sparse.coo_array(np.atleast_2d(block))
            values, numbers = carrier(block, count[0])
            found.append(values)
            count[0] += numbers.nnz
            return numbers

        made = getattr(scipy.sparse, name)(numbered(list(blocks)), format=format or "csr")
        values = np.concatenate(found)
        return filled(made, values if dtype is None else values.astype(dtype))


for _name in ("hstack", "vstack", "bmat", "block_array", "block_diag"):
    _blocks(_name)


def _half(name: str) -> None:
    @scipy_rule(f"scipy.sparse.{name}", wanted=_holds)
    def rule(A: Any, k: int = 0, format: Any = None) -> Any:
        import scipy.sparse

        values, numbers = carrier(A)
        return filled(getattr(scipy.sparse, name)(numbers, k, format or "csr"), values)


_half("tril")
_half("triu")


@scipy_rule("scipy.sparse.kron", wanted=_holds)
def kron(A: Any, B: Any, format: Any = None) -> Any:
    """The Kronecker product."""
    import scipy.sparse

    A, B = (x if scipy.sparse.issparse(x) else scipy.sparse.coo_array(x) for x in (A, B))
    one, two = parts(A), parts(B)
    values = np.ravel(floating(one[0])[:, None] * floating(two[0]))
    rows, columns = (
        np.ravel(np.asarray(one[k], np.int64)[:, None] * B.shape[k - 1] + two[k]) for k in (1, 2)
    )
    is_matrix = scipy.sparse.isspmatrix(A) and scipy.sparse.isspmatrix(B)
    kind = scipy.sparse.csr_matrix if is_matrix else scipy.sparse.csr_array
    shape = (A.shape[0] * B.shape[0], A.shape[1] * B.shape[1])
    return fill(kind.__new__(kind), values, rows, columns, shape)
