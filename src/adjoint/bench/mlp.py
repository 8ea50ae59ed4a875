"""Multilayer perceptrons of all sizes: one training step, on batches in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, Row
from adjoint.bench.peers import jax_steps, torch_steps

RATE, BETA1, BETA2, EPSILON, MASS = 1e-3, 0.9, 0.999, 1e-8, 0.9


class Problem:
    """Sizes, parameters and batches, the same for every contender."""

    def __init__(
        self, sizes: tuple[int, ...], batch: int, activation: str, loss: str, optimizer: str
    ) -> None:
        self.sizes, self.batch = sizes, batch
        self.activation, self.loss, self.optimizer = activation, loss, optimizer
        rng = np.random.default_rng(0)
        self.n_batches = 64 if batch * max(sizes) < 50_000 else 8
        self.parameters: list[Any] = []
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            weight = rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32)
            self.parameters += [weight, np.zeros(n_out, np.float32)]
        shape = (self.n_batches, batch)
        self.X = rng.normal(size=(*shape, sizes[0])).astype(np.float32)
        if loss == "cross-entropy":
            labels = rng.integers(0, sizes[-1], shape)
            self.Y = np.eye(sizes[-1], dtype=np.float32)[labels]
        else:
            self.Y = rng.normal(size=(*shape, sizes[-1])).astype(np.float32)

    @property
    def flops(self) -> float:
        """Forward, and backward for weights and inner deltas."""
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2.0 * self.batch * (3 * sum(products) - products[0])

    @property
    def bytes(self) -> float:
        """Parameters and optimiser state read and written once."""
        n = sum(p.size for p in self.parameters)
        per = {"sgd": 2, "momentum": 4, "adam": 6}[self.optimizer]
        return 4.0 * (n * per + self.batch * (self.sizes[0] + self.sizes[-1]))


def loss_function(problem: Problem, xp: Any) -> Callable[[Any, Any, Any], Any]:
    """The loss of a batch, in any namespace like NumPy's."""

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        h = x
        n = len(parameters) // 2
        for i in range(n):
            h = h @ parameters[2 * i] + parameters[2 * i + 1]
            if i < n - 1:
                h = xp.tanh(h) if problem.activation == "tanh" else xp.maximum(h, 0)
        if problem.loss == "cross-entropy":
            peak = h.max(axis=1, keepdims=True) if xp is np else h.max(1, keepdims=True)
            shifted = h - peak
            log_z = xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
            return -((shifted - log_z) * y).sum() / problem.batch
        return ((h - y) ** 2).mean()

    return loss


def update(problem: Problem, xp: Any, p: Any, g: Any, state: Any, t: Any) -> tuple[Any, Any]:
    """One optimiser step on lists of arrays."""
    if problem.optimizer == "sgd":
        return [a - RATE * b for a, b in zip(p, g, strict=True)], state
    if problem.optimizer == "momentum":
        v = [MASS * a + b for a, b in zip(state, g, strict=True)]
        return [a - RATE * b for a, b in zip(p, v, strict=True)], v
    m, s = state
    m = [BETA1 * a + (1 - BETA1) * b for a, b in zip(m, g, strict=True)]
    s = [BETA2 * a + (1 - BETA2) * b * b for a, b in zip(s, g, strict=True)]
    c1, c2 = 1 - BETA1**t, 1 - BETA2**t
    new = [
        a - RATE * (b / c1) / (xp.sqrt(c / c2) + EPSILON) for a, b, c in zip(p, m, s, strict=True)
    ]
    return new, (m, s)


def initial_state(problem: Problem) -> Any:
    """Zeros for the optimiser."""
    zeros = [np.zeros_like(p) for p in problem.parameters]
    if problem.optimizer == "sgd":
        return []
    return zeros if problem.optimizer == "momentum" else (zeros, [z.copy() for z in zeros])


def by_adjoint(problem: Problem, threads: int | None = None) -> Contender:
    """The epoch as one native call."""
    gradient = ad.value_and_grad(loss_function(problem, np))

    def step(carry: Any, batch: Any) -> Any:
        p, state, t = carry
        value, g = gradient(p, *batch)
        t = t + np.float32(1)
        p, state = update(problem, np, p, g, state, t)
        return (p, state, t), value

    epoch = ad.jit(lambda carry, X, Y: ad.scan(step, carry, (X, Y)), threads=threads)
    return _epochs(problem, epoch)


