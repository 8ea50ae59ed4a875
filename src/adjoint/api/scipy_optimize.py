"""The solvers of scipy.optimize by their own names, where they meet recorded values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.constrained import (
    conditions,
    constrained_minimum,
    constraints_move,
    within,
)
from adjoint.api.matrices import jacobian
from adjoint.api.solutions import (
    as_tuple,
    checked,
    found,
    least_squares_minimum,
    limits_of,
    minimum,
    refuse,
    start_type,
    yields_recorded,
)
from adjoint.api.solver_calls import MESSAGE, bound, first_of, function_of, middle, no_more, wants
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

# *** minima ***


def _wants_minimize(
    fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None,
    hessp: Any = None, bounds: Any = None, constraints: Any = (), *_: Any, **__: Any,
) -> bool:  # fmt: skip
    at = np.asarray(x0, float)
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
    x0 = x0 if holds_traced([x0]) else np.asarray(x0, float)

    def scalar(x: Any) -> Any:
        return np.reshape(f(np.reshape(x, np.shape(x0))), ())

    if constraints:
        return _constrained(scalar, x0, method, bounds, constraints, tol, options)
    low, high = limits_of(bounds, np.shape(x0))
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
        result = scipy.optimize.minimize(
            lambda v: float(value(v)), start, method=method, tol=tol, options=options, **more
        )
        settled = np.max(np.abs(slope(result.x)), initial=0.0) < 1e-3
        return result.x if settled or bounds is not None else checked(result, "minimize")

    x = minimum(scalar, x0, low, high, "minimize", solve)
    return scipy.optimize.OptimizeResult(
        x=x, fun=scalar(x), success=True, status=0, message=MESSAGE, nfev=0, njev=0, nit=0
    )


def _constrained(
    f: Any, x0: Any, method: Any, bounds: Any, constraints: Any, tol: Any, options: Any
) -> Any:
    """A local minimum under constraints and bounds."""
    import scipy.optimize

    x0 = np.atleast_1d(x0)

    def solve(start: Any, value: Any, slope: Any, given: Any) -> Any:
        no_slope = str(method).lower() in ("cobyla", "cobyqa")
        result = scipy.optimize.minimize(
            lambda v: float(value(v)), start, method=method, jac=None if no_slope else slope,
            bounds=bounds, constraints=given, tol=tol, options=options,
        )  # fmt: skip
        return checked(result, "minimize")

    given = [*conditions(constraints), *within(bounds, x0)]
    x = constrained_minimum(f, x0, given, "minimize", solve).x
    return scipy.optimize.OptimizeResult(
        x=x, fun=f(x), success=True, status=0, message=MESSAGE, nfev=0, njev=0, nit=0
    )


@scipy_rule("scipy.optimize.minimize_scalar", wanted=wants("minimize_scalar", "bracket"))
def minimize_scalar(
    fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (), method: Any = None,
    tol: Any = None, options: Any = None,
) -> Any:  # fmt: skip
    """A local minimum of a function of one number."""
    import scipy.optimize

    f = function_of(fun, args)
    low, high = (-np.inf, np.inf) if bounds is None else bounds

    def solve(start: Any, lb: Any, ub: Any, value: Any, slope: Any) -> Any:
        limits = None if bounds is None else (float(lb), float(ub))
        result = scipy.optimize.minimize_scalar(
            lambda v: float(value(v)), bracket, limits, method=method, tol=tol, options=options
        )
        x = checked(result, "minimize_scalar")
        # Brent's bounded search stops a little inside an end that is the minimum
        for end, sign in ((lb, 1.0), (ub, -1.0)):
            if np.isfinite(end) and abs(x - end) < 1e-4 * (1 + abs(end)) and sign * slope(x) > 0:
                return end
        return x

    x = minimum(f, np.float64(0.0), low, high, "minimize_scalar", solve)
    return scipy.optimize.OptimizeResult(
        x=x, fun=f(x), success=True, message=MESSAGE, nfev=0, nit=0
    )


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
        start = np.asarray(first, float) if has_start else middle(first)
        if not has_start:
            sides = (first.lb, first.ub) if hasattr(first, "lb") else np.asarray(first, float).T
            low, high = np.asarray(sides[0], float), np.asarray(sides[1], float)
        if given.pop("constraints", None):
            raise refuse(name, "constraints=", "bounds, or a penalty in the function")
        settings = {k: v for k, v in given.items() if v is not None}

        def solve(at: Any, lb: Any, ub: Any, value: Any, _: Any) -> Any:
            run = getattr(scipy.optimize, name)
            where = at if has_start else scipy.optimize.Bounds(lb, ub)
            return run(lambda v: float(value(v)), where, **settings).x

        x = minimum(f, start, low, high, name, solve)
        return scipy.optimize.OptimizeResult(x=x, fun=f(x), success=True, message=MESSAGE)


_whole("basinhopping", True)
for _name in ("differential_evolution", "dual_annealing", "shgo", "direct"):
    _whole(_name, False)


def _older(name: str, method: str) -> None:
    """SciPy's older names, which give the minimum alone."""

    @scipy_rule(f"scipy.optimize.{name}", wanted=wants(name, "x0"))
    def rule(*args: Any, **kwargs: Any) -> Any:
        given = bound(name, args, kwargs)
        no_more(name, given)
        return minimize(given[next(iter(given))], given["x0"], given["args"], method).x


