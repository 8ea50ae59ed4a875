"""Polynomials in pieces, on stand-ins: roots, Bernstein's base, several dimensions.

SciPy's own Python code makes one form out of another; what it leaves to compiled code stands
here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate._interpolate as _interpolate
from scipy.interpolate import BSpline

from adjoint.trace.borrow_scipy import (
    borrow_class,
    borrow_scipy,
    holds_itself,
    is_unknown,
    own_code,
)
from adjoint.trace.calls.polynomials import moved_roots
from adjoint.trace.calls.scipy_interpolate import (
    antiderivative,
    ascending,
    evaluate,
    held,
    hold,
    interval,
    pick,
    ppoly_integrate,
    refused,
)
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule

_CLASSES = "scipy.interpolate._interpolate"


def _bare(cls: Any, c: Any, grid: Any, extrapolate: Any = None, axis: int = 0) -> Any:
    made = object.__new__(cls)
    hold(made, c=c, x=grid)
    made.axis, made.extrapolate = axis, True if extrapolate is None else extrapolate
    return made


@scipy_rule(f"{_CLASSES}._PPolyBase.construct_fast.__func__")
def construct_fast(cls: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> Any:
    """From coefficients, as they are."""
    return _bare(cls, c, x, extrapolate, axis)


for _name in ("PPoly", "BPoly"):  # SciPy 1.18 writes it down once more, around the one within
    if "construct_fast" in vars(getattr(_interpolate, _name)):
        scipy_rule(f"{_CLASSES}.{_name}.construct_fast.__func__")(construct_fast)


@scipy_rule(f"{_CLASSES}._PPolyBase.__init__")
def piecewise(self: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
    """From coefficients."""
    c = doubled(c)
    if axis:
        c = np.moveaxis(np.moveaxis(c, axis + 1, 0), axis + 1, 0)
    hold(self, c=c, x=as_operand(x))
    self.axis, self.extrapolate = axis, True if extrapolate is None else extrapolate


def _bernstein_integral(name: str) -> None:
    """SciPy's own code, which branches on the ends: where they are not known, the powers' rule."""
    own = own_code(f"{_CLASSES}.{name}.integrate")

    @scipy_rule(f"{_CLASSES}.{name}.integrate")
    def rule(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
        if not is_unknown(a, b, held(self, "x")):
            return own(self, a, b, extrapolate)
        powers = getattr(_interpolate, name.replace("BPoly", "PPoly")).from_bernstein_basis(self)
        return ppoly_integrate(powers, a, b, extrapolate)


borrow_scipy(f"{_CLASSES}._PPolyBase.extend", wanted=holds_itself)
for _kind, _parts in ((_interpolate._PPolyBase, "cx"), (BSpline, "ct")):
    for _part in _parts:
        if isinstance(vars(_kind).get(_part), property):  # plain attributes in earlier versions
            borrow_scipy(f"{_kind.__module__}.{_kind.__name__}.{_part}.fset")
for _name in ("BPoly", "_BPoly"):  # SciPy 1.18 has the code in the second
    if hasattr(_interpolate, _name):
        borrow_class(f"{_CLASSES}.{_name}", without=("_evaluate", "integrate"))
        _bernstein_integral(_name)
borrow_scipy("scipy.interpolate.PPoly.from_bernstein_basis.__func__")
borrow_class(
    f"{_CLASSES}.NdPPoly",
    without=("__init__", "__call__", "_ensure_c_contiguous", "_antiderivative_inplace"),
)


@scipy_rule("scipy.interpolate.PPoly.solve", wanted=holds_itself)
def solve(self: Any, y: Any = 0.0, discontinuity: bool = True, extrapolate: Any = None) -> Any:
    """Where the value is y: SciPy's places, which move with the polynomial."""
    from scipy.interpolate import PPoly

    c, grid = held(self, "c"), held(self, "x")
    known = [known_value(as_operand(v)) for v in (c, grid, y)]
    if any(v is None for v in known):
        what = "inside jit or vmap (the values say how many roots there are),"
        raise refused("PPoly.solve", what, "scipy.optimize.brentq between two places")
    if c.ndim > 2:
        raise refused("PPoly.solve", "of several polynomials at once", "one after another")
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    plain = PPoly(known[0], known[1])
    found = plain.solve(float(known[2]), discontinuity, extrapolate)
    place = np.clip(np.searchsorted(*ascending(known[1], found)), 0, len(known[1]) - 1)
    # The sign may change by a jump between two pieces.
    jumps = (known[1][place] == found) & (np.abs(plain(found) - known[2]) > 1e-9)

    def at(r: Any) -> Any:
        return evaluate(c, grid, r, 0, True, 0) - y, evaluate(c, grid, r, 1, True, 0)

    return np.where(jumps, pick(grid, place), moved_roots(found, at))


