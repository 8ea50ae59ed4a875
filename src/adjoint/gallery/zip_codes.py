"""Zip-code digits by LeCun's net of 1989: 9760 weights, most of them shared."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.gallery.datasets import ZIP, one_hot, zip_codes
from adjoint.gallery.experiment import (
    Array,
    Data,
    Experiment,
    Figure,
    Report,
    at_most,
    close,
    shown,
)
from adjoint.gallery.tools import train_epochs

# Each third of the second layer's planes sees eight of the first layer's twelve.
SEEN = ((0, 8), (4, 12), (8, 16))
RATES = (0.02, 0.04, 0.06, 0.09)

Sets = tuple[Array, Array, Array, Array]


def start(rng: np.random.Generator) -> Any:
    """Weights uniform in ±2.4/√fan-in; a bias of its own for every unit."""

    def draw(fan_in: int, *shape: int) -> Array:
        return (rng.uniform(-2.4, 2.4, shape) / np.sqrt(fan_in)).astype(np.float32)

    first = nn.Conv2d(1, 12, 5, stride=2, bias=False).replace(weight=draw(25, 12, 1, 5, 5))
    second = nn.Conv2d(8, 4, 5, stride=2, bias=False)
    return {
        "first": first,
        "first_bias": np.zeros((12, 8, 8), np.float32),
        "second": [second.replace(weight=draw(200, 4, 8, 5, 5)) for _ in SEEN],
        "second_bias": np.zeros((12, 4, 4), np.float32),
        "dense": [
            (draw(192, 192, 30), np.zeros(30, np.float32)),
            (draw(30, 30, 10), np.zeros(10, np.float32)),
        ],
    }


def framed(planes: Array) -> Array:
    """Two pixels of background, -1, around every plane."""
    return np.pad(planes, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=-1.0)


def net(p: Any, images: Array) -> Array:
    """[n, 1, 16, 16] to [n, 10]."""
    planes = framed(np.tanh(p["first"](framed(images)) + p["first_bias"]))
    ring = np.concatenate([planes, planes[:, :4]], axis=1)
    seen = [layer(ring[:, a:b]) for layer, (a, b) in zip(p["second"], SEEN, strict=True)]
    x = np.tanh(np.concatenate(seen, axis=1) + p["second_bias"]).reshape(len(images), 192)
    for W, b in p["dense"]:
        x = np.tanh(x @ W + b)
    return x


def shifted(rng: np.random.Generator, images: Array) -> Array:
    """Every image moved by up to one pixel each way."""
    wide = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    views = np.lib.stride_tricks.sliding_window_view(wide, (16, 16), axis=(1, 2))
    down, right = rng.integers(0, 3, (2, len(images)))
    return views[np.arange(len(images)), down, right][:, None]


def train(sets: Sets, passes: int, rate: float, moved: bool) -> Any:
    """Per-example descent at a rate that falls to 0; the net and its errors in per cent."""
    images, labels, held, truth = sets
    rng = np.random.default_rng(0)
    targets = 2 * one_hot(labels, 10) - 1
    steps = passes * len(images)
    method = optim.sgd(lambda step: rate * (1 - step / steps))

    def loss(p: Any, x: Array, t: Array) -> Array:
        return np.mean((net(p, x) - t) ** 2)

    seen = [shifted(rng, images) for _ in range(passes)] if moved else [images] * passes
    arrays = (np.concatenate(seen), np.tile(targets, (passes, 1)))
    p = train_epochs(loss, method, start(rng), arrays, 1, 1)
    run = ad.jit(net)
    errors = [
        100 * float(np.mean(np.argmax(run(p, x), axis=1) != y))
        for x, y in ((images, labels), (held, truth))
    ]
    return p, errors


def load(data: Data) -> Sets:
    """The training and the test digits, with their one plane."""
    images, labels, test, truth = zip_codes(data)
    return images.reshape(-1, 1, 16, 16), labels, test.reshape(-1, 1, 16, 16), truth


def choose(sets: Sets, passes: int, moved: bool) -> float:
    """The rate that is best on a fifth of the training digits, which is left out meanwhile."""
    images, labels = sets[:2]
    held = np.arange(len(labels)) % 5 == 4
    parts = (images[~held], labels[~held], images[held], labels[held])
    return min(RATES, key=lambda rate: train(parts, passes, rate, moved)[1][1])


def report(p: Any, figures: list[Figure], note: str) -> Report:
    """The figures, and the kernels of the first layer."""
    weights = sum(leaf.size for leaf in tree.leaves(p))

    def draw(figure: Any) -> None:
        kernels = p["first"].weight[:, 0]
        for ax, kernel in zip(figure.subplots(2, 6).ravel(), kernels, strict=True):
            ax.imshow(kernel, cmap="gray")
            ax.set(xticks=[], yticks=[])

    return Report((close("weights", 9760, weights, 0, "d"), *figures), draw, note)


def short(data: Data) -> Report:
    """Four passes."""
    p, errors = train(load(data), 4, 0.06, moved=True)
    name = "test errors %, after four passes of 23"
    return report(p, [at_most(name, 5.0, errors[1], ".2f", slack=2.0)], "")


def full(data: Data) -> Report:
    """23 passes, as in the paper, with images moved by a pixel and as they are."""
    sets = load(data)
    rates = {moved: choose(sets, 23, moved) for moved in (True, False)}
    p, moved = train(sets, 23, rates[True], moved=True)
    _, plain = train(sets, 23, rates[False], moved=False)
    figures = [
        at_most("test errors %, images moved by up to a pixel", 5.0, moved[1], ".2f"),
        shown("training errors %, so", "0.14", f"{moved[0]:.2f}"),
        shown("test errors %, images as they are", "5.0", f"{plain[1]:.2f}"),
        shown("training errors %, so", "0.14", f"{plain[0]:.2f}"),
    ]
    return report(
        p,
        figures,
        "23 passes through 7291 digits, one at a time, squared error, tanh; a rate that falls to 0 "
        f"from {rates[True]:g} and {rates[False]:g}, where the paper scaled its steps by second "
        f"derivatives. Each was chosen among {', '.join(f'{r:g}' for r in RATES)} on a fifth of "
        "the training digits.",
    )


EXPERIMENT = Experiment(
    "zip_codes",
    "Zip codes, with shared weights",
    "LeCun et al., Neural Computation 1, 1989.",
    short,
    full,
    data=ZIP,
)
