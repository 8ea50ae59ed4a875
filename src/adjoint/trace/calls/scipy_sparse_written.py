"""Elements of sparse matrices that are written one after another: ``A[i, j] = x``, x recorded.

SciPy writes the numbers of the values, from 1, into a matrix of numbers; the values themselves
are only kept, and put together when somebody asks for the elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.calls.scipy_sparse_places import combined
from adjoint.trace.calls.scipy_sparse_recorded import _holds, fill, like, parts
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.scipy_gate import scipy_rule

# What SciPy's own code would read, and find without the recorded values.
_STORED = ("rows", "data")


class Written:
    """Values, and at which place each of them was written last."""

    def __init__(self, matrix: Any) -> None:
        import scipy.sparse

        values, rows, columns = combined(matrix)
        self.values, self.count = [values], len(rows)
        self.numbers = scipy.sparse.lil_array(matrix.shape, dtype=np.int64)
        self.numbers[rows, columns] = np.arange(1, self.count + 1)

    def write(self, key: Any, value: Any) -> None:
        """One more value, or as many as the key asks for."""
        shape = np.shape(self.numbers[key]) if np.ndim(value) or _several(key) else ()
        value = np.reshape(np.broadcast_to(value, shape), (-1,))
        numbers = np.arange(self.count + 1, self.count + 1 + value.shape[0])
        self.numbers[key] = np.reshape(numbers, shape) if shape else int(numbers[0])
        self.values.append(value)
        self.count += value.shape[0]

    def parts(self) -> tuple[Any, Any, Any]:
        """The values, rows and columns."""
        self.values = [np.concatenate(self.values)]
        coo = self.numbers.tocoo()
        return self.values[0][coo.data - 1], coo.row, coo.col


def _several(key: Any) -> bool:
    return not (isinstance(key, tuple) and all(isinstance(k, int | np.integer) for k in key))


def _write(self: Any, key: Any, x: Any) -> None:
    import scipy.sparse

    if scipy.sparse.issparse(x):
        x = x.toarray()
    kept = self.format == "lil"  # which is made for this; others lay out their elements anew
    found = self.__dict__.get("adjoint_parts")
    if not isinstance(found, Written):
        found = Written(self)
    x = floating(as_operand(x))
    kind = np.result_type(self.dtype, np.float32)
    found.write(key, x.astype(kind) if x.dtype.kind == "f" and kind.kind == "f" else x)
    if not kept:
        fill(self, *found.parts(), self.shape)
        return
    self.__dict__["adjoint_parts"] = found
    for name in _STORED:
        self.__dict__.pop(name, None)


@scipy_rule("scipy.sparse._lil._lil_base.copy", wanted=_holds)
def copy(self: Any) -> Any:
    """Another matrix with the same elements."""
    values, rows, columns = parts(self)
    return like(self, values, rows, columns, self.shape)


for _owner in ("scipy.sparse._lil._lil_base", "scipy.sparse._index.IndexMixin"):
    scipy_rule(f"{_owner}.__setitem__", wanted=_holds)(_write)
