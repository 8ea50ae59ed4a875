"""Convolutional and physics-informed networks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.training import Loss, Training
from adjoint.primitives.convolution import convolution

F32 = np.float32


def normal(rng: Any, *shape: int, scale: float) -> Any:
    """Random parameters."""
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
        normal(rng, 6, 1, 5, 5, scale=0.2),
        np.zeros(6, F32),
        normal(rng, 16, 6, 5, 5, scale=0.08),
        np.zeros(16, F32),
        normal(rng, 400, 120, scale=0.05),
        np.zeros(120, F32),
        normal(rng, 120, 84, scale=0.09),
        np.zeros(84, F32),
        normal(rng, 84, 10, scale=0.1),
        np.zeros(10, F32),
    ]
    n = 8
    X = normal(rng, n, batch, 1, 28, 28, scale=1.0)
    Y = np.eye(10, dtype=F32)[rng.integers(0, 10, (n, batch))]
    first = 6 * 25 * 28 * 28
    rest = 16 * 150 * 100 + 400 * 120 + 120 * 84 + 840
    flops = 2.0 * batch * (2 * first + 3 * rest)
    return Training(
        f"LeNet b{batch}", p, X, Y, "adam", _lenet(np, _convolve), _lenet_jax, _lenet_torch, flops
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
        p += [normal(rng, a, b, scale=a**-0.5), np.zeros(b, F32)]
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
