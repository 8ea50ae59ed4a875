"""Training steps in every contender: the same parameters, batches and optimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, Row

RATE, BETA1, BETA2, EPSILON, MASS = 1e-3, 0.9, 0.999, 1e-8, 0.9

Loss = Callable[[Any, Any, Any], Any]  # (list of parameters, x, y) -> scalar


@dataclass(frozen=True)
class Training:
    """A network, its batches, and its loss written for each library.

    Args:
        name: for the table.
        parameters: arrays, in order.
        X: batches along the first axis.
        Y: likewise.
        optimizer: ``"sgd"``, ``"momentum"`` or ``"adam"``.
        loss: in NumPy.
        loss_jax: makes the loss for JAX, given nothing; imports inside.
        loss_torch: likewise for PyTorch.
        by_hand: loss and gradients in NumPy by hand, where somebody wrote that.
        flops: of a step.
    """

    name: str
    parameters: list[Any]
    X: Any
    Y: Any
    optimizer: str
    loss: Loss
    loss_jax: Callable[[], Loss]
    loss_torch: Callable[[], Loss]
    flops: float
    by_hand: Callable[[list[Any], Any, Any], tuple[Any, list[Any]]] | None = None

    @property
    def bytes(self) -> float:
        """Parameters and optimiser state read and written once, and the batch read."""
        size = sum(p.nbytes for p in self.parameters)
        per = {"sgd": 2, "momentum": 4, "adam": 6}[self.optimizer]
        return float(size * per + self.X[0].nbytes + self.Y[0].nbytes)


def initial_state(training: Training) -> Any:
    """Zeros for the optimiser."""
    zeros = [np.zeros_like(p) for p in training.parameters]
    if training.optimizer == "sgd":
        return []
    return zeros if training.optimizer == "momentum" else (zeros, [z.copy() for z in zeros])


def update(optimizer: str, xp: Any, p: Any, g: Any, state: Any, t: Any) -> tuple[Any, Any]:
    """One optimiser step on lists of arrays, in NumPy or a namespace like it."""
    if optimizer == "sgd":
        return [a - RATE * b for a, b in zip(p, g, strict=True)], state
    if optimizer == "momentum":
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


def by_adjoint(training: Training, threads: int | None = None) -> Contender:
    """The epoch as one native call."""
    gradient = ad.value_and_grad(training.loss)

    def step(carry: Any, batch: Any) -> Any:
        p, state, t = carry
        value, g = gradient(p, *batch)
        t = t + np.float32(1)
        p, state = update(training.optimizer, np, p, g, state, t)
        return (p, state, t), value

    epoch = ad.jit(lambda carry, X, Y: ad.scan(step, carry, (X, Y)), threads=threads)
    whole = len(training.X)

    def run(n: int) -> float:
        carry = (training.parameters, initial_state(training), np.float32(0))
        losses = [np.nan]
        while n > 0:
            k = min(n, whole)
            carry, losses = epoch(carry, training.X[:k], training.Y[:k])
            n -= k
        return float(losses[-1])

    return run


def by_numpy(training: Training) -> Contender:
    """Backpropagation written out by hand."""
    by_hand = training.by_hand
    if by_hand is None:
        raise ImportError("nobody wrote this one by hand")

    def run(n: int) -> float:
        p = [a.copy() for a in training.parameters]
        state, t, loss = initial_state(training), np.float32(0), np.nan
        for i in range(n):
            k = i % len(training.X)
            loss, g = by_hand(p, training.X[k], training.Y[k])
            t += np.float32(1)
            p, state = update(training.optimizer, np, p, g, state, t)
        return float(loss)

    return run


def by_jax(training: Training, *, scan: bool) -> Contender:
    """JAX: one jitted call a step, or ``lax.scan`` over an epoch in one call."""
    import jax
    import jax.numpy as jnp

    gradient = jax.value_and_grad(training.loss_jax())

    def step(carry: Any, batch: Any) -> Any:
        p, state, t = carry
        value, g = gradient(p, *batch)
        t = t + 1
        p, state = update(training.optimizer, jnp, p, g, state, t)
        return (p, state, t), value

    one = jax.jit(step, donate_argnums=0)
    epoch = jax.jit(lambda carry, X, Y: jax.lax.scan(step, carry, (X, Y)), donate_argnums=0)
    X, Y = jnp.asarray(training.X), jnp.asarray(training.Y)
    batches = [(X[i], Y[i]) for i in range(len(X))]

    def run(n: int) -> float:
        start = (training.parameters, initial_state(training), np.float32(0))
        carry, value = jax.tree.map(jnp.array, start), jnp.float32(jnp.nan)
        if not scan or n < len(X):
            for i in range(n):
                carry, value = one(carry, batches[i % len(X)])
            return float(value)
        for _ in range(n // len(X)):
            carry, values = epoch(carry, X, Y)
        return float(values[-1])

    return run


def by_torch(training: Training, threads: int, *, compiled: bool = False) -> Contender:
    """PyTorch with its fused optimisers, eager or compiled."""
    import torch

    loss_function = training.loss_torch()
    if compiled:
        loss_function = torch.compile(loss_function)
    X, Y = torch.from_numpy(training.X), torch.from_numpy(training.Y)
    batches = [(X[i], Y[i]) for i in range(len(X))]

    def make_optimizer(p: list[Any]) -> Any:
        if training.optimizer == "adam":
            return torch.optim.Adam(p, RATE, (BETA1, BETA2), EPSILON, fused=True)
        mass = MASS if training.optimizer == "momentum" else 0.0
        return torch.optim.SGD(p, RATE, mass, fused=True)

    def run(n: int) -> float:
        torch.set_num_threads(threads)
        p = [torch.from_numpy(a.copy()).requires_grad_() for a in training.parameters]
        optimizer = make_optimizer(p)
        loss: Any = None
        for i in range(n):
            loss = loss_function(p, *batches[i % len(X)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    return run


def training_row(family: str, training: Training, bar: float | None = None) -> Row:
    """A row with every contender; the compiled ones of PyTorch take half a minute to start."""
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: by_adjoint(training),
        "adjoint 1 thread": lambda: by_adjoint(training, 1),
        "numpy": lambda: by_numpy(training),
        "jax jit": lambda: by_jax(training, scan=False),
        "jax scan": lambda: by_jax(training, scan=True),
        "torch eager 1": lambda: by_torch(training, 1),
        "torch eager 2": lambda: by_torch(training, 2),
        "torch compile 1": lambda: by_torch(training, 1, compiled=True),
        "torch compile 2": lambda: by_torch(training, 2, compiled=True),
    }
    if bar is None:
        bar = 2.0 if training.flops < 2e7 else 1.0
    name = f"{training.name} {training.optimizer}"
    return Row(
        family, name, contenders, training.flops, training.bytes, bar=bar, unit=len(training.X)
    )
