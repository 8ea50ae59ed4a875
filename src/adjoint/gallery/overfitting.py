"""A thousand digits learned by heart, and what L2, L1 and dropout do about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint import nn, optim
from adjoint.gallery.datasets import MNIST, mnist, one_hot
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least, claim, shown
from adjoint.gallery.mnist_better import start
from adjoint.gallery.tools import curves, layered, train_epochs

EVERY = 5  # epochs between tests


def train(data: Data, epochs: int, l2: float = 0, l1: float = 0, keep: float = 1) -> Any:
    """Test and training accuracy in per cent every few epochs: 1000 images, 30 hidden units."""
    images, labels, test_images, test_labels = mnist(data)
    images, labels = images[:1000], labels[:1000]

    def cost(layers: Any, x: Array, t: Array, mask: Array) -> Array:
        (W, b), (V, c) = layers
        hidden = nn.sigmoid(x @ W + b)
        if keep < 1:
            hidden = hidden * mask / keep
        logits = hidden @ V + c
        errors = np.sum(np.logaddexp(0, logits) - t * logits) / len(x)
        squares = np.sum(W * W) + np.sum(V * V)
        sizes = np.sum(np.abs(W)) + np.sum(np.abs(V))
        return errors + (0.5 * l2 * squares + l1 * sizes) / 1000

    found: list[tuple[float, float]] = []

    def test(epoch: int, layers: Any) -> None:
        if keep == 1 and epoch % EVERY != EVERY - 1:
            return
        pairs = ((test_images, test_labels), (images, labels))
        said = [np.argmax(layered(layers, x, nn.sigmoid), axis=1) == y for x, y in pairs]
        found.append((100 * float(np.mean(said[0])), 100 * float(np.mean(said[1]))))

    rng = np.random.default_rng(0)
    arrays = [images, one_hot(labels, 10), np.ones((1000, 30), np.float32)]
    layers = start(rng, 30, large=True)
    if keep == 1:
        train_epochs(cost, optim.sgd(0.5), layers, tuple(arrays), 10, epochs, 0, test)
    else:  # sixty sets of masks over as many examples: each epoch meets another one
        arrays = [np.tile(a, (60, 1)) for a in arrays[:2]]
        arrays.append((rng.random((60_000, 30)) < keep).astype(np.float32))
        train_epochs(cost, optim.sgd(0.5), layers, tuple(arrays), 10, -(-epochs // 60), 0, test)
    return np.array(found)


def run(data: Data, epochs: int) -> Report:
    """Without anything, and with each remedy."""
    plain, decayed = train(data, epochs), train(data, epochs, l2=0.1)
    sparse, dropped = train(data, epochs, l1=0.05), train(data, epochs, keep=0.7)
    full = epochs >= 400
    remedy = decayed[:, 0].max() - plain[:, 0].max()
    gap = plain[-1, 1] - plain[-1, 0]
    figures = (
        at_least(
            "unregularised: best test %",
            82.27,
            plain[:, 0].max(),
            ".2f",
            slack=0.5 if full else 1.5,
        ),
        claim(
            "… learned by heart: training %",
            "100",
            f"{plain[-1, 1]:.1f}",
            plain[-1, 1] > (99.5 if full else 95),
        ),
        claim("… gap between training and test", "> 15 %", f"{gap:.1f} %", gap > 12),
        at_least(
            "L2, λ 0.1: best test %", 87.1, decayed[:, 0].max(), ".2f", slack=1.0 if full else 5
        ),
        claim("L2 against nothing", "better", f"{remedy:+.2f} %", remedy > 0.5),
        shown("L1, λ 0.05: best test %", "—", f"{sparse[:, 0].max():.2f}"),
        shown("dropout, 70 % kept: best test %", "—", f"{dropped[:, 0].max():.2f}"),
    )
    x = np.arange(EVERY, epochs + 1, EVERY)
    lines = {
        "nothing": (x, plain[:, 0]),
        "nothing, on training images": (x, plain[:, 1]),
        "L2": (x, decayed[:, 0]),
        "L1": (x, sparse[:, 0]),
    }
    return Report(figures, curves(lines, "epoch", "test %"))


def short(data: Data) -> Report:
    """60 epochs."""
    return run(data, 60)


def full(data: Data) -> Report:
    """400 epochs, as in the book."""
    return run(data, 400)


EXPERIMENT = Experiment(
    "overfitting",
    "Overfitting, and L2, L1 and dropout against it",
    "Nielsen, Neural Networks and Deep Learning, chapter 3, 2015.",
    short,
    full,
    data=MNIST,
)
