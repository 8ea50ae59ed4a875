"""Sparse and iterative linear systems of SciPy on recorded values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.api.vectorize import vmap
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.primitives.sparse_solve import Places, solve_sparse
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_sparse import Kept
from adjoint.trace.calls.scipy_sparse_recorded import dense, is_recorded, like, parts
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.views import detached
from adjoint.trace.without_rule import no_rule


def widened(b: Any, matrix: Any) -> Any:
    """A right-hand side in the dtype of the solution; a real one of a complex matrix stays."""
    b = floating(b)
    kind = np.result_type(b.dtype, matrix.dtype)
    return b.astype(kind) if matrix.dtype is not None and matrix.dtype.kind == "f" else b


def _of_factor(factor: Any, matrix: Any, b: Any) -> Any:
    """The solution of a fixed system whose factors are known."""
    x = widened(b, matrix)
    made = LinearMap("sparse solve", Kept(matrix, "solve"), (x.shape, x.shape), factor.solve,
                     lambda y: factor.solve(y, trans="T"))  # fmt: skip
    return linear_map(detached(x), map=made)


def wants_solve(A: Any, b: Any, *_: Any, **__: Any) -> bool:
    """Whether a matrix or an operator moves; dense right sides are looked at by others."""
    return is_recorded(A) or is_operator(A) or is_recorded(b)


def wants_norm(A: Any, *_: Any, **__: Any) -> bool:
    """Whether a matrix or an operator moves."""
    return wants_solve(A, None)


# *** operators whose function is recorded ***

_OPERATOR = "scipy.sparse.linalg._interface.LinearOperator"


def _product_of(A: Any) -> Any:
    """The function that an operator was made of, if it was made of one, or of a matrix."""
    matrix = getattr(A, "__dict__", {}).get("A")
    if matrix is not None and (is_recorded(matrix) or hasattr(matrix, "recorder")):
        return matrix.dot
    return getattr(A, "_CustomLinearOperator__matvec_impl", None)


@scipy_rule("scipy.sparse.linalg.aslinearoperator")
def aslinearoperator(A: Any) -> Any:
    """An operator of a recorded array."""
    from scipy.sparse.linalg._interface import MatrixLinearOperator

    return MatrixLinearOperator(np.atleast_2d(A))


def is_operator(A: Any, *_: Any, **__: Any) -> bool:
    """Whether it is an operator whose products are recorded."""
    product = _product_of(A)
    return product is not None and holds_traced([product(np.zeros(A.shape[1]))])


@scipy_rule(f"{_OPERATOR}._init_dtype", wanted=is_operator)
def operator_dtype(self: Any) -> None:
    """The dtype of a product, which need not be known as a number."""
    if self.dtype is None:
        self.dtype = _product_of(self)(np.zeros(self.shape[1])).dtype


@scipy_rule(f"{_OPERATOR}.matvec", wanted=is_operator)
def operator_times(self: Any, x: Any) -> Any:
    """The function itself, which is recorded."""
    product = _product_of(self)
    if product is None:
        raise no_rule("scipy.sparse.linalg.LinearOperator", "an operator of SciPy's own",
                      "LinearOperator(shape, matvec=...)")  # fmt: skip
    y = product(x)
    return np.reshape(y, (self.shape[0], *x.shape[1:]))


@scipy_rule(f"{_OPERATOR}.dot", wanted=is_operator)
def operator_dot(self: Any, x: Any) -> Any:
    """The product with a vector, or with several as columns."""
    if x.ndim == 1:
        return operator_times(self, x)
    return np.stack([operator_times(self, x[:, j]) for j in range(x.shape[1])], axis=1)


def dense_operator(A: Any) -> Any:
    """The matrix of an operator: its products with the columns of the identity."""
    return vmap(_product_of(A), out_axes=1)(np.eye(A.shape[1]))


def matrix_of(A: Any) -> Any:
    """The whole matrix, of whatever SciPy's solvers take for one."""
    if is_operator(A):
        return dense_operator(A)
    if is_recorded(A):
        return dense(A)
    if hasattr(A, "recorder"):
        return A
    if hasattr(A, "toarray"):
        return A.toarray()
    return np.asarray(A) if isinstance(A, np.ndarray) else A @ np.eye(A.shape[1])


@scipy_rule("scipy.sparse.linalg.spsolve", wanted=wants_solve)
def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """The solution of a sparse system."""
    import scipy.sparse
    from scipy.sparse.linalg import splu

    if scipy.sparse.issparse(b):
        filled = spsolve(A, dense(b) if is_recorded(b) else b.toarray())
        return _filled(b, filled) if filled.ndim == 2 and b.shape[1] > 1 else np.ravel(filled)
    b = floating(b)
    if hasattr(A, "recorder") or isinstance(A, np.ndarray):
        x = np.linalg.solve(A, b)
        return np.ravel(x) if b.ndim == 2 and b.shape[1] == 1 else x
    if not is_recorded(A):
        return _of_factor(splu(A.tocsc()), A, b)
    return _by_elements(A, b)


