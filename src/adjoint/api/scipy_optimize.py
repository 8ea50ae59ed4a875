"""The solvers of scipy.optimize by their own names, where they meet recorded values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.constrained import (
    conditions,
    constrained_minimum,
    constraints_move,
    within,
)
from adjoint.api.gradients import grad
from adjoint.api.solutions import (
    as_tuple,
    bounds_move,
    checked,
    limits_of,
    minimum,
    refuse,
    start_of,
    yields_recorded,
)
from adjoint.api.solver_calls import bound, first_of, function_of, no_path, wants
from adjoint.api.told import Told, Untold, inverse_hessian
from adjoint.trace.scipy_gate import scipy_rule

# *** minima ***


def _wants_minimize(
    fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None,
    hessp: Any = None, bounds: Any = None, constraints: Any = (), *_: Any, **__: Any,
) -> bool:  # fmt: skip
    at = np.atleast_1d(start_of(x0))
    if bounds_move(bounds):
        return True
    return yields_recorded(fun, at, args) or constraints_move(constraints, at)


@scipy_rule("scipy.optimize.minimize", wanted=_wants_minimize)
def minimize(
    fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None,
    hessp: Any = None, bounds: Any = None, constraints: Any = (), tol: Any = None,
    callback: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    """A local minimum, bounds included."""
    import scipy.optimize

    f = function_of(fun, args)
    if jac is True:
        f = first_of(f)
    x0 = np.atleast_1d(start_of(x0))

    def scalar(x: Any) -> Any:
        return np.reshape(f(np.reshape(x, np.shape(x0))), ())

    if constraints:
        return _constrained(scalar, x0, method, bounds, constraints, tol, options, callback)
    low, high = limits_of(bounds, np.shape(x0))
    told = Told("minimize")
    second = str(method).lower() in ("dogleg", "trust-exact", "trust-ncg", "trust-krylov")
    exact = jac is not None and jac is not False

    def solve(start: Any, lb: Any, ub: Any, value: Any, slope: Any) -> Any:
        more: dict[str, Any] = {"jac": slope} if exact or second or method == "Newton-CG" else {}
        if second:
            h = 1e-5
            steps = np.eye(start.size) * h
            more["hess"] = lambda v: np.stack(
                [(slope(v + d) - slope(v - d)) / (2 * h) for d in steps]
            )
        if bounds is not None:
            more["bounds"] = scipy.optimize.Bounds(lb, ub)
        result = told.keep(scipy.optimize.minimize(
            lambda v: float(value(v)), start, method=method, tol=tol, options=options,
            callback=callback, **more,
        ))  # fmt: skip
        settled = np.max(np.abs(slope(result.x)), initial=0.0) < 1e-3
        return result.x if settled or bounds is not None else checked(result, "minimize")

    x = minimum(scalar, x0, low, high, "minimize", solve)
    more = {} if str(method).lower() in _WITHOUT_SLOPES else {
        "jac": grad(scalar)(x), "hess_inv": inverse_hessian("minimize")
    }  # fmt: skip
    return told.result(("nfev", "njev", "nit"), x=x, fun=scalar(x), **more)


_WITHOUT_SLOPES = ("nelder-mead", "powell", "cobyla", "cobyqa")


def _constrained(
    f: Any,
    x0: Any,
    method: Any,
    bounds: Any,
    constraints: Any,
    tol: Any,
    options: Any,
    callback: Any,
) -> Any:
    """A local minimum under constraints and bounds."""
    import scipy.optimize

    told = Told("minimize")

    def solve(start: Any, value: Any, slope: Any, given: Any, limits: Any) -> Any:
        no_slope = str(method).lower() in ("cobyla", "cobyqa")
        result = told.keep(scipy.optimize.minimize(
            lambda v: float(value(v)), start, method=method, jac=None if no_slope else slope,
            bounds=limits, constraints=given, tol=tol, options=options, callback=callback,
        ))  # fmt: skip
        return checked(result, "minimize")

    given = [*conditions(constraints), *within(bounds, x0)]
    x = constrained_minimum(f, x0, given, "minimize", solve).x
    return told.result(("nfev", "njev", "nit"), x=x, fun=f(x))


@scipy_rule("scipy.optimize.minimize_scalar", wanted=wants("minimize_scalar", "bracket"))
def minimize_scalar(
    fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (), method: Any = None,
    tol: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    """A local minimum of a function of one number."""
    import scipy.optimize

    f = function_of(fun, args)
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    told = Told("minimize_scalar")

    def solve(start: Any, lb: Any, ub: Any, value: Any, slope: Any) -> Any:
        limits = None if bounds is None else (float(lb), float(ub))
        result = told.keep(scipy.optimize.minimize_scalar(
            lambda v: float(value(v)), bracket, limits, method=method, tol=tol, options=options
        ))  # fmt: skip
        x = checked(result, "minimize_scalar")
        # Brent's bounded search stops a little inside an end that is the minimum
        for end, sign in ((lb, 1.0), (ub, -1.0)):
            if np.isfinite(end) and abs(x - end) < 1e-4 * (1 + abs(end)) and sign * slope(x) > 0:
                return end
        return x

    x = minimum(f, np.float64(0.0), low, high, "minimize_scalar", solve)
    return told.result(("nfev", "nit"), x=x, fun=f(x))


def _whole(name: str, has_start: bool) -> None:
    """Solvers that look for the lowest of all minima: what they find is a minimum too."""

    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "x0" if has_start else "bounds"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        import scipy.optimize

        given = bound(name, args, kwargs)
        func = given.pop(next(iter(given)))
        f = function_of(func, given.pop("args", ()))
        first = given.pop("x0" if has_start else "bounds")
        low: Any = -np.inf
        high: Any = np.inf
        own_slope = False
        if has_start:
            start = np.atleast_1d(start_of(first))
            f, own_slope = _local(given, func)
        else:
            size = np.shape(first.lb) if hasattr(first, "lb") else (len(first),)
            low, high = limits_of(first, size)
            start = np.zeros(size)
        if given.pop("constraints", None):
            raise refuse(name, "constraints=", "bounds, or a penalty in the function")
        settings = {k: v for k, v in given.items() if v is not None}
        told = Told(name)

        def solve(at: Any, lb: Any, ub: Any, value: Any, slope: Any) -> Any:
            run = getattr(scipy.optimize, name)
            where = at if has_start else scipy.optimize.Bounds(lb, ub)
            if own_slope:
                settings["minimizer_kwargs"]["jac"] = slope
            return told.keep(run(lambda v: float(value(v)), where, **settings)).x

        x = minimum(f, start, low, high, name, solve)
        return told.result(("nfev", "nit"), x=x, fun=f(x))


def _local(given: dict[str, Any], f: Any) -> tuple[Any, bool]:
    """The function of basinhopping with what its local searches are given; whether a slope is."""
    settings = dict(given.get("minimizer_kwargs") or {})
    rest, jac = as_tuple(settings.pop("args", ())), settings.pop("jac", None)
    given["minimizer_kwargs"] = settings
    whole = (lambda x: f(x, *rest)[0]) if jac is True else lambda x: f(x, *rest)
    return whole, callable(jac) or jac is True


_whole("basinhopping", True)
for _name in ("differential_evolution", "dual_annealing", "shgo", "direct"):
    _whole(_name, False)


def _older(name: str, method: str, told: Callable[[Any], tuple[Any, ...]]) -> None:
    """SciPy's older names, which give the minimum alone, or a tuple of results."""

    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "x0"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        given = bound(name, args, kwargs)
        no_path(name, given)
        best = minimize(given[next(iter(given))], given["x0"], given["args"], method)
        return (best.x, best.fun, *told(best)) if given["full_output"] else best.x


def _counts(*names: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda best: tuple([best[name] for name in names])


# What follows the minimum and its value: counts and a flag.
_older("fmin", "Nelder-Mead", _counts("nit", "nfev", "status"))
_older(
    "fmin_powell", "Powell",
    lambda best: (
        Untold("fmin_powell", "the directions", "the axes, or none"),
        *_counts("nit", "nfev", "status")(best),
    ),
)  # fmt: skip
_older("fmin_cg", "CG", _counts("nfev", "njev", "status"))
_older(
    "fmin_bfgs", "BFGS",
    lambda best: (
        best.jac, inverse_hessian("fmin_bfgs"), *_counts("nfev", "njev", "status")(best)
    ),
)  # fmt: skip
_older("fmin_ncg", "Newton-CG", _counts("nfev", "njev", "nhev", "status"))
