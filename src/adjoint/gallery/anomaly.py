"""A net that can only rebuild what it has seen often: what it rebuilds badly is odd."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from adjoint import optim
from adjoint.gallery.datasets import ZIP, zip_codes
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least
from adjoint.gallery.tools import train_epochs


def area_under_curve(odd: Array, usual: Array) -> float:
    """The chance that an odd one scores above a usual one."""
    ranks = np.argsort(np.argsort(np.concatenate([odd, usual])))
    return float((ranks[: len(odd)].sum() - len(odd) * (len(odd) - 1) / 2) / len(odd) / len(usual))


def run(data: Data, epochs: int) -> Report:
    """Learn zeros and ones only; find the other digits in the test set."""
    images, labels, held, held_labels = zip_codes(data)
    usual = images[labels <= 1]
    rng = np.random.default_rng(0)
    sizes = (256, 64, 6, 64, 256)
    layers = [
        ((rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in itertools.pairwise(sizes)
    ]

    def rebuild(layers: Any, x: Array) -> Array:
        for W, b in layers:
            x = np.tanh(x @ W + b)
        return x

    def loss(layers: Any, x: Array) -> Array:
        return np.mean((rebuild(layers, x) - x) ** 2)

    layers = train_epochs(loss, optim.adam(1e-3), layers, (usual,), 32, epochs)
    scores = np.mean((rebuild(layers, held) - held) ** 2, axis=1)
    odd = held_labels > 1
    ours = area_under_curve(scores[odd], scores[~odd])
    distance = np.mean((held - usual.mean(0)) ** 2, axis=1)
    plain = area_under_curve(distance[odd], distance[~odd])
    figures = (
        at_least("area under the ROC curve", 0.95, ours, ".4f"),
        at_least("… above distance from the mean image", plain, ours, ".4f"),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        edges = np.linspace(0, scores.max(), 60)
        axes.hist(scores[~odd], edges, alpha=0.6, density=True, label="0 and 1")
        axes.hist(scores[odd], edges, alpha=0.6, density=True, label="2 to 9, never seen")
        axes.set(xlabel="error of the rebuilt image")
        axes.legend()

    return Report(figures, draw, "0.95 is our own bar; the idea has no one headline figure.")


EXPERIMENT = Experiment(
    "anomaly",
    "Anomalies by reconstruction",
    "Japkowicz, Myers & Gluck 1995.",
    short=lambda data: run(data, 20),  # 20 epochs
    full=lambda data: run(data, 100),  # 100 epochs
    data=ZIP,
)