for _name, _method in (
    ("fmin", "Nelder-Mead"), ("fmin_powell", "Powell"), ("fmin_cg", "CG"), ("fmin_bfgs", "BFGS"),
    ("fmin_ncg", "Newton-CG"),
):  # fmt: skip
    _older(_name, _method)


# *** least squares ***


# SciPy's losses of a squared residual.
_LOSSES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


@scipy_rule("scipy.optimize.least_squares", wanted=wants("least_squares", "x0"))
def least_squares(
    fun: Any, x0: Any, jac: Any = "2-point", bounds: Any = (-np.inf, np.inf), method: str = "trf",
    ftol: Any = 1e-8, xtol: Any = 1e-8, gtol: Any = 1e-8, x_scale: Any = None,
    loss: Any = "linear", f_scale: Any = 1.0, *rest: Any, args: Any = (), kwargs: Any = None,
    **_: Any,
) -> Any:  # fmt: skip
    """The least sum of squares."""
    import scipy.optimize

    if loss not in _LOSSES:
        raise refuse("least_squares", f"loss={loss!r}", f"one of {', '.join(_LOSSES)}")
    rho = _LOSSES[loss]
    named = kwargs or {}

    def residuals(x: Any) -> Any:
        return np.ravel(fun(x, *as_tuple(args), **named))

    x0 = x0 if holds_traced([x0]) else np.atleast_1d(np.asarray(x0, float))
    low, high = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds

    def solve(start: Any, lb: Any, ub: Any, value: Any, rows: Any) -> Any:
        result = scipy.optimize.least_squares(
            value, start, rows, (lb, ub), method, ftol, xtol, gtol, loss=loss, f_scale=f_scale
        )
        return checked(result, "least_squares")

    def cost(v: Any) -> Any:
        return 0.5 * f_scale**2 * np.sum(rho(np.square(residuals(v) / f_scale)))

    x = least_squares_minimum(residuals, x0, low, high, "least_squares", solve, cost)
    left = residuals(x)
    return scipy.optimize.OptimizeResult(
        x=x, cost=cost(x), fun=left, jac=jacobian(residuals)(x), success=True,
        status=1, message=MESSAGE, nfev=0, njev=0, optimality=0.0,
    )  # fmt: skip


def _wants_fit(f: Any, xdata: Any, ydata: Any, p0: Any = None, *_: Any, **__: Any) -> bool:
    if holds_traced([xdata, ydata]) or p0 is None:
        return holds_traced([xdata, ydata])
    return yields_recorded(lambda p: f(xdata, *p), np.asarray(p0, float))


