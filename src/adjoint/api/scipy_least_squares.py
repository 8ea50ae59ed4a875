"""Least squares by SciPy's names, where they meet recorded values: curves, lines between bounds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.gradients import jvp
from adjoint.api.matrices import jacobian
from adjoint.api.solutions import (
    as_tuple,
    bounds_move,
    checked,
    found,
    least_squares_minimum,
    minimum,
    refuse,
    start_of,
    start_type,
    yields_recorded,
)
from adjoint.api.solver_calls import bound, wants
from adjoint.api.told import MESSAGE, Told, factored_jacobian
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_parts
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

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
    loss: Any = "linear", f_scale: Any = 1.0, diff_step: Any = None, tr_solver: Any = None,
    tr_options: Any = None, jac_sparsity: Any = None, max_nfev: Any = None, verbose: int = 0,
    args: Any = (), kwargs: Any = None, **_: Any,
) -> Any:  # fmt: skip
    """The least sum of squares."""
    import scipy.optimize

    if callable(loss):
        rho: Callable[[Any], Any] = lambda z: loss(z)[0]  # noqa: E731
    elif loss in _LOSSES:
        rho = _LOSSES[loss]
    else:
        raise refuse("least_squares", f"loss={loss!r}", f"one of {', '.join(_LOSSES)}")
    named = kwargs or {}

    def residuals(x: Any) -> Any:
        return np.ravel(fun(x, *as_tuple(args), **named))

    x0 = np.atleast_1d(start_of(x0))
    low, high = _sides(bounds)
    unit = holds_traced([f_scale])  # SciPy is given shares of a scale that moves

    def asked(x: Any) -> Any:
        return residuals(x) / f_scale if unit else residuals(x)

    steps = {
        "x_scale": x_scale, "tr_solver": tr_solver, "tr_options": tr_options, "max_nfev": max_nfev,
    }  # fmt: skip
    if is_unknown(*steps.values()):
        raise refuse("least_squares", "steps by numbers that are not known", "plain numbers")
    steps = {name: known_parts(value) for name, value in steps.items() if value is not None}

    told = Told("least_squares")

    def solve(start: Any, lb: Any, ub: Any, value: Any, rows: Any) -> Any:
        result = told.keep(scipy.optimize.least_squares(
            value, start, rows, (lb, ub), method, ftol, xtol, gtol, loss=loss,
            f_scale=1.0 if unit else f_scale, verbose=verbose, **steps,
        ))  # fmt: skip
        return checked(result, "least_squares")

    def cost(v: Any) -> Any:
        return 0.5 * f_scale**2 * np.sum(rho(np.square(residuals(v) / f_scale)))

    x = least_squares_minimum(asked, x0, low, high, "least_squares", solve, cost)
    left, rows = residuals(x), jacobian(residuals)(x)
    slope, share = _robust(rho, np.square(left / f_scale))
    return told.result(
        ("nfev", "njev", "optimality"), x=x, cost=cost(x), fun=left, jac=rows * share[:, None],
        grad=np.swapaxes(rows, 0, 1) @ (left * slope),
        active_mask=np.where(x <= low, -1, np.where(x >= high, 1, 0)),
    )  # fmt: skip


def _sides(bounds: Any) -> tuple[Any, Any]:
    """Lower and upper bounds, each a number or an array."""
    sides = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    low, high = (floating(b) if holds_traced([b]) else np.asarray(b, float)[()] for b in sides)
    return low, high


def _robust(rho: Callable[[Any], Any], z: Any) -> tuple[Any, Any]:
    """What a loss makes of the slope, and of the Jacobian: its squares are then the bend."""
    one = np.ones(z.shape)

    def first(at: Any) -> Any:
        return jvp(rho, (at,), (one,))[1]

    slope, bend = jvp(first, (z,), (one,))
    return slope, np.sqrt(np.maximum(slope + 2 * z * bend, np.finfo(float).eps))


def _wants_fit(*args: Any, **kwargs: Any) -> bool:
    given = bound("curve_fit", args, kwargs)
    f, p0 = given["f"], given["p0"]
    if bounds_move(given["bounds"]):
        return True
    if p0 is None:
        p0 = _first_guess(f, given["bounds"])
    return yields_recorded(lambda p: f(given["xdata"], *p), np.atleast_1d(start_of(p0)))


@scipy_rule("scipy.optimize.curve_fit", wanted=_wants_fit)
def curve_fit(
    f: Any, xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None,
    absolute_sigma: bool = False, check_finite: Any = None, bounds: Any = (-np.inf, np.inf),
    method: Any = None, jac: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """Parameters of a curve through data, and their covariance."""
    xdata, ydata = (floating(v) if isinstance(v, list | tuple) else v for v in (xdata, ydata))
    bounds = _sides(bounds)
    if p0 is None:
        p0 = _first_guess(f, bounds)
    factor: Any = None
    if sigma is not None:
        sigma = sigma if holds_traced([sigma]) else np.asarray(sigma, float)
        factor = np.linalg.cholesky(sigma) if np.ndim(sigma) == 2 else sigma

    def residuals(p: Any) -> Any:
        left = f(xdata, *p) - ydata
        if np.ndim(factor) == 2:
            return np.linalg.solve(factor, left)
        return left if factor is None else 1.0 / factor * left

    bounded = any(holds_traced([b]) or np.any(np.isfinite(b)) for b in bounds)
    method = method or ("trf" if bounded else "lm")
    settings = {k: v for k, v in options.items() if k in _SETTINGS and method != "lm"}
    most = options.get("max_nfev", options.get("maxfev"))
    settings["max_nfev"] = most or None  # MINPACK's 0 stands for its default
    fit = least_squares(
        residuals, np.atleast_1d(start_of(p0)), bounds=bounds, method=method, **settings
    )
    covariance = np.linalg.inv(np.swapaxes(fit.jac, 0, 1) @ fit.jac)
    if not absolute_sigma:
        free = fit.fun.shape[0] - fit.x.shape[0]
        covariance = covariance * (2 * fit.cost / free)
    if not options.get("full_output"):
        return fit.x, covariance
    return fit.x, covariance, _of_fit("curve_fit", fit), MESSAGE, 1


_SETTINGS = ("ftol", "xtol", "gtol", "loss", "f_scale", "x_scale", "tr_solver", "tr_options")


def _first_guess(f: Any, bounds: Any) -> Any:
    """SciPy's: ones, or a place between the bounds."""
    n = len(inspect.signature(f).parameters) - 1
    sides = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    low, high = (np.broadcast_to(stop_gradient(floating(b)), (n,)) for b in sides)
    ends = np.isfinite(low), np.isfinite(high)
    with np.errstate(invalid="ignore"):
        inside = [0.5 * (low + high), low + 1, high - 1]
    return np.select([ends[0] & ends[1], *ends], inside, 1.0)


