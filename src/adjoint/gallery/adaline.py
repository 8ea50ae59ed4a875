"""The delta rule goes where least squares is."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_most, claim


def samples(rng: np.random.Generator) -> tuple[Array, Array]:
    """60 examples of three inputs and a constant, and noisy linear targets."""
    X = np.column_stack([rng.standard_normal((60, 3)) * [1.0, 2.0, 0.5], np.ones(60)])
    return X, X @ [1.5, -2.0, 0.7, 0.3] + 0.4 * rng.standard_normal(60)


def run(steps: int) -> Report:
    """Widrow and Hoff's rule by batches and one example at a time."""
    X, y = samples(np.random.default_rng(1))
    exact = np.linalg.lstsq(X, y)[0]

    def loss(w: Array, x: Array, t: Array) -> Array:
        return 0.5 * np.mean((x @ w - t) ** 2)

    def batch(w: Array, _: Array) -> Any:
        w = w - 0.2 * ad.grad(loss)(w, X, y)
        return w, w

    def single(w: Array, example: tuple[Array, Array, Array]) -> Any:
        k, x, t = example
        w = w - 10 / (200 + k) * ad.grad(loss)(w, x, t)
        return w, w

    start = np.zeros(4)
    stream = (np.arange(60.0 * steps), np.tile(X, (steps, 1)), np.tile(y, steps))
    _, by_batch = ad.jit(lambda w: ad.scan(batch, w, np.arange(steps)))(start)
    _, by_one = ad.jit(lambda w: ad.scan(single, w, stream))(start)
    far = [np.linalg.norm(path - exact, axis=1) for path in (by_batch, by_one[59::60])]
    delta = (y - X @ start)[:, None] * X  # the rule as Widrow and Hoff wrote it
    slope = ad.grad(loss)(start, X, y)
    gap = np.abs(delta.mean(0) + slope).max()

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.semilogy(far[0], label="whole batch, constant rate")
        axes.semilogy(far[1], label="one example at a time, falling rate")
        axes.set(xlabel="epoch", ylabel="distance from least squares")
        axes.legend()

    return Report(
        (
            at_most("|w − least squares|, batch", 0, far[0][-1], ".1e", slack=1e-12),
            at_most("|w − least squares|, one at a time", 0, far[1][-1], ".1e", slack=1e-2),
            claim("delta rule = minus the gradient", "identity", f"gap {gap:.0e}", gap < 1e-14),
        ),
        draw,
    )


EXPERIMENT = Experiment(
    "adaline",
    "Adaline: the delta rule lands on least squares",
    "Widrow & Hoff 1960.",
    short=lambda data: run(1000),  # 1000 epochs
    full=lambda data: run(5000),  # 5000 epochs
)
