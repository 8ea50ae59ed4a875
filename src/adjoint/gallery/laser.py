"""A far-infrared laser's pulses, predicted a hundred steps on by a net of FIR filters."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, shown
from adjoint.gallery.tools import curves

FILE = "laser/santafe_laser.txt"
TAPS = (25, 5, 5)
REACH = sum(TAPS)  # how many earlier steps one prediction sees


def net(rng: np.random.Generator) -> tuple[nn.FIR, ...]:
    """1-12-12-1 with 25, 5 and 5 taps, as Wan had it."""
    sizes = ((1, 12), (12, 12), (12, 1))
    return tuple(
        nn.FIR(n, m, taps, padded=False, rng=rng) for (n, m), taps in zip(sizes, TAPS, strict=True)
    )


def forward(layers: tuple[nn.FIR, ...], x: Array) -> Array:
    """[batch, time, 1] to one prediction for each step from REACH on."""
    for layer in layers[:-1]:
        x = np.tanh(layer(x))
    return layers[-1](x)


def continued(layers: tuple[nn.FIR, ...], series: Array, steps: int) -> Array:
    """Feed the predictions back."""

    def step(window: Array, _: Any) -> Any:
        new = forward(layers, window[None, :, None])[0, 0]
        return np.concatenate([window[1:], new]), new[0]

    return ad.scan(step, series[-REACH - 1 :], None, length=steps)[1]


def run(data: Data, seeds: int, steps: int) -> Report:
    """Temporal backpropagation on 1000 points from many starts; the best on training wins."""
    raw = np.array(data.path(FILE).read_text().split(), dtype=float)[:1100]
    mean, spread = raw[:1000].mean(), raw[:1000].std()
    series = (raw - mean) / spread
    x, target = series[None, :999, None], series[None, REACH + 1 : 1000, None]
    method = optim.adam(optim.cosine(5e-3, steps=steps))

    def loss(layers: Any) -> Array:
        return np.mean((forward(layers, x) - target) ** 2)

    def train(layers: Any) -> Any:
        def step(state: Any, _: Any) -> Any:
            layers, memory = state
            value, slope = ad.value_and_grad(loss)(layers)
            return method.update(slope, memory, layers), value

        (layers, _), losses = ad.scan(step, (layers, method.init(layers)), None, length=steps)
        return losses, continued(layers, series[:1000], 100), layers

    rng = np.random.default_rng(0)
    starts = [net(rng) for _ in range(seeds)]
    stacked = tree.tree_map(lambda *leaves: np.stack(leaves), *starts)
    losses, ahead, _ = ad.jit(ad.vmap(train))(stacked)
    truth = raw[1000:1100]
    errors = np.mean((ahead * spread + mean - truth) ** 2, axis=1)
    best = int(np.argmin(losses[:, -1]))
    nmse = errors[best] / truth.var()
    figures = (
        at_most("one step ahead on the training points: NMSE", 0.01, losses[best, -1], ".4f"),
        at_most("100 steps on, fed back: NMSE (1: the mean)", 1.0, float(nmse), ".3f"),
        shown(
            "… best of all starts, chosen afterwards", "—", f"{(errors / truth.var()).min():.3f}"
        ),
    )
    steps_on = np.arange(1000, 1100)
    lines = {"measured": (steps_on, truth), "fed back": (steps_on, ahead[best] * spread + mean)}
    return Report(
        figures,
        curves(lines, "step", "intensity"),
        f"Best of {seeds} starts by training error. Normalised by the variance of the "
        "continuation. Wan's entry won the Santa Fe competition with such a net; its printed "
        "figure has not been confirmed here and is not quoted.",
    )


def short(data: Data) -> Report:
    """Two starts, 600 steps."""
    report = run(data, 2, 600)
    return Report(report.figures[:1], report.draw, report.note)


def full(data: Data) -> Report:
    """Four starts, 3000 steps."""
    return run(data, 4, 3000)


EXPERIMENT = Experiment(
    "laser",
    "The Santa Fe laser by FIR filters",
    "Wan 1993, in Weigend & Gershenfeld, Time Series Prediction.",
    short,
    full,
    data=(FILE,),
)
