"""Linear programs, and SciPy's older names of minimisers, on recorded values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.constrained import Condition, Optimum, constrained_minimum
from adjoint.api.scipy_optimize import minimize
from adjoint.api.solutions import (
    as_tuple,
    checked,
    found,
    limits_of,
    minimum,
    start_of,
    start_type,
    yields_recorded,
)
from adjoint.api.solver_calls import bound, function_of, middle, wants
from adjoint.api.told import Told
from adjoint.api.vectorize import vmap
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


@scipy_rule("scipy.optimize.linprog")
def linprog(
    c: Any, A_ub: Any = None, b_ub: Any = None, A_eq: Any = None, b_eq: Any = None,
    bounds: Any = (0, None), method: str = "highs", callback: Any = None, options: Any = None,
    x0: Any = None, integrality: Any = None,
) -> Any:  # fmt: skip
    """A corner of a polyhedron: it moves with the planes that meet there."""
    import scipy.optimize

    told = Told("linprog")
    cost, *rest = (_array(v) for v in (c, A_ub, b_ub, A_eq, b_eq))
    low, high = _limits(bounds, cost.shape[0])
    given = [v for v in rest if v is not None]

    def solve(weights: Any, lb: Any, ub: Any, *values: Any) -> Any:
        left = iter(values)
        matrices = [None if v is None else next(left) for v in rest]
        within = np.stack([lb, ub], axis=-1)
        return told.keep(scipy.optimize.linprog(
            weights, *matrices, within, method, options=options, integrality=integrality
        ))  # fmt: skip

    rows = [
        _rows(matrix, right if is_equal else -np.inf, right)
        for matrix, right, is_equal in ((*rest[:2], False), (*rest[2:], True))
        if matrix is not None
    ]
    best = _corner("linprog", cost, rows, (low, high), integrality, solve, given)
    mu = iter(best.multipliers)
    parts = {}
    for name, matrix, right in (("ineqlin", *rest[:2]), ("eqlin", *rest[2:])):
        residual = np.zeros(0) if matrix is None else right - matrix @ best.x
        marginals = np.zeros(0) if matrix is None else next(mu)
        parts[name] = scipy.optimize.OptimizeResult(residual=residual, marginals=marginals)
    pull = next(mu)
    for name, residual, sign in (("lower", best.x - low, 1), ("upper", high - best.x, -1)):
        marginals = np.where(sign * pull > 0, pull, 0.0)
        parts[name] = scipy.optimize.OptimizeResult(residual=residual, marginals=marginals)
    slack = parts["ineqlin"].residual
    return told.result(
        ("nit",), x=best.x, fun=cost @ best.x, slack=slack, con=parts["eqlin"].residual, **parts
    )


def _limits(bounds: Any, n: int) -> tuple[Any, Any]:
    """The least and greatest values of each unknown."""
    if bounds is None:
        bounds = (0, None)
    if not hasattr(bounds, "lb"):
        if not isinstance(bounds[0], list | tuple | np.ndarray):
            bounds = [tuple(bounds)]
        bounds = [*bounds] * (n if len(bounds) == 1 else 1)
    low, high = limits_of(bounds, (n,))
    return low + np.zeros(n), high + np.zeros(n)


def _corner(
    name: str, cost: Any, rows: list[Condition], limits: tuple[Any, Any], integrality: Any,
    solve: Callable[..., Any], given: list[Any],
) -> Optimum:  # fmt: skip
    """The best corner. Unknowns that are whole numbers, or nothing, stay what SciPy found."""
    kind = start_type(np.zeros(cost.shape[0]))
    low, high = limits

    def run(*values: Any) -> Any:
        return checked(solve(*values), name)

    x = found([], kind, name, run, cost, low, high, *given)
    if integrality is not None:
        whole = np.broadcast_to(np.asarray(integrality), np.shape(x))
        nothing = (whole == 2) & (x == 0)
        stays = (whole % 2 == 1) | nothing
        low, high = (np.where(stays, np.round(x), end) for end in (low, high))
    held = Condition(lambda v: v, low, high, lambda *_: None)
    return constrained_minimum(lambda v: cost @ v, x, [*rows, held], name, lambda at, *_: at)


def _wants_milp(c: Any, *, bounds: Any = None, constraints: Any = None, **_: Any) -> bool:
    limits = [getattr(bounds, side, None) for side in ("lb", "ub")]
    parts = [vars(k).values() for k in _several(constraints) if hasattr(k, "A")]
    return holds_traced([c, *limits, constraints, *map(list, parts)])


def _several(constraints: Any) -> list[Any]:
    """Blocks of constraints: objects of SciPy's, or what they are made of."""
    if constraints is None:
        return []
    if hasattr(constraints, "A"):
        return [constraints]
    alone = len(constraints) == 3 and not any(isinstance(k, tuple) or hasattr(k, "A")
                                              for k in constraints)  # fmt: skip
    return [constraints] if alone else list(constraints)