def _by_elements(A: Any, b: Any) -> Any:
    """The solution of a system with recorded elements."""
    values, rows, columns = parts(A)
    values, b = floating(values), floating(b)
    dtype = np.result_type(values.dtype, b.dtype, np.float64)
    places = Places(np.asarray(rows, np.intp), np.asarray(columns, np.intp), A.shape[0])
    right = np.reshape(b, (A.shape[0], -1)).astype(dtype)
    x = bind(solve_sparse, (values.astype(dtype), right), (places,))
    return np.reshape(x, b.shape).astype(np.result_type(values.dtype, b.dtype))


class _Factors:
    """SciPy's factors of a sparse matrix, which also solve for recorded right-hand sides."""

    def __init__(self, own: Any, matrix: Any) -> None:
        self._own, self._matrix = own, matrix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """The solution of the system, or of the transposed one."""
        if not hasattr(rhs, "recorder"):
            return self._own.solve(rhs, trans)
        if trans == "N":
            return _of_factor(self._own, self._matrix, rhs)
        x = widened(rhs, self._matrix)
        made = LinearMap("sparse solve", Kept(self._matrix, trans), (x.shape, x.shape),
                         lambda v: self._own.solve(v, "T"), self._own.solve)  # fmt: skip
        return linear_map(detached(x), map=made)


class _Recorded:
    """The factors of a matrix with recorded elements: solves by the equation."""

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """The solution of the system, or of the transposed one."""
        return spsolve(self._matrix if trans == "N" else self._matrix.T, rhs)


def _factors(name: str) -> None:
    @scipy_rule(f"scipy.sparse.linalg.{name}", wanted=lambda *_, **__: True)
    def rule(A: Any, *args: Any, **options: Any) -> Any:
        from adjoint.trace.scipy_gate import entries

        if is_recorded(A):
            made: Any = _Recorded(A)
        else:
            made = _Factors(entries["scipy.sparse.linalg.splu"].original(A.tocsc()), A)
        return made.solve if name == "factorized" else made


_factors("splu")
_factors("factorized")


# *** functions of a matrix, which fill it ***


def _filled(A: Any, whole: Any) -> Any:
    """A matrix of the same kind, all of whose places are there."""
    rows, columns = np.divmod(np.arange(A.shape[0] * A.shape[1]), A.shape[1])
    return like(A, np.reshape(whole, (-1,)), rows, columns, A.shape)


@scipy_rule("scipy.sparse.linalg.inv", wanted=is_recorded)
def inverse(A: Any) -> Any:
    """The inverse."""
    return _filled(A, np.linalg.inv(dense(A)))


@scipy_rule("scipy.sparse.linalg.expm", wanted=is_recorded)
def exponential(A: Any) -> Any:
    """The matrix exponential, of an array as well."""
    import scipy.linalg

    return _filled(A, scipy.linalg.expm(dense(A))) if is_recorded(A) else scipy.linalg.expm(A)


@scipy_rule("scipy.sparse.linalg.expm_multiply", wanted=is_recorded)
def exponential_times(
    A: Any, B: Any, start: Any = None, stop: Any = None, num: Any = None, endpoint: Any = None,
    traceA: Any = None,
) -> Any:  # fmt: skip
    """The matrix exponential times an array, perhaps at several times."""
    import scipy.linalg

    if not is_recorded(A) and not is_unknown(A, B):
        own = entries["scipy.sparse.linalg.expm_multiply"].original
        return own(A, B, start, stop, num, endpoint, traceA)
    whole = matrix_of(A)
    if start is None and stop is None and num is None:
        return scipy.linalg.expm(whole) @ B
    times = np.linspace(start, stop, 50 if num is None else num, endpoint is not False)
    return np.stack([scipy.linalg.expm(t * whole) @ B for t in times])


@scipy_rule("scipy.sparse.linalg.spsolve_triangular", wanted=is_recorded)
def solve_triangle(
    A: Any, b: Any, lower: bool = True, overwrite_A: bool = False, overwrite_b: bool = False,
    unit_diagonal: bool = False,
) -> Any:  # fmt: skip
    """The solution of a system that one triangle holds."""
    import scipy.linalg

    whole = matrix_of(A)
    return scipy.linalg.solve_triangular(whole, b, lower=lower, unit_diagonal=unit_diagonal)


# *** an estimate of the 1-norm ***


@dataclass(frozen=True)
class _Estimate:
    """SciPy's estimate, and the vector that A makes the longest."""

    t: int
    itmax: int

    def __call__(self, whole: Any) -> tuple[Any, Any]:
        own = entries["scipy.sparse.linalg.onenormest"].original
        made, v = own(whole, self.t, self.itmax, compute_v=True)
        return np.float64(made), np.asarray(v, np.float64)


@scipy_rule("scipy.sparse.linalg.onenormest", wanted=wants_norm)
def onenormest(
    A: Any, t: int = 2, itmax: int = 5, compute_v: bool = False, compute_w: bool = False
) -> Any:
    """The length of ``A v`` for the v that SciPy finds, which stays: a column, as a rule."""
    whole = floating(matrix_of(A))
    wide = np.dtype(np.float64)
    types = [ArrayType((), wide), ArrayType((whole.shape[1],), wide)]
    made, v = found_in(_Estimate(int(t), int(itmax)), types, whole)
    w = whole @ v
    made = moved_as(made, np.sum(np.abs(w)))
    more = ([v] if compute_v else []) + ([w] if compute_w else [])
    return (made, *more) if more else made
