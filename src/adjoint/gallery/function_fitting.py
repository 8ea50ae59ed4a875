"""One hidden layer fits a curve as closely as it has units for."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_most, claim


def wave(x: Array) -> Array:
    """A curve with a slow and a fast part."""
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


def net(p: Any, x: Array) -> Array:
    """One input, a tanh layer, one output."""
    W, b, v, c = p
    return np.tanh(x[:, None] * W + b) @ v + c


def fit(width: int, steps: int) -> tuple[Any, float]:
    """L-BFGS from places spread over the interval; the net and its root mean square error."""
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 200)
    slopes = rng.choice([-1.0, 1.0], width) * rng.uniform(10, 40, width)
    p = (slopes, -slopes * rng.uniform(0, 1, width), 0.1 * rng.standard_normal(width), 0.0)
    found = ad.minimize(
        lambda p: np.mean((net(p, x) - wave(x)) ** 2),
        p,
        method="l-bfgs-b",
        options={"maxiter": steps},
    )
    between = np.linspace(0, 1, 997)
    return found.x, float(np.sqrt(np.mean((net(found.x, between) - wave(between)) ** 2)))


def run(steps: int) -> Report:
    """4, 8, 16, 32, 64 units."""
    widths = (4, 8, 16, 32, 64)
    found = {width: fit(width, steps) for width in widths}
    errors = [found[w][1] for w in widths]
    told = ", ".join(f"{e:.1e}" for e in errors)
    figures = (
        claim(
            "error falls with the units: 4, 8, 16, 32, 64",
            "yes",
            told,
            errors[0] > errors[2] > errors[4],
        ),
        at_most("root mean square error with 64 units", 0, errors[-1], ".1e", slack=5e-3),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        x = np.linspace(0, 1, 500)
        axes.plot(x, wave(x), "k", lw=3, alpha=0.3, label="the curve")
        for width in (4, 16, 64):
            axes.plot(x, net(found[width][0], x), lw=1, label=f"{width} units")
        axes.legend()

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "function_fitting",
    "Function fitting and universality",
    "Cybenko 1989; Hornik, Stinchcombe & White 1989.",
    short=lambda data: run(300),  # 300 steps
    full=lambda data: run(3000),  # 3000 steps
)
