"""Families of scipy.stats without a formula: SciPy's numbers, moved by what has one.

A distribution function is the integral of the density, a quantile is where the distribution
function has a value, a moment is an integral over the quantiles. SciPy finds the number on
plain arrays when the program runs; here stands what has its derivatives, of every order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from adjoint.errors import TraceError
from adjoint.graph.types import ArrayType
from adjoint.primitives import control
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_stats_families import family, formula_of
from adjoint.trace.indexing import concrete_value, known_value
from adjoint.trace.scipy_gate import holds_traced

Standard = Callable[[Any, str, Any, tuple[Any, ...]], Any]


def as_given(dist: Any, shapes: Any) -> Any:
    """Shapes as SciPy takes them: those of a sum of unlike trials come as one array."""
    return (np.stack(shapes),) if dist.name == "poisson_binom" else shapes


_WHOLE = ("mean", "var", "std", "median", "moment", "entropy", "stats")  # of no single place


@dataclass(frozen=True)
class _Plain:
    """A method of one of SciPy's families, on plain arrays."""

    dist: Any
    method: str
    settings: tuple[Any, ...] = ()

    def __call__(self, *xs: Any) -> tuple[Any, ...]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            places = 0 if self.method in _WHOLE else 1
            shapes = as_given(self.dist, xs[places:])
            if self.method == "stats":
                found = self.dist.stats(*shapes, moments=self.settings[0])
            else:
                found = getattr(self.dist, self.method)(*self.settings, *xs[:places], *shapes)
            return (np.asarray(found, np.float64),)


def plain(dist: Any, method: str, *xs: Any, settings: tuple[Any, ...] = ()) -> Any:
    """What SciPy finds, without a derivative of its own."""
    given = [stop_gradient(floating(x)) for x in xs]
    function = _Plain(dist, method, settings)
    if not holds_traced(given):
        return function(*given)[0][()]
    shape = np.broadcast_shapes(*[np.shape(x) for x in given])
    kind = ArrayType(shape, np.dtype(np.float64))
    return control.callback(*given, function=function, types=(kind,))[0]


def with_value(moving: Any, value: Any) -> Any:
    """The derivatives of one, and the value of the other."""
    return moving + stop_gradient(value - moving)


def unsure(value: Any, *moving: Any) -> Any:
    """A value whose derivatives are not finite, in whatever moves: not had, and not taken for 0."""
    for x in moving:
        value = value + np.cbrt(x - stop_gradient(x))
    return value


def _checked(integral: Any, value: Any, digits: float = 1e-6) -> Any:
    """An integral's derivatives and SciPy's value; not finite where they are of different things.

    A density with a corner, or one much narrower than the places, would be integrated badly.
    """
    off = stop_gradient(np.abs(integral - value))
    near = off <= digits * (1 + np.abs(stop_gradient(value)))
    other = np.where(np.isfinite(integral), integral, 0.0)
    return np.where(near, with_value(np.where(near, integral, 0.0), value), unsure(value, other))


# *** distribution functions and quantiles ***


def by_number(
    dist: Any, name: str, y: Any, shapes: tuple[Any, ...], standard: Standard
) -> Any | None:
    """A function of a family that has a density at least; None where there is no way."""
    if not hasattr(dist, "pdf"):
        return _steps(dist, name, y, shapes, standard)
    if name in ("_ppf", "_isf"):
        return _quantile(dist, name, y, shapes, standard)
    if name not in ("_cdf", "_sf", "_logcdf", "_logsf") or not _stays(dist):
        return None
    value = plain(dist, name[-3:] if name.endswith("cdf") else "sf", y, *shapes)
    area = _area(*_unrolled(dist, y), shapes, standard, upper=name.endswith("sf"))
    found = _checked(area, value)
    if name.startswith("_log"):
        return with_value(np.log(found), plain(dist, name[1:], y, *shapes))
    return found


def _unrolled(dist: Any, y: Any) -> tuple[Any, Any]:
    """A family on the line in the place of one around the circle, and the place on it."""
    if dist.name != "vonmises":
        return dist, y
    import scipy.stats

    return scipy.stats.vonmises_line, y - 2 * np.pi * np.round(stop_gradient(y) / (2 * np.pi))


