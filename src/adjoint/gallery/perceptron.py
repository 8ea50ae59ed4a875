"""The perceptron rule learns what a line can separate; XOR asks for a hidden layer."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_most, claim, close
from adjoint.gallery.tools import descend, layered, uniform_layers

X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])  # the last input is constant
GATES = {"AND": [-1, -1, -1, 1], "OR": [-1, 1, 1, 1], "XOR": [-1, 1, 1, -1]}


def criterion(w: Array, x: Array, sign: Array) -> Array:
    """How far on the wrong side an example lies; its slope is the perceptron rule."""
    margin = sign * np.sum(x * w)
    return np.where(margin <= 0, -margin, 0.0)


def perceptron(signs: list[int], epochs: int, start: Array) -> tuple[int, int]:
    """Corrections made, and the most examples that were right at any moment."""
    w, corrections, best = start, 0, 0
    for _ in range(epochs):
        for x, sign in zip(X, signs, strict=True):
            slope = ad.grad(criterion)(w, x, float(sign))
            corrections += bool(np.any(slope))
            w = w - slope
            best = max(best, int(np.sum((X @ w > 0) == (np.array(signs) > 0))))
    return corrections, best


def novikoff(signs: list[int]) -> float:
    """The bound on corrections, (longest example / widest margin) squared, by a fine search."""
    angles = np.linspace(0, 2 * np.pi, 721)
    tilts = np.linspace(0, np.pi, 361)
    a, t = np.meshgrid(angles, tilts)
    normals = np.stack([np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)], -1)
    margin = (normals @ X.T * signs).min(-1).max()
    return float((X**2).sum(1).max() / margin**2)


def run(starts: int) -> Report:
    """The gates by one layer, then XOR by two."""
    rows = []
    for name in ("AND", "OR"):
        corrections, best = perceptron(GATES[name], 50, np.zeros(3))
        rows.append(at_most(f"corrections to learn {name}", novikoff(GATES[name]), corrections))
        rows.append(close(f"{name}: examples right", 4, best, 0))
    _, best = perceptron(GATES["XOR"], 500, np.array([0.3, 0.2, -0.1]))
    rows.append(close("XOR, one layer: examples right at best", 3, best, 0))
    target = (np.array(GATES["XOR"])[:, None] + 1) / 2
    linear = X @ np.linalg.lstsq(X, target)[0]
    rows.append(
        close("XOR, least squares: mean square error", 0.25, np.mean((linear - target) ** 2), 1e-12)
    )

    inputs = X[:, :2]
    nets = uniform_layers(np.random.default_rng(0), starts, (2, 2, 1), 0.5)
    descent = descend(
        lambda p: 0.5 * np.sum((layered(p, inputs) - target) ** 2),
        lambda p: np.max(np.abs(layered(p, inputs) - target)) < 0.1,
        nets,
        rate=0.5,
        momentum=0.9,
        sweeps=3000,
    )
    share = descent.solved / starts
    rows.append(claim("XOR, two hidden units", "solved", f"{share:.0%} of starts", share > 0.8))
    chosen = int(np.argmax(descent.sweep >= 0))
    layers = [(W[chosen], b[chosen]) for W, b in descent.parameters]

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, 2)
        side = np.linspace(-0.3, 1.3, 81)
        grid = np.stack(np.meshgrid(side, side), -1)
        flat = np.full(grid.shape[:2], linear[0, 0])
        for ax, surface, title in zip(
            axes,
            (flat, layered(layers, grid)[..., 0]),
            ("one linear unit", "two hidden units"),
            strict=True,
        ):
            drawn = ax.contourf(side, side, surface, levels=np.linspace(0, 1, 11), cmap="RdBu")
            ax.scatter(*inputs.T, c=target[:, 0], cmap="RdBu", edgecolors="black", s=80)
            ax.set_title(title)
        figure.colorbar(drawn, ax=axes)

    return Report(tuple(rows), draw)


EXPERIMENT = Experiment(
    "perceptron",
    "Perceptron: what a line separates, and XOR",
    "Rosenblatt 1958; Novikoff 1962; Minsky & Papert 1969.",
    short=lambda data: run(20),  # 20 starts of the two-layer net
    full=lambda data: run(1000),  # 1000 starts
)
