"""Sparse matrices with recorded elements that are changed in place, or compared place by place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from adjoint.errors import ConcreteValueError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls.scipy_sparse_forms import in_order
from adjoint.trace.calls.scipy_sparse_places import carrier, combined
from adjoint.trace.calls.scipy_sparse_recorded import (
    _holds,
    dense,
    fill,
    is_recorded,
    like,
    parts,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_LISTS = "scipy.sparse._lil._lil_base"
_KINDS = tuple(dict.fromkeys(
    kind
    for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for kind in getattr(scipy.sparse, f"{form}_array").__mro__
    if kind.__module__.startswith("scipy.sparse.")
))  # fmt: skip


def _for_all(name: str, *, wanted: Callable[..., bool] = _holds) -> Callable[[Any], Any]:
    """A rule for a method wherever SciPy's classes define it."""
    owners = [kind for kind in _KINDS if name in vars(kind)]
    return scipy_rule(*[f"{k.__module__}.{k.__name__}.{name}" for k in owners], wanted=wanted)


# *** in place ***


def _takes_values(self: Any, values: Any, k: int = 0) -> bool:
    return is_recorded(self) or holds_traced([values])


@_for_all("setdiag", wanted=_takes_values)
def setdiag(self: Any, values: Any, k: int = 0) -> None:
    """New elements on a diagonal; a list that is shorter leaves the others."""
    old, rows, columns = combined(self)
    values = floating(values)
    n, m = self.shape
    count = min(n + min(k, 0), m - max(k, 0))
    if count <= 0:
        raise ValueError("k exceeds array dimensions")
    values = np.broadcast_to(values, (count,)) if values.ndim == 0 else values[:count]
    down = np.arange(values.shape[0]) - min(k, 0)
    stays = (columns - rows != k) | ~np.isin(rows, down)
    fill(self, np.concatenate([floating(old)[stays], values]),
         np.concatenate([rows[stays], down]), np.concatenate([columns[stays], down + k]),
         self.shape)  # fmt: skip


@_for_all("eliminate_zeros")
def eliminate_zeros(self: Any) -> None:
    """Without elements that are zero; where values are not known they are all kept."""
    values, rows, columns = parts(self)
    known = known_value(values)
    if known is not None:
        some = np.flatnonzero(known)
        fill(self, values[some], rows[some], columns[some], self.shape, as_given=True)


@_for_all("sum_duplicates")
def sum_duplicates(self: Any) -> None:
    """Each place once, in order."""
    values, rows, columns = parts(self)
    once = in_order(values, rows, columns, self.format)
    fill(self, *once, self.shape, as_given=True)


@_for_all("sort_indices")
def sort_indices(self: Any) -> None:
    """In each row, or column, in order."""
    values, rows, columns = parts(self)
    pair = (rows, columns) if self.format == "csc" else (columns, rows)
    order = np.lexsort(pair)
    fill(self, values[order], rows[order], columns[order], self.shape, as_given=True)


@_for_all("prune")
def prune(self: Any) -> None:
    """Nothing: there is no room behind the elements."""


@_for_all("resize")
def resize(self: Any, *shape: Any) -> None:
    """What is inside another shape."""
    n, m = shape[0] if len(shape) == 1 else shape
    values, rows, columns = parts(self)
    inside = np.flatnonzero((rows < n) & (columns < m))
    fill(self, values[inside], rows[inside], columns[inside], (n, m))


@_for_all("todok")
def todok(self: Any, copy: bool = False) -> Any:
    """A dictionary of elements."""
    values, numbers = carrier(self)
    found = numbers.todok()
    for place, number in list(found.items()):
        found._dict[place] = values[int(number) - 1]
    found.dtype = values.dtype
    return found


def _has_recorded_items(self: Any, *_: Any, **__: Any) -> bool:
    return holds_traced(list(self.values()))


@scipy_rule("scipy.sparse._dok._dok_base.tocoo", wanted=_has_recorded_items)
def of_items(self: Any, copy: bool = False) -> Any:
    """The elements of a dictionary as coordinates, by which it does all else."""
    rows, columns = np.array(list(self.keys()), dtype=np.int64).T
    values = np.stack([floating(value) for value in self.values()])
    return self._coo_container((values, (rows, columns)), shape=self.shape)


