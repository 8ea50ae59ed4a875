"""scipy.optimize on stand-in arrays: its test functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
import scipy.optimize

from adjoint.errors import ConcreteValueError
from adjoint.graph.types import ArrayType
from adjoint.trace import replacing
from adjoint.trace.borrow_scipy import borrow_names, own_code
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_integrate import yields
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule


@scipy_rule("scipy.optimize.rosen")
def rosen(x: Any) -> Any:
    """Rosenbrock's function."""
    x = floating(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


@scipy_rule("scipy.optimize.rosen_der")
def rosen_der(x: Any) -> Any:
    """Its gradient."""
    x = floating(x)
    first, second = x[:-1], x[1:]
    rise = -400 * first * (second - first**2) - 2 * (1 - first)
    zero = np.zeros_like(x[:1])
    return np.concatenate([rise, zero]) + np.concatenate([zero, 200 * (second - first**2)])


borrow_names("scipy.optimize", "rosen_hess rosen_hess_prod")
borrow_names("scipy.optimize", "Bounds.__init__ LinearConstraint.__init__")


def _wants_step(f: Any, fprime: Any, xk: Any, pk: Any, *_: Any, args: Any = (), **__: Any) -> bool:
    return yields(f, np.asarray(xk, float), *args)


@scipy_rule("scipy.optimize.line_search", wanted=_wants_step)
def line_search(*args: Any, **kwargs: Any) -> Any:
    """A step that lowers a function enough: SciPy's own code, which compares values."""
    try:
        return own_code("scipy.optimize.line_search")(*args, **kwargs)
    except ConcreteValueError as error:
        raise no_rule(
            "scipy.optimize.line_search", "a step that values decide, where they are not known,",
            remedy="call it outside jit and vmap, or halve the step in ad.while_loop",
        ) from error  # fmt: skip


def _wants_slope(xk: Any, f: Any, *rest: Any) -> bool:
    return yields(f, np.atleast_1d(np.asarray(xk, float)), *rest[1:])


@scipy_rule("scipy.optimize.approx_fprime", wanted=_wants_slope)
def approx_fprime(xk: Any, f: Any, epsilon: Any = 1.4901161193847656e-08, *args: Any) -> Any:
    """SciPy's quotient of differences; its derivatives are those of the quotient."""
    x = np.atleast_1d(floating(xk))
    start = floating(f(x, *args))
    columns = []
    for k in range(x.shape[0]):
        moved = np.where(np.arange(x.shape[0]) == k, x + epsilon, x)
        columns.append((floating(f(moved, *args)) - start) / (moved[k] - x[k]))
    return np.stack(columns, axis=-1)


_assignment = scipy.optimize.linear_sum_assignment


@dataclass(frozen=True)
class _Pairs:
    """SciPy's search for the pairs that cost least."""

    maximize: bool

    def __call__(self, cost: Any) -> tuple[Any, ...]:
        rows, columns = _assignment(cost, self.maximize)
        return np.asarray(rows, np.int64), np.asarray(columns, np.int64)


@wraps(_assignment)
def linear_sum_assignment(cost_matrix: Any, maximize: bool = False) -> Any:
    """Which rows and columns belong together: places, at which a recorded cost can be read."""
    if not holds_traced([cost_matrix]):
        return _assignment(cost_matrix, maximize)
    cost = floating(cost_matrix)
    kind = ArrayType((min(cost.shape),), np.dtype(np.int64))
    return found_in(_Pairs(bool(maximize)), [kind, kind], cost)


# compiled code has no other code that could be put in its place
replacing.from_now_on(vars(scipy.optimize), {"linear_sum_assignment": linear_sum_assignment})
