"""Iterative solvers of scipy.sparse.linalg: SciPy's solution, moved as that of the system.

SciPy goes its steps when the program runs, with the tolerances, the preconditioner and the
callback that it is given. What it finds moves as the solution of ``A x = b``; where the steps
end far from that, no equation says how it moves, and it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.api.scipy_systems import (
    dense_operator,
    is_operator,
    matrix_of,
    spsolve,
    wants_solve,
    widened,
)
from adjoint.errors import ConvergenceError
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_sparse import Kept
from adjoint.trace.calls.scipy_sparse_recorded import is_recorded, parts, rebuilt
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.views import detached
from adjoint.trace.without_rule import no_rule

_NAMES = (
    "cg", "gmres", "bicg", "bicgstab", "cgs", "lgmres", "minres", "qmr", "gcrotmk", "tfqmr",
)  # fmt: skip
_NEAR = 1e-3
_TOLD = ("callback", "callback_type", "show", "check", "maxiter")


@dataclass(frozen=True)
class _Steps:
    """SciPy's solver, of a matrix that is kept, or of one that is made of given values."""

    name: str
    settings: tuple[tuple[str, Any], ...]
    make: Any

    def __call__(self, *given: Any) -> tuple[Any, Any]:
        *values, b, x0 = given
        settings = {k: x.matrix if isinstance(x, Kept) else x for k, x in self.settings}
        matrix = self.make.matrix if isinstance(self.make, Kept) else self.make(*values)
        solver = entries[f"scipy.sparse.linalg.{self.name}"].original
        x, info = solver(matrix, b, **{"x0": np.array(x0), **settings})
        shift = settings.get("shift", 0.0)
        if info != 0 and np.linalg.norm(b - matrix @ x + shift * x) > _NEAR * np.linalg.norm(b):
            raise ConvergenceError(
                "the most steps were made, and the solution is not reached",
                function=f"scipy.sparse.linalg.{self.name}",
                remedy="a larger maxiter, a better M, or scipy.sparse.linalg.spsolve",
            )
        return np.asarray(x, b.dtype), np.asarray(info, np.int64)


def _itself(matrix: Any) -> Any:
    return matrix


def _shifted(A: Any, shift: Any) -> Any:
    """What minres solves with, which takes a number from the diagonal."""
    import scipy.sparse

    if not holds_traced([shift]) and shift == 0:
        return A
    one = np.eye(A.shape[0])
    return A - (scipy.sparse.csr_array(one) * shift if scipy.sparse.issparse(A) else shift * one)


def _solution(name: str, A: Any, b: Any, settings: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
    """The exact solution, and SciPy's matrix: what makes it, and of which values."""
    import scipy.sparse
    import scipy.sparse.linalg

    shift = settings.get("shift", 0.0)
    if is_operator(A):
        A = dense_operator(A)
    if hasattr(A, "recorder"):
        return np.linalg.solve(_shifted(A, shift), b), _itself, [A]
    if is_recorded(A):
        return spsolve(_shifted(A, shift), b), rebuilt(A), [parts(A)[0]]
    if isinstance(A, np.ndarray):
        return np.linalg.solve(_shifted(A, shift), b), Kept(A, name), []
    if scipy.sparse.issparse(A):
        return spsolve(_shifted(A, shift), b), Kept(A, name), []
    run = entries[f"scipy.sparse.linalg.{name}"].original
    tight = {**{k: x for k, x in settings.items() if k not in _TOLD}, "rtol": 1e-13}
    if "atol" in tight:
        tight["atol"] = 0.0
    operator = scipy.sparse.linalg.aslinearoperator(A)
    made = LinearMap(name, Kept(A, (name, shift)), (b.shape, b.shape),
                     lambda v: run(operator, v, **tight)[0],
                     lambda v: run(operator.T, v, **tight)[0])  # fmt: skip
    return linear_map(detached(b), map=made), Kept(A, name), []


def _hashable(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        return Kept(x, "setting")
    return x


def _iterative(name: str) -> None:
    @scipy_rule(f"scipy.sparse.linalg.{name}", wanted=wants_solve)
    def rule(A: Any, b: Any, x0: Any = None, **settings: Any) -> Any:
        if holds_traced([settings.get("shift")]):
            A = _shifted(matrix_of(A), settings.pop("shift"))
        if holds_traced(settings.values()):
            moving = ", ".join(f"{k}=" for k, x in settings.items() if holds_traced([x]))
            remedy = "give it as a number: the solution does not move by it"
            raise no_rule(f"scipy.sparse.linalg.{name}", f"a recorded {moving}", remedy=remedy)
        if isinstance(x0, str):  # a guess that SciPy makes
            x0, settings = None, {**settings, "x0": x0}
        b = widened(np.ravel(floating(b)), A)
        moving, make, values = _solution(name, A, b, settings)
        b = b.astype(moving.dtype)
        start = np.zeros(b.shape, b.dtype) if x0 is None else np.ravel(floating(x0)).astype(b.dtype)
        kept = tuple((k, _hashable(x)) for k, x in settings.items())
        types = [ArrayType(b.shape, b.dtype), ArrayType((), np.dtype(np.int64))]
        x, info = found_in(_Steps(name, kept, make), types, *values, b, start)
        return moved_as(x, moving), info


for _name in _NAMES:
    _iterative(_name)
