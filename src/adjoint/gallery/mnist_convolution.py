"""Digits by convolutions: the ladder of the sixth chapter of Nielsen's book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim
from adjoint.gallery.datasets import MNIST, mnist
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_least, shown
from adjoint.gallery.tools import BestUntil, curves

F32 = np.float32
BOOK_IMAGES = 50_000
# What an image may be turned (radians), moved down and right (pixels) and stretched by.
_AT_MOST = np.array([0.12, 1.25, 1.25, 0.07, 0.07], F32)


def dense(n: int, m: int, rng: np.random.Generator) -> nn.Linear:
    """A linear layer in single precision."""
    return nn.Linear(n, m, rng=rng, dtype=F32)


def convolution(n: int, m: int, rng: np.random.Generator) -> nn.Conv2d:
    """Fields of 5 × 5 in single precision."""
    return nn.Conv2d(n, m, 5, rng=rng, dtype=F32)


def no_convolution(rng: np.random.Generator, squash: Any) -> nn.Sequential:
    """100 units that see the whole image."""
    return nn.Sequential(nn.Flatten(), dense(784, 100, rng), squash(), dense(100, 10, rng))


def one_convolution(rng: np.random.Generator, squash: Any) -> nn.Sequential:
    """20 fields of 5 × 5, pooling by 2, 100 units."""
    return nn.Sequential(
        convolution(1, 20, rng),
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
        convolution(1, 20, rng),
        squash(),
        nn.MaxPool2d(2),
        convolution(20, 40, rng),
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


def moved(images: Array, key: Array) -> Array:
    """Each image as it is, or a pixel up, down, left or right, all five equally often."""
    which = np.floor(5 * nn.random.uniform(key, (len(images),), F32)).astype(np.int64)
    down = np.array([1, 0, 2, 1, 1])[which]
    right = np.array([1, 1, 1, 0, 2])[which]
    framed = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    rows = down[:, None, None] + np.arange(28)[:, None]
    columns = right[:, None, None] + np.arange(28)
    return framed[np.arange(len(images))[:, None, None], rows, columns][:, None]


def turned(images: Array, key: Array) -> Array:
    """Each image turned, scaled and moved, all by chance and a little; white outside."""
    n = len(images)
    turn, down, right, tall, wide = (2 * nn.random.uniform(key, (5, n, 1, 1), F32) - 1) * _AT_MOST[
        :, None, None, None
    ]
    at = np.arange(28, dtype=F32) - F32(13.5)
    y, x = at[:, None], at
    rows = (np.cos(turn) * y - np.sin(turn) * x) * (1 + tall) + down
    columns = (np.sin(turn) * y + np.cos(turn) * x) * (1 + wide) + right
    # A frame of one white pixel: places outside are read from it.
    rows, columns = np.clip(rows + F32(14.5), 0, 29), np.clip(columns + F32(14.5), 0, 29)
    above, left = np.minimum(np.floor(rows), 28), np.minimum(np.floor(columns), 28)
    lower, righter = rows - above, columns - left
    i, r, c = np.arange(n)[:, None, None], above.astype(np.int64), left.astype(np.int64)
    framed = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    first = (1 - righter) * framed[i, r, c] + righter * framed[i, r, c + 1]
    second = (1 - righter) * framed[i, r + 1, c] + righter * framed[i, r + 1, c + 1]
    return ((1 - lower) * first + lower * second)[:, None]


@dataclass(frozen=True)
class Rung:
    """One net of the ladder, and how it is trained.

    Args:
        published: test accuracy in per cent.
        net: makes the net.
        rate: the learning rate; the peak of its cycle where images are varied.
        decay: the book's λ.
        epochs: of 50,000 images each.
        vary: makes other images of those of a mini-batch. Such runs take mini-batches of 50
            with momentum and a rate that rises and falls; the others are as in the book.
    """

    published: float
    net: Callable[[np.random.Generator], nn.Sequential]
    rate: float
    decay: float = 0.0
    epochs: int = 60
    vary: Callable[[Array, Array], Array] | None = None

    def optimizer(self, images: int) -> optim.Optimizer:
        """The method for a number of images."""
        rate: Any = self.rate
        method: optim.Optimizer = optim.sgd(rate)
        if self.vary is not None:
            rate = optim.one_cycle(self.rate, self.epochs * (images // self.batch))
            method = optim.momentum(rate, 0.9, nesterov=True)
        if not self.decay:
            return method
        return optim.weight_decay(method, l2=self.decay / BOOK_IMAGES, only=("*weight*",))

    @property
    def batch(self) -> int:
        """Images of a step."""
        return 10 if self.vary is None else 50


LADDER = {
    "100 units, no convolution": Rung(97.80, lambda rng: no_convolution(rng, nn.Sigmoid), 0.1),
    "one convolution": Rung(98.78, lambda rng: one_convolution(rng, nn.Sigmoid), 0.1),
    "two convolutions": Rung(99.06, lambda rng: two_convolutions(rng, nn.Sigmoid), 0.1),
    "rectified units": Rung(99.23, lambda rng: two_convolutions(rng, nn.ReLU), 0.03, 0.1),
    "images moved by a pixel": Rung(
        99.37, lambda rng: two_convolutions(rng, nn.ReLU), 0.03, 0.1, vary=moved
    ),
    "two layers of 1000, dropout": Rung(
        99.60, lambda rng: two_convolutions(rng, nn.ReLU, 0.5, 1000), 0.03, epochs=100, vary=turned
    ),
}


def load(data: Data, images: int = BOOK_IMAGES) -> tuple[Array, ...]:
    """Images to train with, the 10,000 of the validation set and the test set, one channel."""
    x, y, test, truth = mnist(data)
    x, test = x.reshape(-1, 1, 28, 28), test.reshape(-1, 1, 28, 28)
    return x[:images], y[:images], x[50_000:], y[50_000:], test, truth


def train(
    sets: tuple[Array, ...], rung: Rung, name: str = "", seed: int = 0, data: Data | None = None
) -> tuple[float, Any]:
    """Train one net.

    Args:
        sets: of :func:`load`.
        rung: which net, and how.
        name: of the checkpoint, in the folder of checkpoints of ``data``, if it has one.
        seed: of the first weights and of the order of images.
        data: see ``name``.

    Returns:
        Test accuracy in per cent after the epoch that was best on the validation set, and the
        history of the run.
    """
    images, labels, held, held_labels, test, truth = sets
    result = ad.fit(
        rung.net(np.random.default_rng(seed)),
        (images, labels),
        loss=nn.cross_entropy,
        optimizer=rung.optimizer(len(images)),
        epochs=rung.epochs,
        batch_size=rung.batch,
        validation=(held, held_labels),
        metrics=["accuracy"],
        early_stopping=BestUntil(rung.epochs, data, "accuracy"),
        augment=rung.vary,
        seed=seed,
        checkpoint=None if data is None else data.checkpoint(f"mnist_convolution {name}"),
        progress=False,
    )
    run = ad.jit(lambda model, x: model(x))
    said = [np.argmax(run(result.model, part), axis=1) for part in np.split(test, 10)]
    return 100 * float(np.mean(np.concatenate(said) == truth)), result.history


def short(data: Data) -> Report:
    """Two epochs of 10,000 images with rectified units."""
    rung = Rung(94.35, lambda rng: one_convolution(rng, nn.ReLU), 0.03, 0.1, epochs=2)
    found, history = train(load(data, 10_000), rung)
    # The support vector machine of the book's first chapter has seen all 50,000 images.
    name = "10,000 images, two epochs: test %, beside a support vector machine's"
    held = [100 * row["accuracy"] for row in history]
    figures = (at_least(name, rung.published, found, ".2f"),)
    return Report(figures, curves({"": (np.arange(2), held)}, "epoch", "validation %"))


def full(data: Data) -> Report:
    """The ladder; hours on one core. With a folder of checkpoints it may be run in parts."""
    sets = load(data)
    lines, figures, seconds = {}, [], 0.0
    for name, rung in LADDER.items():
        found, history = train(sets, rung, name, data=data)
        if not len(history):
            figures.append(shown(f"{name}: test %", f"{rung.published:.2f}", "not run"))
            continue
        held = [100 * row["accuracy"] for row in history]
        lines[name] = (np.arange(len(held)), held)
        cut = f", {len(held)} of {rung.epochs} epochs" if len(held) < rung.epochs else ""
        figures.append(at_least(f"{name}{cut}: test %", rung.published, found, ".2f"))
        best = f"epoch {1 + int(np.argmax(held))} of {len(held)}, {max(held):.2f}"
        figures.append(shown("… best epoch, its validation %", "—", best))
        seconds += sum(row.seconds for row in history)
    return Report(
        tuple(figures),
        curves(lines, "epoch", "validation %"),
        "One run each; tested after the epoch that was best on the validation set. The first "
        "four as in the book: plain descent, mini-batches of 10, 60 epochs. The last two see "
        "50,000 images an epoch, where the book's 250,000 have every move by a pixel: each moved "
        "so or not by chance, and in the last one moved by up to 1.25 pixels, turned by up to 7 "
        "degrees and stretched by up to 7 % (5 million images in all, the book's 10 million); "
        "mini-batches of 50, Nesterov momentum 0.9, a rate that rises to 0.03 and falls.",
        seconds,
    )


EXPERIMENT = Experiment(
    "mnist_convolution",
    "Digits by convolutions",
    "Nielsen, Neural Networks and Deep Learning, chapter 6, 2015.",
    short,
    full,
    data=MNIST,
    slow=True,
)
