"""Sparse matrices with recorded elements: SciPy's objects around rows, columns and values.

Only the places of the elements are fixed. Such an object multiplies, transposes, scales, adds
and becomes dense; what SciPy's compiled code would do with its arrays is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls.scipy_sparse_forms import elements, in_order, lay_out
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.recorder import TracedCore
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule


def _refused(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} has no rule for a sparse array with recorded elements",
        function="scipy.sparse",
        source=source_here(),
        remedy="build it from (values, (rows, columns)) with fixed rows and columns; products, "
        "sums, .T, .toarray() and spsolve are there",
    )


def _refused_axes() -> UnsupportedError:
    return UnsupportedError(
        "sparse arrays of other than two axes have no rule for recorded elements",
        function="scipy.sparse",
        source=source_here(),
        remedy="use one row of a matrix, shape=(1, n), or a dense array",
    )


def parts(matrix: Any) -> Any:
    """The values, rows and columns of a sparse matrix, recorded or not."""
    found = matrix.__dict__.get("adjoint_parts")
    if found is not None:
        return found if isinstance(found, tuple) else found.parts()
    if is_recorded(matrix):
        return elements(matrix)
    plain = matrix.tocoo()
    return plain.data, plain.row, plain.col


def is_recorded(matrix: Any, *_: Any, **__: Any) -> bool:
    """Whether it is a sparse matrix with recorded elements; other arguments are not looked at."""
    held = getattr(matrix, "__dict__", {})
    return "adjoint_parts" in held or (
        "_shape" in held and isinstance(held.get("data"), TracedCore)
    )


def _holds(self: Any, *others: Any, **_: Any) -> bool:
    return any(map(is_recorded, (self, *others)))


def fill(
    matrix: Any, values: Any, rows: Any, columns: Any, shape: Any, as_given: bool = False
) -> Any:
    """SciPy's object around recorded values.

    Args:
        matrix: an object of SciPy's, perhaps without any attributes.
        values: the elements; as given they stay the array that they are, which others may write.
        rows: where the elements are.
        columns: likewise.
        shape: of the matrix.
        as_given: do not put elements in order, each place once, as rows side by side have them.
    """
    values, rows, columns = floating(values), np.asarray(rows), np.asarray(columns)
    if matrix.format in ("csr", "csc") and not as_given:
        given = values
        values, rows, columns = in_order(values, rows, columns, matrix.format)
        values = values.copy() if values is given else values
    matrix._shape = tuple(int(n) for n in shape)
    matrix.maxprint = 50
    if not lay_out(matrix, values, rows, columns):
        matrix.__dict__["adjoint_parts"] = (values, rows, columns)
        matrix.dtype = values.dtype
    return matrix


def rebuilt(matrix: Any) -> Callable[[Any], Any]:
    """What makes such a matrix from values, recorded or not; it no longer holds these."""
    _, rows, columns = parts(matrix)
    kind, form, shape = type(matrix), matrix.format, matrix.shape
    places = rows * shape[1] + columns
    ready = None
    if form == "csr" and np.all(places[1:] > places[:-1]):
        starts = np.searchsorted(rows, np.arange(shape[0] + 1))
        ready = kind((np.zeros(len(rows)), columns, starts), shape=shape)
        assert ready.has_canonical_format  # asked once, known to all that are made like it
        ready.data = ready.data[:0]

    def make(values: Any) -> Any:
        if ready is not None:
            return with_elements(ready, values)
        if isinstance(values, TracedCore):
            return fill(kind.__new__(kind), values, rows, columns, shape)
        return kind((values, (rows, columns)), shape=shape)

    return make


def with_elements(like: Any, values: Any) -> Any:
    """A CSR matrix with the places of another, and values that may be recorded."""
    made = type(like).__new__(type(like))
    if isinstance(values, TracedCore):
        rows = np.repeat(np.arange(like.shape[0]), np.diff(like.indptr))
        return fill(made, values, rows, like.indices, like.shape, as_given=True)
    # SciPy's own checks would take longer than the values did.
    made.__dict__.update(like.__dict__)
    made.data, made.indices, made.indptr = values, like.indices.copy(), like.indptr.copy()
    return made


def _plain(kind: Any, values: Any, rows: Any, columns: Any, shape: Any) -> Any:
    import scipy.sparse

    made = scipy.sparse.coo_matrix((np.asarray(values), (rows, columns)), shape=shape)
    return kind(made)


def like(matrix: Any, values: Any, rows: Any, columns: Any, shape: Any) -> Any:
    """A matrix of the same kind around other elements."""
    if not isinstance(values, TracedCore):
        return _plain(type(matrix), values, rows, columns, shape)
    return fill(type(matrix).__new__(type(matrix)), values, rows, columns, shape)


def _from_argument(self: Any, given: Any, shape: Any) -> Any:
    import scipy.sparse

    if scipy.sparse.issparse(given):
        values, rows, columns = parts(given)
        return fill(self, values, rows, columns, given.shape)
    if not isinstance(given, tuple):
        return _from_dense(self, given)
    if holds_traced(given[1:]):
        given = (given[0], *[_known_places(x) for x in given[1:]])
        if not isinstance(given[0], TracedCore):
            self.__dict__.update(type(self)(given, shape=shape).__dict__)
            return self
    if self.format in ("dia", "bsr"):
        return _as_laid_out(self, given, shape)
    if len(given) == 3:
        values, indices, starts = given
        major = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        rows, columns = (major, indices) if self.format == "csr" else (indices, major)
    else:
        values, places = given
        if len(places) != 2:
            raise _refused_axes()
        rows, columns = places
    if len(np.shape(values)) != 1 or (shape is not None and len(shape) != 2):
        raise _refused_axes()
    if shape is None:
        shape = (int(np.max(rows)) + 1, int(np.max(columns)) + 1)
    return fill(self, values, rows, columns, shape, as_given=len(given) == 3)


def _known_places(x: Any) -> Any:
    """Indices that were computed from recorded values: these have no derivative."""
    if isinstance(x, list | tuple):
        found = [_known_places(part) for part in x]
        return tuple(found) if any(map(np.ndim, found)) else np.array(found, int)
    known = known_value(x)
    if known is None:
        raise _refused("an index whose value is not known, inside jit or vmap,")
    return np.asarray(known).astype(int)


def _as_laid_out(self: Any, given: Any, shape: Any) -> Any:
    """Diagonals or blocks in SciPy's own arrays, which a plain matrix checks for their shapes."""
    values = floating(given[0])
    plain = type(self)((np.zeros(values.shape), *given[1:]), shape=shape)
    self.__dict__.update(plain.__dict__)
    self.data = np.atleast_2d(values) if self.format == "dia" else values
    return self


