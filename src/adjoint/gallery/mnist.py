"""Handwritten digits by the plainest net there is, as in the first chapter of Nielsen's book."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import optim
from adjoint.gallery.datasets import MNIST, mnist, one_hot
from adjoint.gallery.experiment import (
    Array,
    Data,
    Experiment,
    Report,
    at_least,
    best_of,
    close,
    shown,
)
from adjoint.gallery.tools import curves, layered, train_epochs


def accuracies(data: Data, hidden: int, epochs: int, seed: int) -> list[float]:
    """Test accuracy in per cent after each epoch of one run."""
    images, labels, test_images, test_labels = mnist(data)
    images, targets = images[:50_000], one_hot(labels[:50_000], 10)
    rng = np.random.default_rng(seed)
    sizes = ((784, hidden), (hidden, 10))
    layers = [
        (rng.standard_normal(s).astype(np.float32), rng.standard_normal(s[1]).astype(np.float32))
        for s in sizes
    ]
    found: list[float] = []

    def quadratic(layers: Any, x: Array, t: Array) -> Array:
        return 0.5 * np.sum((layered(layers, x) - t) ** 2) / len(x)

    def test(epoch: int, layers: Any) -> None:
        said = np.argmax(layered(layers, test_images), axis=1)
        found.append(100 * float(np.mean(said == test_labels)))

    train_epochs(quadratic, optim.sgd(3.0), layers, (images, targets), 10, epochs, seed, test)
    return found


def short(data: Data) -> Report:
    """Three epochs with 30 hidden units."""
    found = accuracies(data, 30, 3, 0)
    figures = [
        at_least(f"784-30-10, epoch {i}: test %", published, found[i], ".2f", slack=1.5)
        for i, published in enumerate((91.29, 92.95, 93.48))
    ]
    return Report(tuple(figures), curves({"30 hidden": (np.arange(3), found)}, "epoch", "test %"))


def darkness(data: Data) -> float:
    """Test accuracy in per cent of the digit whose mean darkness is nearest the image's."""
    images, labels, test_images, test_labels = mnist(data)
    sums = images[:50_000].sum(1)
    means = np.array([sums[labels[:50_000] == digit].mean() for digit in range(10)])
    said = np.argmin(np.abs(test_images.sum(1)[:, None] - means), axis=1)
    return 100 * float(np.mean(said == test_labels))


def full(data: Data) -> Report:
    """30 epochs: thirty runs with 30 hidden units, three with 100."""
    runs = {
        hidden: [accuracies(data, hidden, 30, seed) for seed in range(count)]
        for hidden, count in ((30, 30), (100, 3))
    }
    best = {hidden: [max(run) for run in several] for hidden, several in runs.items()}
    figures = (
        close("average darkness: test %", 22.25, darkness(data), 0.005, ".2f"),
        best_of("784-30-10: best test %", 95.42, best[30]),
        shown("… of the first three runs", "95.42", f"{max(best[30][:3]):.2f}"),
        best_of("784-100-10: best test %", 96.59, best[100]),
    )
    lines = {
        f"{hidden} hidden, run {i + 1}": (np.arange(30), line)
        for hidden, several in runs.items()
        for i, line in enumerate(several[:3])
    }
    return Report(
        figures,
        curves(lines, "epoch", "test %"),
        "Quadratic cost, N(0, 1) weights, rate 3, mini-batches of 10, 50,000 images; the best of "
        "30 epochs. The book gives the best of three runs; "
        f"{sum(b >= 95.42 for b in best[30])} of our 30 reach its figure.",
    )


EXPERIMENT = Experiment(
    "mnist",
    "Digits by the plainest net",
    "Nielsen, Neural Networks and Deep Learning, chapter 1, 2015.",
    short,
    full,
    data=MNIST,
    slow=True,
)
