"""scipy.stats on stand-in arrays: random variables as objects (``Normal(mu=m).logpdf(x)``).

SciPy's own code, which keeps parameters in objects and writes over values out of their domain;
where values are not known that is done everywhere at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import scipy.special._ufuncs as ufuncs
import scipy.stats._distribution_infrastructure as infrastructure
import scipy.stats._new_distributions as families

from adjoint.primitives.choose import stop_gradient
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_class,
    holds_itself,
    is_unknown,
    own_code,
    when_unknown,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.tables import implements

_PLACE = infrastructure.__name__
_INVERSES = {"icdf": (0.0, 1.0), "iccdf": (0.0, 1.0),
             "ilogcdf": (-np.inf, 0.0), "ilogccdf": (-np.inf, 0.0)}  # fmt: skip
_OUTSIDE = {"logpdf": (-np.inf, -np.inf), "pdf": (0.0, 0.0), "logpmf": (-np.inf, -np.inf),
            "pmf": (0.0, 0.0), "_logcdf1": (-np.inf, 0.0), "_logccdf1": (0.0, -np.inf),
            "_cdf1": (0.0, 1.0), "_ccdf1": (1.0, 0.0)}  # fmt: skip


@implements(ufuncs._log1mexp)
def log1mexp(x: Any) -> Any:
    """log(1 - exp(x)) of numbers below 0."""
    x = floating(x)
    far = x < -0.7
    return np.where(far, np.log1p(-np.exp(x)), np.log(-np.expm1(np.where(far, -1.0, x))))


for _name, _formula in (("pmf", "_logpmf"), ("cdf", "_cdf"), ("sf", "_sf")):
    _rule = FORMULAS["binom"][_formula]
    _then = np.exp if _name == "pmf" else np.positive
    implements(getattr(ufuncs, f"_binom_{_name}"))(
        lambda k, n, p, rule=_rule, then=_then: then(rule(k, n, p))
    )


def _keeps(self: Any, *given: Any, **named: Any) -> bool:
    """Whether a variable, or one that it is made of, keeps recorded arrays."""
    for x in (self, *given, *named.values()):
        if type(x).__module__.startswith("scipy.") and holds_itself(x):
            return True
        parts = getattr(x, "__dict__", {}).get("_components", ())
        parts = x if isinstance(x, list | tuple) else parts
        if any(type(part).__module__.startswith("scipy.") and _keeps(part) for part in parts):
            return True
    return False


def _of_chance(self: Any, name: str, x: Any) -> Any:
    """The place by the logarithm of a chance: of a large one by its complement."""
    straight, turned = name.replace("log", ""), {"ilogcdf": "iccdf", "ilogccdf": "icdf"}[name]
    large = x > -0.7
    small = getattr(self, straight)(np.exp(np.where(large, -1.0, x)))
    return np.where(large, getattr(self, turned)(-np.expm1(np.where(large, x, -0.1))), small)


def _by_values(name: str, place: str, inner: Any) -> Callable[..., Any]:
    """A function of a place, or of a chance, with what it is outside of its domain."""
    known = own_code(place)

    def rule(self: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_unknown(x, *self._parameters.values()):
            return known(self, x, *args, **kwargs)
        x = floating(x)
        low, high = _INVERSES.get(name) or self.support()
        inclusive = self._variable.domain.inclusive
        counts = isinstance(self, infrastructure.DiscreteDistribution)
        strict = name in ("pdf", "logpdf", "pmf", "logpmf")
        below = x < low if (strict and inclusive[0]) or (counts and name in _OUTSIDE) else x <= low
        above = x > high if strict and inclusive[1] else x >= high
        inside = np.where(below | above, np.nan, x)
        if name.startswith("ilog") and not self._overrides(f"_{name}_formula"):
            value = _of_chance(self, name, inside)
        else:
            value = borrow.borrowed(inner)(self, inside, *args, **kwargs)
        if counts and strict:
            value = np.where(x == np.floor(x), value, -np.inf if "log" in name else 0.0)
        outside: tuple[Any, Any] = _OUTSIDE.get(name, (np.nan, np.nan))
        left, right = outside
        if name in _INVERSES:
            ends = self.support()[:: -1 if name.endswith("ccdf") else 1]
            left, right = (np.where(x == end, y, np.nan)
                           for end, y in zip((low, high), ends, strict=True))  # fmt: skip
        return np.where(below, left, np.where(above, right, value))

    return rule


@scipy_rule(f"{_PLACE}._Parameterization.validation", wanted=_keeps, takes_made=True)
def validation(self: Any, parameter_values: Any) -> Any:
    """Which parameters are valid; they are made arrays in the dict that is given."""
    return own_code(f"{_PLACE}._Parameterization.validation")(self, parameter_values)


@scipy_rule(f"{_PLACE}.UnivariateDistribution._validate", wanted=_keeps, takes_made=True)
def validate(self: Any, parameterization: Any, parameters: Any) -> Any:
    """Parameters, NaN where they are not valid, and where that is."""
    if not is_unknown(*parameters.values()):
        own = own_code(f"{_PLACE}.UnivariateDistribution._validate")
        return own(self, parameterization, parameters)
    valid, dtype = parameterization.validation(parameters)
    made = {name: np.where(valid, value, np.nan) for name, value in parameters.items()}
    return made, np.logical_not(valid), False, dtype


@scipy_rule(f"{_PLACE}.UnivariateDistribution._moment_transform_center", wanted=_keeps)
def moved_center(self: Any, order: int, moment_as: Any, a: Any, b: Any) -> Any:
    """A moment about b, by those about a."""
    terms = [
        math.comb(int(order), k) * floating(moment) * (a - b) ** (order - k)
        for k, moment in enumerate(moment_as)
    ]
    return sum(terms[1:], terms[0])


def _between(name: str, _place: str, inner: Any) -> Callable[..., Any]:
    """A chance between two places: in either order, each not beyond the support."""

    def rule(self: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        low, high = self.support()
        x, y = floating(x), floating(y)
        ends = (np.clip(end, low, high) for end in (np.minimum(x, y), np.maximum(x, y)))
        value = borrow.borrowed(inner)(self, *ends, *args, **kwargs)
        if np.iscomplexobj(value):  # a logarithm of a difference, which is not negative here
            value = value.real
        log = "log" in name
        value = np.minimum(value, 0.0) if log else np.clip(value, 0.0, 1.0)
        if name == "_logcdf2":
            return value + 1j * np.pi * (y < x)
        swapped = -value if name == "_cdf2" else 2 - value
        if log:
            swapped = np.log(2 - np.exp(value))
        return np.where(y < x, swapped, value)

    return rule


@when_unknown(f"{_PLACE}._logexpxmexpy")
def log_difference(x: Any, y: Any) -> Any:
    """log(exp(x) - exp(y)), which has an imaginary part where y is greater."""
    x, y = np.broadcast_arrays(x, y)
    low, high = np.where(x.real < y.real, x, y), np.where(x.real < y.real, y, x)
    even = low == high
    gap = np.where(even | np.isneginf(low.real), -1.0, low - high)
    value = np.where(np.isneginf(low.real), high, high + np.log1p(-np.exp(gap)))
    return np.where(even, -np.inf, value) + 1j * np.pi * (x.real < y.real)


@scipy_rule(f"{_PLACE}.UnivariateDistribution._logcdf2_subtraction", wanted=_keeps)
def log_between(self: Any, x: Any, y: Any, **params: Any) -> Any:
    """The logarithm of a chance between two places, from the side where it has its digits."""
    if not is_unknown(x, y, *params.values()):
        return own_code(f"{_PLACE}.UnivariateDistribution._logcdf2_subtraction")(
            self, x, y, **params
        )
    below = [self._logcdf_dispatch(at, **params) for at in (x, y)]
    above = [self._logccdf_dispatch(at, **params) for at in (x, y)]
    left = (below[0] < -1) & (below[1] < -1)
    right = (above[0] < -1) & (above[1] < -1)
    middle = log1mexp(np.logaddexp(below[0], above[1]))
    sides = [log_difference(*pair).real for pair in (below[::-1], above)]
    return np.where(right, sides[1], np.where(left, sides[0], middle))


@scipy_rule(f"{_PLACE}.UnivariateDistribution._logcdf2_logexp", wanted=_keeps)
def log_of_between(self: Any, x: Any, y: Any, **params: Any) -> Any:
    """The same by the chance itself; here y is not below x."""
    if is_unknown(x, y, *params.values()):
        return np.log(self._cdf2_dispatch(x, y, **params))
    own = own_code(f"{_PLACE}.UnivariateDistribution._logcdf2_logexp")
    return own(self, x, y, **params)


def _unsafe(name: str) -> Callable[..., Any]:
    """What SciPy does before it looks for places where digits are lost, to integrate there."""
    place = f"{_PLACE}.UnivariateDistribution.{name}"
    known = own_code(place)

    def rule(self: Any, *given: Any, **params: Any) -> Any:
        if is_unknown(*given, *params.values()):
            return getattr(self, name.removesuffix("_safe"))(*given, **params)
        return known(self, *given, **params)

    return scipy_rule(place, wanted=_keeps)(rule)


@scipy_rule(f"{_PLACE}.log", wanted=_keeps)
def log_of(X: Any) -> Any:
    """The logarithm of a variable, whose support may not be known yet."""
    if not is_unknown(*X.support()):
        return own_code(f"{_PLACE}.log")(X)
    return infrastructure.MonotonicTransformedDistribution(
        X, g=np.log, h=np.exp, dh=np.exp, logdh=lambda u: u
    )


@when_unknown(f"{_PLACE}.Mixture._input_validation")
def mixed(self: Any, components: Any, weights: Any) -> tuple[Any, Any]:
    """Variables and their weights, of which it is not known yet whether they add up to 1."""
    if len(components) != np.shape(weights)[0]:
        raise ValueError("`components` and `weights` must have the same length.")
    return components, weights


def _bracket(low: Any, high: Any) -> Any:
    """Where a search begins; the result does not move with it."""
    return infrastructure._guess_bracket(*map(known_value, (low, high)))


borrow.substitute(infrastructure._guess_bracket, _bracket)
_INVERSE_OF = {"cdf": "icdf", "ccdf": "iccdf", "logcdf": "ilogcdf", "logccdf": "ilogccdf"}


@scipy_rule(f"{_PLACE}.Mixture._invert", wanted=_keeps)
def inverse_of_mixture(self: Any, fun: str, p: Any) -> Any:
    """Where a function of a mixture has a value: it is between the places of its parts."""
    import scipy.optimize

    places = [getattr(part, _INVERSE_OF[fun])(p) for part in self._components]
    if not is_unknown(p, self._weights, *places):
        return own_code(f"{_PLACE}.Mixture._invert")(self, fun, p)
    p = floating(p)
    low, high = (stop_gradient(reduced(np.stack(places), axis=0)) for reduced in (np.min, np.max))
    margin = 1e-9 * (1 + np.abs(low) + np.abs(high))
    found = [
        scipy.optimize.brentq(
            lambda x, at=at: getattr(self, fun)(x) - p[at],
            (low - margin)[at], (high + margin)[at], xtol=1e-14, rtol=1e-14,
        )
        for at in np.ndindex(*np.shape(p))
    ]  # fmt: skip
    return np.reshape(np.stack(found), np.shape(p)) if found else p


_CHECKED = {
    "_set_invalid_nan.<locals>.filtered": _by_values,
    "_cdf2_input_validation.<locals>.wrapped": _between,
}


def _rules() -> None:
    for name, value in vars(infrastructure.UnivariateDistribution).items():
        if not isinstance(value, FunctionType):
            continue
        checked = _CHECKED.get(value.__code__.co_qualname)
        if checked is not None:
            place = f"{_PLACE}.UnivariateDistribution.{name}"
            scipy_rule(place, wanted=_keeps)(checked(name, place, vars(value)["__wrapped__"]))
        elif name.endswith("_safe"):
            _unsafe(name)
    for module in (infrastructure, families):
        for name, kind in list(vars(module).items()):
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                place = f"{module.__name__}.{name}"
                ruled = tuple(key for key in vars(kind) if f"{place}.{key}" in entries)
                borrow_class(place, without=ruled, wanted=_keeps)


_rules()
