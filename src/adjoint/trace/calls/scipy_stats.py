"""scipy.stats on stand-in arrays: densities and distribution functions of its families.

SciPy writes its families' formulas in NumPy and scipy.special (``_logpdf`` and so on, on
standardised arguments), and those run on stand-ins as they are. Families whose formulas
call compiled code have one here, in ``FORMULAS``; a formula that is neither is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.errors import TraceError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls import scipy_stats_numeric as numeric
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_stats_families import family, formula_of, rounds_itself
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

# How the standardised functions may be had from one another: first found, first taken.
_ROUTES: dict[str, tuple[tuple[str, Callable[[Any], Any] | None], ...]] = {
    "_pdf": (("_pdf", lambda y: y), ("_logpdf", np.exp)),
    "_logpdf": (("_logpdf", lambda y: y), ("_pdf", np.log)),
    "_pmf": (("_pmf", lambda y: y), ("_logpmf", np.exp)),
    "_logpmf": (("_logpmf", lambda y: y), ("_pmf", np.log)),
    "_cdf": (("_cdf", lambda y: y), ("_sf", lambda y: 1 - y)),
    "_sf": (("_sf", lambda y: y), ("_cdf", lambda y: 1 - y)),
    "_logcdf": (("_logcdf", lambda y: y), ("_cdf", np.log), ("_sf", lambda y: np.log1p(-y))),
    "_logsf": (("_logsf", lambda y: y), ("_sf", np.log), ("_cdf", lambda y: np.log1p(-y))),
    "_ppf": (("_ppf", lambda y: y),),
    "_isf": (("_isf", lambda y: y), ("_ppf", None)),
}
_OUTSIDE: dict[str, tuple[float, float]] = {  # below and above the support
    "_cdf": (0.0, 1.0),
    "_sf": (1.0, 0.0),
    "_logcdf": (-np.inf, 0.0),
    "_logsf": (0.0, -np.inf),
}
_TAILS = {"_logcdf": ("_cdf", "_sf"), "_logsf": ("_sf", "_cdf")}
# A formula that stand-ins cannot follow, or that hands them to compiled code.
FAILS = (TraceError, TypeError, AttributeError, IndexError, ValueError)


def _followed(formula: Callable[..., Any], y: Any, shapes: tuple[Any, ...]) -> Any | None:
    """A formula's value, or None. SciPy's may count on arguments of one shape, not 0-d."""
    shape = np.broadcast_shapes(np.shape(y), *map(np.shape, shapes))
    for full in (False, True):
        given = (y, *shapes)
        if full:
            given = tuple(np.broadcast_to(x, shape or (1,)) for x in given)
        try:
            value = formula(*given)
        except FAILS:
            continue
        if holds_traced(shapes) and not holds_traced([value]):
            continue  # it took a shape for a count
        if np.shape(value) == (np.shape(given[0]) if full else shape):
            return np.reshape(value, shape) if full else value
    return None


def standard(dist: Any, name: str, y: Any, shapes: tuple[Any, ...]) -> Any:
    """A function of the family at standardised arguments."""
    if name in _TAILS and formula_of(dist, name) is None:
        return _log_chance(dist, name, y, shapes)
    for only_ours in (True, False):
        for other, then in _ROUTES[name]:
            formula = formula_of(dist, other, only_ours)
            if formula is None:
                continue
            value = _followed(formula, 1 - y if then is None else y, shapes)
            if value is not None:
                return value if then is None else then(value)
            if other == name:  # SciPy's is compiled: what stands for it would lose the tail
                if name in _TAILS:
                    return _log_chance(dist, name, y, shapes)
                found = numeric.by_number(dist, name, y, shapes, standard)
                if found is not None:
                    return found
    found = numeric.by_number(dist, name, y, shapes, standard)
    if found is not None:
        return found
    public = name.lstrip("_")
    raise no_rule(
        f"scipy.stats.{dist.name}.{public}",
        remedy="write its formula with NumPy and scipy.special, or give a rule of your own "
        "with ad.custom_jvp",
    )


def _log_chance(dist: Any, name: str, y: Any, shapes: tuple[Any, ...]) -> Any:
    """The logarithm of a chance, by that of the other side where it is near 1."""
    same, other = _TAILS[name]
    chance = standard(dist, same, y, shapes)
    if not hasattr(dist, "pdf") and formula_of(dist, name) is None:
        return np.log(chance)
    rest = standard(dist, other, y, shapes)
    return np.where(chance < rest, np.log(chance), np.log1p(-rest))


def parsed(dist: Any, args: tuple[Any, ...], kwds: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Shapes, loc and scale."""
    shapes, loc, scale = dist._parse_args(*args, **kwds)
    return tuple(_number(s) for s in shapes), _number(loc), _number(scale)


