"""Functions as users write them, for compiled programs to be compared with the interpreter."""

import itertools
from typing import Any

import numpy as np

import adjoint as ad


def network_loss(params: Any, X: Any, y: Any) -> Any:
    (W1, b1), (W2, b2) = params
    hidden = 1 / (1 + np.exp(-(X @ W1 + b1)))
    out = hidden @ W2 + b2
    out = out - out.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(out).sum(axis=1)) - out[np.arange(len(y)), y])


def network_step(params: Any, X: Any, y: Any) -> Any:
    loss, slopes = ad.value_and_grad(network_loss)(params, X, y)
    moved = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
    return loss, moved


def training(params: Any, X: Any, y: Any) -> Any:
    def step(carry: Any, batch: Any) -> Any:
        loss, moved = network_step(carry, *batch)
        return moved, loss

    return ad.scan(step, params, (X, y))


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def mixture(mu: Any, x: Any) -> Any:
    away = x[:, None, :] - mu[None]
    q = -0.5 * np.sum(away * away, axis=2)
    m = q.max(axis=1)
    return np.sum(m + np.log(np.sum(np.exp(q - m[:, None]), axis=1)))


def stencil(u: Any) -> Any:
    inner = u[1:-1, 1:-1]
    return inner + 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner)


def stepping(u: Any) -> Any:
    v = u.copy()
    for _ in range(3):
        v[1:-1] = v[1:-1] + 0.1 * (v[2:] - 2 * v[1:-1] + v[:-2])
    return v


def bodies(x: Any) -> Any:
    d = x[:, None] - x[None]
    return -np.sum(1 / np.sqrt((d * d).sum(-1) + 1e-3))


def layer_norm(x: Any, gain: Any, bias: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    spread = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(spread + 1e-5) * gain + bias


def attention(x: Any, Wq: Any, Wk: Any, Wv: Any) -> Any:
    B, T, C = x.shape
    H = 2

    def heads(t: Any) -> Any:
        return t.reshape(B, T, H, C // H).transpose(0, 2, 1, 3)

    q, k, v = heads(x @ Wq), heads(x @ Wk), heads(x @ Wv)
    a = q @ k.transpose(0, 1, 3, 2) / np.sqrt(C // H)
    a = np.where(np.tril(np.ones((T, T), bool)), a, -1e9)
    e = np.exp(a - a.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    return (p @ v).transpose(0, 2, 1, 3).reshape(B, T, C)


def recurrent(W: Any, start: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = np.tanh(h @ W + x)
        return h, h.sum()

    last, sums = ad.scan(step, start, xs)
    return np.sum(last) + np.sum(sums * sums)


def repeated(x: Any) -> Any:
    return ad.while_loop(lambda s: s[1] < 10, lambda s: (s[0] * 1.1 + 1, s[1] + 1), (x, 0))


def chosen(x: Any) -> Any:
    return ad.cond(np.sum(x) > 0, lambda x: x * 2, lambda x: -x, x)


def pieces(x: Any) -> Any:
    return (
        np.cumsum(x, 0),
        np.argmax(x, 1),
        np.argmin(x, 0),
        np.concatenate([x, x * 2], 1),
        np.sort(x, 0),
        np.prod(x, 1),
        np.pad(x, 1),
        np.roll(x, 1, 0),
        x[::-1],
        x.T.reshape(-1),
        np.stack([x, x]),
        np.repeat(x, 2, 1),
        np.tile(x, (2, 1)),
        np.where(x > 0, x, 0),
    )


def total_of_pieces(x: Any) -> Any:
    return sum(np.sum(np.sin(a)) for a in pieces(x) if a.dtype.kind == "f")


def arrays(seed: int, *shapes: tuple[int, ...], dtype: Any = float) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def network(dtype: Any, *sizes: int) -> Any:
    rng = np.random.default_rng(3)
    return [
        ((rng.standard_normal((a, b)) * 0.3).astype(dtype), np.zeros(b, dtype))
        for a, b in itertools.pairwise(sizes)
    ]
