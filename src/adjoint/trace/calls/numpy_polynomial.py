"""numpy.polynomial: NumPy's own code on stand-ins; loaded when the package has been imported.

Coefficients at the end that are exactly zero are cut by NumPy, and their derivatives with them:
recorded ones are kept, which gives the same polynomial.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

import numpy as np

from adjoint.trace.borrow import borrow, borrowed, globals_for, substitute
from adjoint.trace.borrow_scipy import borrow_class, given_a_holder, is_unknown, own_code
from adjoint.trace.calls.polynomials import moved_roots
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

# Not imported by name: NumPy loads the package when asked for it, and this is in the middle of it.
polynomial: Any = sys.modules["numpy.polynomial"]

_BASES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}
_SUFFIXES = (
    *("val", "val2d", "val3d", "grid2d", "grid3d", "der", "int", "add", "sub", "2poly"),
    *("pow", "vander", "vander2d", "vander3d", "fit", "fromroots", "valfromroots"),
    *("weight", "interpolate"),
)


def _own_code(name: str) -> Any:
    def rule(*args: Any, **options: Any) -> Any:
        return borrowed(entries[name].original)(*args, **options)

    return rule


_trimmed: Any = polynomial.polyutils.trimseq


def _trimseq(seq: Any) -> Any:
    return seq if is_traced(seq) else _trimmed(seq)


substitute(_trimmed, _trimseq)


def _all_zero(c: Any) -> bool:
    return not holds_traced([c]) and not np.any(c)


def _of_its_degree(c: Any, name: str, what: str, without: str) -> None:
    """Raise where a coefficient decides on the size of the result just by being 0."""
    last = known_value(np.atleast_1d(as_operand(c))[-1])
    if holds_traced([c]) and last is not None and last == 0:
        what = f"{what} whose last coefficient is exactly 0"
        raise no_rule(name, what, f"other coefficients, or {without}")


def _rules_of(module: Any, where: str, prefix: str) -> None:
    """What decides on values in a basis: the leading coefficient is taken to be other than 0."""

    def own(suffix: str) -> Any:
        return _own_code(f"{where}.{prefix}{suffix}")

    @scipy_rule(f"{where}.{prefix}mul")
    def mul(c1: Any, c2: Any) -> Any:
        return np.zeros(1) if _all_zero(c1) or _all_zero(c2) else own("mul")(c1, c2)

    @scipy_rule(f"{where}.{prefix}mulx")
    def mulx(c: Any) -> Any:
        if is_unknown(c) and np.shape(c) in ((), (1,)):
            return getattr(module, f"{prefix}mulx")([1.0]) * c
        return own("mulx")(c)

    @scipy_rule(f"{where}.{prefix}div")
    def div(c1: Any, c2: Any) -> Any:
        _of_its_degree(c2, f"{where}.{prefix}div", "a divisor", "c2[:-1]")
        return own("div")(c1, c2)

    @scipy_rule(f"{where}.{prefix}companion")
    def companion(c: Any) -> Any:
        _of_its_degree(c, f"{where}.{prefix}companion", "a polynomial", "c[:-1]")
        return own("companion")(c)

    @scipy_rule(f"{where}.{prefix}line")
    def line(off: Any, scl: Any) -> Any:
        parts = [np.asarray(getattr(module, f"{prefix}line")(*v)) for v in ((1.0, 0.0), (0.0, 1.0))]
        return off * np.pad(parts[0], (0, 1)) + scl * parts[1]

    @scipy_rule(f"{where}.{prefix}roots")
    def roots(c: Any) -> Any:
        value = known_value(as_operand(c))
        if value is None or value.shape[0] < 2 or value[-1] != 0:
            return own("roots")(c)
        found = getattr(module, f"{prefix}roots")(value)
        evaluate, derive = getattr(module, f"{prefix}val"), getattr(module, f"{prefix}der")
        return moved_roots(found, lambda r: (evaluate(r, c), evaluate(r, derive(c))))


for _name, _prefix in _BASES.items():
    _module, _where = getattr(polynomial, _name), f"numpy.polynomial.{_name}"
    _rules_of(_module, _where, _prefix)
    for _suffix in (*_SUFFIXES, "poly2"):
        _called = f"poly2{_prefix}" if _suffix == "poly2" else _prefix + _suffix
        _function = getattr(_module, _called, None)
        if isinstance(_function, FunctionType):
            scipy_rule(f"{_where}.{_called}")(_own_code(f"{_where}.{_called}"))
        elif _function is not None:  # one that does ask
            borrow(_function)
for _called in ("as_series", "mapparms", "getdomain"):
    _where = f"numpy.polynomial.polyutils.{_called}"
    scipy_rule(_where)(_own_code(_where))


@scipy_rule("numpy.polynomial.polyutils.mapdomain", wanted=given_a_holder)
def mapdomain(x: Any, old: Any, new: Any) -> Any:
    """Places, or a polynomial, carried from one interval to another."""
    if not isinstance(x, polynomial._polybase.ABCPolyBase):
        return own_code("numpy.polynomial.polyutils.mapdomain")(x, old, new)
    off, scl = polynomial.polyutils.mapparms(old, new)
    return off + scl * x


@scipy_rule("numpy.polynomial.polyutils.trimcoef")
def trimcoef(c: Any, tol: float = 0) -> Any:
    """Small coefficients at the end cut off; zeros in their place where none are known."""
    if not is_unknown(c):
        return own_code("numpy.polynomial.polyutils.trimcoef")(c, tol)
    c = np.atleast_1d(c)
    places = np.arange(c.shape[0])
    last = np.max(np.where(np.abs(c) > tol, places, 0))
    return np.where((places <= last) & np.any(np.abs(c) > tol), c, 0)


_ABC = "numpy.polynomial._polybase.ABCPolyBase"
# Its operators take every error for "not mine". What has no rule is to be said by name.
globals_for(vars(polynomial._polybase))["Exception"] = ValueError
borrow_class(_ABC, without=("__str__", "__repr__", "__truediv__", "fit"))


@scipy_rule(f"{_ABC}.__truediv__")
def divided(self: Any, other: Any) -> Any:
    """Over a number."""
    return self // other if np.ndim(other) == 0 else NotImplemented


@scipy_rule(f"{_ABC}.fit.__func__")
def fit(cls: Any, x: Any, y: Any, deg: Any, domain: Any = None, *rest: Any, **options: Any) -> Any:
    """Nearest to data; where the places are not known, they are taken to be several."""
    if domain is None and is_unknown(x):
        domain = polynomial.polyutils.getdomain(x)
    return own_code(f"{_ABC}.fit.__func__")(cls, x, y, deg, domain, *rest, **options)
