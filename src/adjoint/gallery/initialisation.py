"""How large weights may start: what reaches a unit, and what reaches the end of a deep net."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import nn
from adjoint.gallery.experiment import Array, Experiment, Report, at_most, claim, close


def spread(rng: np.random.Generator, scale: float, draws: int) -> float:
    """Spread of a unit's weighted input: 1000 inputs, half of them 1, and a bias N(0, 1)."""
    weights = scale * rng.standard_normal((draws, 500))
    return float(np.std(weights.sum(1) + rng.standard_normal(draws)))


def signal(rng: np.random.Generator, depth: int, scale: float, squash: Any) -> Array:
    """Root mean square activity of every layer of a deep net 200 wide."""
    x, found = rng.standard_normal((100, 200)), []
    for _ in range(depth):
        x = squash(x @ (scale * rng.standard_normal((200, 200)) / np.sqrt(200)))
        found.append(float(np.sqrt(np.mean(x**2))))
    return np.array(found)


def run(draws: int) -> Report:
    """Nielsen's unit of a thousand inputs; rectified layers from He's and smaller starts."""
    rng = np.random.default_rng(0)
    large, small = spread(rng, 1.0, draws), spread(rng, 1 / np.sqrt(1000), draws)
    he, lecun = signal(rng, 30, np.sqrt(2), nn.relu), signal(rng, 30, 1.0, nn.relu)
    figures = (
        close("N(0, 1) weights: spread of the weighted input", np.sqrt(501), large, 0.5, ".2f"),
        close("N(0, 1/n) weights", np.sqrt(1.5), small, 0.03, ".2f"),
        claim(
            "rectified, N(0, 2/n): activity kept over 30 layers",
            "1",
            f"{he[-1] / he[0]:.2f}",
            0.3 < he[-1] / he[0] < 3,
        ),
        at_most(
            "rectified, N(0, 1/n): activity after 30 layers",
            2.0**-14,
            lecun[-1] / lecun[0],
            ".1e",
            slack=2e-4,
        ),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.semilogy(he, "o-", label="N(0, 2/n)")
        axes.semilogy(lecun, "o-", label="N(0, 1/n)")
        axes.set(xlabel="layer", ylabel="activity, rectified units")
        axes.legend()

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "initialisation",
    "How large weights may start",
    "Nielsen, Neural Networks and Deep Learning, chapter 3, 2015; He et al. 2015.",
    short=lambda data: run(4000),  # 4000 units
    full=lambda data: run(20_000),  # 20,000 units
)
