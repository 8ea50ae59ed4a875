"""scipy.interpolate on stand-in arrays: in the places and in the data.

Splines become piecewise polynomials, whose evaluation is Horner's rule on the interval of
each place. A spline through recorded data keeps SciPy's class; its coefficients are stand-ins.
"""

from __future__ import annotations

from inspect import ismemberdescriptor
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace import recorder as core
from adjoint.trace.calls.looked_up import pick as pick
from adjoint.trace.calls.scipy_linalg_bands import solve_banded
from adjoint.trace.calls.scipy_special import doubled
from adjoint.trace.calls.selection import searchsorted
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import refusing

refused = refusing("scipy.interpolate")


def recorded(x: Any) -> bool:
    """Whether x is a stand-in."""
    return type(x) is core.TracedArray


def interval(grid: Any, x: Any, count: int) -> Any:
    """The interval of each place, the ends' intervals for those outside."""
    return np.clip(places_in(grid, x, "right") - 1, 0, count - 1)


def ascending(grid: Any, x: Any) -> tuple[Any, Any]:
    """A grid and places, mirrored where the grid descends."""
    known = known_value(grid)
    if known is not None and not known[-1] < known[0]:
        return grid, x
    turn = np.where(stop_gradient(as_operand(grid)[-1] < as_operand(grid)[0]), -1.0, 1.0)
    return grid * turn, x * turn


def places_in(grid: Any, x: Any, side: Literal["left", "right"]) -> Any:
    """``np.searchsorted``, which does not move with its arguments."""
    return searchsorted(stop_gradient(as_operand(grid)), stop_gradient(as_operand(x)), side)


# *** piecewise polynomials ***


def evaluate(c: Any, grid: Any, x: Any, nu: int, extrapolate: Any, axis: int) -> Any:
    """Horner's rule; c has the powers first, highest in front, then the intervals."""
    x = doubled(x)
    if extrapolate == "periodic":
        span = grid[-1] - grid[0]
        turns = np.floor(stop_gradient((x - grid[0]) / span))
        x = x - turns * span
    c = derivative(c, nu) if nu >= 0 else None
    if c is None:
        raise refused("PPoly", "a negative nu", "antiderivative()")
    flat = np.reshape(x, (-1,))
    rising, mirrored = ascending(grid, flat)
    at = interval(rising, mirrored, c.shape[1])
    off = flat - pick(grid, at)
    off = np.reshape(off, off.shape + (1,) * (c.ndim - 2))
    value = pick(c[0], at)
    for k in range(1, c.shape[0]):
        value = value * off + pick(c[k], at)
    if extrapolate is False:
        outside = (mirrored < rising[0]) | (mirrored > rising[-1])
        value = np.where(np.reshape(outside, off.shape), np.nan, value)
    value = np.reshape(value, x.shape + tuple(c.shape[2:]))
    if axis:
        order = list(range(value.ndim))
        order = order[x.ndim : x.ndim + axis] + order[: x.ndim] + order[x.ndim + axis :]
        value = np.transpose(value, order)
    return value


def derivative(c: Any, nu: int) -> Any:
    """Coefficients of the nu-th derivative."""
    for _ in range(nu):
        k = c.shape[0]
        if k == 1:
            return c * 0
        powers = np.arange(k - 1, 0, -1.0).reshape((-1,) + (1,) * (c.ndim - 1))
        c = c[:-1] * powers
    return c


def antiderivative(c: Any, grid: Any) -> Any:
    """Coefficients of the integral from the first place."""
    k = c.shape[0]
    powers = np.arange(k, 0, -1.0).reshape((-1,) + (1,) * (c.ndim - 1))
    inner = c / powers
    width = np.diff(as_operand(grid))
    width = np.reshape(width, width.shape + (1,) * (c.ndim - 2))
    total: Any = 0.0
    for j in range(k):
        total = (total + inner[j]) * width
    start = np.concatenate([np.zeros_like(total[:1]), np.cumsum(total[:-1], axis=0)], axis=0)
    return np.concatenate([inner, start[None]], axis=0)