def _from_dense(self: Any, given: Any) -> Any:
    x = floating(given)
    known = known_value(x)
    if x.ndim != 2:
        raise _refused_axes()
    if known is None:
        raise _refused("a dense array whose elements are not known, inside jit or vmap,")
    rows, columns = np.nonzero(known)
    return fill(self, x[rows, columns], rows, columns, x.shape)


def _init(self: Any, arg1: Any, shape: Any = None, dtype: Any = None, *_: Any, **__: Any) -> None:
    _from_argument(self, arg1 if dtype is None else _typed(arg1, dtype), shape)


def _typed(given: Any, dtype: Any) -> Any:
    """What a matrix is made from, with elements of a dtype."""
    if isinstance(given, tuple):
        return (floating(given[0]).astype(dtype), *given[1:])
    if is_recorded(given):
        values, rows, columns = parts(given)
        return like(given, values.astype(dtype), rows, columns, given.shape)
    return floating(given).astype(dtype)


def _given_recorded(self: Any, arg1: Any, *_: Any, **__: Any) -> bool:
    return _holds(arg1)


BASE = "scipy.sparse._base._spbase"
_COO, _CS = "scipy.sparse._coo._coo_base", "scipy.sparse._compressed._cs_matrix"
for _name in (_COO, _CS, "scipy.sparse._dia._dia_base", "scipy.sparse._bsr._bsr_base"):
    scipy_rule(f"{_name}.__init__", wanted=_given_recorded)(_init)