def _of_fit(name: str, fit: Any) -> dict[str, Any]:
    """MINPACK's dict of a fit."""
    return {"nfev": fit.nfev, "fvec": fit.fun, **factored_jacobian(name, "fjac", "ipvt", "qtf")}


@scipy_rule("scipy.optimize.leastsq", wanted=wants("leastsq", "x0"))
def leastsq(*args: Any, **kwargs: Any) -> Any:
    """The least sum of squares, by its older name."""
    given = bound("leastsq", args, kwargs)
    fit = least_squares(given["func"], given["x0"], method="lm", args=as_tuple(given["args"]))
    if not given["full_output"]:
        return fit.x, 1
    covariance = np.linalg.inv(np.swapaxes(fit.jac, 0, 1) @ fit.jac)
    return fit.x, covariance, _of_fit("leastsq", fit), MESSAGE, 1


def _linear_fit(name: str, A: Any, b: Any, low: Any, high: Any) -> Any:
    """The x between bounds with the least ``|A x - b|``."""
    import scipy.optimize
    import scipy.sparse

    A = A.toarray() if scipy.sparse.issparse(A) else A
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


def _wants_bounds(A: Any, b: Any, bounds: Any = None, *_: Any, **__: Any) -> bool:
    return bounds_move(bounds)


@scipy_rule("scipy.optimize.lsq_linear", wanted=_wants_bounds)
def lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), *_: Any, **__: Any) -> Any:
    """Least squares between bounds."""
    low, high = _sides(bounds)
    x, matrix, right = _linear_fit("lsq_linear", A, b, low, high)
    left = matrix @ x - right
    return Told("lsq_linear").result(
        ("nit", "optimality", "unbounded_sol"), x=x, fun=left, cost=0.5 * np.sum(left * left),
        status=1, active_mask=np.where(x <= low, -1, np.where(x >= high, 1, 0)),
    )  # fmt: skip


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
