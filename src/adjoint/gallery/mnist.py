"""Handwritten digits by the plainest net there is, as in the first chapter of Nielsen's book."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import optim
from adjoint.gallery.datasets import MNIST, mnist, one_hot
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least
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


def full(data: Data) -> Report:
    """30 epochs, three runs each with 30 and 100 hidden units."""
    runs = {
        hidden: [accuracies(data, hidden, 30, seed) for seed in range(3)] for hidden in (30, 100)
    }
    figures = [
        at_least(
            f"784-{hidden}-10: best test % of three runs",
            published,
            float(np.max(runs[hidden])),
            ".2f",
        )
        for hidden, published in ((30, 95.42), (100, 96.59))
    ]
    lines = {
        f"{hidden} hidden, run {i + 1}": (np.arange(30), line)
        for hidden, three in runs.items()
        for i, line in enumerate(three)
    }
    return Report(
        tuple(figures),
        curves(lines, "epoch", "test %"),
        "Quadratic cost, N(0, 1) weights, rate 3, mini-batches of 10, 50,000 images. The book's "
        "figures are the best of three runs; runs differ by half a per cent.",
    )


EXPERIMENT = Experiment(
    "mnist",
    "Digits by the plainest net",
    "Nielsen, Neural Networks and Deep Learning, chapter 1, 2015.",
    short,
    full,
    data=MNIST,
)
