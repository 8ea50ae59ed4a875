"""Sparse and iterative linear systems of SciPy on recorded values, by the equation ``A x = b``."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api.solutions import found, solution
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.calls.scipy_sparse import Kept
from adjoint.trace.calls.scipy_sparse_recorded import parts
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.views import detached

_ITERATIVE = (
    "cg", "gmres", "bicg", "bicgstab", "cgs", "lgmres", "minres", "qmr", "gcrotmk", "tfqmr",
)  # fmt: skip


def _type(b: Any) -> ArrayType:
    return ArrayType(tuple(b.shape), np.dtype(np.float64))


def _recorded_matrix(a: Any) -> bool:
    return "adjoint_parts" in getattr(a, "__dict__", {})


def _of_factor(factor: Any, matrix: Any, b: Any) -> Any:
    """The solution of a fixed system whose factors are known."""
    x = floating(b)
    made = LinearMap("sparse solve", Kept(matrix, "solve"), (x.shape, x.shape), factor.solve,
                     lambda y: factor.solve(y, trans="T"))  # fmt: skip
    return linear_map(detached(x), map=made)


def _wants_solve(A: Any, b: Any, *_: Any, **__: Any) -> bool:
    return _recorded_matrix(A)


@scipy_rule("scipy.sparse.linalg.spsolve", wanted=_wants_solve)
def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """The solution of a sparse system."""
    import scipy.sparse
    from scipy.sparse.linalg import splu

    b = floating(b)
    if not _recorded_matrix(A):
        return _of_factor(splu(A.tocsc()), A, b)
    values, rows, columns = parts(A)

    def solve(v: Any, right: Any) -> Any:
        plain = scipy.sparse.csc_array((v, (rows, columns)), shape=A.shape)
        return splu(plain).solve(np.asarray(right))

    x = found([], _type(b), "spsolve", solve, values, b)
    return solution(lambda x: A @ x - b, x)


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
        x = floating(rhs)
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

        if _recorded_matrix(A):
            made: Any = _Recorded(A)
        else:
            made = _Factors(entries["scipy.sparse.linalg.splu"].original(A.tocsc()), A)
        return made.solve if name == "factorized" else made


_factors("splu")
_factors("factorized")


def _iterative(name: str) -> None:
    @scipy_rule(f"scipy.sparse.linalg.{name}", wanted=_wants_solve)
    def rule(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        import scipy.sparse
        import scipy.sparse.linalg

        run = getattr(scipy.sparse.linalg, name)
        b = floating(b)
        for key in ("callback", "callback_type"):
            options.pop(key, None)
        if _recorded_matrix(A):
            values, rows, columns = parts(A)
            given: list[Any] = [values]

            def plain(v: Any) -> Any:
                return scipy.sparse.csr_array((v, (rows, columns)), shape=A.shape)
        elif hasattr(A, "recorder"):
            given, plain = [A], lambda v: v
        else:
            given, plain = [], lambda *_: A

        def solve(right: Any, *data: Any) -> Any:
            return run(plain(*data), np.asarray(right), **options)[0]

        x = found([], _type(b), name, solve, b, *given)
        return solution(lambda x: A @ x - b, x), 0


for _name in _ITERATIVE:
    _iterative(_name)
