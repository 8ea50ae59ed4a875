"""Two years of airline passengers forecast, against the same month a year before."""

from __future__ import annotations

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.gallery.datasets import table
from adjoint.gallery.experiment import Array, Data, Experiment, Report, at_most, shown
from adjoint.gallery.tools import curves

FILE = "series/airline-passengers.csv"
DECAYS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def forecast(train: Array, months: int, decay: float, starts: int) -> Array:
    """The mean of small nets on the yearly growth of the last twelve months, fed back."""
    growth = train[12:] - train[:-12]
    mean, spread = growth.mean(), growth.std()
    z = (growth - mean) / spread
    X, y = np.lib.stride_tricks.sliding_window_view(z[:-1], 12), z[12:]
    rng = np.random.default_rng(0)

    def net(p: Any, x: Array) -> Array:
        W, b, v, c = p
        return np.tanh(x @ W + b) @ v + c

    def loss(p: Any) -> Array:
        return np.mean((net(p, X) - y) ** 2) + decay * (np.sum(p[0] ** 2) + np.sum(p[2] ** 2))

    paths = []
    for _ in range(starts):
        p = (rng.standard_normal((12, 5)) / 4, np.zeros(5), rng.standard_normal(5) / 4, 0.0)
        p = ad.minimize(loss, p, method="l-bfgs-b", options={"maxiter": 500}).x
        window, path = z[-12:], list(train)
        for _ in range(months):
            new = float(net(p, window))
            window = np.append(window[1:], new)
            path.append(path[-12] + mean + spread * new)
        paths.append(path[len(train) :])
    return np.mean(paths, axis=0)


def error(logs: Array, measured: Array) -> float:
    """Root mean square error in thousands of passengers."""
    return float(np.sqrt(np.mean((np.exp(logs) - np.exp(measured)) ** 2)))


def run(data: Data, starts: int) -> Report:
    """The weight decay is chosen by the two years before."""
    _, rows = table(data, FILE)
    series = np.log(np.array([float(r[1]) for r in rows]))
    before, train, truth = series[:96], series[:120], series[120:]
    decay = min(DECAYS, key=lambda d: error(forecast(before, 24, d, starts), series[96:120]))
    ours = forecast(train, 24, decay, starts)
    naive = np.tile(train[-12:], 2)
    mean = (train[12:] - train[:-12]).mean()
    drift = naive + np.repeat([mean, 2 * mean], 12)
    figures = (
        at_most(
            "24 months ahead: error, same month of the last year seen",
            error(naive, truth),
            error(ours, truth),
            ".1f",
        ),
        shown(
            "… with the mean growth added",
            f"{error(drift, truth):.1f}",
            f"{error(ours, truth):.1f}",
        ),
    )
    months = 1959 + np.arange(24) / 12
    lines = {
        "measured": (months, np.exp(truth)),
        "forecast": (months, np.exp(ours)),
        "last year seen": (months, np.exp(naive)),
    }
    return Report(
        figures,
        curves(lines, "year", "thousand passengers"),
        f"The weight decay, {decay:g}, was chosen among {len(DECAYS)} by forecasting the last two "
        "years of the training series from those before.",
    )


EXPERIMENT = Experiment(
    "airline",
    "Airline passengers, two years ahead",
    "Box & Jenkins 1976, series G.",
    short=lambda data: run(data, 3),  # three nets
    full=lambda data: run(data, 20),  # 20 nets
    data=(FILE,),
)
