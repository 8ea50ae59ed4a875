"""scipy.sparse on stand-in arrays: a fixed sparse matrix times dense recorded arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.calls.scipy_sparse_places import product as recorded_product
from adjoint.trace.calls.scipy_sparse_recorded import _holds
from adjoint.trace.calls.scipy_sparse_recorded import _swapped as recorded_swapped
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.views import detached


def _product(a: Any, x: Any, key: Any) -> Any:
    """``a x`` for one or two axes, real or complex a."""
    x = floating(x)
    if a.dtype.kind == "c":
        real, imag = a.real.tocsr(), a.imag.tocsr()
        return _product(real, x, (key, "real")) + 1j * _product(imag, x, (key, "imag"))
    if x.shape[0] != a.shape[1]:
        raise ValueError(f"matmul: dimension mismatch with signature (n,k={a.shape[1]}),"
                         f"(k={x.shape[0]},m)->(n,m)")  # fmt: skip
    if np.result_type(a.dtype, x.dtype) != x.dtype:
        x = x.astype(np.result_type(a.dtype, x.dtype))
    shape = (a.shape[0], *x.shape[1:])
    columns = x.shape[1] if x.ndim == 2 else 1

    def pattern() -> Any:
        from scipy import sparse

        entries = a.tocoo().astype(bool)
        return sparse.kron(entries, sparse.eye_array(columns, dtype=bool), format="csr")

    made = LinearMap(
        "sparse matrix", Kept(a, key), (x.shape, shape), lambda v: a @ v, lambda y: a.T @ y, pattern
    )
    return linear_map(detached(x), map=made)


class Kept:
    """A matrix as a key: itself, kept alive so that its identity stays its own."""

    def __init__(self, matrix: Any, key: Any) -> None:
        self.matrix, self.key = matrix, key
        # a matrix that is written to between calls is another map
        data = getattr(matrix, "data", None)
        self.content = hash(data.tobytes()) if isinstance(data, np.ndarray) else id(matrix)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Kept)
            and self.matrix is other.matrix
            and self.key == other.key
            and self.content == other.content
        )

    def __hash__(self) -> int:
        return hash((id(self.matrix), self.key, self.content))


def _either(self: Any, other: Any) -> bool:
    return _holds(self, other)


def _left(self: Any, other: Any) -> Any:
    if _holds(self, other):
        return recorded_product(self, other)
    if self.ndim != 2 or np.ndim(other) not in (1, 2):
        raise _refused("a product of other than two axes")
    return _product(self, other, "")


def _right(self: Any, other: Any) -> Any:
    """``other a``, which is the transpose of ``a^T other^T``."""
    if _holds(self, other):
        return recorded_swapped(self, other)
    if self.ndim != 2 or np.ndim(other) not in (1, 2):
        raise _refused("a product of other than two axes")
    if np.ndim(other) == 1:
        return _product(self.T, other, "T")
    return np.swapaxes(_product(self.T, np.swapaxes(other, 0, 1), "T"), 0, 1)


def _refused(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} with a sparse array has no rule for arrays under recording",
        function="scipy.sparse",
        source=source_here(),
        remedy="use A @ x or x @ A with a dense x of one or two axes, or A.toarray()",
    )


_BASE = "scipy.sparse._base._spbase"
for _name in ("__matmul__", "dot"):
    scipy_rule(f"{_BASE}.{_name}", wanted=_either)(_left)
scipy_rule(f"{_BASE}.__rmatmul__", wanted=_either)(_right)


def _is_matrix(a: Any) -> bool:
    from scipy.sparse import isspmatrix

    return bool(isspmatrix(a))


@scipy_rule("scipy.sparse._matrix.spmatrix.__mul__", wanted=_either)
def _times(self: Any, other: Any) -> Any:
    return recorded_product(self, other) if np.ndim(other) == 0 else _left(self, other)


@scipy_rule("scipy.sparse._matrix.spmatrix.__rmul__", wanted=_either)
def _times_from_right(self: Any, other: Any) -> Any:
    return recorded_product(self, other) if np.ndim(other) == 0 else _right(self, other)


def _scaled(self: Any, other: Any) -> Any:
    if np.ndim(other):
        raise _refused("an elementwise product with a recorded array")
    return recorded_product(self, other)


for _name in ("__mul__", "__rmul__"):
    scipy_rule(f"{_BASE}.{_name}", wanted=_either)(_scaled)
