"""A controller's gains found by gradients through the plant, against Riccati's equation."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Data, Experiment, Report, close

A = np.array([[1.0, 0.1], [0.2, 0.98]])  # an upright pendulum, a tenth of a second a step
B = np.array([0.0, 0.1])


def riccati() -> tuple[Array, float]:
    """The best gains and the cost from (1, 0) and (0, 1) together, by iterating the equation."""
    P = np.eye(2)
    for _ in range(5000):
        gain = (B @ P @ A) / (0.1 + B @ P @ B)
        P = np.eye(2) + A.T @ P @ (A - np.outer(B, gain))
    return gain, float(np.trace(P))


def short(data: Data) -> Report:
    """Gains from a poor start, by BFGS through 400 steps of the plant."""

    def roll(gains: Array, x: Array) -> Any:
        def step(x: Array, _: Any) -> Any:
            u = -np.sum(gains * x)
            return A @ x + B * u, (np.sum(x**2) + 0.1 * u**2, x[0])

        return ad.scan(step, x, None, length=400)[1]

    def cost(gains: Array) -> Array:
        return sum(np.sum(roll(gains, start)[0]) for start in np.eye(2))

    first = np.array([8.0, 3.0])
    found = ad.minimize(cost, first, method="bfgs", options={"gtol": 1e-7})
    gain, least = riccati()
    figures = (
        close("angle gain", gain[0], found.x[0], 1e-4, ".6f"),
        close("speed gain", gain[1], found.x[1], 1e-4, ".6f"),
        close("cost", least, float(found.fun), 1e-7, ".8f"),
    )
    start = np.array([1.0, 0.0])
    lines = {"first gains": roll(first, start)[1], "found gains": roll(found.x, start)[1]}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, line in lines.items():
            axes.plot(0.1 * np.arange(80), line[:80], label=name)
        axes.set(xlabel="seconds", ylabel="angle")
        axes.legend()

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "controller",
    "A controller tuned by gradients",
    "Kalman 1960, whose equation gives the exact gains.",
    short,
    short,
)
