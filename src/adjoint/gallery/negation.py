"""One bit says whether the other three are to be turned over."""

from __future__ import annotations

import numpy as np

from adjoint.gallery.experiment import Data, Experiment, Report, at_least, claim
from adjoint.gallery.tools import (
    all_within,
    bits,
    descend,
    half_squares,
    histogram,
    skipping,
    skipping_starts,
)

X = bits(4)
T = np.abs(X[:, 1:] - X[:, :1])


def run(starts: int) -> Report:
    """Three and six hidden units, with skip connections."""
    rng = np.random.default_rng(0)
    found = {
        hidden: descend(
            half_squares(skipping, X, T),
            all_within(skipping, X, T),
            skipping_starts(rng, starts, (4, hidden, 3), 0.5),
            rate=0.25,
            momentum=0.9,
            sweeps=5000,
        )
        for hidden in (3, 6)
    }
    share = found[6].solved / starts
    fewest = found[3].solved / starts
    figures = (
        at_least("six hidden units: share of starts that learn it", 1.0, share, ".1%", slack=0.02),
        claim("three, one for each bit", "learns", f"{fewest:.1%}", fewest > 0.85),
    )
    counts = {f"{h} hidden units": d.sweep for h, d in found.items()}
    return Report(figures, histogram(counts, "sweeps"))


def short(data: Data) -> Report:
    """60 starts."""
    return run(60)


def full(data: Data) -> Report:
    """1000 starts."""
    return run(1000)


EXPERIMENT = Experiment(
    "negation",
    "Negation: a bit that turns three others over",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short,
    full,
)
