"""value_and_grad outside jit against HIPS autograd: the same functions, interleaved, medians.

    python benchmarks/eager.py [--rounds 30]

Both get the function they are made for: ours calls ``numpy``, theirs ``autograd.numpy``. The
values and gradients are compared first. Times are of calls after the first: a derivative
program is kept between calls of the same structure. Processor time, so that a busy machine does not
decide.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad

_rng = np.random.default_rng(0)


def rosenbrock(np: Any) -> Callable[..., Any]:
    return lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def network(np: Any) -> Callable[..., Any]:
    def loss(w: Any) -> Any:
        h = np.tanh(np.dot(INPUTS, np.reshape(w[:80], (8, 10))) + w[80:90])
        return np.mean((np.dot(h, w[90:100]) - TARGETS) ** 2)

    return loss


def logistic(np: Any) -> Callable[..., Any]:
    return lambda w: np.sum(np.log(1 + np.exp(-SIGNS * np.dot(INPUTS, w)))) + 0.1 * np.dot(w, w)


def chain(np: Any) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        for _ in range(30):
            x = np.sin(x) + 0.5 * x
        return np.sum(x)

    return run


def scalar(np: Any) -> Callable[..., Any]:
    return lambda x: np.exp(-x * x) * np.sin(3.0 * x) + x**3


def recurrent(np: Any) -> Callable[..., Any]:
    def run(w: Any) -> Any:
        W, h = np.reshape(w[:25], (5, 5)), w[25:]
        total = 0.0
        for k in range(10):
            h = np.tanh(np.dot(W, h) + k * 0.1)
            total = total + np.sum(h**2)
        return total

    return run


def likelihood(np: Any) -> Callable[..., Any]:
    def run(p: Any) -> Any:
        s = np.exp(p[1])
        return np.sum(0.5 * ((DATA - p[0]) / s) ** 2 + np.log(s))

    return run


def mixture(np: Any) -> Callable[..., Any]:
    def run(p: Any) -> Any:
        d = -0.5 * (DATA[:, None] - p[None, :3]) ** 2 + p[None, 3:]
        top = np.max(d, axis=1)
        return -np.sum(top + np.log(np.sum(np.exp(d - top[:, None]), axis=1)))

    return run


INPUTS = _rng.normal(size=(32, 8))
TARGETS = _rng.normal(size=32)
SIGNS = np.sign(_rng.normal(size=32))
DATA = _rng.normal(size=200)

CASES: list[tuple[str, Callable[[Any], Callable[..., Any]], Any]] = [
    ("scalar", scalar, 0.7),
    ("Rosenbrock, n = 100", rosenbrock, _rng.normal(size=100)),
    ("Rosenbrock, n = 100 000", rosenbrock, _rng.normal(size=100_000)),
    ("network 8-10-1, batch 32", network, _rng.normal(size=100)),
    ("logistic regression", logistic, _rng.normal(size=8)),
    ("chain of 60 operations", chain, _rng.normal(size=50)),
    ("recurrent net, 10 steps", recurrent, _rng.normal(size=30)),
    ("normal likelihood", likelihood, np.array([0.1, 0.2])),
    ("mixture likelihood", mixture, _rng.normal(size=6)),
]


def seconds(f: Callable[..., Any], x: Any, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        f(x)
    return (time.process_time() - start) / repeats


def main() -> None:
    import autograd
    import autograd.numpy as anp

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    print(f"{'function':28}{'adjoint us':>12}{'autograd us':>13}{'ratio':>8}")
    worst = 0.0
    for name, make, x in CASES:
        ours, theirs = ad.value_and_grad(make(np)), autograd.value_and_grad(make(anp))
        (v, g), (w, h) = ours(x), theirs(x)
        np.testing.assert_allclose(v, w, rtol=1e-12)
        np.testing.assert_allclose(g, h, rtol=1e-9, atol=1e-12)
        repeats = max(1, int(0.01 / seconds(theirs, x, 3)))
        pairs = [(seconds(ours, x, repeats), seconds(theirs, x, repeats)) for _ in range(rounds)]
        a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(p / q for p, q in pairs)
        worst = max(worst, ratio)
        print(f"{name:28}{a * 1e6:12.1f}{b * 1e6:13.1f}{ratio:8.2f}")
    print(f"the largest ratio: {worst:.2f}")


if __name__ == "__main__":
    main()
