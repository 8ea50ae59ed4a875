"""Training steps in every contender: the same parameters, batches and optimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, MissingPeerError

RATE, BETA1, BETA2, EPSILON, MASS = 1e-3, 0.9, 0.999, 1e-8, 0.9

Loss = Callable[[Any, Any, Any], Any]  # (list of parameters, x, y) -> scalar


@dataclass(frozen=True)
class Layers:
    """What scikit-learn needs to know of a perceptron."""

    activation: str
    loss: str


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
        flops: of a step.
        by_hand: loss and gradients in NumPy by hand, where somebody wrote that.
        loss_autograd: makes the loss for autograd, where that can be written.
        layers: of a perceptron.
        cost_bar: the most that the gradient may cost, in times of the loss.
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
    loss_autograd: Callable[[], Loss] | None = None
    layers: Layers | None = None
    cost_bar: float = 4.0

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
        raise MissingPeerError("nobody wrote this one by hand")

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


def our_cost(training: Training) -> tuple[Contender, Contender]:
    """The loss of a batch alone, and with its gradient."""
    forms = ad.jit(training.loss), ad.jit(ad.value_and_grad(training.loss))

    def repeating(call: Callable[..., Any]) -> Contender:
        def run(n: int) -> float:
            for _ in range(n):
                call(training.parameters, training.X[0], training.Y[0])
            return 0.0

        return run

    return repeating(forms[0]), repeating(forms[1])
