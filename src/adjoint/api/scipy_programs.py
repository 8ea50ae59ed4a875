"""Linear programs, and SciPy's older names of minimisers, on recorded values."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api.constrained import Condition, constrained_minimum, within
from adjoint.api.scipy_optimize import minimize
from adjoint.api.solutions import (
    as_tuple,
    checked,
    found,
    minimum,
    refuse,
    start_type,
    yields_recorded,
)
from adjoint.api.solver_calls import MESSAGE, bound, function_of, middle, no_more, wants
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule


@scipy_rule("scipy.optimize.linprog")
def linprog(
    c: Any, A_ub: Any = None, b_ub: Any = None, A_eq: Any = None, b_eq: Any = None,
    bounds: Any = (0, None), method: str = "highs", callback: Any = None, options: Any = None,
    x0: Any = None, integrality: Any = None,
) -> Any:  # fmt: skip
    """A corner of a polyhedron: it moves with the planes that meet there."""
    import scipy.optimize

    if integrality is not None and np.any(np.asarray(integrality)):
        raise refuse("linprog", "integrality=", "continuous unknowns")
    cost, *rest = (_array(v) for v in (c, A_ub, b_ub, A_eq, b_eq))
    n = cost.shape[0]
    if not hasattr(bounds, "lb") and np.shape(bounds) == (2,):
        bounds = [tuple(bounds)] * n
    given = [v for v in rest if v is not None]

    def solve(weights: Any, *values: Any) -> Any:
        left = iter(values)
        matrices = [None if v is None else next(left) for v in rest]
        return checked(scipy.optimize.linprog(weights, *matrices, bounds, method), "linprog")

    x = found([], start_type(np.zeros(n)), "linprog", solve, cost, *given)
    made = []
    for matrix, right, is_equal in ((*rest[:2], False), (*rest[2:], True)):
        if matrix is not None:
            made.append(_rows(matrix, right if is_equal else -np.inf, right))
    best = constrained_minimum(
        lambda v: cost @ v, x, [*made, *within(bounds, x)], "linprog", lambda at, *_: at
    )
    mu = iter(best.multipliers)
    parts = {}
    for name, matrix, right in (("ineqlin", *rest[:2]), ("eqlin", *rest[2:])):
        residual = np.zeros(0) if matrix is None else right - matrix @ best.x
        marginals = np.zeros(0) if matrix is None else next(mu)
        parts[name] = scipy.optimize.OptimizeResult(residual=residual, marginals=marginals)
    slack = parts["ineqlin"].residual
    return scipy.optimize.OptimizeResult(
        x=best.x, fun=cost @ best.x, slack=slack, con=parts["eqlin"].residual, **parts,
        success=True, status=0, message=MESSAGE, nit=0,
    )  # fmt: skip


def _array(v: Any) -> Any:
    return None if v is None else floating(v)


def _rows(matrix: Any, low: Any, high: Any) -> Condition:
    return Condition(lambda v: matrix @ v, low, high, lambda _: None)


def _value_alone(given: dict[str, Any], name: str) -> Any:
    """The function of an older minimiser, which may give its slope as well."""
    f = function_of(given[next(iter(given))], given["args"])
    if given["fprime"] is None and not given["approx_grad"]:
        return lambda x: f(x)[0]
    return f


def _with_bounds(name: str, method: str) -> None:
    """The older minimisers with bounds, which give three results."""

    def wanted(*args: Any, **kwargs: Any) -> bool:
        given = bound(name, args, kwargs)
        return yields_recorded(_value_alone(given, name), np.asarray(given["x0"], float))

    @scipy_rule(f"scipy.optimize.{name}", wanted=wanted)
    def rule(*args: Any, **kwargs: Any) -> Any:
        given = bound(name, args, kwargs)
        best = minimize(
            _value_alone(given, name), given["x0"], method=method, jac=None, bounds=given["bounds"]
        )
        if name == "fmin_tnc":
            return best.x, 0, 0
        return best.x, best.fun, {"warnflag": 0, "task": MESSAGE, "funcalls": 0, "nit": 0}


_with_bounds("fmin_l_bfgs_b", "L-BFGS-B")
_with_bounds("fmin_tnc", "TNC")


@scipy_rule("scipy.optimize.fmin_slsqp", wanted=wants("fmin_slsqp", "x0"))
def fmin_slsqp(*args: Any, **kwargs: Any) -> Any:
    """A minimum under conditions, by an older name."""
    given = bound("fmin_slsqp", args, kwargs)
    no_more("fmin_slsqp", given)
    extra = as_tuple(given["args"])
    made = [{"type": "eq", "fun": f, "args": extra} for f in given["eqcons"]]
    made += [{"type": "ineq", "fun": f, "args": extra} for f in given["ieqcons"]]
    for name, kind in (("f_eqcons", "eq"), ("f_ieqcons", "ineq")):
        if given[name] is not None:
            made.append({"type": kind, "fun": given[name], "args": extra})
    bounds = given["bounds"] if len(given["bounds"]) else None
    return minimize(given["func"], given["x0"], extra, "SLSQP", bounds=bounds, constraints=made).x


@scipy_rule("scipy.optimize.fmin_cobyla", wanted=wants("fmin_cobyla", "x0"))
def fmin_cobyla(*args: Any, **kwargs: Any) -> Any:
    """A minimum under inequalities, by an older name."""
    given = bound("fmin_cobyla", args, kwargs)
    cons = given["cons"] if isinstance(given["cons"], list | tuple) else [given["cons"]]
    extra = given["args"] if given["consargs"] is None else given["consargs"]
    made = [{"type": "ineq", "fun": f, "args": as_tuple(extra)} for f in cons]
    options = {"rhobeg": given["rhobeg"], "maxiter": given["maxfun"]}
    return minimize(
        given["func"], given["x0"], given["args"], "COBYLA", constraints=made,
        tol=given["rhoend"], options=options,
    ).x  # fmt: skip


def _wants_brute(*args: Any, **kwargs: Any) -> bool:
    given = bound("brute", args, kwargs)
    ends = [(r.start, r.stop) if isinstance(r, slice) else r for r in given["ranges"]]
    return yields_recorded(given["func"], middle(ends), given["args"])


@scipy_rule("scipy.optimize.brute", wanted=_wants_brute)
def brute(*args: Any, **kwargs: Any) -> Any:
    """The lowest of the points of a grid, and the minimum near it."""
    import scipy.optimize

    given = bound("brute", args, kwargs)
    no_more("brute", given)
    if given["finish"] is None:
        raise refuse("brute", "finish=None", "the default, which goes on from the best point")
    f = function_of(given.pop("func"), given.pop("args"))
    ranges = given.pop("ranges")

    def solve(start: Any, low: Any, high: Any, value: Any, slope: Any) -> Any:
        return scipy.optimize.brute(lambda v: float(value(v)), ranges, **given)

    return minimum(f, np.zeros(len(ranges)), -np.inf, np.inf, "brute", solve)