def _quantile(dist: Any, name: str, q: Any, shapes: tuple[Any, ...], standard: Standard) -> Any:
    """Two of Newton's steps from SciPy's number: exact derivatives up to the third."""
    start = plain(dist, name[1:], q, *shapes)
    sign = 1.0 if name == "_ppf" else -1.0
    x = start
    for _ in range(2):
        gap = standard(dist, "_cdf" if name == "_ppf" else "_sf", x, shapes) - q
        x = x - sign * gap / standard(dist, "_pdf", x, shapes)
    right = np.isfinite(stop_gradient(x))
    return np.where(right, with_value(np.where(right, x, 0.0), start), unsure(start, q, *shapes))


def _stays(dist: Any) -> bool:
    """Whether the support does not move with the shapes."""
    return formula_of(dist, "_get_support") is None


@cache
def grid(kind: str) -> tuple[Any, Any]:
    """Points and weights on (0, 1) or (0, inf): trapezia after a double exponential map."""
    s = np.arange(-4.0, 4.01, 0.03125) if kind == "half line" else np.arange(-3.4, 3.41, 0.05)
    u, slope = np.pi / 2 * np.sinh(s), np.pi / 2 * np.cosh(s) * (s[1] - s[0])
    if kind == "half line":
        return np.exp(u), np.exp(u) * slope
    return 1 / (1 + np.exp(-2 * u)), slope / (2 * np.cosh(u) ** 2)


def _side(dist: Any, start: Any, upper: bool) -> tuple[Any, Any]:
    """Points and weights between a start and one end of the support, on a new last axis."""
    end = float(dist.b if upper else dist.a)
    start = start[..., None]
    if np.isfinite(end):
        share, weights = grid("interval")
        return end + (start - end) * share, np.abs(end - start) * weights
    off, weights = grid("half line")
    return start + (off if upper else -off), weights + 0 * start


_CORNERS: dict[str, Callable[..., Any]] = {  # where a density is not smooth
    "crystalball": lambda beta, m: -beta,
    "skewcauchy": lambda a: 0.0,
}


