"""XOR: how many sweeps, how often it sticks, and what more hidden units buy."""

from __future__ import annotations

import numpy as np

from adjoint.gallery.experiment import Experiment, Report, claim, shown
from adjoint.gallery.tools import (
    bits,
    descend_by_width,
    histogram,
    layered,
    skipping,
    skipping_starts,
    uniform_layers,
)

X = bits(2)
T = X.sum(1, keepdims=True) % 2


def run(starts: int) -> Report:
    """The net with one hidden unit and skip connections, then 2-H-1 nets."""
    rng = np.random.default_rng(0)
    one = descend_by_width(
        skipping, skipping_starts, (X, T), starts, (1,), rate=0.5, spread=0.3, sweeps=8000, rng=rng
    )[1]
    by_width = descend_by_width(
        layered,
        uniform_layers,
        (X, T),
        starts,
        (2, 4, 8, 16, 32),
        rate=0.25,
        spread=0.5,
        sweeps=4000,
        rng=rng,
    )
    low, high = np.quantile(one.sweep[one.sweep >= 0], [0.25, 0.75])
    medians = [d.median for d in by_width.values()]
    falls = all(np.diff(medians) < 0)
    stuck = 1 - by_width[2].solved / starts
    figures = (
        claim(
            "one hidden unit and skip connections: sweeps",
            "558, one run",
            f"median {one.median:.0f}, half of the starts in {low:.0f} … {high:.0f}",
            low <= 558 <= high,
        ),
        claim("… solved", "always", f"{one.solved / starts:.1%}", one.solved >= 0.98 * starts),
        claim(
            "sweeps fall with the number of hidden units (2, 4, 8, 16, 32)",
            "280 − 33 log2 H: 247, 214, 181, 148, 115",
            ", ".join(f"{m:.0f}" for m in medians),
            falls and medians[-1] < 0.5 * medians[0],
        ),
        shown("2-2-1: starts in a local minimum", "2 of hundreds", f"{stuck:.1%}"),
    )
    return Report(
        figures,
        histogram({"one hidden unit, skips": one.sweep, "2-2-1": by_width[2].sweep}, "sweeps"),
        "Learning rate 0.5 (one hidden unit) and 0.25, momentum 0.9, batch updates, solved when "
        "every output is within 0.5. The book does not print the momentum or the criterion of "
        "its 558 sweeps, nor how many updates Chauvin's formula counts.",
    )


EXPERIMENT = Experiment(
    "xor",
    "XOR: 558 sweeps",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(100),  # 100 starts
    full=lambda data: run(2000),  # 2000 starts
)
