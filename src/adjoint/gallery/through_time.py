"""Backpropagation through time and real-time recurrent learning: two ways, one gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, close


def run(units: int, steps: int) -> Report:
    """One recurrent net; its gradient backwards, forwards by hand, tied layers, differences."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((units, units)) / np.sqrt(units)
    U = rng.standard_normal((2, units))
    x, target = rng.standard_normal((steps, 2)), rng.standard_normal((steps, units))
    start = np.zeros(units)

    def loss(W: Array) -> Array:
        def step(h: Array, pair: Any) -> Any:
            h = np.tanh(h @ W + pair[0] @ U)
            return h, 0.5 * np.sum((h - pair[1]) ** 2)

        return np.sum(ad.scan(step, start, (x, target))[1])

    backwards = ad.jit(ad.grad(loss))(W)

    def layered(copies: list[Array]) -> Array:
        """The same net unrolled: a layer for each step, each with a copy of the weights."""
        h, total = start, 0.0
        for copy, u, t in zip(copies, x, target, strict=True):
            h = np.tanh(h @ copy + u @ U)
            total = total + 0.5 * np.sum((h - t) ** 2)
        return total

    tied = np.sum(ad.grad(layered)([W] * steps), axis=0)

    # Williams and Zipser: carry dh/dW along with h.
    h, sensitivity, forwards = start, np.zeros((units, units, units)), np.zeros_like(W)
    for u, t in zip(x, target, strict=True):
        new = np.tanh(h @ W + u @ U)
        direct = np.einsum("i,jk->kij", h, np.eye(units))  # dz_k/dW_ij = h_i [j = k]
        sensitivity = (1 - new**2)[:, None, None] * (
            np.einsum("lk,lij->kij", W, sensitivity) + direct
        )
        h = new
        forwards += np.einsum("k,kij->ij", h - t, sensitivity)
    direction = rng.standard_normal(W.shape)
    difference = (loss(W + 1e-6 * direction) - loss(W - 1e-6 * direction)) / 2e-6
    scale = np.abs(backwards).max()
    gaps = {
        "real-time recurrent learning": np.abs(backwards - forwards).max() / scale,
        "layers with tied weights, unrolled": np.abs(backwards - tied).max() / scale,
    }
    slope = float(np.sum(backwards * direction))
    figures = [close(f"gap to {name}", 0, gap, 1e-12, ".0e") for name, gap in gaps.items()]
    figures.append(
        close(
            "slope along a direction, by differences", difference, slope, 1e-5 * abs(slope), ".8g"
        )
    )

    def draw(figure: Any) -> None:
        for ax, (name, g) in zip(
            figure.subplots(1, 2),
            {"through time": backwards, "real time": forwards}.items(),
            strict=True,
        ):
            ax.imshow(g, cmap="RdBu", vmin=-scale, vmax=scale)
            ends = [0, units - 1]
            ax.set(title=f"dE/dW, {name}", xticks=ends, yticks=ends, xlabel="to", ylabel="from")

    return Report(tuple(figures), draw)


EXPERIMENT = Experiment(
    "through_time",
    "Backpropagation through time equals real-time recurrent learning",
    "Werbos 1990; Williams & Zipser 1989.",
    short=lambda data: run(6, 12),  # six units, 12 steps
    full=lambda data: run(20, 60),  # 20 units, 60 steps
)
