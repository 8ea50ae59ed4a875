"""A few eigenvalues or singular values of a large matrix, moved by the equations they satisfy.

SciPy finds the pairs when the program runs. Two of Newton's steps from there on ``A v = w v``
and ``u v = 1`` change nothing but the last digits, and have the derivatives of the solution up
to the third order: each step doubles the order to which it is met. For u is taken the vector
that SciPy found, conjugate; the solution then gets its length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.solutions import found
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import scatter_add
from adjoint.primitives.sparse_solve import Places, solve_sparse
from adjoint.trace.calls.scipy_sparse_recorded import is_recorded, parts
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import refusing

_refused = refusing("scipy.sparse.linalg")


class _Elements:
    """A square matrix by its elements, which may be all there are."""

    def __init__(self, values: Any, rows: Any, columns: Any, n: int) -> None:
        self.values, self.rows, self.columns, self.n = values, rows, columns, n

    def pair(self, w: Any, v: Any) -> tuple[Any, Any]:
        """An eigenvalue and its vector of length 1, near a pair that is known."""
        n, each, across = self.n, np.arange(self.n), np.conjugate(v)
        rows = np.concatenate([self.rows, each, each, np.full(n, n)])
        columns = np.concatenate([self.columns, each, np.full(n, n), each])
        places = Places(rows.astype(np.intp), columns.astype(np.intp), n + 1)
        values = self.values.astype(v.dtype)
        for _ in range(2):
            product = bind(scatter_add, (values * v[self.columns], self.rows), ((0,), (n,)))
            left = np.concatenate([w * v - product, np.reshape(1 - across @ v, (1,))])
            elements = np.concatenate([values, np.broadcast_to(-w, (n,)), -v, across])
            step = np.reshape(bind(solve_sparse, (elements, left[:, None]), (places,)), (-1,))
            v, w = v + step[:n], w + step[n]
        return w, v / np.sqrt(np.sum(np.abs(v) ** 2))


def _elements(name: str, A: Any, real: bool = True) -> tuple[Any, Any, Any, Any]:
    """The elements in double precision, their places, and the matrix's shape."""
    if is_recorded(A):
        values, rows, columns = parts(A)
        shape = A.shape
    else:
        shape = A.shape
        rows, columns = (np.ravel(x) for x in np.indices(shape))
        values = np.reshape(A, (-1,))
    values = floating(values)
    if real and values.dtype.kind == "c":
        raise _refused(name, "a complex matrix", "a real one")
    values = values.astype(np.result_type(values.dtype, np.float64))
    return values, np.asarray(rows), np.asarray(columns), shape


