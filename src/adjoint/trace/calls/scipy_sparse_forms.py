"""How sparse matrices lay out recorded elements: SciPy's attributes, a recorded array among them.

The attributes are the matrix: what is written into ``A.data``, or assigned to it, is an element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.indexing import known_value

Elements = tuple[Any, Any, Any]  # values, rows, columns


def index_dtype(*sizes: int) -> type:
    """The integers that SciPy takes for so many rows, columns or elements."""
    return np.int32 if max(sizes, default=0) < np.iinfo(np.int32).max else np.int64


# *** from a matrix to its elements ***


def _of_coo(matrix: Any) -> Elements:
    rows, columns = matrix.coords
    return matrix.data, rows, columns


def _of_compressed(matrix: Any) -> Elements:
    major = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    values, minor = matrix.data[: len(major)], matrix.indices[: len(major)]
    return (values, major, minor) if matrix.format == "csr" else (values, minor, major)


def _of_diagonals(matrix: Any) -> Elements:
    n, m = matrix.shape
    which, columns = np.indices(matrix.data.shape)
    rows = columns - np.asarray(matrix.offsets)[:, None]
    inside = (rows >= 0) & (rows < n) & (columns < m)
    known = known_value(matrix.data)
    if known is not None:
        inside &= np.asarray(known) != 0  # which SciPy takes for room between elements
    return matrix.data[which[inside], columns[inside]], rows[inside], columns[inside]


def _of_blocks(matrix: Any) -> Elements:
    count, high, wide = matrix.data.shape
    major = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    row, column = np.indices((high, wide))
    rows = major[:count, None, None] * high + row
    columns = np.asarray(matrix.indices)[:count, None, None] * wide + column
    return np.reshape(matrix.data, (-1,)), rows.ravel(), columns.ravel()


_ELEMENTS = {
    "coo": _of_coo,
    "csr": _of_compressed,
    "csc": _of_compressed,
    "dia": _of_diagonals,
    "bsr": _of_blocks,
}


def elements(matrix: Any) -> Elements:
    """The values, rows and columns of a matrix whose attributes hold recorded values."""
    return _ELEMENTS[matrix.format](matrix)


# *** from elements to a matrix ***


def in_order(values: Any, rows: Any, columns: Any, form: str) -> Elements:
    """The elements as a compressed matrix has them, each place once."""
    major, minor = (columns, rows) if form == "csc" else (rows, columns)
    later = (major[1:] > major[:-1]) | ((major[1:] == major[:-1]) & (minor[1:] > minor[:-1]))
    if not np.all(later):
        order = np.lexsort((minor, major))
        values, rows, columns = values[order], rows[order], columns[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0)
        if not np.all(new):
            total = np.zeros(np.count_nonzero(new), values.dtype) + 0 * np.sum(values)
            np.add.at(total, np.cumsum(new) - 1, values)  # one after another, as SciPy does
            values, rows, columns = total, rows[new], columns[new]
    return values, rows, columns


def _into_coo(matrix: Any, values: Any, rows: Any, columns: Any) -> None:
    dtype = index_dtype(*matrix.shape)
    matrix.data = values
    matrix.coords = (np.asarray(rows, dtype), np.asarray(columns, dtype))
    matrix.has_canonical_format = False


def _into_compressed(matrix: Any, values: Any, rows: Any, columns: Any) -> None:
    """Elements stand row by row, or column by column."""
    major, minor = (rows, columns) if matrix.format == "csr" else (columns, rows)
    count = matrix.shape[0 if matrix.format == "csr" else 1]
    dtype = index_dtype(*matrix.shape, len(major))
    matrix.data, matrix.indices = values, np.asarray(minor, dtype)
    matrix.indptr = np.searchsorted(major, np.arange(count + 1)).astype(dtype)


def _into_diagonals(matrix: Any, values: Any, rows: Any, columns: Any) -> None:
    offsets, which = np.unique(columns - rows, return_inverse=True)
    width = int(np.max(columns, initial=-1)) + 1
    flat = np.zeros(len(offsets) * width, values.dtype) + 0 * np.sum(values)
    np.add.at(flat, which * width + columns, values)
    matrix.data = np.reshape(flat, (len(offsets), width))
    matrix.offsets = offsets.astype(index_dtype(*matrix.shape))


def _into_blocks(matrix: Any, values: Any, rows: Any, columns: Any) -> None:
    """Blocks of SciPy's choice, for which it is given the elements' numbers, from 1."""
    import scipy.sparse

    values, rows, columns = in_order(values, rows, columns, "bsr")
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    laid = scipy.sparse.coo_array((numbers, (rows, columns)), shape=matrix.shape).tobsr()
    found = np.asarray(laid.data)
    matrix.data = np.where(found > 0, values[np.maximum(found, 1) - 1], 0.0)
    matrix.indices, matrix.indptr = laid.indices, laid.indptr


_INTO = {
    "coo": _into_coo,
    "csr": _into_compressed,
    "csc": _into_compressed,
    "dia": _into_diagonals,
    "bsr": _into_blocks,
}


def lay_out(matrix: Any, values: Any, rows: Any, columns: Any) -> bool:
    """Give a matrix its attributes; say whether its format has any for recorded values."""
    into = _INTO.get(matrix.format)
    if into is not None:
        into(matrix, values, rows, columns)
    return into is not None
