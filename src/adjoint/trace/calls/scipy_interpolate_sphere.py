"""FITPACK's splines on a sphere, on stand-ins: at any places, and in the data of fixed knots."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate as si

from adjoint.trace.calls.scipy_interpolate import refused
from adjoint.trace.calls.scipy_interpolate_bivariate import surface_call
from adjoint.trace.calls.scipy_interpolate_splines import as_key, linear_fit
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_NAMES = ("LSQSphereBivariateSpline", "RectSphereBivariateSpline", "SmoothSphereBivariateSpline")


def _holds(self: Any, *_: Any, **__: Any) -> bool:
    return holds_traced(self.__dict__.get("tck", ()))


def _value(
    self: Any, theta: Any, phi: Any, dtheta: int = 0, dphi: int = 0, grid: bool = True
) -> Any:
    """The value at places, or on the grid of them."""
    theta = floating(theta)
    known = known_value(theta)
    if known is not None and np.any((known < 0) | (known > np.pi)):
        raise ValueError("requested theta out of bounds.")
    return surface_call(self, theta, phi, dtheta, dphi, grid)


for _name in _NAMES:
    scipy_rule(f"scipy.interpolate.{_name}.__call__", wanted=_holds)(_value)


def _fixed(name: str, *settings: Any) -> None:
    if holds_traced(settings):
        raise refused(name, "recorded places, weights or knots of the data", "the values alone")


@scipy_rule("scipy.interpolate.LSQSphereBivariateSpline.__init__")
def nearest(
    self: Any, theta: Any, phi: Any, r: Any, tt: Any, tp: Any, w: Any = None, eps: Any = 1e-16
) -> None:  # fmt: skip
    """Nearest to scattered values, in which its coefficients are linear."""
    _fixed("LSQSphereBivariateSpline", theta, phi, tt, tp, w)
    given = [np.asarray(v, float) for v in (theta, phi, tt, tp)]
    weight = None if w is None else np.asarray(w, float)

    def made(values: Any) -> Any:
        return si.LSQSphereBivariateSpline(*given[:2], values, *given[2:], weight, eps).tck

    r = floating(r)
    key = as_key(*given, weight, float(eps))
    c = linear_fit("LSQSphereBivariateSpline", key, r, lambda v: made(v)[2])
    knots = made(np.zeros(r.shape))[:2]
    self.tck, self.degrees = (*knots, c), (3, 3)
    value = surface_call(self, given[0], given[1], grid=False)
    left = (r - value) * (1.0 if weight is None else weight)
    self.fp = np.sum(left * left)


@scipy_rule("scipy.interpolate.RectSphereBivariateSpline.__init__")
def on_grid(
    self: Any, u: Any, v: Any, r: Any, s: Any = 0.0, pole_continuity: Any = False,
    pole_values: Any = None, pole_exact: Any = False, pole_flat: Any = False,
) -> None:  # fmt: skip
    """Through the values on a grid and at the poles, in which its coefficients are linear."""
    name = "RectSphereBivariateSpline"
    _fixed(name, u, v)
    if holds_traced([s]) or s > 0:
        raise refused(name, "smoothing (its knots and the penalty depend on the values)", "s=0")
    given = [np.ravel(np.asarray(places, float)) for places in (u, v)]
    several = isinstance(pole_values, tuple | list)
    poles = list(pole_values) if several else [pole_values] * 2
    settings = [tuple(x) if np.ndim(x) else x for x in (pole_continuity, pole_exact, pole_flat)]
    r = floating(r)
    ends = [np.reshape(floating(0.0 if p is None else p), (1,)) for p in poles]

    def made(values: Any) -> Any:
        grid, at_poles = values[:-2].reshape(r.shape), values[-2:]
        told = tuple(None if p is None else x for p, x in zip(poles, at_poles, strict=True))
        continuous, exact, flat = settings
        return si.RectSphereBivariateSpline(*given, grid, 0.0, continuous, told, exact, flat).tck

    missing = tuple(p is None for p in poles)
    data = np.concatenate([np.reshape(r, (-1,)), *ends])
    # FITPACK leaves steps out where values are the same, as they nearly are in a unit vector.
    other = np.cos(np.arange(float(data.shape[0])))
    *knots, start = made(other)
    key = as_key(*given, *settings, missing)
    c = linear_fit(name, key, data, lambda x: made(x + other)[2] - start)
    self.tck, self.degrees = (*knots, c), (3, 3)
    self.fp, self.v0 = 0.0, given[1][0]


@scipy_rule("scipy.interpolate.SmoothSphereBivariateSpline.__init__")
def smooth(self: Any, *_: Any, **__: Any) -> None:
    """Near to scattered values: refused in the data."""
    raise refused(
        "SmoothSphereBivariateSpline",
        "recorded data (the knots, and how much is smoothed between the poles, depend on them)",
        "LSQSphereBivariateSpline with knots",
    )
