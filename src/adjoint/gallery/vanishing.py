"""Deltas shrink by at least four in each logistic layer, and hardly in a rectified one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn
from adjoint.gallery.datasets import MNIST
from adjoint.gallery.experiment import (
    Array,
    Data,
    Experiment,
    Figure,
    Report,
    at_most,
    best_of,
    claim,
)
from adjoint.gallery.mnist_better import split, train
from adjoint.gallery.tools import logistic

WIDTH, BATCH = 64, 50


def deltas(depth: int, squash: Any, gain: float) -> Array:
    """The norm of dE/d(layer's weighted input), first layer first."""
    rng = np.random.default_rng(0)
    weights = [gain * np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0] for _ in range(depth)]
    x, target = rng.standard_normal((2, BATCH, WIDTH))

    def error(nudges: list[Array]) -> Array:
        h = x
        for W, nudge in zip(weights, nudges, strict=True):
            h = squash(h @ W + nudge)
        return 0.5 * np.sum((h - target) ** 2)

    # A nudge of zero on a weighted input has the delta for its gradient.
    slopes = ad.jit(ad.grad(error))([np.zeros((BATCH, WIDTH))] * depth)
    return np.array([np.linalg.norm(s) for s in slopes])


def run(depth: int) -> Report:
    """Orthogonal weights, so that only the squashing function can shrink a delta."""
    kinds = {
        "logistic": deltas(depth, logistic, 1.0),
        "tanh": deltas(depth, np.tanh, 1.0),
        "rectified, He": deltas(depth, nn.relu, float(np.sqrt(2))),
    }
    factor = {name: d[:-1] / d[1:] for name, d in kinds.items()}
    kept = float(kinds["rectified, He"][0] / kinds["rectified, He"][-1])
    fall = float(kinds["logistic"][0] / kinds["logistic"][-1])
    figures = (
        at_most(
            "logistic: largest factor from layer to layer", 0.25, factor["logistic"].max(), ".4f"
        ),
        at_most(f"logistic: first to last delta, {depth} layers", 0.25 ** (depth - 1), fall, ".1e"),
        at_most("tanh: largest factor", 1.0, factor["tanh"].max(), ".3f"),
        claim(
            f"rectified, He start: first to last, {depth} layers",
            "about 1",
            f"{kept:.2f}",
            0.1 < kept < 10,
        ),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, d in kinds.items():
            axes.semilogy(np.arange(1, depth + 1), d, "o-", label=name)
        axes.set(xlabel="layer", ylabel="norm of its delta")
        axes.legend()

    return Report(figures, draw, "The logistic function's slope is at most 1/4, tanh's at most 1.")


DEPTHS = {1: 96.48, 2: 96.90, 3: 96.57, 4: 96.53}
"""Validation accuracy of nets of so many hidden layers of 30, in the book's fifth chapter."""


def by_depth(data: Data) -> tuple[Figure, ...]:
    """Digits learned by deeper and deeper nets, nine runs of each."""
    _, held = split(data)
    found = {
        depth: [max(train(held, (30,) * depth, 30, 0.1, 5.0, False, seed)) for seed in range(9)]
        for depth in DEPTHS
    }
    middle = {depth: float(np.median(runs)) for depth, runs in found.items()}
    return (
        *[
            best_of(f"digits, {depth} hidden layers of 30: validation %", published, found[depth])
            for depth, published in DEPTHS.items()
        ],
        claim(
            "… what three layers more are worth",
            "nothing: 0.05",
            f"{middle[4] - middle[1]:.2f}",
            abs(middle[4] - middle[1]) < 0.5,
        ),
    )


def short(data: Data) -> Report:
    """Ten layers."""
    return run(10)


def full(data: Data) -> Report:
    """Thirty layers, and digits where they are there."""
    report = run(30)
    if not data.has(MNIST):
        return report
    note = f"{report.note} Digits: logistic units, cross-entropy, rate 0.1, λ 5, mini-batches of "
    note += "10, 50,000 images; the best of 30 epochs, where the book tells of one run each."
    return replace(report, figures=report.figures + by_depth(data), note=note)


EXPERIMENT = Experiment(
    "vanishing",
    "Vanishing gradients by depth",
    "Hochreiter 1991; Bengio, Simard & Frasconi 1994; He et al. 2015; Nielsen 2015, chapter 5.",
    short,
    full,
)
