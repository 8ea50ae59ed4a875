"""Digits by convolutions: the ladder of the sixth chapter of Nielsen's book."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.datasets import MNIST, mnist
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least
from adjoint.gallery.tools import curves, minibatches

F32 = np.float32


def dense(n: int, m: int, rng: np.random.Generator) -> nn.Linear:
    """A linear layer in single precision."""
    return nn.Linear(n, m, rng=rng, dtype=F32)


def one_convolution(rng: np.random.Generator, squash: Any) -> nn.Sequential:
    """20 fields of 5 × 5, pooling by 2, 100 units."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5, rng=rng, dtype=F32, weight_init=nn.init.lecun_normal),
        squash(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        dense(20 * 12 * 12, 100, rng),
        squash(),
        dense(100, 10, rng),
    )


def two_convolutions(
    rng: np.random.Generator, squash: Any, dropout: float = 0, width: int = 100
) -> nn.Sequential:
    """And 40 fields of 5 × 5 over those; with dropout a second dense layer."""
    drop = (nn.Dropout(dropout),) if dropout else ()
    wide = (dense(width, width, rng), squash(), *drop) if dropout else ()
    return nn.Sequential(
        nn.Conv2d(1, 20, 5, rng=rng, dtype=F32, weight_init=nn.init.he_normal),
        squash(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 40, 5, rng=rng, dtype=F32, weight_init=nn.init.he_normal),
        squash(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *drop,
        dense(40 * 4 * 4, width, rng),
        squash(),
        *drop,
        *wide,
        dense(width, 10, rng),
    )


def shifted(images: Array) -> Array:
    """The images, and each of them moved by a pixel up, down, left and right."""
    moved = [images]
    for axis in (2, 3):
        for by in (-1, 1):
            copy = np.roll(images, by, axis=axis)
            edge = [slice(None)] * 4
            edge[axis] = slice(-1, None) if by == -1 else slice(0, 1)
            copy[tuple(edge)] = 0
            moved.append(copy)
    return np.concatenate(moved)


def train(
    sets: tuple[Array, ...], model: Any, rate: float, epochs: int, decay: float, seed: int = 0
) -> list[float]:
    """Test accuracy in per cent after each epoch of mini-batches of 10."""
    images, labels, test, truth = sets
    method = optim.sgd(rate)

    def loss(model: Any, x: Array, y: Array, key: Array) -> Array:
        logits, _ = nn.apply(model, x, training=True, key=key)
        squares = sum(np.sum(w**2) for name, w in nn.parameters(model).items() if "weight" in name)
        return nn.cross_entropy(logits, y) + F32(0.5 * decay / 50_000) * squares

    @ad.jit
    def epoch(state: Any, order: Array, images: Array, labels: Array, keys: Array) -> Any:
        def step(state: Any, row: Any) -> Any:
            rows, key = row
            model, memory = state
            slope = ad.grad(loss)(model, images[rows], labels[rows], key)
            return method.update(slope, memory, model), None

        return ad.scan(step, state, (order, keys))[0]

    rng = np.random.default_rng(seed)
    run = ad.jit(lambda model, x: model(x))
    state, found = (model, method.init(model)), []
    for _ in range(epochs):
        order = minibatches(rng, len(images), 10)
        keys = rng.integers(0, 2**32, (len(order), 2), dtype=np.uint32)
        state = epoch(state, order, images, labels, keys)
        said = [np.argmax(run(state[0], part), axis=1) for part in np.split(test, 10)]
        found.append(100 * float(np.mean(np.concatenate(said) == truth)))
    return found


def load(data: Data) -> tuple[Array, ...]:
    """50,000 images to train and the test set, with their one channel."""
    images, labels, test, truth = mnist(data)
    return (
        images[:50_000].reshape(-1, 1, 28, 28),
        labels[:50_000],
        test.reshape(-1, 1, 28, 28),
        truth,
    )


def short(data: Data) -> Report:
    """Two epochs of 10,000 images with rectified units."""
    images, labels, test, truth = load(data)
    sets = (images[:10_000], labels[:10_000], test, truth)
    found = train(sets, one_convolution(np.random.default_rng(0), nn.ReLU), 0.03, 2, 0.1)
    # The support vector machine of the book's first chapter has seen all 50,000 images.
    name = "10,000 images, two epochs: test %, beside a support vector machine's"
    figures = (at_least(name, 94.35, max(found), ".2f"),)
    return Report(figures, curves({"": (np.arange(2), found)}, "epoch", "test %"))


def full(data: Data) -> Report:
    """The ladder; hours on two cores."""
    sets = load(data)
    wide = (shifted(sets[0]), np.tile(sets[1], 5), *sets[2:])

    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    rungs: dict[str, Any] = {
        "one convolution": (98.78, sets, one_convolution(rng(), nn.Sigmoid), 0.1, 60, 0.0),
        "two convolutions": (99.06, sets, two_convolutions(rng(), nn.Sigmoid), 0.1, 60, 0.0),
        "rectified units": (99.23, sets, two_convolutions(rng(), nn.ReLU), 0.03, 60, 0.1),
        "images moved by a pixel": (99.37, wide, two_convolutions(rng(), nn.ReLU), 0.03, 60, 0.1),
        "two layers of 1000, dropout": (
            99.60,
            wide,
            two_convolutions(rng(), nn.ReLU, 0.5, 1000),
            0.03,
            40,
            0.0,
        ),
    }
    lines, figures = {}, []
    for name, (published, *settings) in rungs.items():
        found = train(*settings)
        lines[name] = (np.arange(len(found)), found)
        figures.append(at_least(f"{name}: best test %", published, max(found), ".2f", slack=0.05))
    return Report(tuple(figures), curves(lines, "epoch", "test %"))


EXPERIMENT = Experiment(
    "mnist_convolution",
    "Digits by convolutions",
    "Nielsen, Neural Networks and Deep Learning, chapter 6, 2015.",
    short,
    full,
    data=MNIST,
    slow=True,
)
