"""The 8-3-8 encoder finds a code of three bits by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.gallery.experiment import Experiment, Report, claim
from adjoint.gallery.tools import (
    all_within,
    descend,
    half_squares,
    layered,
    logistic,
    uniform_layers,
)

X = np.eye(8)


def run(starts: int, sweeps: int) -> Report:
    """Many starts; the code of one net trained on."""
    nets = uniform_layers(np.random.default_rng(0), starts, (8, 3, 8), 0.3)
    found = descend(
        half_squares(layered, X, X),
        all_within(layered, X, X),
        nets,
        rate=0.25,
        momentum=0.9,
        sweeps=sweeps,
        stop_when_solved=False,
    )
    (W, b), _ = found.parameters
    codes = logistic(W + b[:, None, :])  # [starts, 8 patterns, 3 units]
    distinct = [len({tuple(row) for row in np.round(code)}) for code in codes]
    binary = int(np.sum(np.array(distinct) == 8))
    chosen = int(np.argmax((np.array(distinct) == 8) & (found.sweep >= 0)))
    share = found.solved / starts
    figures = (
        claim(
            "solved, every output within 0.5",
            "yes",
            f"{share:.0%}, median {found.median:.0f} sweeps",
            share > 0.8,
        ),
        claim("all eight binary codes used", "yes", f"in {binary} of {starts} nets", binary > 0),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        drawn = axes.imshow(codes[chosen].T, cmap="gray", vmin=0, vmax=1)
        axes.set(xlabel="pattern", ylabel="hidden unit", yticks=range(3))
        figure.colorbar(drawn)

    return Report(
        figures,
        draw,
        "A unit in the middle may also settle at 0.5, as the book observes; such codes have "
        "three levels and are not counted as binary.",
    )


EXPERIMENT = Experiment(
    "encoder",
    "The 8-3-8 encoder",
    "Ackley, Hinton & Sejnowski 1985; Rumelhart, Hinton & Williams, chapter 8, 1986.",
    short=lambda data: run(30, 5000),  # 30 starts
    full=lambda data: run(300, 20_000),  # 300 starts, trained for longer
)
