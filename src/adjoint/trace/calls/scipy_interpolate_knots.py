"""Splines taken apart, on stand-ins: new knots, roots, all derivatives, bases, pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import given_a_holder, holds_itself
from adjoint.trace.calls.polynomials import moved_roots
from adjoint.trace.calls.scipy_interpolate import held, new_ppoly, refused
from adjoint.trace.calls.scipy_interpolate_splines import (
    made_spline,
    several_curves,
    splev,
    spline_value,
)
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_B = "scipy.interpolate.BSpline"


def _with_knot(t: Any, c: Any, k: int, x: Any) -> tuple[Any, Any]:
    """Boehm's rule: each coefficient is a share of itself and of the one before it."""
    n = t.shape[0] - k - 1
    c = c[:n]
    at = stop_gradient(x)
    width = t[k : k + n] - t[:n]
    empty = stop_gradient(width) == 0
    share = np.where(
        empty, 1.0 * (stop_gradient(t)[:n] <= at), (x - t[:n]) / np.where(empty, 1, width)
    )
    share = np.clip(np.append(share, 0.0), 0, 1)
    share = np.reshape(share, (-1,) + (1,) * (c.ndim - 1))
    none = np.zeros_like(c[:1])
    c = share * np.concatenate([c, none]) + (1 - share) * np.concatenate([none, c])
    before = np.sum(stop_gradient(t) <= at)
    places = np.arange(t.shape[0] + 1)
    longer, later = np.append(t, x), np.append(t[:1], t)
    return np.where(places < before, longer, np.where(places == before, x, later)), c


@scipy_rule(f"{_B}.insert_knot", wanted=holds_itself)
def insert_knot(self: Any, x: Any, m: int = 1) -> Any:
    """The same spline with one knot more."""
    if self.extrapolate == "periodic":
        raise refused("BSpline.insert_knot", "a periodic spline", "extrapolate=True")
    t, c = floating(held(self, "t")), floating(held(self, "c"))
    for _ in range(m):
        t, c = _with_knot(t, c, self.k, x)
    return made_spline(t, c, self.k, self.extrapolate, self.axis)


@scipy_rule("scipy.interpolate.insert", wanted=given_a_holder)
def insert(x: Any, tck: Any, m: int = 1, per: int = 0) -> Any:
    """The same spline with one knot more; its coefficients end in as many zeros as FITPACK's."""
    if per:
        raise refused("insert", "per=1", "per=0")
    if not isinstance(tck, tuple | list):
        return insert_knot(tck, x, m)
    t, c, k = tck
    if several_curves(c):
        parts = [insert(x, (t, part, k), m) for part in c]
        return parts[0][0], [part[1] for part in parts], k
    t, c, x = floating(t), floating(c), floating(x)
    for _ in range(m):
        t, c = _with_knot(t, c, k, x)
    return t, np.append(c, np.zeros(k + 1)), k


@valued_rule("scipy.interpolate.spalde")
def spalde(x: Any, tck: Any) -> Any:
    """All derivatives at places."""
    t, c, k = tck
    if several_curves(c):
        return [spalde(x, (t, part, k)) for part in c]
    x = floating(x)
    rows = np.stack([splev(x, tck, nu) for nu in range(k + 1)], axis=-1)
    return rows if x.ndim == 0 else list(rows)


@scipy_rule("scipy.interpolate.sproot", wanted=given_a_holder)
def sproot(tck: Any, mest: int = 10) -> Any:
    """The roots of a cubic spline, which move with it."""
    import scipy.interpolate as si

    if not isinstance(tck, tuple | list):
        tck = held(tck, "t"), held(tck, "c"), tck.k
    t, c, k = tck
    if several_curves(c):
        return [sproot((t, part, k), mest) for part in c]
    known = known_value(as_operand(t)), known_value(as_operand(c))
    if known[0] is None or known[1] is None:
        what = "inside jit or vmap (the values say how many roots there are),"
        raise refused("sproot", what, "scipy.optimize.brentq of the spline")
    spare = np.zeros(max(0, known[0].shape[0] - known[1].shape[0]))
    found = si.sproot((known[0], np.append(known[1], spare), k), mest)
    return moved_roots(found, lambda r: (splev(r, tck), splev(r, tck, 1)))


