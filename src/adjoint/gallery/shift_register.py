"""A ring of logistic units learns to hand a pattern on, by backpropagation through time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_least, at_most
from adjoint.gallery.tools import all_within, bits, descend, histogram, logistic, uniform_layers


def register(layers: list[tuple[Array, Array]], patterns: Array) -> Array:
    """The units' states over as many steps as there are units, [steps, patterns, units]."""
    ((W, b),) = layers

    def step(state: Array, _: Array | None) -> tuple[Array, Array]:
        state = logistic(state @ W + b)
        return state, state

    states: Array = ad.scan(step, patterns, None, length=patterns.shape[1])[1]
    return states


def mean_half_squares(patterns: Array, wanted: Array) -> Callable[[Any], Array]:
    """The error over all steps, a mean over the patterns."""
    return lambda p: 0.5 * np.mean(np.sum((register(p, patterns) - wanted) ** 2, (0, 2)))


def run(starts: int) -> Report:
    """Registers of three and five units; every pattern, every step right within 0.5."""
    rng = np.random.default_rng(0)
    found = {}
    for units in (3, 5):
        patterns = bits(units)
        wanted = np.stack([np.roll(patterns, k + 1, axis=1) for k in range(units)])
        found[units] = descend(
            mean_half_squares(patterns, wanted),
            all_within(register, patterns, wanted),
            uniform_layers(rng, starts, (units, units), 0.3),
            rate=0.5,
            momentum=0.9,
            sweeps=400,
        )
    figures = [
        row
        for units, d in found.items()
        for row in (
            at_most(f"{units} units: median sweeps", 200, d.median, ".0f"),
            at_least(
                f"{units} units: share of starts that learn",
                1,
                d.solved / starts,
                ".0%",
                slack=0.05,
            ),
        )
    ]
    counts = {f"{units} units": d.sweep for units, d in found.items()}
    return Report(tuple(figures), histogram(counts, "sweeps"))


EXPERIMENT = Experiment(
    "shift_register",
    "A shift register by backpropagation through time",
    "Rumelhart, Hinton & Williams, Parallel Distributed Processing, chapter 8, 1986.",
    short=lambda data: run(20),  # 20 starts
    full=lambda data: run(300),  # 300 starts
)
