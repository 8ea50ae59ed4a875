"""Whole batch, mini-batches, one at a time: the same slope on average, many more steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import adjoint as ad
from adjoint import optim
from adjoint.gallery.datasets import ZIP, one_hot, zip_codes
from adjoint.gallery.experiment import Array, Data, Experiment, Report, claim, close
from adjoint.gallery.tools import layered, logistic, train_epochs


def run(data: Data, epochs: int) -> Report:
    """A 256-30-10 net on zip-code digits with three sizes of batch, each at a good rate."""
    images, labels, *_ = zip_codes(data)
    images, targets = images[:2000], one_hot(labels[:2000], 10)
    rng = np.random.default_rng(0)
    layers = [
        ((rng.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in ((256, 30), (30, 10))
    ]

    def loss(layers: Any, x: Array, t: Array) -> Array:
        return 0.5 * np.sum((layered(layers, x, logistic) - t) ** 2) / len(x)

    def note(found: list[float], epoch: int, layers: Any) -> None:
        found.append(float(loss(layers, images, targets)))

    settings = {
        "whole batch": (2000, 2.0),
        "mini-batches of 20": (20, 1.0),
        "one at a time": (1, 0.2),
    }
    lines = {}
    for name, (size, rate) in settings.items():
        found = [float(loss(layers, images, targets))]
        train_epochs(
            loss,
            optim.sgd(rate),
            layers,
            (images, targets),
            size,
            epochs,
            after=partial(note, found),
        )
        lines[name] = np.array(found)
    slope = ad.grad(loss)(layers, images, targets)[0][0]
    parts = [
        ad.grad(loss)(layers, images[i : i + 20], targets[i : i + 20])[0][0]
        for i in range(0, 2000, 20)
    ]
    gap = float(np.abs(np.mean(parts, axis=0) - slope).max() / np.abs(slope).max())
    goal = 0.2
    until = {
        n: int(np.argmax(line < goal)) if np.any(line < goal) else None for n, line in lines.items()
    }
    told = ", ".join(
        f"{n}: {'not within ' + str(epochs) if e is None else e}" for n, e in until.items()
    )
    quick = until["mini-batches of 20"]
    whole = until["whole batch"]
    figures = (
        close("mean of the mini-batches' slopes to the whole batch's", 0, gap, 1e-5, ".0e"),
        claim(
            f"epochs until the error is under {goal}",
            "far fewer in small batches",
            told,
            quick is not None and (whole is None or quick < whole / 5),
        ),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, line in lines.items():
            axes.semilogy(line, label=name)
        axes.set(xlabel="epoch", ylabel="error")
        axes.legend()

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "batch_sizes",
    "Batch, stochastic and mini-batch",
    "LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998.",
    short=lambda data: run(data, 15),  # 15 epochs
    full=lambda data: run(data, 60),  # 60 epochs
    data=ZIP,
)
