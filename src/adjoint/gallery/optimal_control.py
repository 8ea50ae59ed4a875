"""Where backpropagation comes from: the gradient method of optimal control."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, close


def run(steps: int) -> Report:
    """Bring x from 1 towards 0, paying ½∫(x² + u²) from 0 to 1, with x' = u."""
    h = 1 / steps

    def path(u: Array) -> Array:
        return ad.scan(lambda x, u: (x + h * u, x + 0.5 * h * u), np.float64(1), u)[1]

    def cost(u: Array) -> Array:
        return 0.5 * h * np.sum(path(u) ** 2 + u**2)

    def climb(u: Array, _: Any) -> Any:
        value, slope = ad.value_and_grad(cost)(u)
        return u - 0.7 * slope / h, value

    u, costs = ad.jit(lambda u: ad.scan(climb, u, None, length=60))(np.zeros(steps))
    middle = (np.arange(steps) + 0.5) * h
    exact = -np.sinh(1 - middle) / np.cosh(1)
    # The costate runs backwards, λ' = −x with λ(1) = 0, and the slope is u + λ.
    trial = np.cos(3 * middle)
    x = path(trial)
    costate = h * (np.cumsum(x[::-1])[::-1] - 0.5 * x)
    gap = np.abs(ad.grad(cost)(trial) / h - (trial + costate)).max()
    figures = (
        close("least cost: ½ tanh 1", 0.5 * np.tanh(1), float(cost(u)), 2 * h**2, ".8f"),
        close("largest error of the control", 0, np.abs(u - exact).max(), 2 * h**2, ".1e"),
        close("gap of the slope to u + costate", 0, gap, 1e-12, ".0e"),
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        left.plot(middle, exact, label="exact")
        left.plot(middle[::10], u[::10], "o", label="by gradients")
        left.set(xlabel="time", ylabel="control")
        left.legend()
        right.semilogy(np.maximum(costs - costs[-1], 1e-16))  # below is rounding
        right.set(xlabel="iteration", ylabel="cost above the least")

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "optimal_control",
    "Optimal control by the gradient method",
    "Kelley 1960; Bryson 1961; Dreyfus 1962.",
    short=lambda data: run(100),  # 100 time steps
    full=lambda data: run(2000),  # 2000 time steps
)