def _stacked(pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The values, and the vectors as columns."""
    return np.stack([w for w, _ in pairs]), np.stack([v for _, v in pairs], axis=1)


def _in_dtype_of(A: Any, *results: Any) -> list[Any]:
    """Single precision of a matrix in single precision."""
    if floating(parts(A)[0] if is_recorded(A) else A).dtype.char not in "fF":
        return list(results)
    return [x.astype(np.complex64 if x.dtype.kind == "c" else np.float32) for x in results]


def _moved(A: Any, matrix: _Elements, start: Any, with_vectors: bool) -> Any:
    """Eigenvalues, and the vectors as columns, from pairs that are known: a column for each."""
    pairs = [matrix.pair(start[0, i], start[1:, i]) for i in range(start.shape[1])]
    w, vectors = _in_dtype_of(A, *_stacked(pairs))
    return (w, vectors) if with_vectors else w


def _plain(rows: Any, columns: Any, shape: Any) -> Callable[[Any], Any]:
    def make(values: Any) -> Any:
        import scipy.sparse

        return scipy.sparse.csr_array((values, (rows, columns)), shape=shape)

    return make


@scipy_rule("scipy.sparse.linalg.eigsh", wanted=is_recorded)
def eigsh(
    A: Any, k: int = 6, M: Any = None, sigma: Any = None, which: str = "LM", v0: Any = None,
    ncv: Any = None, maxiter: Any = None, tol: Any = 0, return_eigenvectors: bool = True,
    Minv: Any = None, OPinv: Any = None, mode: str = "normal", rng: Any = None,
) -> Any:  # fmt: skip
    """Some eigenvalues and vectors of a symmetric matrix."""
    import scipy.sparse.linalg

    if M is not None or OPinv is not None or Minv is not None:
        raise _refused("eigsh", "M=, Minv= or OPinv=", "the matrix alone")
    values, rows, columns, shape = _elements("eigsh", A)
    make = _plain(rows, columns, shape)

    def solve(elements: Any) -> Any:
        w, v = scipy.sparse.linalg.eigsh(
            make(elements), k, sigma=sigma, which=which, v0=v0, ncv=ncv, maxiter=maxiter, tol=tol
        )
        return np.concatenate([w[None], v])

    kind = ArrayType((shape[0] + 1, k), np.dtype(np.float64))
    start = found([], kind, "eigsh", solve, values)
    matrix = _Elements(values, rows, columns, shape[0])
    return _moved(A, matrix, start, return_eigenvectors)


@scipy_rule("scipy.sparse.linalg.eigs", wanted=is_recorded)
def eigs(
    A: Any, k: int = 6, M: Any = None, sigma: Any = None, which: str = "LM", v0: Any = None,
    ncv: Any = None, maxiter: Any = None, tol: Any = 0, return_eigenvectors: bool = True,
    Minv: Any = None, OPinv: Any = None, OPpart: Any = None, rng: Any = None,
) -> Any:  # fmt: skip
    """Some eigenvalues and vectors of any square matrix, complex."""
    import scipy.sparse.linalg

    if M is not None or OPinv is not None or Minv is not None:
        raise _refused("eigs", "M=, Minv= or OPinv=", "the matrix alone")
    values, rows, columns, shape = _elements("eigs", A, real=False)
    make, is_complex = _plain(rows, columns, shape), values.dtype.kind == "c"

    def solve(real: Any, imag: Any) -> Any:
        w, v = scipy.sparse.linalg.eigs(
            make(real + 1j * imag if is_complex else real), k, sigma=sigma, which=which, v0=v0,
            ncv=ncv, maxiter=maxiter, tol=tol, OPpart=OPpart,
        )  # fmt: skip
        pairs = np.concatenate([w[None], v])
        return np.stack([np.real(pairs), np.imag(pairs)])

    kind = ArrayType((2, shape[0] + 1, k), np.dtype(np.float64))
    start = found([], kind, "eigs", solve, np.real(values), np.imag(values))
    start = start[0] + 1j * start[1]
    matrix = _Elements(values, rows, columns, shape[0])
    return _moved(A, matrix, start, return_eigenvectors)


@scipy_rule("scipy.sparse.linalg.svds", wanted=is_recorded)
def svds(
    A: Any, k: int = 6, ncv: Any = None, tol: Any = 0, which: str = "LM", v0: Any = None,
    maxiter: Any = None, return_singular_vectors: Any = True, solver: str = "arpack",
    rng: Any = None, options: Any = None, **_: Any,
) -> Any:  # fmt: skip
    """Some singular values and vectors: eigenvalues of the matrix beside its transpose."""
    import scipy.sparse.linalg

    values, rows, columns, shape = _elements("svds", A)
    make, (m, n) = _plain(rows, columns, shape), shape

    def solve(elements: Any) -> Any:
        u, s, vt = scipy.sparse.linalg.svds(
            make(elements), k, ncv=ncv, tol=tol, which=which, v0=v0, maxiter=maxiter, solver=solver
        )
        return np.concatenate([s[None], u, vt.T])

    start = found([], ArrayType((1 + m + n, k), np.dtype(np.float64)), "svds", solve, values)
    whole = _Elements(np.concatenate([values, values]), np.concatenate([rows, columns + m]),
                       np.concatenate([columns + m, rows]), m + n)  # fmt: skip
    half = np.sqrt(0.5)
    pairs = [whole.pair(start[0, i], half * start[1:, i]) for i in range(k)]
    s, vectors = _stacked(pairs)
    s, vectors = _in_dtype_of(A, s, vectors / half)
    u, vt = vectors[:m], np.swapaxes(vectors[m:], 0, 1)
    if return_singular_vectors is False:
        return s
    given = return_singular_vectors
    return (None if given == "vh" else u), s, (None if given == "u" else vt)