# of another sparse one it takes the lists
scipy_rule("scipy.sparse._lil._lil_base.__init__")(_init)


def times(matrix: Any, x: Any) -> Any:
    """The product with a dense array of one or two axes."""
    values, rows, columns = parts(matrix)
    x = floating(x)
    if x.shape[0] != matrix.shape[1]:
        raise ValueError("matmul: dimension mismatch")
    taken = x[columns]
    product = np.reshape(values, (-1,) + (1,) * (x.ndim - 1)) * taken
    total = np.zeros((matrix.shape[0], *x.shape[1:]), product.dtype)
    total = total + 0 * np.sum(product)
    np.add.at(total, rows, product)
    return total


def transposed(matrix: Any, axes: Any = None, copy: bool = False) -> Any:
    """Rows and columns exchanged."""
    values, rows, columns = parts(matrix)
    return like(matrix, values, columns, rows, matrix.shape[::-1])


def dense(matrix: Any, *_: Any, **__: Any) -> Any:
    """The whole array."""
    values, rows, columns = parts(matrix)
    n = matrix.shape[1]
    flat = np.zeros(matrix.shape[0] * n, values.dtype) + 0 * np.sum(values)
    np.add.at(flat, rows * n + columns, values)
    return np.reshape(flat, matrix.shape)


def _total(matrix: Any, axis: Any = None, dtype: Any = None, *_: Any, **__: Any) -> Any:
    """The sum of all elements, or of each column or row; of a matrix it has two dimensions."""
    import scipy.sparse

    if dtype is not None and _cast_before_sums():
        values, rows, columns = parts(matrix)
        matrix, dtype = like(matrix, values.astype(dtype), rows, columns, matrix.shape), None
    if dtype is not None and axis is None:  # the sums of rows are rounded first
        return np.sum(_total(matrix, 1).astype(dtype))
    if dtype is not None:
        return _total(matrix, axis).astype(dtype)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if axis is None or len(axes) == 2:
        return np.sum(parts(matrix)[0])
    turned = matrix if axes[0] % 2 else transposed(matrix)
    sums = times(turned, np.ones(turned.shape[1], floating(parts(turned)[0]).dtype))
    return np.expand_dims(sums, axes[0]) if isinstance(matrix, scipy.sparse.spmatrix) else sums


@cache
def _cast_before_sums() -> bool:
    """Whether elements are rounded to the dtype that is asked for: their sums before SciPy 1.18."""
    import scipy.sparse

    total = entries[f"{BASE}.sum"].original
    return bool(total(scipy.sparse.coo_array([[2.0**24, 1.0, 1.0]]), 1, np.float32)[0] == 2.0**24)


def _diagonal(matrix: Any, k: int = 0) -> Any:
    values, rows, columns = parts(matrix)
    inside = np.flatnonzero(columns - rows == k)
    first, (n, m) = max(-k, 0), matrix.shape
    found = np.zeros(max(0, min(n - first, m - max(k, 0))), values.dtype) + 0 * np.sum(values)
    np.add.at(found, rows[inside] - first, values[inside])
    return found


def scaled(self: Any, factor: Any) -> Any:
    """The matrix times a number."""
    values, rows, columns = parts(self)
    return like(self, values * factor, rows, columns, self.shape)


def _swapped(self: Any, other: Any) -> Any:
    if np.ndim(other) == 0:
        return scaled(self, other)
    turned = times(transposed(self), np.swapaxes(other, 0, 1) if np.ndim(other) == 2 else other)
    return np.swapaxes(turned, 0, 1) if np.ndim(other) == 2 else turned


