"""The error of a linear neuron is a bowl: how long a step may be, and how the path runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Data, Experiment, Report, claim, close
from adjoint.gallery.tools import logistic

RNG = np.random.default_rng(0)
X = RNG.standard_normal((100, 2)) * [1.0, 3.0]
Y = X @ [1.0, -0.5]


def error(w: Array) -> Array:
    """Half the mean square of a linear neuron with two weights."""
    return 0.5 * np.mean((X @ w - Y) ** 2)


def path(w: Array, rate: float, steps: int) -> Array:
    """The weights before each step."""
    return ad.jit(
        lambda w: ad.scan(lambda w, _: (w - rate * ad.grad(error)(w), w), w, None, length=steps)[1]
    )(w)


def short(data: Data) -> Report:
    """The parabola along one weight, the bowl of two, and a landscape that is not a bowl."""
    start = np.array([-2.0, 2.0])
    curvature, axes_of_bowl = np.linalg.eigh(ad.hessian(error)(start))
    best = np.array([1.0, -0.5])
    along = axes_of_bowl[:, 1]

    def far(rate: float, steps: int) -> float:
        """How much of a start along the steepest axis is left."""
        left = path(best + along, rate, steps + 1)[-1] - best
        return float(np.linalg.norm(left))

    steepest = curvature[1]
    third = ad.grad(lambda t: ad.grad(lambda u: ad.grad(lambda v: error(start + v * along))(u))(t))
    optimal = 2 / curvature.sum()
    line = path(start, optimal, 60)
    distance = np.linalg.norm(line - best, axis=1)
    ratio = (curvature[1] - curvature[0]) / curvature.sum()
    measured = float((distance[50] / distance[30]) ** (1 / 20))
    below, above = far(1.98 / steepest, 100), far(2.02 / steepest, 100)
    figures = (
        close("parabola: third derivative", 0, float(third(0.0)), 1e-12, ".0e"),
        close("rate 1/λ: left after one step", 0, far(1 / steepest, 1), 1e-14, ".0e"),
        claim("rate just under 2/λ", "converges", f"{below:.2g} left", below < 1),
        claim("rate just over 2/λ", "diverges", f"{above:.2g} left", above > 1),
        close("shrinking a step at the best rate: (κ − 1)/(κ + 1)", ratio, measured, 1e-4, ".5f"),
    )

    def draw(figure: Any) -> None:
        bowl, land = figure.subplots(1, 2)
        side = np.linspace(-3, 3, 61)
        grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        bowl.contour(side, side, ad.vmap(error)(grid).reshape(61, 61), 20)
        bowl.plot(*line.T, "o-", ms=3, color="black")
        bowl.set(xlabel="first weight", ylabel="second weight", title="a linear neuron's bowl")
        wide = np.linspace(-8, 8, 81)
        u, v = np.meshgrid(wide, wide)
        x, t = np.array([-2.0, -1, 1, 2]), np.array([0.1, 0.8, 0.2, 0.9])
        chain = logistic(v[..., None] * logistic(u[..., None] * x + 1) - 2)
        land.contourf(wide, wide, ((chain - t) ** 2).sum(-1), 20)
        land.set(xlabel="first weight", title="a chain of two logistic units")

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "landscape",
    "The error parabola, the bowl and the landscape",
    "LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998.",
    short,
    short,
)
