"""The same digits with cross-entropy, weight decay and weights that start small enough."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adjoint import nn, optim
from adjoint.gallery.datasets import MNIST, mnist, one_hot
from adjoint.gallery.experiment import Array, Data, Experiment, Report, best_of, claim, shown
from adjoint.gallery.tools import curves, layered, train_epochs

Sets = tuple[Array, Array, Array, Array]


def start(rng: np.random.Generator, hidden: tuple[int, ...], large: bool) -> Any:
    """Weights N(0, 1), or N(0, 1/n); biases N(0, 1)."""
    return [
        (
            (rng.standard_normal((n, m)) / (1 if large else np.sqrt(n))).astype(np.float32),
            rng.standard_normal(m).astype(np.float32),
        )
        for n, m in itertools.pairwise((784, *hidden, 10))
    ]


def train(
    sets: Sets,
    hidden: tuple[int, ...],
    epochs: int,
    rate: float,
    decay: float,
    large: bool,
    seed: int = 0,
) -> list[float]:
    """Accuracy in per cent on the second pair of arrays after each epoch.

    Args:
        sets: images and labels to learn from, and those to measure on.
        hidden: units of each hidden layer.
        epochs: how many.
        rate: the learning rate.
        decay: the book's λ.
        large: see :func:`start`.
        seed: of the first weights and of the order of images.
    """
    images, labels, held_images, held_labels = sets

    def cost(layers: Any, x: Array, t: Array) -> Array:
        *below, (V, c) = layers
        logits = layered(below, x, nn.sigmoid) @ V + c
        # The binary cross-entropy of each output, as a function of its logit.
        errors = np.sum(np.logaddexp(0, logits) - t * logits) / len(x)
        return errors + 0.5 * decay / len(images) * sum(np.sum(W * W) for W, _ in layers)

    found: list[float] = []

    def test(epoch: int, layers: Any) -> None:
        said = np.argmax(layered(layers, held_images, nn.sigmoid), axis=1)
        found.append(100 * float(np.mean(said == held_labels)))

    layers = start(np.random.default_rng(seed), hidden, large)
    arrays = (images, one_hot(labels, 10))
    train_epochs(cost, optim.sgd(rate), layers, arrays, 10, epochs, seed, test)
    return found


def split(data: Data) -> tuple[Sets, Sets]:
    """50,000 to train with the test set, and with the 10,000 of the validation set."""
    images, labels, test_images, test_labels = mnist(data)
    first = images[:50_000], labels[:50_000]
    return (*first, test_images, test_labels), (*first, images[50_000:], labels[50_000:])


def starts(held: Sets) -> tuple[Any, ...]:
    """Accuracy after one epoch from large and from small weights, the median of three runs."""
    large, small = (
        float(np.median([train(held, (30,), 1, 0.1, 5.0, is_large, seed)[0] for seed in range(3)]))
        for is_large in (True, False)
    )
    return (
        claim("epoch 1, N(0, 1/n) weights", "almost 93", f"{small:.2f}", small >= 92.5),
        shown("epoch 1, N(0, 1) weights: validation %", "< 87", f"{large:.2f}"),
        claim("… difference", "about 6", f"{small - large:.2f}", small - large > 5),
    )


def short(data: Data) -> Report:
    """The start of learning from large and from small weights."""
    _, held = split(data)
    line = train(held, (30,), 3, 0.1, 5.0, False)
    return Report(starts(held), curves({"small": (np.arange(3), line)}, "epoch", "%"))


def full(data: Data) -> Report:
    """The runs of the third chapter, three of each."""
    tested, held = split(data)
    rows: dict[str, tuple[float, Callable[..., list[float]]]] = {
        "30 hidden": (95.49, partial(train, tested, (30,), 30, 0.5, 0.0, True)),
        "100 hidden": (96.82, partial(train, tested, (100,), 30, 0.5, 0.0, True)),
        "30 hidden, λ 5": (96.49, partial(train, tested, (30,), 30, 0.5, 5.0, True)),
        "100 hidden, λ 5, small start": (98.04, partial(train, held, (100,), 60, 0.1, 5.0, False)),
    }
    figures, drawn = list(starts(held)), {}
    for name, (published, learn) in rows.items():
        lines = [learn(seed=seed) for seed in range(3)]
        figures.append(best_of(f"{name}: best %", published, [max(line) for line in lines]))
        drawn[name] = (np.arange(len(lines[0])), lines[0])
    return Report(
        tuple(figures),
        curves(drawn, "epoch", "%"),
        "Best epoch of the best of three runs; the book tells of one run "
        "each. The last is on validation data, as in the book.",
    )


EXPERIMENT = Experiment(
    "mnist_better",
    "Digits with cross-entropy, weight decay and a better start",
    "Nielsen, Neural Networks and Deep Learning, chapter 3, 2015.",
    short,
    full,
    data=MNIST,
    slow=True,
)
