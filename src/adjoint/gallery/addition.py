"""Adding two numbers of two bits: the carries must be found, and two units are few."""

from __future__ import annotations

from adjoint.gallery.experiment import Experiment, Report, claim
from adjoint.gallery.tools import bits, descend_by_width, histogram, skipping, skipping_starts

X = bits(4)
T = bits(3)[(X @ [2, 1, 2, 1]).astype(int)]


def run(starts: int) -> Report:
    """Two and three hidden units; the inputs reach the outputs too."""
    found = descend_by_width(
        skipping, skipping_starts, (X, T), starts, (2, 3), rate=0.25, spread=0.5
    )
    two, three = found[2].solved / starts, found[3].solved / starts
    figures = (
        claim("three hidden units", "learns", f"{three:.0%} of starts", three > 0.75),
        claim(
            "two hidden units", "often sticks in a local minimum", f"solved {two:.0%}", two < 0.65
        ),
    )
    counts = {f"{h} hidden units": d.sweep for h, d in found.items()}
    return Report(figures, histogram(counts, "sweeps"))


EXPERIMENT = Experiment(
    "addition",
    "Binary addition",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(60),  # 60 starts
    full=lambda data: run(1000),  # 1000 starts
)
