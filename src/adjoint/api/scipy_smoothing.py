"""scipy.interpolate.make_smoothing_spline: in the data, the places, the weights and the penalty.

A penalty that is left out is the one where the cross-validation of the data is least. SciPy finds
it when the program runs, and steps of Newton's give its last digits and its derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api.gradients import grad
from adjoint.api.solutions import found
from adjoint.graph.types import ArrayType
from adjoint.trace.calls.scipy_interpolate_splines import as_key, design, linear_fit, made_spline
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import holds_traced, scipy_rule


def _stiffness(x: Any) -> Any:
    """The matrix of the integral of f''^2 in the values of a natural spline."""
    n = x.shape[0]
    h = np.diff(x)
    inner, one = np.arange(1, n - 1), np.eye(n)
    first, last = (1 / h[:-1])[:, None], (1 / h[1:])[:, None]
    second = first * one[inner - 1] - (first + last) * one[inner] + last * one[inner + 1]
    width, place = h[:, None], np.eye(n - 2)
    beside = width[1:-1] / 6 * place[:-1, :]
    beside = np.concatenate([np.roll(beside, 1, axis=1), np.zeros((1, n - 2))])
    mass = (width[:-1] + width[1:]) / 3 * place + beside + beside.T
    return second.T @ np.linalg.solve(mass, second)


def _fitted(stiffness: Any, w: Any, penalty: Any, y: Any) -> Any:
    """The values of the smoothing spline at the places."""
    return np.linalg.solve(w[:, None] * np.eye(w.shape[0]) + penalty * stiffness, w * y)


def _coefficients(x: Any, values: Any) -> Any:
    """B-spline coefficients of the natural spline through values, with all places as knots."""
    n = x.shape[0]
    t = np.concatenate([x[:1], x[:1], x[:1], x, x[-1:], x[-1:], x[-1:]])
    place = np.eye(n + 2)

    def bend(a: Any, b: Any, c: Any, near: Any, far: Any) -> Any:
        return (place[c] - place[b]) / far - (place[b] - place[a]) / near

    ends = [bend(0, 1, 2, x[1] - x[0], x[2] - x[0]),
            bend(-1, -2, -3, x[-1] - x[-2], x[-1] - x[-3])]  # fmt: skip
    system = np.concatenate([ends[0][None], design(t, 3, x), ends[1][None]])
    zero = np.zeros((1, values.shape[1]))
    return t, np.linalg.solve(system, np.concatenate([zero, values, zero]))


def _validation(stiffness: Any, w: Any, y: Any, log_penalty: Any) -> Any:
    """The logarithm of the generalised cross-validation."""
    n = y.shape[0]
    system = w[:, None] * np.eye(n) + np.exp(log_penalty) * stiffness
    smoother = np.linalg.solve(system, w[:, None] * np.eye(n))
    left = y - smoother @ y
    return np.log(np.sum(left * left)) - 2 * np.log(1 - np.trace(smoother) / n)


def _chosen(x: Any, y: Any, w: Any) -> Any:
    """The logarithm of the penalty that SciPy chooses, on plain numbers."""
    import scipy.interpolate
    import scipy.optimize

    stiffness = _stiffness(x)
    spline = scipy.interpolate.make_smoothing_spline(x, y, w)
    pull = stiffness @ spline(x) / w
    log_penalty = np.log(np.sum((y - spline(x)) * pull) / np.sum(pull * pull))
    near = (log_penalty - 0.5, log_penalty + 0.5)  # SciPy's has the digits of its search
    better = scipy.optimize.minimize_scalar(
        lambda v: _validation(stiffness, w, y, v), bounds=near, method="bounded",
        options={"xatol": 1e-10},
    ).x  # fmt: skip
    return better if near[0] + 1e-3 < better < near[1] - 1e-3 else log_penalty


def _best(x: Any, y: Any, w: Any, stiffness: Any) -> Any:
    """The penalty of the least cross-validation; at the end of SciPy's search it is held."""
    kind = ArrayType((), np.dtype(np.float64))
    at = found([], kind, "make_smoothing_spline", _chosen, x, y, w)
    slope = grad(lambda v: _validation(stiffness, w, y, v))
    for _ in range(2):
        rise, bend = slope(at), grad(slope)(at)
        use = (bend > 0) & (np.abs(rise) < 1e-3 * bend)
        at = at - np.where(use, rise, 0) / np.where(use, bend, 1)
    return np.exp(at)


@scipy_rule("scipy.interpolate.make_smoothing_spline")
def make_smoothing_spline(
    x: Any, y: Any, w: Any = None, lam: Any = None, *, axis: int = 0
) -> Any:  # fmt: skip
    """The natural spline that is near to data and bends little."""
    import scipy.interpolate as si

    y = np.moveaxis(floating(y), axis, 0)
    end = axis % y.ndim
    if lam is not None and np.ndim(lam) == 0 and not holds_traced([x, w, lam]):
        x = np.asarray(x, float)
        template = si.make_smoothing_spline(x, np.zeros(len(x)), w, lam)
        key = as_key(x, None if w is None else np.asarray(w, float), float(lam))
        c = linear_fit("make_smoothing_spline", key, y,
                       lambda v: si.make_smoothing_spline(x, v, w, lam).c)  # fmt: skip
        return made_spline(template.t, c, template.k, True, end)
    x = floating(x)
    weights = np.ones(x.shape) if w is None else floating(w)
    stiffness = _stiffness(x)
    columns = np.reshape(y, (y.shape[0], -1))
    values = []
    for j in range(columns.shape[1]):
        column = columns[:, j]
        if lam is None:
            penalty = _best(x, column, weights, stiffness)
        else:
            penalty = lam if np.ndim(lam) == 0 else lam[j]
        values.append(_fitted(stiffness, weights, penalty, column))
    t, c = _coefficients(x, np.stack(values, axis=1))
    return made_spline(t, np.reshape(c, (c.shape[0], *y.shape[1:])), 3, True, end)