@scipy_rule("scipy.optimize.milp", wanted=_wants_milp)
def milp(
    c: Any, *, integrality: Any = None, bounds: Any = None, constraints: Any = None,
    options: Any = None,
) -> Any:  # fmt: skip
    """The same with unknowns that are whole numbers, which do not move."""
    import scipy.optimize

    cost, told = floating(c), Told("milp")
    n = cost.shape[0]
    blocks = []
    for block in _several(constraints):
        parts = [block.A, block.lb, block.ub] if hasattr(block, "A") else list(block)
        matrix, low, high = parts + [-np.inf, np.inf][len(parts) - 1 :]
        matrix = matrix.toarray() if hasattr(matrix, "toarray") else np.atleast_2d(floating(matrix))
        size = np.zeros(matrix.shape[0])
        blocks.append((matrix, floating(low) + size, floating(high) + size))
    given = [np.concatenate(part) for part in zip(*blocks, strict=True)]

    def solve(weights: Any, lb: Any, ub: Any, *rows: Any) -> Any:
        return told.keep(scipy.optimize.milp(
            weights, integrality=integrality, bounds=scipy.optimize.Bounds(lb, ub), options=options,
            constraints=scipy.optimize.LinearConstraint(*rows) if rows else None,
        ))  # fmt: skip

    made = [_rows(*given)] if given else []
    best = _corner("milp", cost, made, _limits(bounds, n), integrality, solve, given)
    return told.result((), x=best.x, fun=cost @ best.x)


def _array(v: Any) -> Any:
    return None if v is None else floating(v)


def _rows(matrix: Any, low: Any, high: Any) -> Condition:
    return Condition(lambda v: matrix @ v, low, high, lambda *_: None)


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
        at = np.atleast_1d(start_of(given["x0"]))
        return yields_recorded(_value_alone(given, name), at)

    @scipy_rule(f"scipy.optimize.{name}", wanted=wanted)
    def rule(*args: Any, **kwargs: Any) -> Any:
        given = bound(name, args, kwargs)
        best = minimize(
            _value_alone(given, name), given["x0"], method=method, jac=None, bounds=given["bounds"]
        )
        if name == "fmin_tnc":
            return best.x, best.nfev, best.status
        names = {"grad": "jac", "task": "message", "funcalls": "nfev", "nit": "nit"}
        told = {name: best[said] for name, said in names.items()}
        return best.x, best.fun, told | {"warnflag": best.status}


_with_bounds("fmin_l_bfgs_b", "L-BFGS-B")
_with_bounds("fmin_tnc", "TNC")


@scipy_rule("scipy.optimize.fmin_slsqp", wanted=wants("fmin_slsqp", "x0"))
def fmin_slsqp(*args: Any, **kwargs: Any) -> Any:
    """A minimum under conditions, by an older name."""
    given = bound("fmin_slsqp", args, kwargs)
    extra = as_tuple(given["args"])
    made = [{"type": "eq", "fun": f, "args": extra} for f in given["eqcons"]]
    made += [{"type": "ineq", "fun": f, "args": extra} for f in given["ieqcons"]]
    for name, kind in (("f_eqcons", "eq"), ("f_ieqcons", "ineq")):
        if given[name] is not None:
            made.append({"type": kind, "fun": given[name], "args": extra})
    bounds = given["bounds"] if len(given["bounds"]) else None
    best = minimize(given["func"], given["x0"], extra, "SLSQP", bounds=bounds, constraints=made)
    if not given["full_output"]:
        return best.x
    return best.x, best.fun, best.nit, best.status, best.message


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
    f = function_of(given.pop("func"), given.pop("args"))
    ranges = given.pop("ranges")
    start = np.zeros(len(ranges))
    whole = given.pop("full_output")

    def solve(*values: Any) -> Any:
        value = values[-1 if given["finish"] is None else -2]
        return scipy.optimize.brute(lambda v: float(value(v)), ranges, **given)

    if given["finish"] is None:  # a point of the grid, which does not move
        x = found([f], start_type(start if len(ranges) > 1 else 0.0), "brute", solve)
    else:
        x = minimum(f, start, -np.inf, np.inf, "brute", solve)
    if not whole:
        return x
    plain = {**given, "finish": None, "full_output": True}
    grid = scipy.optimize.brute(lambda v: 0.0, ranges, **plain)[2]
    places = np.reshape(grid, (len(ranges), -1)).T if len(ranges) > 1 else grid
    return x, f(x), grid, np.reshape(vmap(f)(places), np.shape(grid)[len(ranges) > 1 :])