@scipy_rule("scipy.optimize.curve_fit", wanted=_wants_fit)
def curve_fit(
    f: Any, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None,
    absolute_sigma: bool = False, check_finite: Any = None, bounds: Any = (-np.inf, np.inf),
    method: Any = None, jac: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """Parameters of a curve through data, and their covariance."""
    if options.get("full_output"):
        raise refuse("curve_fit", "full_output", "the two results that curve_fit gives without it")
    if p0 is None:
        p0 = np.ones(len(inspect.signature(f).parameters) - 1)
    factor: Any = None
    if sigma is not None:
        sigma = sigma if holds_traced([sigma]) else np.asarray(sigma, float)
        factor = np.linalg.cholesky(sigma) if np.ndim(sigma) == 2 else sigma

    def residuals(p: Any) -> Any:
        left = f(xdata, *p) - ydata
        if np.ndim(factor) == 2:
            return np.linalg.solve(factor, left)
        return left if factor is None else 1.0 / factor * left

    bounded = np.any(np.isfinite(np.concatenate([np.ravel(b) for b in bounds])))
    fit = least_squares(residuals, np.atleast_1d(p0), bounds=bounds,
                        method=method or ("trf" if bounded else "lm"))  # fmt: skip
    covariance = np.linalg.inv(np.swapaxes(fit.jac, 0, 1) @ fit.jac)
    if not absolute_sigma:
        free = fit.fun.shape[0] - fit.x.shape[0]
        covariance = covariance * (2 * fit.cost / free)
    return fit.x, covariance


@scipy_rule("scipy.optimize.leastsq", wanted=wants("leastsq", "x0"))
def leastsq(*args: Any, **kwargs: Any) -> Any:
    """The least sum of squares, by its older name."""
    given = bound("leastsq", args, kwargs)
    no_more("leastsq", given)
    return least_squares(given["func"], given["x0"], method="lm", args=as_tuple(given["args"])).x, 1


def _linear_fit(name: str, A: Any, b: Any, low: Any, high: Any) -> Any:
    """The x between bounds with the least ``|A x - b|``."""
    import scipy.optimize

    matrix, right = (v if holds_traced([v]) else np.asarray(v, float) for v in (A, b))
    start = np.zeros(matrix.shape[1])

    def solve(lb: Any, ub: Any, one: Any, other: Any) -> Any:
        if name == "nnls":
            return scipy.optimize.nnls(one, other)[0]
        return scipy.optimize.lsq_linear(one, other, (lb, ub), tol=1e-13).x

    kind = start_type(start)
    x = found([], kind, name, solve, low, high, matrix, right)

    def half(v: Any) -> Any:
        left = matrix @ v - right
        return 0.5 * np.sum(left * left)

    return minimum(half, x, low, high, name, lambda at, *_: at), matrix, right


@scipy_rule("scipy.optimize.nnls")
def nnls(A: Any, b: Any, *, maxiter: Any = None, **_: Any) -> Any:
    """Least squares without negative unknowns, and the norm of what is left."""
    x, matrix, right = _linear_fit("nnls", A, b, 0.0, np.inf)
    return x, np.linalg.norm(matrix @ x - right)


@scipy_rule("scipy.optimize.lsq_linear")
def lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), *_: Any, **__: Any) -> Any:
    """Least squares between bounds."""
    import scipy.optimize

    low, high = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    x, matrix, right = _linear_fit("lsq_linear", A, b, low, high)
    left = matrix @ x - right
    return scipy.optimize.OptimizeResult(
        x=x, fun=left, cost=0.5 * np.sum(left * left), success=True, status=1, message=MESSAGE
    )


@scipy_rule("scipy.optimize.isotonic_regression")
def isotonic_regression(y: Any, *, weights: Any = None, increasing: bool = True) -> Any:
    """The nearest sequence that does not fall: means over blocks."""
    import scipy.optimize

    weight = np.ones(y.shape) if weights is None else weights

    def solve(values: Any, masses: Any) -> Any:
        return scipy.optimize.isotonic_regression(values, weights=masses, increasing=increasing).x

    x = found([], start_type(y), "isotonic_regression", solve, y, weight)
    together = (x[:, None] == x[None, :]).astype(np.float64)
    masses = together * weight
    return scipy.optimize.OptimizeResult(
        x=(masses @ y) / np.sum(masses, axis=1), weights=np.sum(masses, axis=1), blocks=None
    )