def _number(x: Any) -> Any:
    return x if hasattr(x, "dtype") or isinstance(x, int | float) else np.asarray(x)


def support(dist: Any, shapes: tuple[Any, ...]) -> tuple[Any, Any]:
    """Both ends of the standardised family."""
    ends_of = FORMULAS.get(dist.name, {}).get("support") or family(dist)._get_support
    try:
        low, high = ends_of(*shapes)
    except FAILS:
        shape = np.broadcast_shapes(*map(np.shape, shapes))
        ends = ends_of(*(np.broadcast_to(s, shape or (1,)) for s in shapes))
        low, high = (np.reshape(end, shape) if np.ndim(end) else end for end in ends)
    return low, high


def log_density(dist: Any, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    """The log density by its formula, whether the support holds x or not."""
    return standard(dist, "_logpdf", _double((x - loc) / scale), tuple(shapes)) - np.log(scale)


def valid_at(dist: Any, shapes: tuple[Any, ...], scale: Any) -> Any:
    """Whether the parameters are in the family's range."""
    return np.logical_and(_argcheck(dist, shapes), scale > 0)


def _argcheck(dist: Any, shapes: tuple[Any, ...]) -> Any:
    """Whether the shapes are in the family's range; all positive where it does not say."""
    formula = formula_of(dist, "_argcheck")
    if formula is not None:
        return formula(*shapes)
    valid: Any = True
    for shape in shapes:
        valid = np.logical_and(valid, shape > 0)
    return valid


def _double(y: Any) -> Any:
    """SciPy makes numbers of float64 whatever it is given, from the standardised value on."""
    return y.astype(np.float64)


def density(name: str) -> Any:
    """Pdf and logpdf."""

    def rule(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(self, args, kwds)
        y = _double((floating(x) - loc) / scale)
        low, high = support(self, shapes)
        inside = np.logical_and(low <= y, y <= high)
        value = standard(self, name, y, shapes)
        log = name == "_logpdf"
        value = value - np.log(scale) if log else value / scale
        value = np.where(inside, value, -np.inf if log else 0.0)
        value = np.where(np.isnan(y), np.nan, value)
        return np.where(valid_at(self, shapes, scale), value, np.nan)

    return rule


def distribution(name: str) -> Any:
    """cdf, sf and their logarithms."""

    def rule(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(self, args, kwds)
        y = _double((floating(x) - loc) / scale)
        low, high = support(self, shapes)
        below, above = _OUTSIDE[name]
        value = standard(self, name, y, shapes)
        value = np.where(y <= low, below, np.where(y >= high, above, value))
        value = np.where(np.isnan(y), np.nan, value)
        return np.where(valid_at(self, shapes, scale), value, np.nan)

    return rule


def _quantile(name: str) -> Any:
    """Ppf and isf."""

    def rule(self: Any, q: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(self, args, kwds)
        q = _double(floating(q))
        low, high = support(self, shapes)
        first, last = (low, high) if name == "_ppf" else (high, low)
        value = standard(self, name, q, shapes) * scale + loc
        value = np.where(q == 0, first * scale + loc, value)
        value = np.where(q == 1, last * scale + loc, value)
        valid = valid_at(self, shapes, scale) & (q >= 0) & (q <= 1)
        return np.where(valid, value, np.nan)

    return rule


for _name in ("_pdf", "_logpdf"):
    scipy_rule(f"scipy.stats.rv_continuous.{_name[1:]}")(density(_name))
for _name in ("_cdf", "_sf", "_logcdf", "_logsf"):
    scipy_rule(f"scipy.stats.rv_continuous.{_name[1:]}")(distribution(_name))
for _name in ("_ppf", "_isf"):
    scipy_rule(f"scipy.stats.rv_continuous.{_name[1:]}")(_quantile(_name))


# *** discrete families: a derivative in the parameters ***


def _discrete_parsed(dist: Any, args: Any, kwds: Any) -> tuple[Any, Any]:
    args = tuple(floating(a) if isinstance(a, list | tuple) else a for a in args)
    shapes, loc, _ = dist._parse_args(*args, **kwds)
    return tuple(_number(s) for s in shapes), _number(loc)


def _mass(name: str) -> Any:
    def rule(self: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc = _discrete_parsed(self, args, kwds)
        k = _double(floating(k) - loc)
        low, high = support(self, shapes)
        inside = (low <= k) & (k <= high) & (np.floor(k) == k)
        value = standard(self, name, k, shapes)
        value = np.where(inside, value, -np.inf if name == "_logpmf" else 0.0)
        return np.where(_argcheck(self, shapes), value, np.nan)

    return rule


def _steps(name: str) -> Any:
    def rule(self: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc = _discrete_parsed(self, args, kwds)
        k = _double(floating(k) - loc)
        low, high = support(self, shapes)
        below, above = _OUTSIDE[name]
        value = standard(self, name, k if rounds_itself(self, name) else np.floor(k), shapes)
        value = np.where(k < low, below, np.where(k >= high, above, value))
        return np.where(_argcheck(self, shapes), value, np.nan)

    return rule


def _count(name: str) -> Any:
    """Ppf and isf: a count, which does not move with the parameters."""

    def rule(self: Any, q: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc = _discrete_parsed(self, args, kwds)
        return numeric.plain(self, name, q, *shapes) + loc

    return rule


for _name in ("ppf", "isf"):
    scipy_rule(f"scipy.stats.rv_discrete.{_name}")(_count(_name))
for _name in ("_pmf", "_logpmf"):
    scipy_rule(f"scipy.stats.rv_discrete.{_name[1:]}")(_mass(_name))
for _name in ("_cdf", "_sf", "_logcdf", "_logsf"):
    scipy_rule(f"scipy.stats.rv_discrete.{_name[1:]}")(_steps(_name))


# *** moments ***


def _moment(which: int, root: bool = False) -> Any:
    def rule(self: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(self, args, kwds)
        value = standard_moment(self, which, shapes)
        if which == 0:
            return value * scale + loc
        value = value * scale * scale
        return np.sqrt(value) if root else value

    return rule


def standard_moment(dist: Any, which: int, shapes: tuple[Any, ...]) -> Any:
    """Mean or variance of the standardised family, by formula or by an integral."""
    if not holds_traced(shapes):
        return dist.stats(*shapes, moments="mv")[which]
    formula = formula_of(dist, "_stats")
    if formula is not None:
        try:
            value = formula(*shapes)[which]
            if value is not None:
                return value
        except FAILS:
            pass
    found = numeric.moment(dist, which, shapes, standard)
    if found is None:
        raise UnsupportedError(
            f"the moments of scipy.stats.{dist.name} have no formula",
            function=f"scipy.stats.{dist.name}",
            source=source_here(),
        )
    return found


scipy_rule("scipy.stats._distn_infrastructure.rv_generic.mean")(_moment(0))
scipy_rule("scipy.stats._distn_infrastructure.rv_generic.var")(_moment(1))
scipy_rule("scipy.stats._distn_infrastructure.rv_generic.std")(_moment(1, root=True))


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.stats")
def stats_of(self: Any, *args: Any, **kwds: Any) -> Any:
    """Mean, variance, skewness and excess kurtosis, by their letters."""
    shapes, loc, scale, moments = self._parse_args_stats(*args, **kwds)
    found = []
    for which, letter in enumerate("mvsk"):
        if letter not in moments:
            continue
        if which < 2:
            stretched = {"scale": scale} if hasattr(self, "pdf") else {}
            given = numeric.as_given(self, shapes)
            found.append(_moment(which)(self, *given, loc=loc, **stretched))
        else:
            found.append(_form(self, which, tuple(_number(s) for s in shapes)))
    return found[0] if len(found) == 1 else tuple(found)


def form_of(dist: Any, which: int, shapes: tuple[Any, ...]) -> Any | None:
    """Skewness (2) or excess kurtosis (3) by a formula of the family, if it has one."""
    formula = formula_of(dist, "_stats")
    own = vars(type(dist)).get("_stats")
    named = own is not None and "moments" in own.__code__.co_varnames
    try:
        asked = {"moments": "mvsk"} if named and "_stats" not in FORMULAS.get(dist.name, {}) else {}
        return None if formula is None else formula(*shapes, **asked)[which]
    except FAILS:
        return None


def _form(dist: Any, which: int, shapes: tuple[Any, ...]) -> Any:
    """Skewness (2) or excess kurtosis (3), by a formula or by the means of powers."""
    if not holds_traced(shapes):
        return dist.stats(*shapes, moments="mvsk")[which]
    value = form_of(dist, which, shapes)
    if value is not None:
        return value
    value = numeric.form(dist, which, shapes, standard, standard_moment)
    if value is None:
        raise UnsupportedError(
            f"skewness and kurtosis of scipy.stats.{dist.name} have no formula",
            function=f"scipy.stats.{dist.name}.stats",
            source=source_here(),
            remedy="ask for moments='mv'",
        )
    return value


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.support")
def support_of(self: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Both ends, where the parameters are in their range."""
    shapes, loc, scale = parsed(self, args, kwargs)
    valid = valid_at(self, shapes, scale)
    low, high = (np.where(valid, end * scale + loc, np.nan) for end in support(self, shapes))
    return low, high


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.nnlf")
def nnlf(self: Any, theta: Any, x: Any) -> Any:
    """Minus the log likelihood of shapes, loc and scale; inf outside their range."""
    *shapes, loc, scale = theta
    value = -np.sum(self.logpdf(x, *shapes, loc=loc, scale=scale), axis=0)
    return np.where(np.isnan(value), np.inf, value)


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.entropy")
def entropy_of(self: Any, *args: Any, **kwds: Any) -> Any:
    """The differential entropy."""
    shapes, _, scale = parsed(self, args, kwds)
    value = _standard_entropy(self, shapes)
    return value + np.log(scale) if hasattr(self, "pdf") else value


def _standard_entropy(dist: Any, shapes: tuple[Any, ...]) -> Any:
    if not holds_traced(shapes):
        return dist.entropy(*shapes)
    formula = formula_of(dist, "_entropy")
    if formula is not None:
        try:
            return formula(*shapes)
        except FAILS:
            pass
    found = numeric.entropy(dist, shapes, standard)
    if found is None and not hasattr(dist, "pdf"):
        what = "a range of counts that is not known"
        known = "parameters whose values are known, as they are outside jit and vmap"
        raise no_rule(f"scipy.stats.{dist.name}.entropy", what, known)
    if found is None:
        remedy = "write its formula with NumPy and scipy.special"
        raise no_rule(f"scipy.stats.{dist.name}.entropy", remedy=remedy)
    return found
