"""Units that no longer learn: saturated logistic ones and dead rectified ones."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn
from adjoint.gallery.experiment import (
    Array,
    Experiment,
    Report,
    at_least,
    at_most,
    claim,
    close,
)
from adjoint.gallery.tools import logistic


def net(layers: Any, x: Array, squash: Any) -> Array:
    """One hidden layer, linear output."""
    (W, b), (V, c) = layers
    return squash(x @ W + b) @ V + c


def train(rate: float, steps: int, squash: Any, spread: float) -> tuple[Any, Array, Array]:
    """Plain gradient descent on a smooth function; the last layers, their slope, the inputs."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    target = np.sin(3 * x[:, :1]) * x[:, 1:]
    layers = [
        (spread * rng.standard_normal((2, 100)), np.zeros(100)),
        (rng.standard_normal((100, 1)) / 10, np.zeros(1)),
    ]

    def loss(layers: Any) -> Array:
        return np.mean((net(layers, x, squash) - target) ** 2)

    def step(layers: Any, _: Any) -> Any:
        slopes = ad.grad(loss)(layers)
        return [
            (W - rate * g, b - rate * h) for (W, b), (g, h) in zip(layers, slopes, strict=True)
        ], None

    last = ad.jit(lambda p: ad.scan(step, p, None, length=steps)[0])(layers)
    return last, ad.grad(loss)(last), x


def run(steps: int) -> Report:
    """Rates and starts that keep units alive, and such that do not."""
    dead, active = {}, {}
    for rate in (0.01, 0.1, 1.0, 2.0):
        last, slope, x = train(rate, steps, nn.relu, 1.0)
        (W, b), _ = last
        silent = np.all(x @ W + b <= 0, axis=0)
        dead[rate] = float(np.mean(silent))
        active[rate] = float(np.abs(slope[0][0][:, silent]).max(initial=0))
    z = 6.0
    slope_at = float(ad.grad(logistic)(z))
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (500, 2))
    weights = rng.standard_normal((2, 100))
    slow, fast = [
        float(np.mean(ad.vmap(ad.grad(logistic))((x @ (s * weights)).ravel()))) for s in (30.0, 1.0)
    ]
    figures = (
        close("gradient that a dead unit gets", 0, max(active.values()), 0, ".1g"),
        claim(
            "dead units at rates " + ", ".join(f"{r:g}" for r in dead),
            "more at a rate that is too high",
            ", ".join(f"{share:.0%}" for share in dead.values()),
            dead[2.0] > dead[0.01] + 0.2,
        ),
        close("logistic slope at 6: σ(1 − σ)", 0.0024665, slope_at, 1e-7, ".7f"),
        at_most(
            "mean slope of units whose weights start thirty times too large, of 0.25",
            0.25 / 4,
            slow,
            ".3f",
        ),
        at_least("… and of units that start well", 0.25 * 0.8, fast, ".3f"),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, 2)
        axes[0].bar([f"{r:g}" for r in dead], list(dead.values()))
        axes[0].set(xlabel="learning rate", ylabel="share of dead rectified units")
        grid = np.linspace(-10, 10, 201)
        axes[1].plot(grid, ad.vmap(ad.grad(logistic))(grid))
        axes[1].set(xlabel="weighted input", ylabel="slope of the logistic function")

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "saturation",
    "Saturated and dead units",
    "LeCun et al., Efficient BackProp, 1998; Lu et al., Dying ReLU, 2019.",
    short=lambda data: run(300),  # 300 steps
    full=lambda data: run(3000),  # 3000 steps
)
