"""Convolutional, recurrent, physics-informed and attention networks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Row
from adjoint.bench.training import Loss, Training, training_row
from adjoint.primitives.convolution import convolution

F32 = np.float32


def _normal(rng: Any, *shape: int, scale: float) -> Any:
    return rng.normal(0, scale, shape).astype(F32)


def _cross_entropy(xp: Any, logits: Any, one_hot: Any) -> Any:
    shifted = logits - xp.max(logits, axis=-1, keepdims=True)
    log_z = xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))
    return -xp.sum((shifted - log_z) * one_hot) / (one_hot.size // one_hot.shape[-1])


# *** LeNet ***


def _lenet(xp: Any, convolve: Any) -> Loss:
    def pool(x: Any) -> Any:
        n, c, h, w = x.shape
        return xp.max(xp.reshape(x, (n, c, h // 2, 2, w // 2, 2)), axis=(3, 5))

    def loss(p: Any, x: Any, y: Any) -> Any:
        k1, b1, k2, b2, w3, b3, w4, b4, w5, b5 = p
        h = pool(xp.maximum(convolve(x, k1, 2) + b1[:, None, None], 0))
        h = pool(xp.maximum(convolve(h, k2, 0) + b2[:, None, None], 0))
        h = xp.reshape(h, (h.shape[0], -1))
        h = xp.maximum(h @ w3 + b3, 0)
        h = xp.maximum(h @ w4 + b4, 0)
        return _cross_entropy(xp, h @ w5 + b5, y)

    return loss


def _convolve(x: Any, kernel: Any, padding: int) -> Any:
    pads = ((padding, padding), (padding, padding))
    return convolution(x, kernel, stride=(1, 1), padding=pads, dilation=(1, 1), groups=1)


def _lenet_jax() -> Loss:
    import jax
    import jax.numpy as jnp

    def convolve(x: Any, kernel: Any, padding: int) -> Any:
        pads = [(padding, padding)] * 2
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), pads)

    return _lenet(jnp, convolve)


def _lenet_torch() -> Loss:
    import torch
    from torch.nn import functional

    def loss(p: Any, x: Any, y: Any) -> Any:
        k1, b1, k2, b2, w3, b3, w4, b4, w5, b5 = p
        h = functional.max_pool2d(torch.relu(functional.conv2d(x, k1, b1, padding=2)), 2)
        h = functional.max_pool2d(torch.relu(functional.conv2d(h, k2, b2)), 2)
        h = h.flatten(1)
        h = torch.relu(torch.addmm(b3, h, w3))
        h = torch.relu(torch.addmm(b4, h, w4))
        return functional.cross_entropy(torch.addmm(b5, h, w5), y)

    return loss


def lenet(batch: int) -> Training:
    """LeNet on 28 x 28 images."""
    rng = np.random.default_rng(0)
    p = [
        _normal(rng, 6, 1, 5, 5, scale=0.2),
        np.zeros(6, F32),
        _normal(rng, 16, 6, 5, 5, scale=0.08),
        np.zeros(16, F32),
        _normal(rng, 400, 120, scale=0.05),
        np.zeros(120, F32),
        _normal(rng, 120, 84, scale=0.09),
        np.zeros(84, F32),
        _normal(rng, 84, 10, scale=0.1),
        np.zeros(10, F32),
    ]
    n = 8
    X = _normal(rng, n, batch, 1, 28, 28, scale=1.0)
    Y = np.eye(10, dtype=F32)[rng.integers(0, 10, (n, batch))]
    first = 6 * 25 * 28 * 28
    rest = 16 * 150 * 100 + 400 * 120 + 120 * 84 + 840
    flops = 2.0 * batch * (2 * first + 3 * rest)
    return Training(
        f"LeNet b{batch}", p, X, Y, "adam", _lenet(np, _convolve), _lenet_jax, _lenet_torch, flops
    )


# *** LSTM ***


def _lstm_cell(xp: Any, p: Any, carry: Any, x: Any, width: int) -> Any:
    h, c = carry
    z = x @ p[0] + h @ p[1] + p[2]
    i, f, g, o = (z[:, k * width : (k + 1) * width] for k in range(4))

    def logistic(v: Any) -> Any:
        return 0.5 * (xp.tanh(0.5 * v) + 1)

    c = logistic(f) * c + logistic(i) * xp.tanh(g)
    return logistic(o) * xp.tanh(c), c


def _lstm(xp: Any, scan: Any, width: int) -> Loss:
    def loss(p: Any, x: Any, y: Any) -> Any:
        zeros = xp.zeros((x.shape[1], width), x.dtype)

        def step(carry: Any, row: Any) -> Any:
            h, c = _lstm_cell(xp, p, carry, row, width)
            return (h, c), h

        (h, _), _ = scan(step, (zeros, zeros), x)
        return xp.mean((h @ p[3] - y) ** 2)

    return loss


def _lstm_jax(width: int) -> Loss:
    import jax
    import jax.numpy as jnp

    return _lstm(jnp, jax.lax.scan, width)


def _lstm_torch(width: int) -> Loss:
    import torch

    def loss(p: Any, x: Any, y: Any) -> Any:
        zeros = torch.zeros((1, x.shape[1], width))
        # torch keeps gates in the same order i, f, g, o, and weights transposed.
        flat = [p[0].T.contiguous(), p[1].T.contiguous(), p[2], torch.zeros_like(p[2])]
        _, h, _ = torch._VF.lstm(x, (zeros, zeros), flat, True, 1, 0.0, True, False, False)
        return ((h[0] @ p[3] - y) ** 2).mean()

    return loss


def lstm(steps: int, width: int = 64, batch: int = 32, n_in: int = 16) -> Training:
    """An LSTM over a sequence, its last state read out."""
    rng = np.random.default_rng(0)
    p = [
        _normal(rng, n_in, 4 * width, scale=0.2),
        _normal(rng, width, 4 * width, scale=0.1),
        np.zeros(4 * width, F32),
        _normal(rng, width, 1, scale=0.1),
    ]
    n = 4
    X = _normal(rng, n, steps, batch, n_in, scale=1.0)
    Y = _normal(rng, n, batch, 1, scale=1.0)
    flops = 2.0 * batch * steps * 4 * width * (2 * n_in + 3 * width)
    return Training(
        f"LSTM {width} x{steps} b{batch}",
        p,
        X,
        Y,
        "adam",
        _lstm(np, ad.scan, width),
        lambda: _lstm_jax(width),
        lambda: _lstm_torch(width),
        flops,
    )


# *** physics-informed ***


def _heat(xp: Any, grad: Any, vmap: Any) -> Loss:
    """The residual u_t - u_xx of a tanh network, squared and averaged over points."""

    def u(p: Any, x: Any, t: Any) -> Any:
        h = xp.stack([x, t])
        for i in range(0, len(p) - 2, 2):
            h = xp.tanh(h @ p[i] + p[i + 1])
        return (h @ p[-2] + p[-1])[0]

    def residual(p: Any, x: Any, t: Any) -> Any:
        return grad(u, 2)(p, x, t) - grad(grad(u, 1), 1)(p, x, t)

    def loss(p: Any, x: Any, y: Any) -> Any:
        r = vmap(lambda x, t: residual(p, x, t))(x[:, 0], x[:, 1])
        return xp.mean((r - y) ** 2)

    return loss


def _heat_jax() -> Loss:
    import jax
    import jax.numpy as jnp

    return _heat(jnp, jax.grad, jax.vmap)


def _heat_torch() -> Loss:
    import torch

    def loss(p: Any, x: Any, y: Any) -> Any:
        xs, ts = x[:, 0].detach().requires_grad_(), x[:, 1].detach().requires_grad_()
        h = torch.stack([xs, ts], dim=1)
        for i in range(0, len(p) - 2, 2):
            h = torch.tanh(h @ p[i] + p[i + 1])
        u = (h @ p[-2] + p[-1]).sum()
        u_x, u_t = torch.autograd.grad(u, (xs, ts), create_graph=True)
        (u_xx,) = torch.autograd.grad(u_x.sum(), xs, create_graph=True)
        return ((u_t - u_xx - y) ** 2).mean()

    return loss


def heat(points: int, width: int) -> Training:
    """A physics-informed network for the heat equation."""
    rng = np.random.default_rng(0)
    sizes = (2, width, width, 1)
    p: list[Any] = []
    for a, b in pairwise(sizes):
        p += [_normal(rng, a, b, scale=a**-0.5), np.zeros(b, F32)]
    n = 8
    X = rng.uniform(0, 1, (n, points, 2)).astype(F32)
    Y = np.zeros((n, points), F32)
    flops = 2.0 * points * (2 * width + width * width + width) * 12
    return Training(
        f"heat {width} wide, {points} points",
        p,
        X,
        Y,
        "adam",
        _heat(np, ad.grad, ad.vmap),
        _heat_jax,
        _heat_torch,
        flops,
    )


# *** GPT ***

LAYERS, WIDTH, HEADS, BLOCK, VOCABULARY = 4, 128, 4, 64, 65


def _gpt(xp: Any, take: Any) -> Loss:
    mask = np.triu(np.full((BLOCK, BLOCK), -1e9, F32), 1)

    def norm(x: Any, g: Any, b: Any) -> Any:
        m = xp.mean(x, axis=-1, keepdims=True)
        d = x - m
        v = xp.mean(d * d, axis=-1, keepdims=True)
        return d / xp.sqrt(v + 1e-5) * g + b

    def gelu(x: Any) -> Any:
        return 0.5 * x * (1 + xp.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def attend(x: Any, w: Any, o: Any) -> Any:
        n, t, c = x.shape
        qkv = xp.reshape(x @ w, (n, t, 3, HEADS, c // HEADS))
        qkv = xp.transpose(qkv, (2, 0, 3, 1, 4))
        q, k, v = qkv[0], qkv[1], qkv[2]
        scores = q @ xp.swapaxes(k, -1, -2) * (c // HEADS) ** -0.5 + mask
        e = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
        a = e / xp.sum(e, axis=-1, keepdims=True)
        return xp.reshape(xp.transpose(a @ v, (0, 2, 1, 3)), (n, t, c)) @ o

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = take(p[0], x) + p[1]
        for k in range(LAYERS):
            g1, b1, w, o, g2, b2, w1, c1, w2, c2 = p[2 + 10 * k : 12 + 10 * k]
            h = h + attend(norm(h, g1, b1), w, o)
            h = h + gelu(norm(h, g2, b2) @ w1 + c1) @ w2 + c2
        logits = norm(h, p[-3], p[-2]) @ p[-1]
        shifted = logits - xp.max(logits, axis=-1, keepdims=True)
        log_z = xp.log(xp.sum(xp.exp(shifted), axis=-1))
        picked = xp.take_along_axis(shifted, y[..., None], axis=-1)[..., 0]
        return xp.mean(log_z - picked)

    return loss


def _gpt_jax() -> Loss:
    import jax.numpy as jnp

    return _gpt(jnp, lambda table, i: table[i])


def _gpt_torch() -> Loss:
    from torch.nn import functional

    def loss(p: Any, x: Any, y: Any) -> Any:
        n, t = x.shape
        h = functional.embedding(x, p[0]) + p[1]
        for k in range(LAYERS):
            g1, b1, w, o, g2, b2, w1, c1, w2, c2 = p[2 + 10 * k : 12 + 10 * k]
            z = functional.layer_norm(h, (WIDTH,), g1, b1) @ w
            q, key, v = z.reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            a = functional.scaled_dot_product_attention(q, key, v, is_causal=True)
            h = h + a.transpose(1, 2).reshape(n, t, WIDTH) @ o
            z = functional.layer_norm(h, (WIDTH,), g2, b2) @ w1 + c1
            h = h + functional.gelu(z, approximate="tanh") @ w2 + c2
        logits = functional.layer_norm(h, (WIDTH,), p[-3], p[-2]) @ p[-1]
        return functional.cross_entropy(logits.reshape(-1, VOCABULARY), y.reshape(-1))

    return loss


def gpt(batch: int = 12) -> Training:
    """A small GPT: 4 layers of 128, 4 heads, blocks of 64 characters."""
    rng = np.random.default_rng(0)
    ones, zeros = np.ones(WIDTH, F32), np.zeros(WIDTH, F32)
    p = [_normal(rng, VOCABULARY, WIDTH, scale=0.02), _normal(rng, BLOCK, WIDTH, scale=0.02)]
    for _ in range(LAYERS):
        p += [
            ones,
            zeros,
            _normal(rng, WIDTH, 3 * WIDTH, scale=0.02),
            _normal(rng, WIDTH, WIDTH, scale=0.02),
            ones,
            zeros,
            _normal(rng, WIDTH, 4 * WIDTH, scale=0.02),
            np.zeros(4 * WIDTH, F32),
            _normal(rng, 4 * WIDTH, WIDTH, scale=0.02),
            zeros,
        ]
    p += [ones, zeros, _normal(rng, WIDTH, VOCABULARY, scale=0.02)]
    p = [x.copy() for x in p]
    X = rng.integers(0, VOCABULARY, (4, batch, BLOCK))
    Y = rng.integers(0, VOCABULARY, (4, batch, BLOCK))
    per_token = LAYERS * (12 * WIDTH * WIDTH + 2 * BLOCK * WIDTH) + WIDTH * VOCABULARY
    flops = 6.0 * batch * BLOCK * per_token
    return Training(
        f"GPT {LAYERS}x{WIDTH} b{batch}",
        p,
        X,
        Y,
        "adam",
        _gpt(np, lambda table, i: table[i]),
        _gpt_jax,
        _gpt_torch,
        flops,
    )


def rows() -> list[Row]:
    """All networks and sizes."""
    return [
        training_row("pinn", heat(64, 20)),
        training_row("pinn", heat(1024, 50)),
        training_row("convolution", lenet(32)),
        training_row("convolution", lenet(128)),
        training_row("recurrent", lstm(32)),
        training_row("recurrent", lstm(256)),
        training_row("attention", gpt()),
    ]
