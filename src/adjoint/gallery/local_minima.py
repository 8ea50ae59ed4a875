"""Where XOR nets stick, and how wider nets have fewer such places."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.gallery.experiment import Experiment, Report, at_most, claim
from adjoint.gallery.tools import (
    all_within,
    bits,
    descend,
    half_squares,
    layered,
    uniform_layers,
)

X = bits(2)
T = X.sum(1, keepdims=True) % 2
WIDTHS = (2, 3, 4, 6, 8)


def run(starts: int, sweeps: int) -> Report:
    """The share of starts that stick, by width; the error they stick at."""
    rng = np.random.default_rng(0)
    found = {
        width: descend(
            half_squares(layered, X, T),
            all_within(layered, X, T),
            uniform_layers(rng, starts, (2, width, 1), 1.0),
            rate=0.5,
            momentum=0.9,
            sweeps=sweeps,
        )
        for width in WIDTHS
    }
    share = [1 - found[w].solved / starts for w in WIDTHS]
    stuck = found[2].losses[found[2].sweep < 0]
    slow = float(np.median(np.abs(stuck[:, -1] - stuck[:, -500]))) if len(stuck) else float("nan")
    told = ", ".join(f"{s:.1%}" for s in share)
    figures = (
        claim(
            "2-H-1, H = 2, 3, 4, 6, 8: share stuck",
            "falls with width",
            told,
            share[0] > 0.03 and share[-1] < 0.01,
        ),
        at_most("change of a stuck net's error over 500 sweeps", 0, slow, ".0e", slack=1e-2),
        claim(
            "error of stuck nets (0.25: two patterns told apart)",
            "0.25",
            f"{np.median(stuck[:, -1]):.2f}",
            0.2 < np.median(stuck[:, -1]) < 0.4,
        ),
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for line in found[2].losses[:30]:
            left.plot(line[:1000], lw=0.7)
        left.set(xlabel="sweep", ylabel="error, 2-2-1")
        right.bar([str(w) for w in WIDTHS], share)
        right.set(xlabel="hidden units", ylabel="share of starts stuck")

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "local_minima",
    "Local minima of XOR",
    "Rumelhart, Hinton & Williams, chapter 8, 1986; Blum 1989.",
    short=lambda data: run(200, 3000),  # 200 starts
    full=lambda data: run(2000, 6000),  # 2000 starts
)
