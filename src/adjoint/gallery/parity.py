"""Parity of four bits with four hidden units."""

from __future__ import annotations

from adjoint.gallery.experiment import Experiment, Report, at_most, claim
from adjoint.gallery.tools import bits, descend_by_width, histogram, layered, uniform_layers

X = bits(4)
T = X.sum(1, keepdims=True) % 2


def run(starts: int) -> Report:
    """4-4-1 and 4-8-1 nets from many starts."""
    found = descend_by_width(layered, uniform_layers, (X, T), starts, (4, 8), rate=0.5, spread=1.0)
    four, eight = found[4], found[8]
    wide = eight.solved / starts
    figures = (
        at_most("4-4-1: median sweeps of the starts that solve it", 2825, four.median, ".0f"),
        claim(
            "4-4-1: can solve it", "yes", f"{four.solved / starts:.0%} of starts", four.solved > 0
        ),
        claim("4-8-1: more units, fewer traps", "—", f"{wide:.0%} of starts", wide > 0.85),
    )
    counts = {"4-4-1": four.sweep, "4-8-1": eight.sweep}
    return Report(
        figures,
        histogram(counts, "sweeps"),
        "The book needed 2825 sweeps at rate 0.5. Solved: every output within 0.5 of its target; "
        "momentum 0.9, weights uniform in ±1.",
    )


EXPERIMENT = Experiment(
    "parity",
    "Parity of four bits",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(60),  # 60 starts
    full=lambda data: run(1000),  # 1000 starts
)
