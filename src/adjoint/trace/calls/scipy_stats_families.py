"""The families of scipy.stats as recording sees them: SciPy's own formulas, on stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import prepare
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS

# What the base classes do where a family has no formula of its own: integrate, or search.
_NUMERIC = ("rv_continuous", "rv_discrete", "rv_generic", "rv_sample")


class Family:
    """One of SciPy's families, whose methods keep stand-ins as they are."""

    def __init__(self, dist: Any) -> None:
        self._dist = dist

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The family with its parameters held."""
        return self._dist(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        formula = FORMULAS.get(self._dist.name, {}).get(name)
        if formula is not None:
            return formula
        for kind in type(self._dist).__mro__:
            found = kind.__dict__.get(name)
            if isinstance(found, FunctionType) and kind.__module__.startswith("scipy.stats."):
                if not name.startswith("_"):
                    break  # the public ones have rules
                method = borrow.borrowed(found)
                return lambda *args, **kwargs: method(self, *args, **kwargs)
            if found is not None:
                break
        return getattr(self._dist, name)


@cache
def family(dist: Any) -> Family:
    """A family of SciPy's with methods for stand-ins."""
    _prepare()
    return Family(dist)


def formula_of(dist: Any, name: str, only_ours: bool | None = None) -> Callable[..., Any] | None:
    """A formula at standardised arguments, or None where there is none.

    Args:
        dist: one of SciPy's families.
        name: of the method that has the formula.
        only_ours: whether it is looked for in our table only, or in SciPy's code only.
    """
    ours: Callable[..., Any] | None = FORMULAS.get(dist.name, {}).get(name)
    if only_ours or (ours is not None and only_ours is None):
        return ours
    for kind in type(dist).__mro__:
        if name in kind.__dict__:
            if kind.__name__ in _NUMERIC or _searches(kind.__dict__[name]):
                return None
            found: Callable[..., Any] = getattr(family(dist), name)
            return found
    return None


def _searches(method: Any) -> bool:
    """Whether a method of SciPy's integrates or searches itself: as the base classes do."""
    names = method.__code__.co_names
    # The last goes over numbers one by one: NumPy 2.2 dies where such an iterator is refused.
    return not {"integrate", "optimize", "kolmogni"}.isdisjoint(names)


def _lazyselect(conditions: Any, choices: Any, arrays: Any, default: Any = 0) -> Any:
    """Every choice everywhere; the first condition that holds decides."""
    with np.errstate(all="ignore"):
        out = default
        for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
            out = np.where(condition, choice(*arrays), out)
        return out


@cache
def _prepare() -> None:
    import scipy._lib._util as util
    from scipy.stats import _continuous_distns, _discrete_distns

    prepare()
    borrow.substitute(util._lazyselect, _lazyselect)
    for module in (_continuous_distns, _discrete_distns):
        for value in list(vars(module).values()):
            if hasattr(value, "_parse_args") and hasattr(value, "rvs"):
                borrow.substitute(value, Family(value))


# What SciPy finds a function of counts by, in its order.
_BY = {
    "_cdf": ("_cdf",),
    "_sf": ("_sf", "_cdf"),
    "_logcdf": ("_logcdf", "_cdf"),
    "_logsf": ("_logsf", "_sf", "_cdf"),
}


def rounds_itself(dist: Any, name: str) -> bool:
    """Whether SciPy hands counts between whole numbers to a formula of the family as they are."""
    if any(formula_of(dist, other, True) is not None for other in (name, "_cdf", "_sf")):
        return False
    return any(formula_of(dist, other) is not None for other in _BY[name])
