"""scipy.signal on stand-in arrays: symmetric recursive filters and splines of images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.signal
from scipy.signal._spline_filters import compute_root_from_lambda

from adjoint.graph.types import ArrayType
from adjoint.primitives.linear_map import linear_map
from adjoint.trace.calls.axis_maps import along_axis
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_signal import _refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.views import detached

_CUBIC, _QUADRATIC = math.sqrt(3.0) - 2, 2 * math.sqrt(2.0) - 3  # poles of the inverse splines


def _both_ways(name: str, signal: Any, settings: tuple[Any, ...]) -> Any:
    """A filter whose coefficients are recorded: SciPy's values, moving as one of mirrored rows.

    As in SciPy, one reflection on either side stands for all of them.
    """
    x, (first, second, precision) = floating(signal), settings
    poles = [-second] if name == "symiirorder1" else [-2 * first * np.cos(second), first * first]
    denominator = np.stack([as_operand(1.0), *[as_operand(c) for c in poles]]).astype(x.dtype)
    gain = first if name == "symiirorder1" else np.sum(denominator)
    n = x.shape[-1]
    rows = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n, n)], mode="symmetric")
    for factor in (1.0, gain) if name == "symiirorder1" else (gain, gain):
        b = np.reshape(as_operand(factor), (1,)).astype(x.dtype)
        rows = np.flip(scipy.signal.lfilter(b, denominator, rows), -1)
    moving = rows[..., n : 2 * n]
    given = [x, as_operand(first), as_operand(second)]
    (made,) = from_values(_values, (ArrayType(x.shape, x.dtype),), given, name, float(precision))
    return moved_as(made, moving)


def _values(signal: Any, first: Any, second: Any, name: str, precision: float) -> Any:
    return [getattr(scipy.signal, name)(signal, float(first), float(second), precision)]


def _filtered(name: str, signal: Any, settings: tuple[Any, ...], axis: int) -> Any:
    """A recursive filter from both sides along an axis: a linear map of the signal."""
    if any(hasattr(s, "recorder") for s in settings):
        return np.moveaxis(_both_ways(name, np.moveaxis(signal, axis, -1), settings), -1, axis)
    x = floating(signal)
    filter_of = getattr(scipy.signal, name)

    def apply(v: Any, k: int) -> Any:
        rows = np.moveaxis(v, k, -1)
        # SciPy reads rows that do not lie side by side wrongly.
        flat = np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]))
        made = filter_of(flat, *settings)
        return np.moveaxis(made.reshape(rows.shape), -1, k)

    key = (name, tuple(float(s) for s in settings))
    return linear_map(detached(x), map=along_axis(name, key, x.shape, axis % x.ndim, apply))


@scipy_rule("scipy.signal.symiirorder1")
def symiirorder1(signal: Any, c0: Any, z1: Any, precision: Any = -1.0) -> Any:
    """A filter of first order from both sides, with mirrored ends."""
    return _filtered("symiirorder1", signal, (c0, z1, precision), -1)


@scipy_rule("scipy.signal.symiirorder2")
def symiirorder2(input: Any, r: Any, omega: Any, precision: Any = -1.0) -> Any:
    """A filter of second order from both sides, with mirrored ends."""
    return _filtered("symiirorder2", input, (r, omega, precision), -1)


def _along_both(name: str, x: Any, settings: tuple[Any, ...]) -> Any:
    return _filtered(name, _filtered(name, x, settings, -1), settings, 0)


def _exact_to(x: Any, precision: float) -> float:
    rough = 1e-3 if x.dtype in (np.float32, np.complex64) else 1e-6
    return precision if 0.0 <= precision < 1.0 else rough


@scipy_rule("scipy.signal.cspline2d")
def cspline2d(signal: Any, lamb: float = 0.0, precision: float = -1.0) -> Any:
    """Coefficients of the cubic spline of an image, smoothed with the weight ``lamb``."""
    x = floating(signal)
    precision = _exact_to(x, precision)
    if lamb <= 1 / 144.0:  # below this, smoothing has no oscillating solution, and SciPy has none
        return _along_both("symiirorder1", x, (-_CUBIC * 6.0, _CUBIC, precision))
    return _along_both("symiirorder2", x, (*compute_root_from_lambda(lamb), precision))


@scipy_rule("scipy.signal.qspline2d")
def qspline2d(signal: Any, lamb: float = 0.0, precision: float = -1.0) -> Any:
    """Coefficients of the quadratic spline of an image."""
    if lamb > 0:
        raise ValueError("lambda must be negative or zero")
    x = floating(signal)
    return _along_both("symiirorder1", x, (-_QUADRATIC * 8.0, _QUADRATIC, _exact_to(x, precision)))


@valued_rule("scipy.signal.spline_filter")
def spline_filter(Iin: Any, lmbda: float = 5.0) -> Any:
    """An image through a smoothing spline."""
    x = as_operand(Iin)
    if x.dtype not in (np.float32, np.float64):
        raise _refused("spline_filter", f"an image of {x.dtype}", "float64 or float32")
    # SciPy's weights are of single precision.
    weights = (np.array([1.0, 4.0, 1.0], np.float32) / 6.0).astype(x.dtype)
    made = cspline2d(x, lmbda)
    for _ in range(2):
        framed = np.pad(made, ((1, 1), (0, 0)), mode="symmetric")
        made = weights[0] * (framed[:-2] + framed[2:]) + weights[1] * framed[1:-1]
        made = made.T
    return made
