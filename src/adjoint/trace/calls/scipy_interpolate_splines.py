"""B-splines on stand-in arrays: in the knots, the coefficients and the places.

A spline is evaluated by the recursion of de Boor and Cox. Fitting at fixed places is linear in
the data, so SciPy's own fit is applied; at recorded places the equations are solved here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.linear_map import linear_map
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_names,
    borrow_scipy,
    given_a_holder,
    holds_itself,
    prepare,
)
from adjoint.trace.calls.axis_maps import along_axis
from adjoint.trace.calls.scipy_interpolate import held, hold, over_periods, pick, places_in
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.scipy_values import borrow_valued, valued_rule
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, holds_traced, scipy_rule
from adjoint.trace.views import detached


def basis(t: Any, k: int, x: Any) -> tuple[Any, list[Any]]:
    """The first of the k + 1 B-splines that are not 0 at each place, and their values."""
    n = t.shape[0] - k - 1
    cell = np.clip(places_in(t, x, "right") - 1, k, n - 1)
    # an interval of no length is never chosen, but at the end of the knots
    cell = np.where(stop_gradient(x) >= stop_gradient(t)[n], _last_cell(t, k, n), cell)
    values: list[Any] = [np.ones_like(x)]
    for d in range(1, k + 1):
        carried: Any = 0.0
        made = []
        for r in range(d):
            right = pick(t, cell + (r + 1)) - x
            left = x - pick(t, cell + (1 - d + r))
            share = values[r] / (right + left)
            made.append(carried + right * share)
            carried = left * share
        values = [*made, carried]
    return cell - k, values


def _last_cell(t: Any, k: int, n: int) -> Any:
    """The last interval of the base with a length."""
    return np.clip(places_in(t, as_operand(t)[n : n + 1], "left")[0] - 1, k, n - 1)


def derived(t: Any, c: Any, k: int, nu: int) -> tuple[Any, Any, int]:
    """Knots, coefficients (along the first axis) and degree of the nu-th derivative."""
    for _ in range(nu):
        n = c.shape[0]
        width = np.reshape(t[k + 1 : n + k] - t[1:n], (-1,) + (1,) * (c.ndim - 1))
        empty = stop_gradient(width) == 0
        c = np.where(empty, 0.0, k * (c[1:] - c[:-1]) / np.where(empty, 1.0, width))
        t, k = t[1:-1], k - 1
    return t, c, k


def spline_value(t: Any, c: Any, k: int, x: Any, nu: int = 0) -> Any:
    """The spline or its derivative at places of one axis; c has the base along axis 0."""
    t, c = doubled(t), doubled(c)
    n = t.shape[0] - k - 1
    if nu > k:
        return np.zeros((*x.shape, *c.shape[1:])) + 0 * np.reshape(x, x.shape + (1,) * (c.ndim - 1))
    t, c, k = derived(t, c[:n], k, nu)
    first, values = basis(t, k, x)
    total: Any = 0.0
    for j, weight in enumerate(values):
        total = total + np.reshape(weight, x.shape + (1,) * (c.ndim - 1)) * pick(c, first + j)
    return total


def design(t: Any, k: int, x: Any) -> Any:
    """The matrix of the base's values at places."""
    n = t.shape[0] - k - 1
    first, values = basis(floating(t), k, floating(x))
    rows = np.arange(n)
    total: Any = 0.0
    for j, weight in enumerate(values):
        total = total + weight[:, None] * (np.reshape(first + j, (-1, 1)) == rows)
    return total


def _in_base(t: Any, k: int, x: Any, extrapolate: Any) -> tuple[Any, Any]:
    """Places wrapped into the period if there is one, and which of them count."""
    n = t.shape[0] - k - 1
    low, high = t[k], t[n]
    if extrapolate == "periodic":
        turns = np.floor(stop_gradient((x - low) / (high - low)))
        return x - turns * (high - low), None
    return x, None if extrapolate else (x >= low) & (x <= high)


# *** scipy.interpolate.BSpline ***

_B = "scipy.interpolate.BSpline"


