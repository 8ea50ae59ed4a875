"""Values defined by an equation: the unknowns x of ``residual(parameters, x) = 0``.

Their derivatives need the residual's own, and live in ``differentiate/implicit.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.errors import ConvergenceError
from adjoint.graph.evaluate import program_of
from adjoint.graph.graph import Graph
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

_HALVINGS = 40  # of a Newton step that does not bring the residual down
_RESTART = 120  # vectors that GMRES keeps


def _flat(arrays: Sequence[Any]) -> Any:
    return np.concatenate([np.ravel(x) for x in arrays])


def _shaped(vector: Any, types: Sequence[ArrayType]) -> list[Any]:
    made, at = [], 0
    for kind in types:
        part = vector[at : at + kind.size].reshape(kind.shape)
        made.append(part.astype(kind.dtype, copy=False)[()])
        at += kind.size
    return made


# *** the equation ***


def _implicit(
    *xs: Any,
    residual: Graph,
    jacobian: Graph | None,
    n_unknowns: int,
    tol: float,
    max_iterations: int,
    batch: tuple[int, ...],
    label: str,
) -> tuple[Any, ...]:
    n = len(xs) - n_unknowns

    def one(*operands: Any) -> list[Any]:
        params, start = list(operands[:n]), list(operands[n:])
        if jacobian is None:
            return _iterate(residual, params, start, tol, max_iterations, label)
        return _newton(residual, jacobian, params, start, tol, max_iterations, label)

    if not batch:
        return tuple(one(*xs))
    made = [np.empty(x.shape, x.dtype) for x in xs[n:]]
    for i in np.ndindex(*batch):
        for whole, part in zip(made, one(*[x[i] for x in xs]), strict=True):
            whole[i] = part
    return tuple(made)


def _iterate(
    residual: Graph, params: list[Any], x: list[Any], tol: float, most: int, label: str
) -> list[Any]:
    """``x + residual(x)`` again and again: the fixed-point iteration itself."""
    run = program_of(residual)
    moved = np.inf
    for _ in range(most):
        step = run(params + x)
        x = [a + b for a, b in zip(x, step, strict=True)]
        moved = _largest(step) / (1 + _largest(x))
        if moved <= tol:
            return x
        if not np.isfinite(moved):
            break
    raise _not_converged(label, most, moved, tol, "the map may not be a contraction: damp it, ")


def _newton(
    residual: Graph,
    jacobian: Graph,
    params: list[Any],
    start: list[Any],
    tol: float,
    most: int,
    label: str,
) -> list[Any]:
    """Newton's method; a step that makes the residual larger is halved."""
    run, types = program_of(residual), residual.output_types
    vector = _flat(start)

    def at(v: Any) -> Any:
        with np.errstate(all="ignore"):
            return _flat(run(params + _shaped(v, types)))

    value = at(vector)
    moved = np.inf
    for _ in range(most):
        if not np.any(value):
            return _shaped(vector, types)
        step = _newton_step(jacobian, params, _shaped(vector, types), value, types, label)
        size, before = 1.0, np.linalg.norm(value)
        moved = _largest([step]) / (1 + _largest([vector]))
        while True:
            tried = at(vector - size * step)
            if np.linalg.norm(tried) < before or moved * size <= tol:
                break
            size /= 2
            if size < 2.0**-_HALVINGS:
                raise _not_converged(label, most, moved, tol, "there may be no solution near: ")
        vector, value = vector - size * step, tried
        if moved * size <= tol:
            return _shaped(vector, types)
    raise _not_converged(label, most, moved, tol, "")


def _newton_step(
    jacobian: Graph,
    params: list[Any],
    x: list[Any],
    value: Any,
    types: Sequence[ArrayType],
    label: str,
) -> Any:
    run = program_of(jacobian)
    if len(jacobian.inputs) == len(params) + len(x):
        try:
            return np.linalg.solve(run(params + x)[0], value)
        except np.linalg.LinAlgError:
            raise ConvergenceError(
                "the Jacobian is singular on the way to the solution",
                function=label,
                remedy="start nearer to the solution, or where the equations are independent",
            ) from None
    step = _krylov(lambda v: _flat(run(params + x + _shaped(v, types))), value, label)
    return step


def _largest(arrays: Sequence[Any]) -> float:
    return max((float(np.max(np.abs(x), initial=0.0)) for x in arrays), default=0.0)


def _not_converged(
    label: str, most: int, reached: float, tol: float, hint: str
) -> ConvergenceError:
    return ConvergenceError(
        f"not converged after at most {most} iterations",
        function=label,
        got=f"{reached:.3g}",
        wanted=f"a relative change of at most {tol:.3g}",
        remedy=f"{hint}start nearer to the solution, or raise max_iterations or tol",
    )


implicit = Primitive(
    "implicit",
    "control",
    lambda *types, n_unknowns, **_: types[len(types) - n_unknowns :],
    _implicit,
    ("residual", "jacobian", "n_unknowns", "tol", "max_iterations", "batch", "label"),
    several=True,
    doc="x with residual(parameters, x) = 0, from a first guess; by Newton's method, or by the "
    "iteration x + residual where no jacobian is given",
)

# *** linear systems known by their products ***


def _krylov(product: Callable[[Any], Any], right: Any, label: str) -> Any:
    from scipy.sparse.linalg import LinearOperator, gmres

    n, dtype = right.size, right.dtype
    rtol = 1e-12 if dtype.itemsize >= 8 else 1e-6
    operator = LinearOperator((n, n), matvec=product, dtype=dtype)
    restart = min(n, _RESTART)
    x, info = gmres(operator, right, rtol=rtol, atol=0.0, restart=restart, maxiter=20)
    error = np.linalg.norm(product(x) - right)
    if info and error > 1e3 * rtol * np.linalg.norm(right):
        raise ConvergenceError(
            "the linear system of the derivative was not solved",
            function=label,
            got=f"a residual of {error / np.linalg.norm(right):.3g}",
            remedy="scale the equations so that their derivative is nearer to the identity",
        )
    return x.astype(dtype, copy=False)


def _linear_solve(
    *xs: Any, product: Graph, transposed: Graph, n_unknowns: int, label: str
) -> tuple[Any, ...]:
    n = len(xs) - n_unknowns
    run, types = program_of(product), product.output_types
    given = list(xs[:n])
    right = _flat(xs[n:])
    if not np.any(right):
        return tuple(_shaped(right, types))
    return tuple(
        _shaped(_krylov(lambda v: _flat(run(given + _shaped(v, types))), right, label), types)
    )


linear_solve = Primitive(
    "linear_solve",
    "control",
    lambda *types, n_unknowns, **_: types[len(types) - n_unknowns :],
    _linear_solve,
    ("product", "transposed", "n_unknowns", "label"),
    several=True,
    doc="x with product(given, x) = right, for a product that is linear in x; by GMRES",
)
