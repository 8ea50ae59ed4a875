"""Recurrent networks over sequences, the last state read out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.networks import F32, normal
from adjoint.bench.training import Loss, Training

# A cell: (namespace, parameters, carry, input, width) -> carry, the state first.
Cell = Callable[[Any, Any, Any, Any, int], tuple[Any, ...]]


def _logistic(xp: Any, v: Any) -> Any:
    return 0.5 * (xp.tanh(0.5 * v) + 1)


def _lstm_cell(xp: Any, p: Any, carry: Any, x: Any, width: int) -> tuple[Any, ...]:
    h, c = carry
    z = x @ p[0] + h @ p[1] + p[2]
    i, f, g, o = (z[:, k * width : (k + 1) * width] for k in range(4))
    c = _logistic(xp, f) * c + _logistic(xp, i) * xp.tanh(g)
    return _logistic(xp, o) * xp.tanh(c), c


def _gru_cell(xp: Any, p: Any, carry: Any, x: Any, width: int) -> tuple[Any, ...]:
    (h,) = carry
    a, b = x @ p[0] + p[2], h @ p[1]
    gates = _logistic(xp, a[:, : 2 * width] + b[:, : 2 * width])
    r, u = gates[:, :width], gates[:, width:]
    new = xp.tanh(a[:, 2 * width :] + r * b[:, 2 * width :])
    return ((1 - u) * new + u * h,)


def _loss(xp: Any, scan: Any, cell: Cell, width: int) -> Loss:
    n_carry = 2 if cell is _lstm_cell else 1

    def loss(p: Any, x: Any, y: Any) -> Any:
        zeros = xp.zeros((x.shape[1], width), x.dtype)

        def step(carry: Any, row: Any) -> Any:
            return cell(xp, p, carry, row, width), None

        carry, _ = scan(step, (zeros,) * n_carry, x)
        return xp.mean((carry[0] @ p[3] - y) ** 2)

    return loss


def _loss_jax(cell: Cell, width: int) -> Loss:
    import jax
    import jax.numpy as jnp

    return _loss(jnp, jax.lax.scan, cell, width)


def _loss_autograd(cell: Cell, width: int) -> Loss:
    import autograd.numpy as anp

    def scan(step: Any, carry: Any, rows: Any) -> Any:
        for row in rows:
            carry, _ = step(carry, row)
        return carry, None

    return _loss(anp, scan, cell, width)


def _loss_torch(cell: Cell, width: int) -> Loss:
    import torch

    functions: Any = torch._VF  # what nn.LSTM and nn.GRU call

    def loss(p: Any, x: Any, y: Any) -> Any:
        zeros = torch.zeros((1, x.shape[1], width))
        # Its gates stand in the same order, its weights are transposed.
        flat = [p[0].T.contiguous(), p[1].T.contiguous(), p[2], torch.zeros_like(p[2])]
        if cell is _lstm_cell:
            h = functions.lstm(x, (zeros, zeros), flat, True, 1, 0.0, True, False, False)[1]
        else:
            h = functions.gru(x, zeros, flat, True, 1, 0.0, True, False, False)[1]
        return ((h[0] @ p[3] - y) ** 2).mean()

    return loss


def _training(name: str, cell: Cell, gates: int, steps: int) -> Training:
    width, batch, n_in = 64, 32, 16
    rng = np.random.default_rng(0)
    p = [
        normal(rng, n_in, gates * width, scale=0.2),
        normal(rng, width, gates * width, scale=0.1),
        np.zeros(gates * width, F32),
        normal(rng, width, 1, scale=0.1),
    ]
    n = 4
    X = normal(rng, n, steps, batch, n_in, scale=1.0)
    Y = normal(rng, n, batch, 1, scale=1.0)
    return Training(
        f"{name} {width} x{steps} b{batch}",
        p,
        X,
        Y,
        "adam",
        _loss(np, ad.scan, cell, width),
        lambda: _loss_jax(cell, width),
        lambda: _loss_torch(cell, width),
        2.0 * batch * steps * gates * width * (2 * n_in + 3 * width),
        loss_autograd=(lambda: _loss_autograd(cell, width)) if steps <= 32 else None,
    )


def lstm(steps: int) -> Training:
    """An LSTM of 64 units."""
    return _training("LSTM", _lstm_cell, 4, steps)


def gru(steps: int) -> Training:
    """A gated recurrent network of 64 units; its reset gate acts after the product."""
    return _training("GRU", _gru_cell, 3, steps)
