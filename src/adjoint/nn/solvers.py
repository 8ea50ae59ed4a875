"""Solvers of ordinary differential equations, written so that they can be differentiated.

A solver is a scan over steps, so its derivative is the exact derivative of what was computed
(the discrete adjoint), not an approximation of the continuous one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api import checkpoint, scan, while_loop
from adjoint.errors import StructureError
from adjoint.primitives.choose import stop_gradient

# Butcher tableaux: the rows of A, the weights b, the times c.
_TABLEAUX: dict[str, tuple[list[list[float]], list[float], list[float]]] = {
    "euler": ([[]], [1.0], [0.0]),
    "midpoint": ([[], [0.5]], [0.0, 1.0], [0.0, 0.5]),
    "heun": ([[], [1.0]], [0.5, 0.5], [0.0, 1.0]),
    "rk4": (
        [[], [0.5], [0.0, 0.5], [0.0, 0.0, 1.0]],
        [1 / 6, 1 / 3, 1 / 3, 1 / 6],
        [0.0, 0.5, 0.5, 1.0],
    ),
    "dopri5": (
        [
            [],
            [1 / 5],
            [3 / 40, 9 / 40],
            [44 / 45, -56 / 15, 32 / 9],
            [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
            [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        ],
        [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
        [0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0],
    ),
}
METHODS = tuple(_TABLEAUX)


def _axpy(y: Any, slopes: list[Any], factors: list[float], step: Any) -> Any:
    """``y + step (f_1 k_1 + f_2 k_2 + ...)`` on trees."""
    for factor, slope in zip(factors, slopes, strict=True):
        if factor:
            y = tree.tree_map(lambda a, k, f=factor: a + (f * step) * k, y, slope)
    return y


def runge_kutta_step(
    f: Callable[[Any, Any], Any], y: Any, t: Any, step: Any, method: str = "rk4"
) -> Any:
    """One step of ``dy/dt = f(y, t)``; y is a tree."""
    if method not in _TABLEAUX:
        raise StructureError(
            "unknown method", function="odeint", got=repr(method), wanted=f"one of {METHODS}"
        )
    rows, weights, times = _TABLEAUX[method]
    slopes: list[Any] = []
    for row, time in zip(rows, times, strict=True):
        slopes.append(f(_axpy(y, slopes, row, step), t + time * step))
    return _axpy(y, slopes, weights, step)


def odeint(
    f: Callable[[Any, Any], Any],
    y0: Any,
    times: Any,
    *,
    method: str = "rk4",
    substeps: int = 1,
    remember: bool = True,
) -> Any:
    """Solve ``dy/dt = f(y, t)`` from times[0] on, in steps of fixed length.

    Args:
        f: the right-hand side; y is a tree.
        y0: y at times[0].
        times: [n], n at least 1; may fall as well as rise.
        method: ``"euler"``, ``"midpoint"``, ``"heun"``, ``"rk4"``, ``"dopri5"`` (orders 1, 2,
            2, 4, 5).
        substeps: steps between two times.
        remember: whether the stages of each step are kept for the backward pass; otherwise
            they are computed again.

    Returns:
        A tree like y0 with an axis [n] in front.
    """

    def advance(y: Any, row: Any) -> Any:
        begin, end = row
        step = (end - begin) / substeps
        for i in range(substeps):
            y = runge_kutta_step(f, y, begin + i * step, step, method)
        return y

    walk = advance if remember else checkpoint(advance)

    def body(y: Any, row: Any) -> tuple[Any, Any]:
        y = walk(y, row)
        return y, y

    front = tree.tree_map(lambda leaf: leaf[None], y0)
    if times.shape[0] == 1:
        return front
    _, later = scan(body, y0, (times[:-1], times[1:]))
    return tree.tree_map(lambda a, b: np.concatenate([a, b]), front, later)


# The second row of weights of Dormand and Prince, of order 4, for the seven stages.
_FOURTH = [5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40]


def _embedded_step(
    f: Callable[[Any, Any], Any], y: Any, t: Any, step: Any, rtol: float, atol: float
) -> tuple[Any, Any]:
    """One step of order 5, and its error as a multiple of what is allowed."""
    rows, weights, times = _TABLEAUX["dopri5"]
    slopes: list[Any] = []
    for row, time in zip(rows, times, strict=True):
        slopes.append(f(_axpy(y, slopes, row, step), t + time * step))
    new = _axpy(y, slopes, weights, step)
    slopes.append(f(new, t + step))
    apart = [a - b for a, b in zip([*weights, 0.0], _FOURTH, strict=True)]
    nothing = tree.tree_map(lambda leaf: 0 * leaf, y)
    error = tree.leaves(_axpy(nothing, slopes, apart, step))
    total: Any = 0.0
    count = 0
    for e, a, b in zip(error, tree.leaves(y), tree.leaves(new), strict=True):
        allowed = atol + rtol * np.maximum(np.abs(a), np.abs(b))
        total = total + np.sum(np.square(e / allowed))
        count += math.prod(e.shape)
    return new, np.sqrt(stop_gradient(total) / max(count, 1))


def odeint_adaptive(
    f: Callable[[Any, Any], Any],
    y0: Any,
    times: Any,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    first_step: float | None = None,
    max_steps: int = 10_000,
) -> Any:
    """Solve ``dy/dt = f(y, t)`` in steps as long as the error allows (Dormand and Prince, 1980).

    The choice of steps is not differentiated; the steps themselves are.

    Args:
        f: the right-hand side; y is a tree.
        y0: y at times[0].
        times: [n] where y is wanted, rising or falling; n at least 1.
        rtol: error allowed in a step, in proportion to y.
        atol: error allowed beside that.
        first_step: length of the first step; a hundredth of each interval if None.
        max_steps: between two times; where they do not suffice the result is NaN.

    Returns:
        A tree like y0 with an axis [n] in front.
    """

    def going(carry: Any) -> Any:
        t, _, _, end, count = carry
        # What rounding leaves of an interval is no step.
        left = np.abs(end - t) > 1e-14 * np.maximum(np.abs(end), np.abs(t))
        return left & (count < max_steps)

    def move(carry: Any) -> Any:
        t, y, step, end, count = carry
        last = np.abs(step) >= np.abs(end - t)
        taken = np.where(last, end - t, step)
        new, error = _embedded_step(f, y, t, taken, rtol, atol)
        good = error <= 1
        y = tree.tree_map(lambda a, b: np.where(good, a, b), new, y)
        arrived = np.where(last, end, t + taken)
        # The fifth root of the error says how much longer a step could be; NaN halves it.
        factor = np.clip(0.9 * np.maximum(error, 1e-10) ** -0.2, 0.2, 5.0)
        factor = np.where(np.isnan(error), 0.5, factor)
        return np.where(good, arrived, t), y, stop_gradient(taken * factor), end, count + 1

    def body(carry: Any, row: Any) -> tuple[Any, Any]:
        y, step = carry
        begin, end = row
        first = (end - begin) / 100 if first_step is None else first_step * np.sign(end - begin)
        # A step goes on from interval to interval, unless it points the other way.
        step = np.where(step * first > 0, step, first)
        count = np.zeros((), np.int64)
        t, y, step, _, _ = while_loop(going, move, (begin, y, step, end, count))
        done = np.abs(end - t) <= 1e-14 * np.maximum(np.abs(end), np.abs(t))
        y = tree.tree_map(lambda leaf: np.where(done, leaf, np.nan), y)
        return (y, step), y

    front = tree.tree_map(lambda leaf: leaf[None], y0)
    if times.shape[0] == 1:
        return front
    _, later = scan(body, (y0, np.zeros((), times.dtype)), (times[:-1], times[1:]))
    return tree.tree_map(lambda a, b: np.concatenate([a, b]), front, later)