class _AsTheyAre:
    """What SciPy 1.18 asks for arrays: it gives them as they are."""

    __name__ = "arrays as they are"

    @staticmethod
    def asarray(x: Any, **_: Any) -> Any:
        """The same."""
        return x


_AS_THEY_ARE = _AsTheyAre()


def hold(spline: Any, **parts: Any) -> None:
    """Give one of SciPy's piecewise polynomials or splines its arrays, which may be recorded.

    Since SciPy 1.18 they lie in an object within.
    """
    if hasattr(type(spline), "_construct_from_xp"):
        spline._xp = spline._xp_internal = _AS_THEY_ARE
        spline._delegate_to = SimpleNamespace(**parts)
        return
    spline._asarray = _AsTheyAre.asarray
    for name, value in parts.items():
        in_slot = ismemberdescriptor(getattr(type(spline), name, None))  # the object within
        setattr(spline, name if in_slot else f"_{name}", value)


def held(spline: Any, name: str) -> Any:
    """One of those arrays."""
    within = getattr(spline, "_delegate_to", spline)  # SciPy asks the one within as well
    return getattr(within, f"_{name}" if hasattr(within, f"_{name}") else name)


def _holds(self: Any, *_: Any, **__: Any) -> bool:
    return recorded(held(self, "c")) or recorded(held(self, "x"))


def _fill(self: Any, c: Any, grid: Any, axis: int, extrapolate: Any) -> Any:
    """SciPy's object around recorded coefficients."""
    hold(self, c=c, x=grid)
    self.axis = axis
    self.extrapolate = True if extrapolate is None else extrapolate
    return self


_PPOLY = "scipy.interpolate._interpolate._PPolyBase"


