"""Mirror symmetry with two hidden units: weights in the ratio 1 : 2 : 4."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.gallery.experiment import Experiment, Report, claim, close
from adjoint.gallery.tools import (
    all_within,
    bits,
    descend,
    half_squares,
    layered,
    uniform_layers,
)

X = bits(6)
T = np.all(X[:, ::-1] == X, axis=1, keepdims=True).astype(float)


def run(starts: int, sweeps: int) -> Report:
    """The paper's settings from many starts; the weights after training on."""
    found = descend(
        half_squares(layered, X, T),
        all_within(layered, X, T),
        uniform_layers(np.random.default_rng(0), starts, (6, 2, 1), 0.3),
        rate=0.1,
        momentum=0.9,
        sweeps=sweeps,
        stop_when_solved=False,
    )
    low, high = np.quantile(found.sweep[found.sweep >= 0], [0.25, 0.75])
    hidden = found.parameters[0][0]  # [starts, 6, 2]
    size = np.abs(hidden[:, :3, 0])
    ratios = np.sort(size / size.min(1, keepdims=True), axis=1)
    mirrored = np.abs(hidden + hidden[:, ::-1]).max((1, 2)) / size.max(1)
    flipped = np.abs(hidden[..., 0] + hidden[..., 1]).max(1) / size.max(1)
    solved = found.sweep >= 0
    off = np.abs(ratios - [1, 2, 4]).max(1) + 100 * ~solved
    best = int(np.argmin(off))
    share = np.mean(off[solved] < 0.2)
    figures = (
        claim(
            "sweeps to learn",
            "1425, one run",
            f"median {found.median:.0f}, half of the starts in {low:.0f} … {high:.0f}",
            low <= 1425 <= high,
        ),
        close("ratio of the weights, second to first", 2, ratios[best, 1], 0.05, ".2f"),
        close("ratio of the weights, third to first", 4, ratios[best, 2], 0.1, ".2f"),
        close("|w + mirrored w| / largest", 0, mirrored[best], 1e-2, ".1e"),
        close("the two units: |w1 + w2| / largest", 0, flipped[best], 2e-2, ".1e"),
        claim("solved starts with 1 : 2 : 4", "the one shown", f"{share:.0%}", share > 0.2),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        place = np.arange(6)
        axes.bar(place - 0.2, hidden[best, :, 0], 0.4, label="hidden unit 1")
        axes.bar(place + 0.2, hidden[best, :, 1], 0.4, label="hidden unit 2")
        axes.set(xlabel="input", ylabel="weight")
        axes.legend()

    return Report(
        figures,
        draw,
        "The other starts that solve it settle at 1 : 1.5 : 2, which tells symmetric words from "
        "others as well. Rate 0.1, momentum 0.9, weights uniform in ±0.3, every output within 0.5.",
    )


EXPERIMENT = Experiment(
    "symmetry",
    "Mirror symmetry: weights 1 : 2 : 4",
    "Rumelhart, Hinton & Williams, Nature 323, 1986.",
    short=lambda data: run(24, 12_000),  # 24 starts
    full=lambda data: run(200, 40_000),  # 200 starts, trained on for long
)
