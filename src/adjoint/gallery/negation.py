"""One bit says whether the other three are to be turned over."""

from __future__ import annotations

import numpy as np

from adjoint.gallery.experiment import Experiment, Report, claim
from adjoint.gallery.tools import bits, descend_by_width, histogram, skipping, skipping_starts

X = bits(4)
T = np.abs(X[:, 1:] - X[:, :1])


def run(starts: int) -> Report:
    """Three and six hidden units, with skip connections."""
    found = descend_by_width(
        skipping, skipping_starts, (X, T), starts, (3, 6), rate=0.25, spread=0.5
    )
    fewest, share = found[3].solved / starts, found[6].solved / starts
    figures = (
        claim("six hidden units", "learns", f"{share:.1%} of starts", share > 0.9),
        claim("three, one for each bit", "learns", f"{fewest:.1%} of starts", fewest > 0.5),
    )
    counts = {f"{h} hidden units": d.sweep for h, d in found.items()}
    return Report(figures, histogram(counts, "sweeps"))


EXPERIMENT = Experiment(
    "negation",
    "Negation: a bit that turns three others over",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(60),  # 60 starts
    full=lambda data: run(1000),  # 1000 starts
)
