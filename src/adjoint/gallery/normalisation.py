"""Inputs with a mean or unequal scales stretch the bowl; shifting and scaling round it."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, claim, close


def raw(rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Inputs of unequal mean and scale, and a linear target."""
    X = rng.standard_normal((rows, 3)) * [1.0, 4.0, 0.5] + [2.0, 10.0, 1.0]
    return X, X @ [1.0, -0.3, 2.0]


def learn(X: Array, y: Array, steps: int) -> tuple[float, Array]:
    """Condition number of the Hessian, and the error before each step at the best fixed rate."""
    design = np.column_stack([X, np.ones(len(X))])

    def error(w: Array) -> Array:
        return 0.5 * np.mean((design @ w - y) ** 2)

    curvature = np.linalg.eigvalsh(ad.hessian(error)(np.zeros(4)))
    rate = float(2 / (curvature[0] + curvature[-1]))

    def step(w: Array, _: Any) -> Any:
        value, slope = ad.value_and_grad(error)(w)
        return w - rate * slope, value

    errors = ad.jit(lambda w: ad.scan(step, w, None, length=steps)[1])(np.zeros(4))
    return float(curvature[-1] / curvature[0]), errors


def run(steps: int) -> Report:
    """The same descent on raw, centred and normalised inputs."""
    X, y = raw(np.random.default_rng(0), 500)
    centred = X - X.mean(0)
    kinds = {"raw": X, "centred": centred, "centred and scaled": centred / X.std(0)}
    found = {name: learn(inputs, y, steps) for name, inputs in kinds.items()}
    figures = []
    for name, (condition, errors) in found.items():
        # The error falls by ((κ − 1)/(κ + 1))² a step once the slowest direction is left.
        rate = ((condition - 1) / (condition + 1)) ** 2
        last = int(np.argmax(errors < 1e-22 * errors[0])) or steps
        a, b = last // 2, last - 1
        measured = float((errors[b] / errors[a]) ** (1 / (b - a)))
        figures.append(
            at_most(f"{name}: factor on the error each step", rate, measured, ".6f", slack=1e-6)
        )
    need = {n: int(np.argmax(e < 1e-6 * e[0])) or steps for n, (_, e) in found.items()}
    told = ", ".join(f"{n}: {s}{'+' if s == steps else ''}" for n, s in need.items())
    ok = need["centred and scaled"] * 10 < need["centred"] <= need["raw"]
    figures.append(
        claim("steps to a millionth of the error", "fewest when centred and scaled", told, ok)
    )
    figures.append(
        close("condition number, centred and scaled", 1, found["centred and scaled"][0], 0.3, ".3f")
    )
    drawn = {name: errors for name, (_, errors) in found.items()}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, errors in drawn.items():
            axes.loglog(np.arange(1, steps + 1), errors + 1e-20, label=name)
        axes.set(xlabel="step", ylabel="error")
        axes.legend()

    return Report(tuple(figures), draw)


def short(data: Data) -> Report:
    """20,000 steps."""
    return run(20_000)


EXPERIMENT = Experiment(
    "normalisation",
    "Why inputs are normalised",
    "LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998.",
    short,
    short,
)