@scipy_rule(f"{_B}.construct_fast.__func__")
def construct_fast(
    cls: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0
) -> Any:  # fmt: skip
    """From knots and coefficients, as they are."""
    return made_spline(t, c, k, extrapolate, axis)


@scipy_rule(f"{_B}.basis_element.__func__")
def basis_element(cls: Any, t: Any, extrapolate: Any = True) -> Any:
    """One B-spline of given knots."""
    t = floating(t)
    k = t.shape[0] - 2
    one = np.ones(k)
    c = np.zeros(t.shape[0] + 2 * k)
    c[k] = 1.0
    whole = np.concatenate([(t[0] - 1) * one, t, (t[-1] + 1) * one])
    return made_spline(whole, c, k, extrapolate)


@scipy_rule("scipy.interpolate.PPoly.from_spline.__func__", wanted=given_a_holder)
def from_spline(cls: Any, tck: Any, extrapolate: Any = None) -> Any:
    """The powers of a spline between its knots."""
    if not isinstance(tck, tuple | list):
        extrapolate = tck.extrapolate if extrapolate is None else extrapolate
        tck = held(tck, "t"), held(tck, "c"), tck.k
    t, c, k = floating(tck[0]), floating(tck[1]), tck[2]
    rows, scale = [], 1.0
    for m in range(k + 1):
        scale *= max(m, 1)
        rows.append(spline_value(t, c, k, t[:-1], m) / scale)
    return new_ppoly(np.stack(rows[::-1]), t, 0, extrapolate)


# *** FITPACK's classes ***

_U = "scipy.interpolate.UnivariateSpline"


def _holds_tck(self: Any, *args: Any, **kwargs: Any) -> bool:
    return holds_traced(self.__dict__.get("_eval_args", ()))


@scipy_rule(f"{_U}.roots", wanted=_holds_tck)
def univariate_roots(self: Any) -> Any:
    """Where a cubic spline is zero."""
    return sproot(self._eval_args, 3 * (np.shape(self._eval_args[0])[0] - 7))


@scipy_rule(f"{_U}.derivatives", wanted=_holds_tck)
def univariate_derivatives(self: Any, x: Any) -> Any:
    """All derivatives at a place."""
    return spalde(x, self._eval_args)


@scipy_rule(f"{_U}.get_knots", wanted=_holds_tck)
def univariate_knots(self: Any) -> Any:
    """The inner knots and the ends."""
    t, _, k = self._eval_args
    return t[k : np.shape(t)[0] - k]


@scipy_rule(f"{_U}.get_coeffs", wanted=_holds_tck)
def univariate_coefficients(self: Any) -> Any:
    """The coefficients."""
    t, c, k = self._eval_args
    return c[: np.shape(t)[0] - k - 1]


@scipy_rule(f"{_U}.get_residual", wanted=_holds_tck)
def univariate_residual(self: Any) -> Any:
    """The weighted sum of squares that is left."""
    given = self.__dict__.get("adjoint_data")
    if given is None:
        raise refused("UnivariateSpline.get_residual", "of a derivative", "the spline's own")
    x, y, w, *_ = given
    left = (y - splev(x, self._eval_args)) * (1.0 if w is None else w)
    return np.sum(left * left)


@scipy_rule(f"{_U}.set_smoothing_factor", wanted=_holds_tck)
def set_smoothing_factor(self: Any, s: Any) -> None:
    """Fitted again."""
    from adjoint.trace.calls.scipy_interpolate_smoothing import near_data

    self._eval_args = near_data(self, s)