@scipy_rule("scipy.interpolate.PPoly.roots", wanted=holds_itself)
def roots(self: Any, discontinuity: bool = True, extrapolate: Any = None) -> Any:
    """Where the value is zero."""
    return solve(self, 0.0, discontinuity, extrapolate)


# *** several dimensions ***


@scipy_rule("scipy.interpolate.NdPPoly.__init__")
def nd_piecewise(self: Any, c: Any, x: Any, extrapolate: Any = None) -> None:
    """From coefficients."""
    self.c, self.x = doubled(c), tuple(as_operand(grid) for grid in x)
    self.extrapolate = True if extrapolate is None else bool(extrapolate)


@scipy_rule("scipy.interpolate.NdPPoly._ensure_c_contiguous", wanted=holds_itself)
def _as_it_lies(self: Any) -> None:
    return


@scipy_rule("scipy.interpolate.NdPPoly._antiderivative_inplace", wanted=holds_itself)
def _integrated(self: Any, nu: int, axis: int) -> None:
    if nu <= 0:
        self._derivative_inplace(-nu, axis)
        return
    n = len(self.x)
    places = (axis % n, n + axis % n)
    c = np.moveaxis(self.c, places, (0, 1))
    for _ in range(nu):
        c = antiderivative(c, self.x[axis])
    self.c = np.moveaxis(c, (0, 1), places)


@scipy_rule("scipy.interpolate.NdPPoly.__call__", wanted=holds_itself)
def nd_piecewise_call(self: Any, x: Any, nu: Any = None, extrapolate: Any = None) -> Any:
    """The value, or a derivative, at places: Horner's rule, one axis after another."""
    c = self.derivative(nu).c if nu is not None else self.c
    n = len(self.x)
    x = np.stack(np.broadcast_arrays(*x), axis=-1) if isinstance(x, tuple) else floating(x)
    x = x[:, None] if x.ndim == 1 else x  # places on a line
    flat = np.reshape(x, (-1, n))
    cells = [interval(grid, flat[:, i], grid.shape[0] - 1) for i, grid in enumerate(self.x)]
    flat_cell: Any = 0
    for i, cell in enumerate(cells):
        flat_cell = flat_cell * c.shape[n + i] + cell
    orders, rest = c.shape[:n], c.shape[2 * n :]
    rows = np.reshape(c, (*orders, -1, *rest))
    value = np.moveaxis(pick(np.moveaxis(rows, n, 0), flat_cell), 0, n)
    inside: Any = True
    for i, grid in enumerate(self.x):
        off = flat[:, i] - pick(grid, cells[i])
        off = np.reshape(off, (*(1,) * (n - 1 - i), -1, *(1,) * len(rest)))
        total = value[0]
        for j in range(1, orders[i]):
            total = total * off + value[j]
        value = total
        inside = inside & (flat[:, i] >= grid[0]) & (flat[:, i] <= grid[-1])
    if not (self.extrapolate if extrapolate is None else extrapolate):
        value = np.where(np.reshape(inside, (-1, *(1,) * len(rest))), value, np.nan)
    return np.reshape(value, (*x.shape[:-1], *rest))
