"""Multilayer perceptrons of all sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from adjoint.bench.harness import Row, Rows
from adjoint.bench.peers import training_row
from adjoint.bench.training import Layers, Loss, Training


def _loss_in(xp: Any, activation: str, loss: str) -> Loss:
    """The loss of a batch, in NumPy or a namespace like it."""

    def function(parameters: Any, x: Any, y: Any) -> Any:
        h = x
        n = len(parameters) // 2
        for i in range(n):
            h = h @ parameters[2 * i] + parameters[2 * i + 1]
            if i < n - 1:
                h = xp.tanh(h) if activation == "tanh" else xp.maximum(h, 0)
        if loss == "squared":
            return ((h - y) ** 2).mean()
        shifted = h - h.max(axis=1, keepdims=True)
        log_z = xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
        return -((shifted - log_z) * y).sum() / h.shape[0]

    return function


def _loss_in_torch(activation: str, loss: str) -> Loss:
    import torch

    act = torch.tanh if activation == "tanh" else torch.relu

    def function(p: Any, x: Any, y: Any) -> Any:
        h = x
        for k in range(0, len(p), 2):
            h = torch.addmm(p[k + 1], h, p[k])
            if k < len(p) - 2:
                h = act(h)
        if loss == "squared":
            return torch.nn.functional.mse_loss(h, y)
        return torch.nn.functional.cross_entropy(h, y)

    return function


def _loss_in_jax(activation: str, loss: str) -> Loss:
    import jax.numpy as jnp

    return _loss_in(jnp, activation, loss)


def _loss_in_autograd(activation: str, loss: str) -> Loss:
    import autograd.numpy as anp

    return _loss_in(anp, activation, loss)


def _by_hand(activation: str, loss: str) -> Callable[..., Any]:
    def gradients(p: list[Any], x: Any, y: Any) -> tuple[Any, list[Any]]:
        hs, n = [x], len(p) // 2
        for i in range(n):
            z = hs[-1] @ p[2 * i] + p[2 * i + 1]
            if i < n - 1:
                z = np.tanh(z) if activation == "tanh" else np.maximum(z, 0)
            hs.append(z)
        if loss == "squared":
            d = hs[-1] - y
            value, delta = (d * d).mean(), d * np.float32(2 / d.size)
        else:
            e = np.exp(hs[-1] - hs[-1].max(axis=1, keepdims=True))
            q = e / e.sum(axis=1, keepdims=True)
            value = -(np.log(q) * y).sum() / np.float32(len(x))
            delta = (q - y) / np.float32(len(x))
        g: list[Any] = [None] * len(p)
        for i in range(n - 1, -1, -1):
            g[2 * i], g[2 * i + 1] = hs[i].T @ delta, delta.sum(axis=0)
            if i:
                h = hs[i]
                slope = 1 - h * h if activation == "tanh" else (h > 0)
                delta = (delta @ p[2 * i].T) * slope
        return value, g

    return gradients


Size = tuple[tuple[int, ...], int, str, str, str]


def name_of(size: Size) -> str:
    """As it stands in the table."""
    sizes, batch, activation, loss, optimizer = size
    return f"{'-'.join(map(str, sizes))} b{batch} {activation} {loss} {optimizer}"


def training(size: Size) -> Training:
    """The network of one size, and random batches."""
    sizes, batch, activation, loss, optimizer = size
    rng = np.random.default_rng(0)
    n_batches = 64 if batch * max(sizes) < 50_000 else 8 if batch < 256 else 4
    parameters: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        parameters.append(rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32))
        parameters.append(np.zeros(n_out, np.float32))
    X = rng.normal(size=(n_batches, batch, sizes[0])).astype(np.float32)
    if loss == "cross-entropy":
        Y = np.eye(sizes[-1], dtype=np.float32)[rng.integers(0, sizes[-1], (n_batches, batch))]
    else:
        Y = rng.normal(size=(n_batches, batch, sizes[-1])).astype(np.float32)
    products = [a * b for a, b in pairwise(sizes)]
    return Training(
        name_of(size).rpartition(" ")[0],
        parameters,
        X,
        Y,
        optimizer,
        _loss_in(np, activation, loss),
        lambda: _loss_in_jax(activation, loss),
        lambda: _loss_in_torch(activation, loss),
        # Forward, and backward for the weights and the inner deltas.
        2.0 * batch * (3 * sum(products) - products[0]),
        _by_hand(activation, loss),
        lambda: _loss_in_autograd(activation, loss),
        Layers(activation, loss),
        cost_bar=3.0,
    )


SIZES: list[Size] = [
    ((2, 8, 1), 1, "tanh", "squared", "sgd"),
    ((2, 8, 1), 16, "tanh", "squared", "momentum"),
    ((784, 30, 10), 10, "tanh", "squared", "sgd"),
    ((784, 30, 10), 10, "tanh", "squared", "momentum"),
    ((784, 30, 10), 10, "tanh", "cross-entropy", "adam"),
    ((32, 64, 64, 1), 64, "relu", "squared", "momentum"),
    ((32, 64, 64, 1), 64, "relu", "squared", "adam"),
    ((64, 100, 10), 32, "relu", "cross-entropy", "adam"),
    ((784, 512, 512, 10), 128, "relu", "cross-entropy", "momentum"),
    ((784, 512, 512, 10), 128, "relu", "cross-entropy", "adam"),
    ((1024, 2048, 2048, 10), 512, "relu", "cross-entropy", "sgd"),
]


def _row(size: Size) -> Row:
    return training_row("mlp", training(size))


def rows() -> Rows:
    """All sizes, small ones first."""
    return {f"mlp {name_of(size)}": partial(_row, size) for size in SIZES}