def _epochs(problem: Problem, epoch: Any) -> Contender:
    def run(n: int) -> float:
        carry = (problem.parameters, initial_state(problem), np.float32(0))
        losses = [np.nan]
        while n > 0:
            k = min(n, problem.n_batches)
            if k == problem.n_batches:
                carry, losses = epoch(carry, problem.X, problem.Y)
            else:
                carry, losses = epoch(carry, problem.X[:k], problem.Y[:k])
            n -= k
        return float(losses[-1])

    return run


def by_numpy(problem: Problem) -> Contender:
    """Backpropagation written out by hand."""

    def run(n: int) -> float:
        p = [a.copy() for a in problem.parameters]
        state, t, loss = initial_state(problem), np.float32(0), np.nan
        for i in range(n):
            x, y = problem.X[i % problem.n_batches], problem.Y[i % problem.n_batches]
            loss, g = _by_hand(problem, p, x, y)
            t += np.float32(1)
            p, state = update(problem, np, p, g, state, t)
        return float(loss)

    return run


def _by_hand(problem: Problem, p: list[Any], x: Any, y: Any) -> tuple[Any, list[Any]]:
    hs, n = [x], len(p) // 2
    for i in range(n):
        z = hs[-1] @ p[2 * i] + p[2 * i + 1]
        if i < n - 1:
            z = np.tanh(z) if problem.activation == "tanh" else np.maximum(z, 0)
        hs.append(z)
    if problem.loss == "cross-entropy":
        e = np.exp(hs[-1] - hs[-1].max(axis=1, keepdims=True))
        q = e / e.sum(axis=1, keepdims=True)
        loss = -(np.log(q) * y).sum() / problem.batch
        delta = (q - y) / np.float32(problem.batch)
    else:
        d = hs[-1] - y
        loss, delta = (d * d).mean(), d * np.float32(2 / d.size)
    g: list[Any] = [None] * len(p)
    for i in range(n - 1, -1, -1):
        g[2 * i], g[2 * i + 1] = hs[i].T @ delta, delta.sum(axis=0)
        if i:
            h = hs[i]
            slope = 1 - h * h if problem.activation == "tanh" else (h > 0)
            delta = (delta @ p[2 * i].T) * slope
    return loss, g


def _name(problem: Problem) -> str:
    sizes = "-".join(map(str, problem.sizes))
    return f"{sizes} b{problem.batch} {problem.optimizer} {problem.loss}"


def row(*settings: Any) -> Row:
    """One size."""
    problem = Problem(*settings)
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: by_adjoint(problem),
        "adjoint 1 thread": lambda: by_adjoint(problem, 1),
        "numpy": lambda: by_numpy(problem),
        "jax jit": lambda: jax_steps(problem, loss_function, update, initial_state, scan=False),
        "jax scan": lambda: jax_steps(problem, loss_function, update, initial_state, scan=True),
        "torch eager 1": lambda: torch_steps(problem, 1),
        "torch eager 2": lambda: torch_steps(problem, 2),
    }
    small = problem.flops < 1e7
    return Row(
        "mlp",
        _name(problem),
        contenders,
        problem.flops,
        problem.bytes,
        bar=2.0 if small else 1.0,
        unit=problem.n_batches,
    )


def rows() -> list[Row]:
    """All sizes, small ones first."""
    return [
        row((2, 8, 1), 1, "tanh", "squared", "sgd"),
        row((2, 8, 1), 16, "tanh", "squared", "momentum"),
        row((784, 30, 10), 10, "tanh", "squared", "sgd"),
        row((784, 30, 10), 10, "tanh", "cross-entropy", "adam"),
        row((32, 64, 64, 1), 64, "relu", "squared", "adam"),
        row((64, 100, 10), 32, "relu", "cross-entropy", "adam"),
        row((784, 512, 512, 10), 128, "relu", "cross-entropy", "adam"),
        row((1024, 2048, 2048, 10), 512, "relu", "cross-entropy", "sgd"),
    ]
