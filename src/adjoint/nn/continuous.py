"""Layers whose state moves in continuous time, and the solver they share.

The solver is a scan over steps, so its derivative is the exact derivative of what was computed
(the discrete adjoint), not an approximation of the continuous one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.api import checkpoint, scan
from adjoint.errors import StructureError
from adjoint.nn import initialise
from adjoint.nn.initialise import Rng
from adjoint.nn.module import Module, static

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


class NeuralODE(Module):
    """``y(1)`` where ``dy/dt = field(y)`` and ``y(0) = x`` (Chen et al., 2018).

    Args:
        field: a layer from [..., n] to [..., n]; called as ``field(y, t)`` with ``timed``.
        steps: how many steps.
        end: the time of the output.
        method: of :func:`odeint`.
        timed: whether the field is told the time.
        remember: see :func:`odeint`.

    Call:
        x: [..., n] -> [..., n].
    """

    field: Any
    steps: int = static(default=10)
    end: float = static(default=1.0)
    method: str = static(default="rk4")
    timed: bool = static(default=False)
    remember: bool = static(default=True)

    def __call__(self, x: Any) -> Any:
        return self.path(x)[-1]

    def path(self, x: Any) -> Any:
        """All of the way: [steps + 1, ..., n]."""
        times = np.linspace(0, self.end, self.steps + 1).astype(x.dtype)
        f = self.field if self.timed else lambda y, t: self.field(y)
        return odeint(f, x, times, method=self.method, remember=self.remember)


class CTRNN(Module):
    """Continuous-time recurrent network: ``tau dh/dt = -h + f(h) U + x W + b``.

    Time constants are learned as logarithms, so they stay positive (Pearlmutter, 1989; Beer,
    1995).

    Args:
        in_features: n.
        hidden: m.
        step: time between two inputs.
        substeps: solver steps for each.
        tau: where the time constants start.
        activation: f.
        method: of :func:`odeint`.
        rng: seed or generator.
        dtype: of the parameters.

    Call:
        x: [batch, time, n], initial: [batch, m] or None (zeros) -> h after each input,
        [batch, time, m]. Fields: weight W [n, m], recurrent U [m, m], bias b [m], log_tau [m].
    """

    weight: Any
    recurrent: Any
    bias: Any
    log_tau: Any
    step: float = static()
    substeps: int = static()
    activation: Callable[[Any], Any] = static()
    method: str = static()

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        step: float = 0.1,
        substeps: int = 1,
        tau: float = 1.0,
        activation: Callable[[Any], Any] = np.tanh,
        method: str = "euler",
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        draw = initialise.generator(rng)
        self.weight = initialise.lecun_normal(
            draw, (in_features, hidden), in_features, hidden
        ).astype(dtype)
        self.recurrent = initialise.lecun_normal(draw, (hidden, hidden), hidden, hidden).astype(
            dtype
        )
        self.bias = np.zeros(hidden, dtype)
        self.log_tau = np.full(hidden, np.log(tau), dtype)
        self.step = step
        self.substeps = substeps
        self.activation = activation
        self.method = method

    def __call__(self, x: Any, initial: Any = None) -> Any:
        hidden = self.bias.shape[0]
        driven = np.swapaxes(x @ self.weight + self.bias, 0, 1)
        start = np.zeros((x.shape[0], hidden), driven.dtype) if initial is None else initial
        length = self.step / self.substeps
        rate = np.exp(-self.log_tau)

        def body(h: Any, drive: Any) -> tuple[Any, Any]:
            def slope(h: Any, t: Any) -> Any:
                return rate * (drive - h + self.activation(h) @ self.recurrent)

            for _ in range(self.substeps):
                h = runge_kutta_step(slope, h, 0.0, length, self.method)
            return h, h

        _, path = scan(body, start, driven)
        return np.swapaxes(path, 0, 1)
