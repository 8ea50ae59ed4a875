"""One step of backpropagation with every number, as in the most worked example there is."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Data, Experiment, Report, close
from adjoint.gallery.tools import logistic

INPUT, TARGET, RATE = np.array([0.05, 0.10]), np.array([0.01, 0.99]), 0.5
HIDDEN = np.array([[0.15, 0.25], [0.20, 0.30]])  # w1, w3; w2, w4
OUTPUT = np.array([[0.40, 0.50], [0.45, 0.55]])  # w5, w7; w6, w8
BIASES = np.array([[0.35, 0.35], [0.60, 0.60]])  # of the hidden units, of the outputs


def outputs(hidden: Array, output: Array, biases: Array) -> Array:
    """The 2-2-2 net."""
    return logistic(logistic(INPUT @ hidden + biases[0]) @ output + biases[1])


def error(hidden: Array, output: Array, biases: Array) -> Array:
    """Half the sum of squares."""
    return 0.5 * np.sum((TARGET - outputs(hidden, output, biases)) ** 2)


def descend(steps: int, with_biases: bool) -> tuple[tuple[Array, Array, Array], Array]:
    """Parameters after so many steps of plain gradient descent, and the error before each."""

    def step(p: Any, _: Any) -> Any:
        value, slopes = ad.value_and_grad(error, argnums=(0, 1, 2))(*p)
        rates = (RATE, RATE, RATE * with_biases)
        return tuple(w - r * g for w, r, g in zip(p, rates, slopes, strict=True)), value

    last, errors = ad.jit(lambda *p: ad.scan(step, p, None, length=steps))(HIDDEN, OUTPUT, BIASES)
    return last, errors


def run(steps: int) -> Report:
    """One step to 12 digits, then the long run of the text."""
    first, _ = descend(1, False)
    (h, o, _), names = first, ["w1", "w3", "w2", "w4", "w5", "w7", "w6", "w8"]
    ours = dict(zip(names, [*h.ravel(), *o.ravel()], strict=True))
    published = {
        "w1": 0.149780716,
        "w2": 0.19956143,
        "w3": 0.24975114,
        "w4": 0.29950229,
        "w5": 0.35891648,
        "w6": 0.408666186,
        "w7": 0.511301270,
        "w8": 0.561370121,
    }
    digits = ".12f"
    rows = [
        close("error before", 0.298371108760, float(error(HIDDEN, OUTPUT, BIASES)), 1e-12, digits)
    ]
    rows += [close(f"{n} after one step", w, ours[n], 1e-8, ".9f") for n, w in published.items()]
    rows.append(close("error after one step", 0.291027773694, float(error(*first)), 1e-12, digits))
    free, _ = descend(1, True)
    rows.append(close("… biases learning too", 0.28047144679, float(error(*free)), 1e-11, digits))
    last, errors = descend(steps, False)
    if steps == 10_000:
        rows.append(
            close("error after 10,000 steps", 3.510187783e-05, float(error(*last)), 1e-14, ".9e")
        )
        for i, value in enumerate((0.015913620, 0.984064274)):
            rows.append(close(f"output {i + 1} then", value, float(outputs(*last)[i]), 1e-9, ".9f"))

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.loglog(np.arange(1, steps + 1), errors)
        axes.set(xlabel="step", ylabel="error")

    return Report(
        tuple(rows),
        draw,
        "The text prints 0.291027924 after one step and 0.0000351085 at the end: it changes the "
        "output weights before it works out the hidden deltas. The figures beside ours are those "
        "of true gradient descent; the eight weights agree with the text either way.",
    )


def short(data: Data) -> Report:
    """All of it: it takes no time."""
    return run(10_000)


EXPERIMENT = Experiment(
    "mazur",
    "The worked 2-2-2 example, to 12 digits",
    "Mazur, A Step by Step Backpropagation Example, 2015.",
    short,
    short,
)