@scipy_rule("scipy.sparse._sputils._todata", wanted=_holds)
def todata(s: Any) -> Any:
    """The elements, each place once."""
    return combined(s)[0]


def _of_lists(name: str) -> None:
    """What a matrix of lists does as rows side by side."""

    @scipy_rule(f"{_LISTS}.{name}", wanted=_holds)
    def rule(self: Any, *args: Any, **options: Any) -> Any:
        found = getattr(self.tocsr(), name)(*args, **options)
        return found.tolil() if getattr(found, "format", "") == "csr" else found


for _name in ("_getnnz", "count_nonzero", "__truediv__", "__itruediv__", "__imul__", "reshape"):
    _of_lists(_name)


# *** place by place ***


def _aligned(one: Any, two: Any) -> tuple[Any, Any, Any, Any]:
    """The elements of two matrices at the places of either, and these places."""
    n = one.shape[1]
    found = [combined(x) for x in (one, two)]
    flat = [np.asarray(rows, np.int64) * n + columns for _, rows, columns in found]
    places = np.union1d(*flat)
    both = []
    for (values, _, _), where in zip(found, flat, strict=True):
        total = np.zeros(len(places), floating(values).dtype) + 0 * np.sum(values)
        np.add.at(total, np.searchsorted(places, where), values)
        both.append(total)
    return both[0], both[1], places // n, places % n


def _extreme(name: str) -> None:
    function = getattr(np, name)

    @_for_all(name)
    def rule(self: Any, other: Any) -> Any:
        if scipy.sparse.issparse(other):
            one, two, rows, columns = _aligned(self, other)
            owner = self if is_recorded(self) else other
            return like(owner, function(one, two), rows, columns, self.shape)
        if np.ndim(other):
            return function(dense(self), floating(other))
        known = known_value(other)
        if known is not None and function(0.0, known) == 0:
            values, rows, columns = combined(self)
            return like(self, function(values, other), rows, columns, self.shape)
        whole = function(dense(self), other)
        rows, columns = (x.ravel() for x in np.indices(self.shape))
        return like(self, np.reshape(whole, (-1,)), rows, columns, self.shape)


_extreme("maximum")
_extreme("minimum")


def _reduction(name: str) -> None:
    @scipy_rule(f"scipy.sparse._data._minmax_mixin.{name}", wanted=_holds)
    def rule(self: Any, axis: Any = None, out: Any = None, *, explicit: bool = False) -> Any:
        values, _rows, _columns = combined(self)
        if axis is None:
            return getattr(np, name)(values if explicit else dense(self))
        if explicit or not scipy.sparse.isspmatrix(self):
            raise UnsupportedError(
                f"{name}(axis=) of a sparse array with recorded elements has one axis",
                function="scipy.sparse",
                source=source_here(),
                remedy=f"write it with the whole array: A.toarray().{name}(axis={axis})",
            )
        found = np.expand_dims(getattr(np, name)(dense(self), axis=axis), axis)
        down, across = (x.ravel() for x in np.indices(found.shape))
        kind = scipy.sparse.coo_matrix
        return fill(kind.__new__(kind), np.reshape(found, (-1,)), down, across, found.shape)


for _name in ("max", "min", "nanmax", "nanmin"):
    _reduction(_name)


@scipy_rule("scipy.sparse.find", wanted=_holds)
def find(A: Any) -> Any:
    """Rows, columns and values of what is not zero."""
    values, rows, columns = parts(A)
    values, rows, columns = in_order(values, rows, columns, "coo")
    known = known_value(values)
    if known is None:
        raise ConcreteValueError(
            "which elements are zero is not known while recording",
            function="scipy.sparse.find",
            source=source_here(),
            remedy="take all that are stored: coo = A.tocoo(), then coo.row, coo.col, coo.data",
        )
    some = np.flatnonzero(known)
    return rows[some], columns[some], values[some]
