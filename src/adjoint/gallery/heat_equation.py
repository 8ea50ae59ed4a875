"""A net that solves the heat equation: derivatives of the net inside its own loss."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.experiment import Array, Experiment, Report, at_most


def net(layers: Any, x: Array, t: Array) -> Array:
    """u(x, t) for one point."""
    h = np.stack([x, t])
    for W, b in layers[:-1]:
        h = np.tanh(h @ W + b)
    W, b = layers[-1]
    return (h @ W + b)[0]


def exact(x: Array, t: Array) -> Array:
    """The solution that starts as sin πx on a rod with cold ends, diffusivity 0.2."""
    return np.exp(-0.2 * np.pi**2 * t) * np.sin(np.pi * x)


def run(steps: int, bound: float) -> Report:
    """u_t = 0.2 u_xx inside, the start and the ends as further terms; L-BFGS."""
    rng = np.random.default_rng(0)
    sizes = ((2, 16), (16, 16), (16, 1))
    layers = [(rng.standard_normal(s) / np.sqrt(s[0]), np.zeros(s[1])) for s in sizes]
    x, t = rng.uniform(0, 1, (2, 200))
    x0, t0 = rng.uniform(0, 1, (2, 60))
    ends = np.repeat([0.0, 1.0], 30)

    def loss(layers: Any) -> Array:
        def residual(x: Array, t: Array) -> Array:
            u_t = ad.grad(net, argnums=2)(layers, x, t)
            u_xx = ad.grad(lambda x: ad.grad(net, argnums=1)(layers, x, t))(x)
            return u_t - 0.2 * u_xx

        u = ad.vmap(lambda x, t: net(layers, x, t))
        inside = np.mean(ad.vmap(residual)(x, t) ** 2)
        start = np.mean((u(x0, np.zeros(60)) - np.sin(np.pi * x0)) ** 2)
        return inside + 10 * start + 10 * np.mean(u(ends, t0) ** 2)

    found = ad.minimize(loss, layers, method="l-bfgs-b", options={"maxiter": steps})
    side = np.linspace(0, 1, 41)
    X, T = np.meshgrid(side, side)
    u = ad.vmap(lambda x, t: net(found.x, x, t))(X.ravel(), T.ravel()).reshape(X.shape)
    off = u - exact(X, T)
    relative = float(np.linalg.norm(off) / np.linalg.norm(exact(X, T)))
    figures = (
        at_most("relative error against the exact solution", 0, relative, ".1e", slack=bound),
        at_most("largest error", 0, float(np.abs(off).max()), ".1e", slack=3 * bound),
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        for ax, field, title in ((left, u, "the net"), (right, off, "its error")):
            figure.colorbar(ax.pcolormesh(X, T, field), ax=ax)
            ax.set(xlabel="x", ylabel="t", title=title)

    return Report(figures, draw)


EXPERIMENT = Experiment(
    "heat_equation",
    "The heat equation, solved by a net",
    "Lagaris, Likas & Fotiadis 1998; Raissi, Perdikaris & Karniadakis 2019.",
    short=lambda data: run(300, 2e-2),  # 300 steps
    full=lambda data: run(3000, 2e-3),  # 3000 steps
)
