"""Means of functions of families of scipy.stats: powers, and functions of the user's.

And families that hold their parameters, whose support may depend on them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls import scipy_stats_numeric as numeric
from adjoint.trace.calls.scipy_stats import (
    form_of,
    parsed,
    standard,
    standard_moment,
    support,
    valid_at,
)
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

_PLACE = "scipy.stats._distn_infrastructure"


def _power(dist: Any, k: int, shapes: tuple[Any, ...]) -> Any:
    """The mean of a power of the standardised family."""
    if k == 0:
        return 1.0
    if not holds_traced(shapes):
        return dist.moment(k, *shapes)
    mean = standard_moment(dist, 0, shapes)
    if k == 1:
        return mean
    if k == 2:
        return standard_moment(dist, 1, shapes) + mean * mean
    written = numeric.written_power(dist, k, shapes)
    if written is not None:
        return written
    form = form_of(dist, 2, shapes) if k == 3 else None
    if form is not None:
        variance = standard_moment(dist, 1, shapes)
        return form * variance**1.5 + 3 * mean * variance + mean**3
    found = numeric.power(dist, k, shapes, standard)
    if found is None:
        raise no_rule(f"scipy.stats.{dist.name}.moment", f"order {k}", "the first and the second")
    return found


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.moment")
def moment_of(self: Any, order: Any, *args: Any, **kwds: Any) -> Any:
    """The mean of a power."""
    shapes, loc, scale = parsed(self, args, kwds)
    valid = valid_at(self, shapes, scale)
    parts = [
        math.comb(order, k) * scale**k * loc ** (order - k) * _power(self, k, shapes)
        for k in range(order + 1)
    ]
    moved = np.where(valid, sum(parts[1:], parts[0]), np.nan)
    given = {name: known_value(x) for name, x in kwds.items()}
    known = [known_value(x) for x in args]
    if any(x is None for x in (*known, *given.values())):
        return moved
    value = self.moment(order, *known, **given)  # with SciPy's last digit
    finite = np.isfinite(value) & np.isfinite(moved)
    moved = np.where(finite, moved, 0.0)
    return np.where(finite, numeric.with_value(moved, value), numeric.unsure(value, loc, scale))


# *** of functions ***


def _asked(self: Any, func: Any = None, args: Any = (), *_: Any, **__: Any) -> bool:
    """Whether a function gives recorded values."""
    if func is None:
        return False
    try:
        return holds_traced([func(np.float64(self.median(*args)))])
    except (TypeError, ValueError, IndexError):
        return False  # SciPy will say what is wrong with it


@scipy_rule(f"{_PLACE}.rv_continuous.expect", wanted=_asked)
def expect(
    self: Any, func: Any = None, args: Any = (), loc: Any = 0, scale: Any = 1, lb: Any = None,
    ub: Any = None, conditional: bool = False, **options: Any,
) -> Any:  # fmt: skip
    """The mean of a function, by SciPy's integrals of the standardised density."""
    import scipy.integrate

    shapes, loc, scale = parsed(self, tuple(args), {"loc": loc, "scale": scale})
    ends = support(self, shapes)
    low = ends[0] if lb is None else np.maximum((lb - loc) / scale, ends[0])
    high = ends[1] if ub is None else np.minimum((ub - loc) / scale, ends[1])

    def weighted(y: Any) -> Any:
        x = loc + scale * y
        return (x if func is None else func(x)) * self.pdf(y, *shapes)

    below = [self.cdf(end, *shapes) for end in (low, high)]
    share = below[1] - below[0]
    inner = [stop_gradient(self.ppf(below[0] + a * share, *shapes)) for a in (0.05, 0.95)]
    places = [low, *inner, high]
    total: Any = 0.0
    for start, end in pairwise(places):
        total = total + scipy.integrate.quad(weighted, start, end, **options)[0]
    return total / share if conditional else total


@scipy_rule(f"{_PLACE}.rv_discrete.expect", wanted=_asked)
def expect_of_counts(
    self: Any, func: Any = None, args: Any = (), loc: Any = 0, lb: Any = None, ub: Any = None,
    conditional: bool = False, *_: Any, **__: Any,
) -> Any:  # fmt: skip
    """The mean of a function of counts, added up."""
    shapes, loc, _scale = parsed(self, tuple(args), {"loc": loc})

    def weighted(k: Any, _: Any) -> Any:
        x = k + loc
        inside = (lb is None or x >= lb) & (ub is None or x <= ub)
        value = x if func is None else func(x)
        return np.where(inside, np.stack([value, np.ones(k.shape)]), 0.0)

    found = numeric.mean_of_counts(self, weighted, shapes, standard)
    if found is None:
        raise no_rule(
            f"scipy.stats.{self.name}.expect", "a range of counts that is not known",
            "parameters whose values are known",
        )  # fmt: skip
    return found[0] / found[1] if conditional else found[0]


@scipy_rule(f"{_PLACE}.rv_continuous.fit_loc_scale")
def fit_loc_scale(self: Any, data: Any, *args: Any) -> Any:
    """The loc and scale of the data's mean and variance."""
    mean, variance = self.stats(*args, moments="mv")
    scale = np.sqrt(np.var(data) / variance)
    loc = np.mean(data) - scale * mean
    right = np.isfinite(scale) & (scale > 0)
    return np.where(np.isfinite(loc), loc, 0.0), np.where(right, scale, 1.0)


@scipy_rule(f"{_PLACE}.rv_frozen.__init__")
def hold(self: Any, dist: Any, *args: Any, **kwds: Any) -> None:
    """A family with its parameters, in an instance of its own as SciPy makes it."""
    self.args, self.kwds = args, kwds
    self.dist = type(dist)(**dist._updated_ctor_param())
    self.a, self.b = support(self.dist, parsed(self.dist, args, kwds)[0])