def _sum(self: Any, other: Any, sign: float = 1.0) -> Any:
    import scipy.sparse

    if not scipy.sparse.issparse(other):
        return dense(self) + sign * other
    one, two = parts(self), parts(other)
    values = np.concatenate([floating(one[0]), sign * floating(two[0])])
    rows, columns = (np.concatenate([one[k], two[k]]) for k in (1, 2))
    return like(self, values, rows, columns, self.shape)


for _owner in (BASE, _COO, _CS, "scipy.sparse._data._data_matrix", "scipy.sparse._csr._csr_base",
               "scipy.sparse._csc._csc_base", "scipy.sparse._dia._dia_base",
               "scipy.sparse._bsr._bsr_base", "scipy.sparse._lil._lil_base"):  # fmt: skip
    for _method, _rule in (
        ("toarray", dense), ("todense", dense), ("transpose", transposed),
        ("sum", _total), ("diagonal", _diagonal),
        ("__add__", _sum), ("__radd__", _sum), ("__sub__", lambda self, b: _sum(self, b, -1.0)),
        ("__neg__", lambda self: scaled(self, -1.0)), ("_mul_scalar", scaled),
    ):  # fmt: skip
        scipy_rule(f"{_owner}.{_method}", wanted=_holds)(_rule)


def _each(self: Any, function: Callable[[Any], Any]) -> Any:
    """A function of each element that is 0 at 0."""
    values, rows, columns = parts(self)
    values, rows, columns = in_order(values, rows, columns, self.format)
    return like(self, function(values), rows, columns, self.shape)


_ELEMENTS = "scipy.sparse._data._data_matrix"
scipy_rule(f"{_ELEMENTS}.__abs__", wanted=_holds)(lambda self: _each(self, np.abs))


@scipy_rule(f"{_ELEMENTS}.power", wanted=_holds)
def _power(self: Any, n: Any, dtype: Any = None) -> Any:
    if not hasattr(n, "recorder") and n == 0:
        raise NotImplementedError("zero power is not supported as it would densify the matrix.")
    return _each(self, lambda values: (values if dtype is None else values.astype(dtype)) ** n)


def _diagonals(name: str) -> None:
    @scipy_rule(f"scipy.sparse.{name}")
    def rule(
        diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None,
        **keywords: Any,
    ) -> Any:  # fmt: skip
        import scipy.sparse

        offsets = keywords.get("offsets", offsets)
        if np.ndim(offsets) == 0:
            offsets = [offsets]
            diagonals = [diagonals] if np.ndim(diagonals[0]) == 0 else diagonals
        if shape is None:
            n = np.shape(diagonals[0])[0] + abs(int(offsets[0]))
            shape = (n, n)
        values, rows, columns = [], [], []
        for k, v in zip(offsets, diagonals, strict=True):
            count = min(shape[0] + min(k, 0), shape[1] - max(k, 0))
            values.append(np.broadcast_to(floating(v), (count,)) if np.shape(v)[0] == 1
                          else floating(v)[:count])  # fmt: skip
            rows.append(np.arange(count) - min(k, 0))
            columns.append(np.arange(count) + max(k, 0))
        ending = "array" if name == "diags_array" else "matrix"
        kind = getattr(scipy.sparse, f"{format or 'dia'}_{ending}")
        found = np.concatenate(values)
        if dtype is not None and type(dtype) is not object:  # SciPy's mark for what is not given
            found = found.astype(dtype)
        return fill(kind.__new__(kind), found, np.concatenate(rows), np.concatenate(columns),
                    shape)  # fmt: skip


_diagonals("diags")
_diagonals("diags_array")


@scipy_rule("scipy.sparse.spdiags")
def spdiags(data: Any, diags: Any, m: Any = None, n: Any = None, format: Any = None) -> Any:
    """A matrix of diagonals, each in a row of an array, by its columns."""
    import scipy.sparse

    if m is None or n is None:
        m, n = (np.shape(data)[1],) * 2 if m is None else m
    return scipy.sparse.dia_matrix((data, diags), shape=(m, n)).asformat(format)