def _pieces(dist: Any, start: Any, shapes: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Points and weights on the whole support, in pieces on which the density is smooth."""
    if dist.name not in _CORNERS:
        return [_side(dist, start, upper) for upper in (False, True)]
    corner = np.broadcast_to(floating(_CORNERS[dist.name](*shapes)), start.shape)
    low, high = np.minimum(start, corner), np.maximum(start, corner)
    share, weights = grid("interval")
    width = (high - low)[..., None]
    middle = (low[..., None] + width * share, width * weights)
    return [_side(dist, low, upper=False), middle, _side(dist, high, upper=True)]


def _living(dist: Any, t: Any, shapes: tuple[Any, ...], standard: Standard) -> tuple[Any, Any]:
    """Where the density has not run out, and places of which none is where it has."""
    fixed = stop_gradient(t)
    f = stop_gradient(standard(dist, "_pdf", fixed, shapes))
    alive = np.isfinite(f) & (f > 0)
    inside = np.max(np.where(alive, fixed, -np.inf), axis=-1, keepdims=True)
    return alive, np.where(alive, t, inside)


def _density(dist: Any, t: Any, shapes: tuple[Any, ...], standard: Standard) -> Any:
    """The density, and 0 where it has run out, without the slopes of what it is made of there."""
    alive, t = _living(dist, t, shapes, standard)
    return np.where(alive, standard(dist, "_pdf", t, shapes), 0.0)


def _area(dist: Any, y: Any, shapes: tuple[Any, ...], standard: Standard, upper: bool) -> Any:
    """The integral of the density below or above y, from the nearer end."""
    shape = np.broadcast_shapes(np.shape(y), *map(np.shape, shapes))
    y = np.broadcast_to(floating(y), shape)
    fixed = stop_gradient(y)
    wide = tuple(np.broadcast_to(s, shape)[..., None] for s in shapes)
    if dist.name == "pearson3":  # its density may end at a place that moves, on the other side
        right = stop_gradient(floating(shapes[0])) > 0
    else:
        right = plain(dist, "cdf", y, *shapes) > 0.5
    points = [_side(dist, fixed, side) for side in (False, True)]
    sums = [np.sum(w * _density(dist, t, wide, standard), axis=-1) for t, w in points]
    # the integral from y as it stands to y as it moves, by two Gauss points
    off = y - fixed
    places = fixed[..., None] + off[..., None] * np.array([0.5 - 12**-0.5, 0.5 + 12**-0.5])
    moved = 0.5 * off * np.sum(_density(dist, places, wide, standard), axis=-1)
    if upper:
        return np.where(right, sums[1], 1 - sums[0]) - moved
    return np.where(right, 1 - sums[1], sums[0]) + moved


# *** families of counts: sums over the counts that have a chance ***

_MANY = 100_000


def _counts(dist: Any, shapes: tuple[Any, ...], last: Any = None) -> Any | None:
    """The counts up to one, or up to where chances end, on a new last axis; None if unknown."""
    values = [known_value(s) for s in shapes]
    if any(v is None for v in values):
        low, high = family(dist)._get_support(*shapes)
        if holds_traced([low]) or (last is None and holds_traced([high])):
            return None
        first, end = np.min(low), np.max(high if last is None else last, initial=-1.0)
    else:
        low, high = (np.asarray(end, float) for end in dist._get_support(*map(np.asarray, values)))
        mean, reach = (
            dist.mean(*as_given(dist, values)),
            60 * dist.std(*as_given(dist, values)) + 60,
        )
        end = np.ceil(mean + reach) if last is None else last
        first = np.min(np.maximum(low, np.floor(mean - reach)))
        end = np.max(np.minimum(high, end), initial=-1.0)
    if not np.isfinite(end - first) or end - first > _MANY:
        return None
    return np.arange(first, end + 1)


def _steps(dist: Any, name: str, k: Any, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    """Chances added up; only where it is known up to which count."""
    known = concrete_value(k) if hasattr(k, "recorder") else np.asarray(k)
    if name not in ("_cdf", "_sf") or known is None:
        return None
    counts = _counts(dist, shapes, known)
    if counts is None:
        return None
    wide = tuple(floating(s)[..., None] for s in shapes)
    chances = standard(dist, "_pmf", counts, wide)
    below = np.sum(np.where(counts <= known[..., None], chances, 0.0), axis=-1)
    value = below if name == "_cdf" else 1 - below
    return with_value(value, plain(dist, name[1:], k, *shapes))


def mean_of_counts(
    dist: Any, g: Callable[[Any, Any], Any], shapes: tuple[Any, ...], standard: Standard
) -> Any | None:
    """The mean of g(counts, shapes)."""
    counts = _counts(dist, shapes)
    if counts is None:
        return None
    wide = tuple(floating(s)[..., None] for s in shapes)
    return np.sum(g(counts, wide) * standard(dist, "_pmf", counts, wide), axis=-1)


def _entropy_of_counts(dist: Any, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    counts = _counts(dist, shapes)
    if counts is None:
        return None
    logs = standard(dist, "_logpmf", counts, tuple(floating(s)[..., None] for s in shapes))
    alive = np.isfinite(stop_gradient(logs))
    return -np.sum(np.where(alive, np.exp(logs) * np.where(alive, logs, 0.0), 0.0), axis=-1)


# *** moments and entropy ***


@cache
def _tail() -> tuple[Any, Any]:
    """Chances in (0, 1/2) and weights, dense towards 0 as quantiles need."""
    s = np.arange(-4.5, 6.4, 0.0625)
    v = np.exp(s - np.exp(-s))
    u = 0.5 * np.exp(-v)
    return u, u * v * (1 + np.exp(-s)) * 0.0625


def _expectation(
    dist: Any, g: Callable[[Any, Any], Any], shapes: tuple[Any, ...], standard: Standard
) -> Any | None:
    """The mean of g(x, shapes): over the support, or the quantiles where that moves."""
    shape = np.broadcast_shapes(*map(np.shape, shapes))
    wide = tuple(np.broadcast_to(floating(s), shape)[..., None] for s in shapes)
    total: Any = 0.0
    if not hasattr(dist, "pdf"):
        return mean_of_counts(dist, g, shapes, standard)
    if dist.name == "vonmises":
        return None  # it has no end
    if _stays(dist):
        start = np.broadcast_to(plain(dist, "median", *shapes), shape)
        for t, weights in _pieces(dist, start, shapes):
            alive, t = _living(dist, t, wide, standard)
            value = g(t, wide) * standard(dist, "_pdf", t, wide)
            total = total + np.sum(weights * np.where(alive, value, 0.0), axis=-1)
        return total
    if formula_of(dist, "_ppf") is None:
        return None
    u, weights = _tail()
    for name in ("_ppf", "_isf"):
        value = g(standard(dist, name, u + np.zeros((*shape, 1)), wide), wide)
        total = total + np.sum(weights * np.where(np.isfinite(value), value, 0.0), axis=-1)
    return total


def moment(dist: Any, which: int, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    """Mean (0) or variance (1) of the standardised family."""
    formula = formula_of(dist, "_munp")
    if formula is not None:
        try:
            first = formula(1, *shapes)
            return first if which == 0 else formula(2, *shapes) - first * first
        except (TraceError, TypeError, AttributeError):
            pass
    value = plain(dist, "var" if which else "mean", *shapes)
    center = plain(dist, "mean", *shapes)[..., None] if which else 0.0

    def g(x: Any, wide: tuple[Any, ...]) -> Any:
        # about the mean as it stands: the variance has no slope in it
        return (x - center) ** 2 if which else x

    found = _expectation(dist, g, shapes, standard)
    if found is None:
        return None
    if which:
        mean: Any = _expectation(dist, lambda x, wide: x - center, shapes, standard)
        found = found - mean * mean
    return _checked(found, value)


def written_power(dist: Any, k: int, shapes: tuple[Any, ...]) -> Any | None:
    """The mean of a power by the family's formula, if it has one."""
    formula = formula_of(dist, "_munp")
    try:
        return None if formula is None else formula(k, *shapes)
    except (TraceError, TypeError, AttributeError, IndexError, ValueError):
        return None


def power(dist: Any, k: int, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    """The mean of a power of the standardised family."""
    written = written_power(dist, k, shapes)
    if written is not None:
        return written
    found = _expectation(dist, lambda x, wide: x**k, shapes, standard)
    if found is None:
        return None
    return _checked(found, plain(dist, "moment", *shapes, settings=(k,)))


def form(
    dist: Any, which: int, shapes: tuple[Any, ...], standard: Standard, moment_of: Any
) -> Any | None:
    """Skewness (2) or excess kurtosis (3), by the means of powers."""
    written = [written_power(dist, k, shapes) for k in range(3, which + 2)]
    if any(power is None for power in written):
        return _central_form(dist, which, shapes, standard)
    mean, variance = (moment_of(dist, k, shapes) for k in (0, 1))
    third = written[0] - 3 * mean * variance - mean**3
    if which == 2:
        return third / variance**1.5
    return (written[1] - 4 * mean * third - 6 * mean**2 * variance - mean**4) / variance**2 - 3


def _central_form(dist: Any, which: int, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    """The same by integrals about where the mean stands: SciPy's means of powers lose digits."""
    center = plain(dist, "mean", *shapes)[..., None]
    means = [
        _expectation(dist, lambda x, _: (x - center) ** k, shapes, standard)  # noqa: B023
        for k in range(1, which + 2)
    ]
    if means[0] is None:
        return None
    off = means[0]
    variance = means[1] - off**2
    found = (means[2] - 3 * off * means[1] + 2 * off**3) / variance**1.5
    if which == 3:
        fourth = means[3] - 4 * off * means[2] + 6 * off**2 * means[1] - 3 * off**4
        found = fourth / variance**2 - 3
    return _checked(found, plain(dist, "stats", *shapes, settings=("sk"[which - 2],)), 1e-4)


def entropy(dist: Any, shapes: tuple[Any, ...], standard: Standard) -> Any | None:
    """The differential entropy of the standardised family."""
    if not hasattr(dist, "pdf"):
        found = _entropy_of_counts(dist, shapes, standard)
    else:
        found = _expectation(
            dist, lambda x, wide: -standard(dist, "_logpdf", x, wide), shapes, standard
        )
    return None if found is None else _checked(found, plain(dist, "entropy", *shapes))
