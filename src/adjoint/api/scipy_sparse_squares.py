"""lsqr and lsmr of scipy.sparse.linalg: SciPy's solution, moved as the least squares' own.

The least squares of ``b - A x`` with the penalty ``damp**2 |x - x0|**2`` are those of a longer
matrix. Where only the right side moves, the solution is a linear map that SciPy applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.api.scipy_systems import matrix_of, wants_solve
from adjoint.api.told import Untold
from adjoint.errors import ConvergenceError
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_sparse import Kept
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as, root
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.views import detached
from adjoint.trace.without_rule import no_rule

_LIMIT = 7  # SciPy's word for: the most steps were made
_NEAR = 1e-3
_TIGHT = {"atol": 1e-14, "btol": 1e-14, "conlim": 0.0}


@dataclass(frozen=True)
class _Run:
    """SciPy's solver, of a fixed matrix or of one that is given with the rest."""

    name: str
    settings: tuple[tuple[str, Any], ...]
    kept: Kept | None = None

    def __call__(self, *given: Any) -> tuple[Any, Any, Any]:
        matrix, b, damp, x0 = given if self.kept is None else (self.kept.matrix, *given)
        solver = entries[f"scipy.sparse.linalg.{self.name}"].original
        x, stop, steps, *_ = solver(matrix, b, damp=float(damp), x0=x0, **dict(self.settings))
        if stop == _LIMIT:
            self._check(x, matrix, b, damp, x0)
        return np.asarray(x), np.asarray(stop, np.int64), np.asarray(steps, np.int64)

    def _check(self, x: Any, matrix: Any, b: Any, damp: Any, x0: Any) -> None:
        """Steps that end early leave what no equation describes."""
        further = {**dict(self.settings), **_TIGHT, **_steps(self.name, 20 * sum(matrix.shape))}
        solver = entries[f"scipy.sparse.linalg.{self.name}"].original
        best = solver(matrix, b, damp=float(damp), x0=x0, **further)[0]
        if np.linalg.norm(x - best) > _NEAR * np.linalg.norm(best):
            raise ConvergenceError(
                "the most steps were made, and the solution is not reached",
                function=f"scipy.sparse.linalg.{self.name}",
                remedy=f"a larger {_STEPS[self.name]}",
            )


_STEPS = {"lsqr": "iter_lim", "lsmr": "maxiter"}


def _steps(name: str, count: int) -> dict[str, int]:
    return {_STEPS[name]: count}


def _of_right_side(name: str, A: Any, right: Any, damp: float) -> Any:
    """The solution as a linear map of the right side: it is that of the transposed backward."""
    from scipy.sparse.linalg import aslinearoperator

    operator = aslinearoperator(A)
    rows, columns = operator.shape
    solver = entries[f"scipy.sparse.linalg.{name}"].original
    tight = {**_TIGHT, **_steps(name, 20 * (rows + columns)), "damp": damp}
    made = LinearMap(name, Kept(A, (name, damp)), ((rows,), (columns,)),
                     lambda v: solver(operator, v, **tight)[0],
                     lambda v: solver(operator.T, v, **tight)[0])  # fmt: skip
    return linear_map(detached(right), map=made)


def _of_columns(whole: Any, right: Any, damp: Any) -> Any:
    """The same of a matrix whose elements are recorded."""
    n = whole.shape[1]
    if not holds_traced([damp]) and damp == 0:
        return np.linalg.lstsq(whole, right, rcond=None)[0]
    longer = np.concatenate([whole, damp * np.eye(n)])
    return np.linalg.lstsq(longer, np.concatenate([right, np.zeros(n)]), rcond=None)[0]


def _solved(name: str, A: Any, b: Any, damp: Any, x0: Any, settings: dict[str, Any]) -> Any:
    """The solution, why and when SciPy stopped, what is left, and what is pulled back."""
    right = np.reshape(floating(b), (-1,))
    start = np.zeros(A.shape[1]) if x0 is None else floating(x0)
    moves = wants_solve(A, b) or hasattr(A, "recorder") or holds_traced([damp])
    whole = matrix_of(A) if moves else None
    dtype = np.result_type(right.dtype, start.dtype, A.dtype if whole is None else whole.dtype)
    if dtype.kind == "c":
        function = f"scipy.sparse.linalg.{name}"
        raise no_rule(function, f"{function} of complex numbers", "np.linalg.lstsq")
    right, start = right.astype(np.float64), start.astype(np.float64)
    count = np.dtype(np.int64)
    types = [ArrayType(start.shape, np.dtype(np.float64)), ArrayType((), count),
             ArrayType((), count)]  # fmt: skip
    if whole is not None:
        run = _Run(name, tuple(settings.items()))
        x, stop, steps = found_in(run, types, whole, right, damp, start)
        first = right - whole @ start
        moving = start + _of_columns(whole, first, damp)
    else:
        run = _Run(name, tuple(settings.items()), Kept(A, name))
        x, stop, steps = found_in(run, types, right, damp, start)
        whole = A
        first = right - A @ start
        moving = start + _of_right_side(name, A, first, float(damp))
    x = moved_as(x, moving)
    return x, stop, steps, root(np.sum(np.square(right - whole @ x))), x - start


def _left_behind(name: str, *what: str) -> list[Untold]:
    return [Untold(f"scipy.sparse.linalg.{name}", w, "np.linalg.norm, np.linalg.cond")
            for w in what]  # fmt: skip


@scipy_rule("scipy.sparse.linalg.lsqr", wanted=wants_solve)
def lsqr(
    A: Any, b: Any, damp: Any = 0.0, atol: float = 1e-6, btol: float = 1e-6, conlim: float = 1e8,
    iter_lim: int | None = None, show: bool = False, calc_var: bool = False, x0: Any = None,
) -> Any:  # fmt: skip
    """Damped least squares, by Golub's and Kahan's bidiagonalization."""
    if calc_var:
        raise no_rule("scipy.sparse.linalg.lsqr", "scipy.sparse.linalg.lsqr(calc_var=True)",
                      "np.diag(np.linalg.inv(A.T @ A + damp**2 * np.eye(n)))")  # fmt: skip
    settings = {"atol": atol, "btol": btol, "conlim": conlim, "iter_lim": iter_lim, "show": show}
    x, stop, steps, left, off = _solved("lsqr", A, b, damp, x0, settings)
    both = root(np.square(left) + np.square(damp) * np.sum(np.square(off)))
    norm, condition, pulled = _left_behind("lsqr", "anorm", "acond", "arnorm")
    size = root(np.sum(np.square(off)))  # SciPy's xnorm is that of the way from x0
    return x, stop, steps, left, both, norm, condition, pulled, size, np.zeros(A.shape[1])


@scipy_rule("scipy.sparse.linalg.lsmr", wanted=wants_solve)
def lsmr(
    A: Any, b: Any, damp: Any = 0.0, atol: float = 1e-6, btol: float = 1e-6, conlim: float = 1e8,
    maxiter: int | None = None, show: bool = False, x0: Any = None,
) -> Any:  # fmt: skip
    """Damped least squares, by the residual of the normal equations."""
    settings = {"atol": atol, "btol": btol, "conlim": conlim, "maxiter": maxiter, "show": show}
    x, stop, steps, left, off = _solved("lsmr", A, b, damp, x0, settings)
    both = root(np.square(left) + np.square(damp) * np.sum(np.square(off)))
    pulled, norm, condition = _left_behind("lsmr", "normar", "norma", "conda")
    return x, stop, steps, both, pulled, norm, condition, root(np.sum(np.square(x)))
