"""A recurrent net that settles: its gradient at rest, by unrolling and by differences."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_most, close
from adjoint.gallery.tools import logistic


def run(units: int) -> Report:
    """Almeida's and Pineda's gradient, and a net taught to settle where it should."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((units, units)) / np.sqrt(units)
    inputs = rng.standard_normal((5, units))
    wanted = rng.uniform(0.2, 0.8, (5, 3))

    def settle(x: Array, W: Array) -> Array:
        return logistic(x @ W + inputs)

    def error(state: Array) -> Array:
        return 0.5 * np.sum((state[:, :3] - wanted) ** 2)

    start = np.full((5, units), 0.5)

    def at_rest(W: Array) -> Array:
        return error(ad.fixed_point(settle, start, W))

    def unrolled(W: Array) -> Array:
        return error(ad.scan(lambda x, _: (settle(x, W), None), start, None, length=200)[0])

    implicit, explicit = ad.grad(at_rest)(W), ad.grad(unrolled)(W)

    # Almeida's and Pineda's own way: let a second net of errors settle.
    x = ad.fixed_point(settle, start, W)
    slope = x * (1 - x)
    source = np.zeros_like(x)
    source[:, :3] = x[:, :3] - wanted
    deltas = np.zeros_like(x)
    for _ in range(200):
        deltas = slope * (deltas @ W.T + source)
    by_hand = x.T @ deltas
    direction = rng.standard_normal(W.shape)
    difference = (at_rest(W + 1e-5 * direction) - at_rest(W - 1e-5 * direction)) / 2e-5
    along = float(np.sum(implicit * direction))
    errors = []
    learned = W
    step = ad.value_and_grad(at_rest)
    for _ in range(150):
        value, change = step(learned)
        errors.append(value)
        learned = learned - 3.0 * change
    size = np.abs(implicit).max()
    figures = (
        close(
            "gap to unrolling 200 steps", 0, np.abs(implicit - explicit).max() / size, 1e-9, ".0e"
        ),
        close(
            "gap to Almeida's and Pineda's second net",
            0,
            np.abs(implicit - by_hand).max() / size,
            1e-9,
            ".0e",
        ),
        close(
            "slope along a direction, by differences", difference, along, 1e-6 * abs(along), ".8g"
        ),
        at_most(
            "error after 150 steps of learning, of the first", 0.05, errors[-1] / errors[0], ".2g"
        ),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.semilogy(errors)
        axes.set(xlabel="step", ylabel="error at rest")

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "recurrent",
    "Recurrent backpropagation: a net that settles",
    "Almeida 1987; Pineda, Physical Review Letters 59, 1987.",
    short=lambda data: run(8),  # 8 units
    full=lambda data: run(40),  # 40 units
)