def made_spline(t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> Any:
    """SciPy's object around recorded knots or coefficients."""
    from scipy.interpolate import BSpline

    return _filled(BSpline.__new__(BSpline), t, c, k, extrapolate, axis)


def _filled(spline: Any, t: Any, c: Any, k: int, extrapolate: Any, axis: int) -> Any:
    hold(spline, t=t, c=c)
    spline.k = k
    spline.extrapolate, spline.axis = extrapolate, axis
    return spline


@scipy_rule(f"{_B}.__init__")
def bspline_init(self: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
    """From recorded knots or coefficients."""
    c = doubled(c)
    axis %= c.ndim
    _filled(self, doubled(t), np.moveaxis(c, axis, 0), int(k), extrapolate, axis)


@scipy_rule(f"{_B}.__call__", wanted=holds_itself)
def bspline_call(self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    """The value, or a derivative, at places."""
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    t, c, k = held(self, "t"), held(self, "c"), self.k
    x = doubled(x)
    flat, counts = _in_base(t, k, np.reshape(x, (-1,)), extrapolate)
    value = spline_value(t, c, k, flat, nu)
    if counts is not None:
        value = np.where(np.reshape(counts, counts.shape + (1,) * (value.ndim - 1)), value, np.nan)
    value = np.reshape(value, x.shape + tuple(value.shape[1:]))
    if self.axis:
        order = list(range(value.ndim))
        n = x.ndim
        value = np.transpose(value, order[n : n + self.axis] + order[:n] + order[n + self.axis :])
    return value


@scipy_rule(f"{_B}.derivative", wanted=holds_itself)
def bspline_derivative(self: Any, nu: int = 1) -> Any:
    """The derivative as another spline."""
    if nu < 0:
        return bspline_antiderivative(self, -nu)
    t, c, k = held(self, "t"), floating(held(self, "c")), self.k
    if nu > k:
        raise ValueError(f"Order of derivative (n = {nu!r}) must be <= order of spline (k = {k!r})")
    t, c, k = derived(t, c[: t.shape[0] - k - 1], k, nu)
    return made_spline(t, _filled_up(c, 0 * c[-1:], k), k, self.extrapolate, self.axis)


@scipy_rule(f"{_B}.antiderivative", wanted=holds_itself)
def bspline_antiderivative(self: Any, nu: int = 1) -> Any:
    """The integral from the start of the base as another spline."""
    if nu <= 0:
        return bspline_derivative(self, -nu)
    t, c, k = held(self, "t"), floating(held(self, "c")), self.k
    for _ in range(nu):
        t, c, k = _integral(t, c, k)
    extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
    return made_spline(t, _filled_up(c, c[-1:], k), k, extrapolate, self.axis)


def _filled_up(c: Any, last: Any, k: int) -> Any:
    """As many coefficients as knots, which is what FITPACK's routines give."""
    return np.concatenate([c, *[last] * (k + 1)], axis=0)


def _integral(t: Any, c: Any, k: int) -> tuple[Any, Any, int]:
    n = t.shape[0] - k - 1
    t = as_operand(t)
    width = np.reshape(t[k + 1 : k + 1 + n] - t[:n], (-1,) + (1,) * (c.ndim - 1))
    sums = np.cumsum(c[:n] * width, axis=0) / (k + 1)
    return (
        np.concatenate([t[:1], t, t[-1:]]),
        np.concatenate([np.zeros_like(sums[:1]), sums], axis=0),
        k + 1,
    )


@scipy_rule(f"{_B}.integrate", wanted=holds_itself)
def bspline_integrate(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    """The integral between two places."""
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    t, c, k = _integral(held(self, "t"), floating(held(self, "c")), self.k)
    if extrapolate == "periodic":
        knots = held(self, "t")
        base = (knots[self.k], knots[knots.shape[0] - self.k - 1])
        return over_periods(lambda x: spline_value(t, c, k, floating(x)), base, a, b)
    ends = floating(np.stack([as_operand(a), as_operand(b)]))
    if not extrapolate:
        knots = held(self, "t")
        ends = np.clip(ends, knots[self.k], knots[knots.shape[0] - self.k - 1])
    values = spline_value(t, c, k, ends)
    return values[1] - values[0]


# *** fits ***


def as_key(*settings: Any) -> tuple[Any, ...]:
    """Settings that can be compared."""
    return tuple(s.tobytes() if isinstance(s, np.ndarray) else s for s in settings)


def linear_fit(name: str, key: tuple[Any, ...], y: Any, fit: Any) -> Any:
    """Coefficients that are linear in the data, by SciPy's fit of each column."""

    def apply(v: Any, _: int = 0) -> Any:
        columns = v.reshape(v.shape[0], -1)
        made = [fit(np.ascontiguousarray(columns[:, j])) for j in range(columns.shape[1])]
        return np.stack(made, axis=-1).reshape(-1, *v.shape[1:])

    return linear_map(detached(y), map=along_axis(name, key, y.shape, 0, apply))


def not_a_knot(x: Any, k: int) -> Any:
    """Knots at the data, without the first and last inner ones."""
    middle = x if k % 2 else (x[1:] + x[:-1]) / 2
    skip = (k + 1) // 2 if k % 2 else k // 2
    inner = middle[skip : middle.shape[0] - skip]
    return np.concatenate([*[x[:1]] * (k + 1), inner, *[x[-1:]] * (k + 1)])


_NAMED_ENDS: dict[Any, Any] = {
    None: None, "not-a-knot": None, "clamped": [(1, 0.0)], "natural": [(2, 0.0)]
}  # fmt: skip


def _with_ends(x: Any, y: Any, k: int, t: Any, bc_type: Any, axis: int) -> Any:
    """The spline through data with derivatives given at its ends: the equations solved here."""
    pair = (bc_type, bc_type) if bc_type is None or isinstance(bc_type, str) else bc_type
    ends = [_NAMED_ENDS[end] if end is None or isinstance(end, str) else end for end in pair]
    if t is None and ends == [None, None] and k > 1:
        t = not_a_knot(x, k)
    elif t is None:
        t = np.concatenate([*[x[:1]] * k, x, *[x[-1:]] * k])
        if k < 2 and ends == [None, None]:  # the values are the coefficients
            return made_spline(t if k else np.concatenate([x, x[-1:]]), y, k, True, axis)
    t = floating(t)
    columns = np.reshape(y, (y.shape[0], -1))
    rows, right = [design(t, k, x)], [columns]
    base = np.eye(t.shape[0] - k - 1)
    for place, given in zip((x[:1], x[-1:]), ends, strict=True):
        for order, value in given or ():
            row = spline_value(t, base, k, place, int(order))
            told = np.broadcast_to(as_operand(value), y.shape[1:])
            rows.append(row)
            right.append(np.reshape(told, (1, -1)))
    c = np.linalg.solve(np.concatenate(rows), np.concatenate(right))
    return made_spline(t, np.reshape(c, (c.shape[0], *y.shape[1:])), k, True, axis)


def _periodic(x: Any, y: Any, k: int, t: Any, axis: int) -> Any:
    """The spline through data on a circle: its coefficients come round again."""
    n = x.shape[0] - 1
    if t is None:
        places = x
        if k % 2 == 0:
            places = np.concatenate([x[:1], x[1:-1] - np.diff(x)[:-1] / 2, x[-1:]])
        steps, turn = np.diff(places), np.arange(k) % n
        before = places[0] - np.cumsum(steps[n - 1 - turn])[::-1]
        t = np.concatenate([before, places, places[n] + np.cumsum(steps[turn])])
    round_again = np.eye(n)[np.arange(n + k) % n]
    columns = np.reshape(y, (n + 1, -1))[:-1]
    c = round_again @ np.linalg.solve(design(t, k, x[:-1]) @ round_again, columns)
    return made_spline(t, np.reshape(c, (n + k, *y.shape[1:])), k, "periodic", axis)


@scipy_rule("scipy.interpolate.make_interp_spline")
def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """A spline through data."""
    import scipy.interpolate as si

    y = np.moveaxis(floating(y), axis, 0)
    end = axis % y.ndim
    named = bc_type is None or isinstance(bc_type, str)
    if not named or holds_traced([x, t]):
        if bc_type == "periodic":
            return _periodic(floating(x), y, int(k), t, end)
        return _with_ends(floating(x), y, int(k), t, bc_type, end)
    x = np.asarray(x, float)
    t = None if t is None else np.asarray(t, float)
    template = si.make_interp_spline(x, np.zeros(len(x)), k, t, bc_type)

    def fit(v: Any) -> Any:
        if bc_type == "periodic":
            v = np.append(v[:-1], v[0])  # SciPy wants both ends the same, bit for bit
        return si.make_interp_spline(x, v, k, t, bc_type).c

    c = linear_fit("make_interp_spline", as_key(x, k, t, bc_type), y, fit)
    return made_spline(template.t, c, k, template.extrapolate, end)


@scipy_rule("scipy.interpolate.make_lsq_spline")
def make_lsq_spline(
    x: Any, y: Any, t: Any, k: int = 3, w: Any = None, axis: int = 0, check_finite: bool = True,
    *, method: str = "qr",
) -> Any:  # fmt: skip
    """The spline of given knots that is nearest to data."""
    x, t = floating(x), floating(t)
    y = np.moveaxis(floating(y), axis, 0)
    weight = np.ones(x.shape) if w is None else floating(w)
    rows = design(t, k, x) * weight[:, None]
    flat = np.reshape(y, (y.shape[0], -1)) * weight[:, None]
    turned = np.swapaxes(rows, 0, 1)
    c = np.linalg.solve(turned @ rows, turned @ flat)
    return made_spline(t, np.reshape(c, (c.shape[0], *y.shape[1:])), k, True, axis % y.ndim)


# *** FITPACK's names ***


def several_curves(c: Any) -> bool:
    """Whether coefficients are those of several splines, one after the other, as of splprep."""
    if isinstance(c, list | tuple):
        return len(c) > 0 and np.ndim(c[0]) > 0
    return np.ndim(c) > 1


@valued_rule("scipy.interpolate.splev")
def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    """A spline, or a derivative of it, at places."""
    if not isinstance(tck, tuple | list):
        return bspline_call(tck, x, der, ext == 0)
    t, c, k = tck
    if several_curves(c):
        return [splev(x, (t, part, k), der, ext) for part in c]
    t, x = floating(t), floating(x)
    flat = np.reshape(x, (-1,))
    low, high = t[k], t[t.shape[0] - k - 1]
    if ext == 3:
        flat = np.clip(flat, low, high)
    value = spline_value(t, c, k, flat, der)
    if ext == 1:
        value = np.where((flat >= low) & (flat <= high), value, 0.0)
    elif ext == 2:
        known = known_value(flat), known_value(low), known_value(high)
        outside = all(v is not None for v in known) and (known[0] < known[1]) | (
            known[0] > known[2]
        )
        if np.any(outside):
            raise ValueError("Error code returned by spalde: 1")
    return np.reshape(value, x.shape)


@valued_rule("scipy.interpolate.splint")
def splint(a: Any, b: Any, tck: Any, full_output: int = 0) -> Any:
    """The integral of a spline, which is zero outside its knots."""
    t, c, k = tck
    if several_curves(c):
        return [splint(a, b, (t, part, k), full_output) for part in c]
    value = bspline_integrate(made_spline(floating(t), floating(c), k), a, b, False)
    if not full_output:
        return value
    # What each coefficient counts for: the integrals of the base, and nothing for the last k + 1.
    base = made_spline(floating(t), np.eye(np.shape(t)[0] - k - 1), k)
    counts = bspline_integrate(base, a, b, False)
    return value, np.concatenate([counts, np.zeros(k + 1)])


borrow_names("scipy.interpolate", "splder splantider lagrange")
borrow_scipy("scipy.interpolate.approximate_taylor_polynomial")
borrow_valued(
    "scipy.interpolate", "pchip_interpolate krogh_interpolate barycentric_interpolate pade"
)


class _Made:
    """What SciPy's code sees in the place of its class, to make a spline of ours."""

    construct_fast = staticmethod(made_spline)


_POWERS = f"{_B}.from_power_basis.__func__"


@scipy_rule(_POWERS, wanted=given_a_holder)
def from_power_basis(cls: Any, pp: Any, bc_type: str = "not-a-knot") -> Any:
    """The B-spline that a cubic spline is."""
    from scipy.interpolate import _bsplines

    prepare()
    within = getattr(_bsplines, "_BSpline", None)  # since SciPy 1.18
    code = entries[_POWERS].original if within is None else within.from_power_basis.__func__
    return borrow.borrowed(code)(_Made, pp, bc_type)
