"""Deltas shrink by at least four in each logistic layer, and hardly in a rectified one."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, claim
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


def short(data: Data) -> Report:
    """Ten layers."""
    return run(10)


def full(data: Data) -> Report:
    """Thirty layers."""
    return run(30)


EXPERIMENT = Experiment(
    "vanishing",
    "Vanishing gradients by depth",
    "Hochreiter 1991; Bengio, Simard & Frasconi 1994; He et al. 2015.",
    short,
    full,
)
