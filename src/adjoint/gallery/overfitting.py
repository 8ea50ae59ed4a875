"""A thousand digits learned by heart, and what L2, L1 and dropout do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint import nn, optim
from adjoint.gallery.datasets import MNIST, mnist, one_hot
from adjoint.gallery.experiment import (
    Array,
    Data,
    Experiment,
    Figure,
    Report,
    best_of,
    claim,
    shown,
)
from adjoint.gallery.mnist_better import start
from adjoint.gallery.tools import curves, layered, train_epochs

EVERY = 5  # epochs between tests


def train(
    data: Data, epochs: int, l2: float = 0, l1: float = 0, keep: float = 1, seed: int = 0
) -> Any:
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

    rng = np.random.default_rng(seed)
    arrays = [images, one_hot(labels, 10), np.ones((1000, 30), np.float32)]
    layers = start(rng, (30,), large=True)
    if keep == 1:
        train_epochs(cost, optim.sgd(0.5), layers, tuple(arrays), 10, epochs, seed, test)
    else:  # sixty sets of masks over as many examples: each epoch meets another one
        arrays = [np.tile(a, (60, 1)) for a in arrays[:2]]
        arrays.append((rng.random((60_000, 30)) < keep).astype(np.float32))
        train_epochs(cost, optim.sgd(0.5), layers, tuple(arrays), 10, -(-epochs // 60), seed, test)
    return np.array(found)


def short(data: Data) -> Report:
    """60 epochs: learned by heart, and less so with weight decay."""
    plain, decayed = train(data, 60), train(data, 60, l2=0.1)
    remedy = decayed[:, 0].max() - plain[:, 0].max()
    return Report(_claims(plain, remedy, 95), _picture({"nothing": plain, "L2": decayed}))


def full(data: Data) -> Report:
    """400 epochs, as in the book; three runs without anything and with each remedy."""
    ways: dict[str, dict[str, float]] = {
        "nothing": {},
        "L2": {"l2": 0.1},
        "L1": {"l1": 0.05},
        "dropout": {"keep": 0.7},
    }
    runs = {way: [train(data, 400, seed=s, **by) for s in range(3)] for way, by in ways.items()}
    best = {way: [float(run[:, 0].max()) for run in three] for way, three in runs.items()}
    remedy = float(np.median(best["L2"]) - np.median(best["nothing"]))
    figures = (
        best_of("unregularised: best test %", 82.27, best["nothing"]),
        *_claims(runs["nothing"][0], remedy, 99.5),
        best_of("L2, λ 0.1: best test %", 87.1, best["L2"]),
        shown("L1, λ 0.05: best test %, median", "—", f"{np.median(best['L1']):.2f}"),
        shown("dropout, 70 % kept: best test %, median", "—", f"{np.median(best['dropout']):.2f}"),
    )
    return Report(
        figures,
        _picture({way: three[0] for way, three in runs.items() if way != "dropout"}),
        "Best epoch of the best of three runs.",
    )


def _claims(plain: Array, remedy: float, by_heart: float) -> tuple[Figure, ...]:
    """What the book says in words."""
    learned, gap = plain[-1, 1], plain[-1, 1] - plain[-1, 0]
    return (
        claim("learned by heart: training %", "100", f"{learned:.1f}", learned >= by_heart),
        claim("… gap between training and test", "> 15 %", f"{gap:.1f} %", gap > 15),
        claim("L2 against nothing", "better", f"{remedy:+.2f} %", remedy > 0.5),
    )


def _picture(runs: dict[str, Array]) -> Callable[[Any], None]:
    lines = {
        way: (np.arange(EVERY, EVERY * len(run) + 1, EVERY), run[:, 0]) for way, run in runs.items()
    }
    seen = runs["nothing"][:, 1]
    lines["nothing, on training images"] = (np.arange(EVERY, EVERY * len(seen) + 1, EVERY), seen)
    return curves(lines, "epoch", "test %")


EXPERIMENT = Experiment(
    "overfitting",
    "Overfitting, and L2, L1 and dropout against it",
    "Nielsen, Neural Networks and Deep Learning, chapter 3, 2015.",
    short,
    full,
    data=MNIST,
    slow=True,
)
