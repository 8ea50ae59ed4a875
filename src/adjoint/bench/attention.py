"""A small GPT."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.bench.networks import F32, normal
from adjoint.bench.training import Loss, Training

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
    p = [normal(rng, VOCABULARY, WIDTH, scale=0.02), normal(rng, BLOCK, WIDTH, scale=0.02)]
    for _ in range(LAYERS):
        p += [
            ones,
            zeros,
            normal(rng, WIDTH, 3 * WIDTH, scale=0.02),
            normal(rng, WIDTH, WIDTH, scale=0.02),
            ones,
            zeros,
            normal(rng, WIDTH, 4 * WIDTH, scale=0.02),
            np.zeros(4 * WIDTH, F32),
            normal(rng, 4 * WIDTH, WIDTH, scale=0.02),
            zeros,
        ]
    p += [ones, zeros, normal(rng, WIDTH, VOCABULARY, scale=0.02)]
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
