"""Minima under constraints: found by SciPy, moved by the equations of the optimum.

At the optimum the slope is a sum of the active constraints' slopes, with multipliers; active
constraints stand on their limits and the others have no multiplier. Which are active is seen
from SciPy's solution, and does not change under a small movement.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from adjoint.api.gradients import grad
from adjoint.api.matrices import jacobian
from adjoint.api.solutions import (
    Function,
    as_tuple,
    found,
    limits_of,
    solution,
    start_type,
    yields_recorded,
)
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import holds_traced

_NEAR = 1e-5  # SciPy's solvers stop this near to a limit


class Condition(NamedTuple):
    """A vector of functions of the unknowns between limits."""

    values: Function
    low: Any
    high: Any
    plain: Callable[[Function, Any, Any], Any]  # SciPy's object, of all these on plain numbers

    def asked(self, x: Any) -> Any:
        """The values; below them the limits, if these are recorded."""
        values = self.values(x)
        if not holds_traced([self.low, self.high]):
            return values
        size = np.shape(values)[0]
        return np.concatenate([values, _spread(self.low, size), _spread(self.high, size)])

    def told(self, asked: Function, start: Any) -> Any:
        """What SciPy is told, from :meth:`asked` on plain numbers."""
        if not holds_traced([self.low, self.high]):
            return self.plain(asked, self.low, self.high)
        _, low, high = np.split(asked(start), 3)
        return self.plain(lambda x: np.split(asked(x), 3)[0], low, high)


class Optimum(NamedTuple):
    """The unknowns, and the multipliers of each condition."""

    x: Any
    multipliers: list[Any]


def conditions(given: Any) -> list[Condition]:
    """SciPy's constraints, one or several, of any of its kinds."""
    several = given if isinstance(given, list | tuple) else [given]
    return [_condition(one) for one in several]


def _condition(given: Any) -> Condition:
    import scipy.optimize

    if isinstance(given, dict):
        extra = as_tuple(given.get("args", ()))
        kind, function = given["type"], given["fun"]
        high = 0.0 if kind == "eq" else np.inf
        return Condition(
            lambda x: np.reshape(_vector(function(x, *extra)), (-1,)), 0.0, high,
            lambda function, *_: {"type": kind, "fun": function},
        )  # fmt: skip
    low, high, plain = given.lb, given.ub, scipy.optimize.NonlinearConstraint
    if not hasattr(given, "A"):
        return Condition(lambda x: np.reshape(_vector(given.fun(x)), (-1,)), low, high, plain)
    matrix = given.A
    if not holds_traced([matrix, low, high]):
        return Condition(lambda x: matrix @ x, low, high, lambda *_: given)
    return Condition(lambda x: floating(matrix) @ x, low, high, plain)


def _vector(value: Any) -> Any:
    return np.stack(list(value)) if isinstance(value, list | tuple) else np.atleast_1d(value)


def within(bounds: Any, start: Any) -> list[Condition]:
    """Bounds of the unknowns, as conditions that SciPy is told of in another way."""
    import scipy.optimize

    if bounds is None:
        return []
    low, high = limits_of(bounds, np.shape(start))
    return [Condition(lambda x: x, low, high, lambda _, *limits: scipy.optimize.Bounds(*limits))]


def constrained_minimum(
    f: Function, start: Any, given: list[Condition], name: str, solve: Callable[..., Any]
) -> Optimum:
    """Where f is least under conditions.

    Args:
        f: the function, of a vector.
        start: the first guess.
        given: the conditions.
        name: SciPy's, for messages.
        solve: takes the start, f, its slope, SciPy's constraints and bounds, on plain numbers.
    """
    kind, slope = start_type(start), grad(f)

    def everything(at: Any, value: Any, steep: Any, *functions: Any) -> Any:
        import scipy.optimize

        plain = [c.told(v, at) for c, v in zip(given, functions, strict=True)]
        bounds = [c for c in plain if isinstance(c, scipy.optimize.Bounds)]
        others = [c for c in plain if c is not None and c not in bounds]
        return solve(at, value, steep, others, bounds[0] if bounds else None)

    x = found([f, slope, *(c.asked for c in given)], kind, name, everything, start)
    n = kind.shape[0]

    def all_values(v: Any) -> Any:
        return np.concatenate([np.reshape(c.values(v), (-1,)) for c in given])

    sizes = [np.shape(c.values(x))[0] for c in given]
    low, high = (
        np.concatenate([_spread(getattr(c, side), m) for c, m in zip(given, sizes, strict=True)])
        for side in ("low", "high")
    )
    target, active, guess = _active(x, slope, all_values, low, high)

    def residual(z: Any) -> Any:
        v, mu = z[:n], z[n:]
        pull = grad(lambda u: f(u) - mu @ all_values(u))(v)
        return np.concatenate([pull, np.where(active, all_values(v) - target, mu)])

    z = solution(residual, np.concatenate([x, guess]))
    ends = np.cumsum([n, *sizes])
    return Optimum(z[:n], [z[a:b] for a, b in pairwise(ends)])


def _spread(limit: Any, size: int) -> Any:
    limit = limit if holds_traced([limit]) else np.asarray(limit, float)
    return np.broadcast_to(limit, (size,))


def _active(x: Any, slope: Function, values: Function, low: Any, high: Any) -> Any:
    """The limits that conditions stand on, whether they do, and first multipliers."""
    at, plain_low, plain_high = (stop_gradient(v) for v in (values(x), low, high))
    equal = plain_low == plain_high
    gap = _NEAR * (1 + np.abs(at))
    at_low = equal | (np.isfinite(plain_low) & (np.abs(at - plain_low) <= gap))
    at_high = ~equal & np.isfinite(plain_high) & (np.abs(at - plain_high) <= gap)
    rows = stop_gradient(jacobian(values)(x))
    steep = stop_gradient(slope(x))

    def multipliers(held: Any) -> Any:
        return np.linalg.pinv(np.swapaxes(np.where(held[:, None], rows, 0.0), 0, 1)) @ steep

    # A condition that pulls the wrong way is met by chance.
    mu = multipliers(at_low | at_high)
    scale = _NEAR * (1 + np.max(np.abs(mu), initial=0.0))
    held = equal | (at_low & (mu > scale)) | (at_high & (mu < -scale))
    target = np.where(at_low, np.where(np.isfinite(plain_low), low, 0.0),
                      np.where(np.isfinite(plain_high), high, 0.0))  # fmt: skip
    return target, held, np.where(held, multipliers(held), 0.0)


def constraints_move(given: Any, x0: Any) -> bool:
    """Whether a constraint depends on recorded values."""
    if not given or isinstance(given, str):
        return False
    several = given if isinstance(given, list | tuple) else [given]
    return any(_moves(one, x0) for one in several)


def _moves(one: Any, x0: Any) -> bool:
    if isinstance(one, dict):
        return yields_recorded(one["fun"], x0, one.get("args", ()))
    limits = [getattr(one, name, None) for name in ("lb", "ub", "A")]
    return holds_traced(limits) or (hasattr(one, "fun") and yields_recorded(one.fun, x0))
