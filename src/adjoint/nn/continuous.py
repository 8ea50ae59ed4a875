"""Layers whose state moves in continuous time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api import scan
from adjoint.nn import initialise
from adjoint.nn.initialise import Rng
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input
from adjoint.nn.solvers import odeint, odeint_adaptive, runge_kutta_step
from adjoint.settings import check_range, check_whole


class NeuralODE(Module):
    """``y(1)`` where ``dy/dt = field(y)`` and ``y(0) = x`` (Chen et al., 2018).

    Args:
        field: a layer from [..., n] to [..., n]; called as ``field(y, t)`` with ``timed``.
        steps: how many steps.
        end: the time of the output.
        method: of :func:`odeint`, or ``"adaptive"`` for :func:`odeint_adaptive`.
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

    def __post_init__(self) -> None:
        """Refuse a way of no steps."""
        check_whole("NeuralODE", steps=self.steps)

    def __call__(self, x: Any) -> Any:
        return self.path(x)[-1]

    def path(self, x: Any) -> Any:
        """All of the way: [steps + 1, ..., n]."""
        times = np.linspace(0, self.end, self.steps + 1).astype(x.dtype)
        f = self.field if self.timed else lambda y, t: self.field(y)
        if self.method == "adaptive":
            return odeint_adaptive(f, x, times)
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
        check_whole("CTRNN", in_features=in_features, hidden=hidden, substeps=substeps)
        check_range("CTRNN", "(0, inf)", step=step, tau=tau)
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
        x = as_input(x, "CTRNN")
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
