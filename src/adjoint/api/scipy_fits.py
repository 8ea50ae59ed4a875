"""Families of scipy.stats fitted to recorded data: found by SciPy, moved by what they satisfy.

At the best parameters the likelihood has no slope, or an end of the support stands on the
outermost of the data, with a multiplier (the rate of a shifted exponential law); by the method
of moments those of the family are those of the data. A parameter that is held moves as it is
given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.gradients import grad
from adjoint.api.solutions import found, solution
from adjoint.errors import ConvergenceError
from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_stats import log_density, support
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

Parameters = list[Any]  # shapes, loc and scale
_TOUCHES = 1e-4  # of the data's spread: the end of the support stands on a datum
_STEEP = 1e6
_NEAR = 0.02  # SciPy's search ends so near to the optimum, if there is one


def _names(dist: Any) -> list[list[str]]:
    """For each parameter the names under which ``fit`` takes a value to hold it at."""
    shapes = dist.shapes.replace(",", " ").split() if dist.shapes else []
    made = [[f"f{k}", f"f{name}", f"fix_{name}"] for k, name in enumerate(shapes)]
    return [*made, ["floc"], ["fscale"]]


def _likelihood(dist: Any, x: Any, at: Parameters) -> Any:
    """Minus the mean log density, also where the support ends."""
    return -np.mean(log_density(dist, x, at[:-2], at[-2], at[-1]))


def _spacings(dist: Any, x: Any, at: Parameters) -> Any:
    """Minus the mean logarithm of the chances between data."""
    below = dist.cdf(np.sort(x), *at[:-2], loc=at[-2], scale=at[-1])
    return -np.mean(np.log(np.diff(np.concatenate([[0.0], below, [1.0]]))))


def _gaps(dist: Any, x: Any, at: Parameters) -> list[Any]:
    """How far the ends of the support are from the data; 1 where there is no end."""
    ends = support(dist, tuple(at[:-2]))
    low, high = (at[-2] + at[-1] * np.where(np.isfinite(end), end, 0.0) for end in ends)
    gaps = [np.min(x) - low, high - np.max(x)]
    return [np.where(np.isfinite(end), gap, 1.0) for end, gap in zip(ends, gaps, strict=True)]


def _moments(dist: Any, x: Any, at: Parameters, count: int) -> Any:
    wanted = [np.mean(x**k) for k in range(1, count + 1)]
    made = [dist.moment(k, *at[:-2], loc=at[-2], scale=at[-1]) for k in range(1, count + 1)]
    return np.stack([(a - b) / np.abs(b) for a, b in zip(made, wanted, strict=True)])


def _moved(
    dist: Any, x: Any, start: Any, held: Parameters, method: str, limits: Any = None
) -> Parameters:
    """The parameters that SciPy found, with derivatives; one on a limit stays there.

    Args:
        dist: the family.
        x: the data.
        start: all parameters, without derivatives.
        held: for each parameter the value that it is held at, or None.
        method: "mle", "mm" (moments) or "mse" (spacings).
        limits: for each parameter the least and the greatest value.
    """
    if limits is None:
        limits = [(-np.inf, np.inf)] * len(held)
    free = [k for k, value in enumerate(held) if value is None]
    n = len(free)

    def all_of(v: Any) -> Parameters:
        at = list(held)
        for place, k in enumerate(free):
            at[k] = v[place]
        return at

    def residual(unknowns: Any) -> Any:
        v = unknowns[:n]
        if method == "mm":
            return np.concatenate([_moments(dist, x, all_of(v), n), unknowns[n:]])
        measure = _spacings if method == "mse" else _likelihood

        def lagrangian(v: Any) -> Any:
            gaps = _gaps(dist, x, all_of(v))
            pulls = [np.where(t, m, 0.0) * g
                     for t, m, g in zip(touched, unknowns[n:], gaps, strict=True)]  # fmt: skip
            return measure(dist, x, all_of(v)) - pulls[0] - pulls[1]

        ends = [np.where(t, g, m) for t, m, g in
                zip(touched, unknowns[n:], _gaps(dist, x, all_of(v)), strict=True)]  # fmt: skip
        slopes = np.where(stays, v - first, grad(lagrangian)(v))
        return np.concatenate([slopes, np.stack(ends)])

    first = np.stack([start[k] for k in free])
    room = np.stack([np.minimum(start[k] - limits[k][0], limits[k][1] - start[k]) for k in free])
    stays = room <= 1e-6 * (1 + np.abs(first))
    spread = stop_gradient(np.std(x))
    touched = [np.abs(stop_gradient(g)) <= _TOUCHES * spread
               for g in _gaps(dist, stop_gradient(x), all_of(first))]  # fmt: skip
    try:
        best = solution(residual, np.concatenate([first, np.zeros(2)]))
    except ConvergenceError as error:
        raise _undecided(dist) from error
    off = np.max(np.abs(stop_gradient(best[:n]) - first) / (spread + np.abs(first)))
    known = known_value(off)
    if known is not None and not known < _NEAR:
        raise _undecided(dist)
    best = best * np.where(off < _NEAR, 1.0, np.nan)
    _not_steep(dist, known_value(np.max(np.abs(best[n:])) * spread))
    moving = all_of(best[:n])
    return [moved_as(start[k], moving[k]) if held[k] is None else held[k] for k in range(len(held))]


def _undecided(dist: Any) -> ConvergenceError:
    return ConvergenceError(
        "SciPy's parameters are near to no optimum: the data do not decide them",
        function=f"scipy.stats.{dist.name}.fit",
        remedy="hold a shape, loc or scale (f0, floc, fscale)",
    )


def _not_steep(dist: Any, pull: Any) -> None:
    """Refuse a density without bound at the end that a datum stands on: rounding decides there."""
    if pull is not None and not pull < _STEEP:
        raise no_rule(
            f"scipy.stats.{dist.name}.fit", "a support that ends where the density has no bound,",
            remedy="hold loc, or scale, with floc and fscale",
        )  # fmt: skip


def _data(x: Any) -> Any:
    return np.ravel(floating(x)).astype(np.float64)


def _fit(self: Any, data: Any, *args: Any, **kwds: Any) -> tuple[Any, ...]:
    """Shapes, loc and scale of a family."""
    names = _names(self)
    held: Parameters = [
        next((kwds[key] for key in keys if kwds.get(key) is not None), None) for keys in names
    ]
    if held[-1] is None and self.name in _OF_SCALE_1:
        held[-1] = 1
    moving = [key for keys in names for key in keys if holds_traced([kwds.get(key)])]
    x = _data(data)
    guesses = tuple(stop_gradient(a) for a in args)
    if holds_traced(guesses):
        raise no_rule(f"scipy.stats.{self.name}.fit", "a recorded first guess", "a plain number")

    def run(values: Any, *rest: Any) -> Any:
        given = {**kwds, **dict(zip(moving, map(float, rest), strict=True))}
        return np.array(self.fit(values, *guesses, **given), np.float64)

    kind = ArrayType((len(names),), np.dtype(np.float64))
    start = found([], kind, "fit", run, x, *(kwds[key] for key in moving))
    explicit = _EXPLICIT.get(self.name)
    if explicit is not None:
        made = explicit(x, held)
        return tuple(
            moved_as(start[k], y) if held[k] is None else held[k] for k, y in enumerate(made)
        )
    return tuple(_moved(self, x, start, held, str(kwds.get("method", "mle")).lower()))


def _laplace(x: Any, held: Parameters) -> tuple[Any, ...]:
    middle = np.median(x) if held[0] is None else held[0]
    return middle, np.mean(np.abs(x - middle)) if held[1] is None else held[1]


def _loglaplace(x: Any, held: Parameters) -> tuple[Any, ...]:
    shape, loc, scale = held
    if loc is None:
        raise no_rule("scipy.stats.loglaplace.fit", "a free loc", "floc")
    middle, spread = _laplace(np.log(x - loc), [None if scale is None else np.log(scale), None])
    return 1 / spread if shape is None else shape, loc, np.exp(middle)


def _uniform(x: Any, held: Parameters) -> tuple[Any, ...]:
    low, high = np.min(x), np.max(x)
    loc, scale = held
    if scale is None:
        return (low, high - low) if loc is None else (loc, high - loc)
    return 0.5 * (low + high - scale), scale


def _refused(x: Any, held: Parameters) -> tuple[Any, ...]:
    raise no_rule("scipy.stats.laplace_asymmetric.fit", remedy="its formula in the ordered data")


# Families whose likelihood has corners, or many best points of which SciPy takes one.
_EXPLICIT: dict[str, Callable[[Any, Parameters], tuple[Any, ...]]] = {
    "laplace": _laplace,
    "loglaplace": _loglaplace,
    "laplace_asymmetric": _refused,
    "uniform": _uniform,
}
# Families whose scale SciPy holds unless it is asked for.
_OF_SCALE_1 = ("reciprocal", "loguniform", "vonmises")


def _rules() -> None:
    import scipy.stats._continuous_distns as families

    own = [name for name, kind in vars(families).items()
           if isinstance(kind, type) and "fit" in vars(kind)]  # fmt: skip
    places = [f"{families.__name__}.{name}.fit" for name in own if name != "rv_continuous"]
    scipy_rule("scipy.stats._distn_infrastructure.rv_continuous.fit", *places)(_fit)


_rules()


@scipy_rule("scipy.stats._fit.fit")
def fit(
    dist: Any, data: Any, bounds: Any = None, *, guess: Any = None, method: str = "mle",
    optimizer: Any = None,
) -> Any:  # fmt: skip
    """A family fitted within bounds; a parameter that stands on one is held there."""
    import scipy.optimize
    import scipy.stats
    from scipy.stats._fit import FitResult

    own = entries["scipy.stats._fit.fit"].original
    default = inspect.signature(own).parameters["optimizer"].default
    x = _data(data)
    if hasattr(dist, "pmf"):
        raise no_rule("scipy.stats.fit", "a family of counts", "a continuous family")
    seen: dict[str, Any] = {}

    def look(_: Any, **given: Any) -> Any:
        seen.update(given)
        return scipy.optimize.OptimizeResult(x=np.mean(given["bounds"], axis=1), success=False)

    own(dist, np.linspace(0.0, 1.0, 3), bounds, guess=guess, method=method, optimizer=look)

    def run(values: Any) -> Any:
        made = own(dist, values, bounds, guess=guess, method=method, optimizer=optimizer or default)
        return np.array(made.params, np.float64)

    limits = np.asarray(seen["bounds"], np.float64)
    kind = ArrayType((len(limits),), np.dtype(np.float64))
    start = found([], kind, "fit", run, x)
    held: Parameters = [low if low == high else None for low, high in limits]
    params = _moved(dist, x, start, held, method.lower(), limits)
    result = scipy.optimize.OptimizeResult(x=params, success=False, message="")
    made = FitResult(dist, x, False, result)
    made.success = True
    return made