@scipy_rule(f"{_PPOLY}.__call__", "scipy.interpolate.PPoly.__call__", wanted=_holds)
def ppoly_call(self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    """The value, or a derivative, at places."""
    from scipy.interpolate import _interpolate

    for name in [cls.__name__ for cls in type(self).__mro__]:
        if name in ("BPoly", "_BPoly"):  # SciPy 1.18 has the code in the second, of its own family
            kind = getattr(_interpolate, name.replace("BPoly", "PPoly"))
            self = kind.from_bernstein_basis(self)
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    return evaluate(held(self, "c"), held(self, "x"), x, nu, extrapolate, self.axis)


def over_periods(integral: Any, base: tuple[Any, Any], a: Any, b: Any) -> Any:
    """The integral of what repeats itself; ``integral`` is that from the start of the base."""
    ends = np.stack([as_operand(a), as_operand(b)])
    period = base[1] - base[0]
    turns = np.floor(stop_gradient((ends - base[0]) / period))
    values = integral(np.concatenate([ends - turns * period, np.reshape(base[1], (1,))]))
    start = integral(np.reshape(base[0], (1,)))[0]
    return (turns[1] - turns[0]) * (values[2] - start) + values[1] - values[0]


def new_ppoly(c: Any, grid: Any, axis: int, extrapolate: Any) -> Any:
    """SciPy's object around recorded coefficients."""
    from scipy.interpolate import PPoly

    return _fill(PPoly.__new__(PPoly), c, grid, axis, extrapolate)


def _new(self: Any, c: Any, extrapolate: Any = None) -> Any:
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    return new_ppoly(c, held(self, "x"), self.axis, extrapolate)


@scipy_rule("scipy.interpolate.PPoly.derivative", wanted=_holds)
def ppoly_derivative(self: Any, nu: int = 1) -> Any:
    """The derivative as another piecewise polynomial."""
    if nu < 0:
        return ppoly_antiderivative(self, -nu)
    return _new(self, derivative(held(self, "c"), nu))


@scipy_rule("scipy.interpolate.PPoly.antiderivative", wanted=_holds)
def ppoly_antiderivative(self: Any, nu: int = 1) -> Any:
    """The integral from the first place as another piecewise polynomial."""
    if nu <= 0:
        return ppoly_derivative(self, -nu)
    c = held(self, "c")
    for _ in range(nu):
        c = antiderivative(c, held(self, "x"))
    return _new(self, c, False if self.extrapolate == "periodic" else None)


@scipy_rule("scipy.interpolate.PPoly.integrate", wanted=_holds)
def ppoly_integrate(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    """The integral between two places."""
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    c = antiderivative(held(self, "c"), held(self, "x"))
    if extrapolate == "periodic":
        grid = held(self, "x")
        value = over_periods(lambda x: evaluate(c, grid, x, 0, True, 0), (grid[0], grid[-1]), a, b)
        return np.moveaxis(value, 0, self.axis) if self.axis else value
    ends = [evaluate(c, held(self, "x"), x, 0, extrapolate, self.axis) for x in (a, b)]
    return ends[1] - ends[0]


@scipy_rule("scipy.interpolate.PPoly.__init__")
def ppoly_init(self: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
    """From coefficients."""
    c = doubled(c)
    _fill(self, np.moveaxis(np.moveaxis(c, axis + 1, 0), axis + 1, 0) if axis else c,
          as_operand(x), axis, extrapolate)  # fmt: skip


def from_slopes(x: Any, y: Any, slopes: Any) -> Any:
    """Cubic coefficients from values and slopes, the first axis along x."""
    width = np.diff(x)
    width = np.reshape(width, width.shape + (1,) * (y.ndim - 1))
    rise = np.diff(y, axis=0) / width
    t = (slopes[:-1] + slopes[1:] - 2 * rise) / width
    return np.stack([t / width, (rise - slopes[:-1]) / width - t, slopes[:-1], y[:-1]])


# *** cubic splines ***


def _end(kind: Any) -> Any:
    """A boundary condition as (order, value)."""
    if isinstance(kind, str):
        named: dict[str, Any] = {
            "clamped": (1, 0.0), "natural": (2, 0.0), "not-a-knot": "not-a-knot",
            "periodic": "periodic",
        }  # fmt: skip
        return named[kind]
    return int(kind[0]), kind[1]


def cubic_slopes(x: Any, y: Any, bc_type: Any) -> Any:
    """The slopes of the spline with continuous second derivatives."""
    n = x.shape[0]
    ends = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    first, last = _end(ends[0]), _end(ends[1])
    h = np.diff(x)
    columns = (1,) * (y.ndim - 1)
    rise = np.diff(y, axis=0) / np.reshape(h, h.shape + columns)
    if "periodic" in (first, last):
        return _round_slopes(h, rise)
    if n == 2 and first == last == "not-a-knot":
        return np.concatenate([rise, rise])
    if n == 3 and first == last == "not-a-knot":
        rows = [[1.0, 1.0, 0.0], None, [0.0, 1.0, 1.0]]
        middle = np.stack([h[1], 2 * (h[0] + h[1]), h[0]])
        system = np.stack([np.array(rows[0]) + 0 * middle, middle, np.array(rows[2]) + 0 * middle])
        right = np.stack([2 * rise[0], 3 * (h[0] * rise[1] + h[1] * rise[0]), 2 * rise[1]])
        return _solved(system, right)
    before, after = (np.reshape(v, v.shape + columns) for v in (h[1:], h[:-1]))
    right = 3 * (before * rise[:-1] + after * rise[1:])
    top, beside_top, top_right = _end_row(first, h, rise)
    bottom, beside_bottom, bottom_right = _end_row(last, h[::-1], rise[::-1])
    if last != "not-a-knot" and last[0] == 2:
        # the second derivative does not change its sign when the axis is turned
        bottom_right = 3 * rise[-1] + 0.5 * last[1] * h[-1]
    right = np.concatenate([top_right[None], right, bottom_right[None]])
    none = np.zeros(1)
    diagonals = [
        np.concatenate([none, beside_top[None], h[:-1]]),
        np.concatenate([top[None], 2 * (h[:-1] + h[1:]), bottom[None]]),
        np.concatenate([h[1:], beside_bottom[None], none]),
    ]
    found = solve_banded((1, 1), np.stack(diagonals), np.reshape(right, (n, -1)))
    return np.reshape(found, right.shape)


def _round_slopes(h: Any, rise: Any) -> Any:
    """The slopes of a spline that closes: the first place is the last one's successor."""
    n = h.shape[0]
    place, places = np.eye(n), np.arange(n)
    before, after = np.roll(h, 1), h  # the widths on either side of each place
    system = (
        after[:, None] * place[places - 1]
        + 2 * (before + after)[:, None] * place
        + before[:, None] * place[(places + 1) % n]
    )
    columns = (1,) * (rise.ndim - 1)
    one, other = (np.reshape(v, v.shape + columns) for v in (before, after))
    slopes = _solved(system, 3 * (other * np.roll(rise, 1, axis=0) + one * rise))
    return np.concatenate([slopes, slopes[:1]])


def _end_row(end: Any, h: Any, rise: Any) -> tuple[Any, Any, Any]:
    """The equation at an end, seen from that end: of the slopes there and beside it."""
    nought = 0 * h[0]
    if end == "not-a-knot":
        d = h[0] + h[1]
        return h[1], d, ((h[0] + 2 * d) * h[1] * rise[0] + h[0] ** 2 * rise[1]) / d
    if end[0] == 1:
        return 1 + nought, nought, end[1] + 0 * rise[0]
    return 2 + nought, 1 + nought, 3 * rise[0] - 0.5 * end[1] * h[0]


def _solved(system: Any, right: Any) -> Any:
    flat = np.reshape(right, (right.shape[0], -1))
    return np.reshape(np.linalg.solve(system, flat), right.shape)


@scipy_rule("scipy.interpolate.CubicSpline.__init__")
def cubic_spline(
    self: Any, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
) -> None:
    """A cubic spline through recorded data, or at recorded places."""
    x, y = doubled(x), np.moveaxis(doubled(y), axis, 0)
    slopes = cubic_slopes(x, y, bc_type)
    if bc_type == "periodic":
        ends = [known_value(end) for end in (y[0], y[-1])]
        if ends[0] is not None and not np.allclose(ends[0], ends[1], rtol=1e-15, atol=1e-15):
            raise ValueError("The first and last `y` point along axis 0 must be identical")
        extrapolate = "periodic" if extrapolate is None else extrapolate
    _fill(self, from_slopes(x, y, slopes), x, axis % y.ndim, extrapolate)


@scipy_rule("scipy.interpolate.CubicHermiteSpline.__init__")
def hermite_spline(
    self: Any, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None
) -> None:
    """A cubic spline of given values and slopes."""
    x, y, slopes = doubled(x), doubled(y), doubled(dydx)
    y, slopes = np.moveaxis(y, axis, 0), np.moveaxis(slopes, axis, 0)
    _fill(self, from_slopes(x, y, slopes), x, axis % y.ndim, extrapolate)


def pchip_slopes(x: Any, y: Any) -> Any:
    """Monotone slopes: weighted harmonic means, 0 where the direction turns."""
    h = np.diff(x)
    h = np.reshape(h, h.shape + (1,) * (y.ndim - 1))
    m = np.diff(y, axis=0) / h
    if y.shape[0] == 2:
        return np.concatenate([m, m])
    turns = (np.sign(m[1:]) != np.sign(m[:-1])) | (m[1:] == 0) | (m[:-1] == 0)
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    left, right = np.where(turns, 1, m[:-1]), np.where(turns, 1, m[1:])
    inner = np.where(turns, 0, (w1 + w2) / (w1 / left + w2 / right))

    def end(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
        d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
        steep = (np.sign(m0) != np.sign(m1)) & (np.abs(d) > 3 * np.abs(m0))
        return np.where(np.sign(d) != np.sign(m0), 0, np.where(steep, 3 * m0, d))

    first, last = end(h[0], h[1], m[0], m[1]), end(h[-1], h[-2], m[-1], m[-2])
    return np.concatenate([first[None], inner, last[None]])


@scipy_rule("scipy.interpolate.PchipInterpolator.__init__")
def pchip(self: Any, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
    """A monotone cubic through recorded data."""
    x, y = doubled(x), np.moveaxis(doubled(y), axis, 0)
    _fill(self, from_slopes(x, y, pchip_slopes(x, y)), x, axis % y.ndim, extrapolate)
