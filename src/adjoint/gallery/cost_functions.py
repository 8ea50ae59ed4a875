"""One neuron badly wrong: the quadratic cost learns slowly, cross-entropy at once."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Data, Experiment, Report, claim, close
from adjoint.gallery.tools import logistic


def quadratic(p: tuple[Array, Array]) -> Array:
    """Half the square of the output; input 1, target 0."""
    return 0.5 * logistic(p[0] + p[1]) ** 2


def cross_entropy(p: tuple[Array, Array]) -> Array:
    """−log(1 − output)."""
    return np.logaddexp(0, p[0] + p[1])


def learn(cost: Any, weight: float, bias: float, rate: float, epochs: int) -> Array:
    """The output before each epoch, and after the last."""

    def step(p: Any, _: Any) -> Any:
        slopes = ad.grad(cost)(p)
        return (p[0] - rate * slopes[0], p[1] - rate * slopes[1]), logistic(p[0] + p[1])

    last, outputs = ad.jit(lambda *p: ad.scan(step, p, None, length=epochs))(weight, bias)
    return np.append(outputs, logistic(last[0] + last[1]))


def short(data: Data) -> Report:
    """Both costs from both starts, 300 epochs."""
    lines = {
        "quadratic, start 0.82": learn(quadratic, 0.6, 0.9, 0.15, 300),
        "quadratic, start 0.98": learn(quadratic, 2.0, 2.0, 0.15, 300),
        "cross-entropy, start 0.82": learn(cross_entropy, 0.6, 0.9, 0.15, 300),
        "cross-entropy, start 0.98": learn(cross_entropy, 2.0, 2.0, 0.15, 300),
    }
    p = (np.float64(2.0), np.float64(2.0))
    a = float(logistic(4.0))
    ratio = float(ad.grad(quadratic)(p)[0] / ad.grad(cross_entropy)(p)[0])
    until = {name: int(np.argmax(line < 0.5)) for name, line in lines.items()}
    slow, quick = until["quadratic, start 0.98"], until["cross-entropy, start 0.98"]
    figures = (
        close("w 0.6, b 0.9: first output", 0.82, lines["quadratic, start 0.82"][0], 5e-3, ".2f"),
        close(
            "… after 300 epochs, quadratic", 0.09, lines["quadratic, start 0.82"][-1], 5e-3, ".2f"
        ),
        close("w 2, b 2: first output", 0.98, lines["quadratic, start 0.98"][0], 5e-3, ".2f"),
        close(
            "… after 300 epochs, quadratic", 0.20, lines["quadratic, start 0.98"][-1], 5e-3, ".2f"
        ),
        close("slopes, quadratic to cross-entropy: a σ′/a", a * (1 - a), ratio, 1e-15, ".12f"),
        claim("epochs to pass 0.5 from 0.98", "far fewer", f"{slow} and {quick}", quick < slow / 3),
    )

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, line in lines.items():
            axes.plot(line, label=name)
        axes.set(xlabel="epoch", ylabel="output (target 0)")
        axes.legend()

    return Report(figures, draw, "One rate, 0.15, for all four.")


EXPERIMENT = Experiment(
    "cost_functions",
    "Cost functions and the learning slowdown",
    "Nielsen, Neural Networks and Deep Learning, chapter 3, 2015.",
    short,
    short,
)
