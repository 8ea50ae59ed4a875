"""Rows beyond the promised ones: programs of other shapes, sizes and kinds.

They keep us from being fast only where we look. Most are gradients of functions that read the
same in NumPy and JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adjoint.bench.gradients import Forms, gradient_row, same
from adjoint.bench.harness import Row, Rows

Shape = tuple[int, ...]
F32, F64 = "float32", "float64"


def softmax_loss(xp: Any) -> Callable[[Any], Any]:
    """Linear classification of rows."""

    def f(p: Any) -> Any:
        w, x = p
        z = x @ w
        z = z - xp.max(z, axis=1, keepdims=True)
        return xp.sum(xp.log(xp.sum(xp.exp(z), axis=1)) - z[:, 0])

    return f


def layers(kind: str) -> Callable[[Any], Callable[[Any], Any]]:
    """A perceptron of three layers with another activation."""

    def make(xp: Any) -> Callable[[Any], Any]:
        def act(h: Any) -> Any:
            if kind == "gelu":
                return 0.5 * h * (1 + xp.tanh(0.7978845608 * (h + 0.044715 * h * h * h)))
            if kind == "sigmoid":
                return 1 / (1 + xp.exp(-h))
            if kind == "softplus":
                return xp.maximum(h, 0) + xp.log1p(xp.exp(-xp.abs(h)))
            return xp.where(h > 0, h, 0.01 * h)

        def f(p: Any) -> Any:
            w1, b1, w2, b2, w3, x = p
            return xp.mean((act(act(x @ w1 + b1) @ w2 + b2) @ w3) ** 2)

        return f

    return make


def layer_norm(xp: Any) -> Callable[[Any], Any]:
    """Rows normalised, twice."""

    def f(p: Any) -> Any:
        x, g, b = p
        for _ in range(2):
            d = x - xp.mean(x, axis=1, keepdims=True)
            x = d / xp.sqrt(xp.mean(d * d, axis=1, keepdims=True) + 1e-5) * g + b
        return xp.sum(x * x * x)

    return f


def batch_norm(xp: Any) -> Callable[[Any], Any]:
    """Channels of images normalised over batch and space."""

    def f(p: Any) -> Any:
        x, g, b = p
        d = x - xp.mean(x, axis=(0, 2, 3), keepdims=True)
        v = xp.mean(d * d, axis=(0, 2, 3), keepdims=True)
        y = d / xp.sqrt(v + 1e-5) * g[:, None, None] + b[:, None, None]
        return xp.sum(xp.maximum(y, 0) ** 2)

    return f


def attention(xp: Any) -> Callable[[Any], Any]:
    """One head over a batch of sequences, by einsum."""

    def f(p: Any) -> Any:
        q, k, v = p
        s = xp.einsum("bid,bjd->bij", q, k) * 0.2
        e = xp.exp(s - xp.max(s, axis=2, keepdims=True))
        a = e / xp.sum(e, axis=2, keepdims=True)
        return xp.sum(xp.einsum("bij,bjd->bid", a, v) ** 2)

    return f


def roll_stencil(xp: Any) -> Callable[[Any], Any]:
    """A periodic heat equation by np.roll."""

    def f(u: Any) -> Any:
        for _ in range(20):
            near = xp.roll(u, 1, 0) + xp.roll(u, -1, 0) + xp.roll(u, 1, 1) + xp.roll(u, -1, 1)
            u = u + 0.1 * (near - 4 * u)
        return xp.sum(u * u)

    return f


def cumulative(xp: Any) -> Callable[[Any], Any]:
    """A path of returns and its worst loss, smoothly."""

    def f(x: Any) -> Any:
        path = xp.cumsum(0.01 * x, axis=1)
        return xp.sum(xp.log(xp.mean(xp.exp(-path), axis=1)))

    return f


def sorted_mean(xp: Any) -> Callable[[Any], Any]:
    """A trimmed mean."""

    def f(x: Any) -> Any:
        return xp.sum(xp.sort(x, axis=1)[:, 10:-10] ** 2)

    return f


def piecewise(xp: Any) -> Callable[[Any], Any]:
    """Huber losses and clipping by where."""

    def f(p: Any) -> Any:
        x, y = p
        d = x - y
        huber = xp.where(xp.abs(d) < 1.0, 0.5 * d * d, xp.abs(d) - 0.5)
        safe = xp.where(x > 0, xp.sqrt(xp.where(x > 0, x, 1.0)), 0.0)
        return xp.sum(xp.where(d > 2.0, xp.log1p(huber), huber) + xp.clip(safe, 0.1, 0.9))

    return f


def embedding(n: int) -> Callable[[Any], Callable[[Any], Any]]:
    """Rows of a table taken and added up, as words of documents."""
    rows = np.random.default_rng(1).integers(0, n, (64, 32))

    def make(xp: Any) -> Callable[[Any], Any]:
        def f(p: Any) -> Any:
            table, w = p
            return xp.mean(xp.tanh(xp.mean(table[rows], axis=1) @ w) ** 2)

        return f

    return make


def gaussian_process(xp: Any) -> Callable[[Any], Any]:
    """The likelihood of a Gaussian process with a smooth kernel."""

    def f(p: Any) -> Any:
        log_scales, x, y = p
        z = x / xp.exp(log_scales)
        d = xp.sum((z[:, None, :] - z[None, :, :]) ** 2, axis=2)
        k = xp.exp(-0.5 * d) + 0.1 * xp.eye(x.shape[0])
        return 0.5 * y @ xp.linalg.solve(k, y) + 0.5 * xp.linalg.slogdet(k)[1]

    return f


def systems(xp: Any) -> Callable[[Any], Any]:
    """Many small linear systems, and their determinants."""

    def f(p: Any) -> Any:
        a, b = p
        a = a + 4 * xp.eye(a.shape[2])
        return xp.sum(xp.linalg.solve(a, b) ** 2) + xp.sum(xp.linalg.slogdet(a)[1])

    return f


def kalman(xp: Any) -> Callable[[Any], Any]:
    """The likelihood of a filter over a series, a Python loop of small matrices."""
    a = np.array([[1.0, 1.0], [0.0, 1.0]])

    def f(p: Any) -> Any:
        logs, series = p
        q, r = xp.exp(logs[0]), xp.exp(logs[1])
        m, c = xp.zeros(2), xp.eye(2)
        total = 0.0
        for t in range(100):
            m, c = a @ m, a @ c @ a.T + q * np.eye(2)
            s, v = c[0, 0] + r, series[t] - m[0]
            total = total + 0.5 * (xp.log(s) + v * v / s)
            gain = c[:, 0] / s
            m, c = m + gain * v, c - gain[:, None] * c[0]
        return total

    return f


def reductions(xp: Any) -> Callable[[Any], Any]:
    """Sums, means, extremes and variances over different axes."""

    def f(x: Any) -> Any:
        a = xp.sum(xp.mean(x, axis=0) ** 2) + xp.sum(xp.max(x, axis=1) ** 2)
        b = xp.sum(xp.var(x, axis=2)) + xp.sum(xp.sum(x, axis=(0, 2)) ** 2)
        return a + b + xp.sum(xp.min(x, axis=(1, 2)))

    return f


def einsums(xp: Any) -> Callable[[Any], Any]:
    """Three factors in one product, and a trace."""

    def f(p: Any) -> Any:
        a, b, c = p
        return xp.sum(xp.einsum("ij,jk,ikl->il", a, b, c) ** 2) + xp.einsum("ij,ij->", a, a)

    return f


def recurrent(xp: Any) -> Callable[[Any], Any]:
    """An Elman network as a Python loop."""

    def f(p: Any) -> Any:
        w, u, b, x = p
        h = xp.zeros((x.shape[1], w.shape[0]), x.dtype)
        for t in range(20):
            h = xp.tanh(h @ w + x[t] @ u + b)
        return xp.mean(h * h)

    return f


def logistic_regression(xp: Any) -> Callable[[Any], Any]:
    """The log-likelihood of labels, the usual stable form."""

    def f(p: Any) -> Any:
        w, x, y = p
        z = x @ w
        return xp.mean(xp.logaddexp(0.0, z) - y * z) + 0.01 * xp.sum(w * w)

    return f


def convolution_line(xp: Any) -> Callable[[Any], Any]:
    """A one-dimensional convolution written with slices, as signal code does."""

    def f(p: Any) -> Any:
        k, x = p
        n = x.shape[1] - 8
        y = sum(k[i] * x[:, i : i + n] for i in range(9))
        return xp.sum(xp.tanh(y) ** 2)

    return f


def distances(xp: Any) -> Callable[[Any], Any]:
    """A soft assignment of points to centres."""

    def f(p: Any) -> Any:
        c, x = p
        d = xp.sum((x[:, None, :] - c[None]) ** 2, axis=2)
        return -xp.sum(xp.log(xp.sum(xp.exp(-d), axis=1)))

    return f


def joined(xp: Any) -> Callable[[Any], Any]:
    """A signal that begins elsewhere, in frames, against the frames moved on by three places."""

    def f(x: Any) -> Any:
        frames = xp.reshape(xp.concatenate([x[7:], x[:7]]), (-1, 100))
        return xp.sum(frames * xp.roll(frames, 3) ** 2)

    return f


# name, form, dtype, shapes, flops
Program = tuple[str, Forms, str, list[Shape], float]


def _perceptrons() -> list[Program]:
    made: list[Program] = []
    for kind, batch, width in (
        ("gelu", 1, 32),
        ("gelu", 256, 128),
        ("sigmoid", 16, 50),
        ("softplus", 1024, 64),
        ("leaky relu", 128, 256),
    ):
        shapes = [(20, width), (width,), (width, width), (width,), (width, 3), (batch, 20)]
        flops = 6.0 * batch * (23 * width + width * width)
        name = f"3 layers {width} wide b{batch} {kind}"
        for dtype in (F32, F64):
            made.append((name, same(layers(kind)), dtype, shapes, flops))
    return made


def programs() -> list[Program]:
    """All programs."""
    return [
        *_perceptrons(),
        ("softmax 1000x50x10", same(softmax_loss), F64, [(50, 10), (1000, 50)], 3e6),
        ("layer norm 512x256", same(layer_norm), F32, [(512, 256), (256,), (256,)], 8e6),
        ("batch norm 32x16x14x14", same(batch_norm), F32, [(32, 16, 14, 14), (16,), (16,)], 2e6),
        ("attention 16x64x32", same(attention), F32, [(16, 64, 32)] * 3, 25e6),
        ("roll stencil 128^2 x20", same(roll_stencil), F64, [(128, 128)], 5e6),
        ("cumulative 200x500", same(cumulative), F64, [(200, 500)], 3e6),
        ("sort 200x500", same(sorted_mean, torch=False), F64, [(200, 500)], 3e6),
        ("where 10^5", same(piecewise, torch=False), F64, [(100_000,)] * 2, 5e6),
        ("where 10^5", same(piecewise, torch=False), F32, [(100_000,)] * 2, 5e6),
        ("embedding 1000x64", same(embedding(1000)), F32, [(1000, 64), (64, 8)], 1e6),
        ("Gaussian process 100", same(gaussian_process), F64, [(3,), (100, 3), (100,)], 4e6),
        ("systems 100x10", same(systems), F64, [(100, 10, 10), (100, 10, 1)], 6e5),
        ("Kalman 100", same(kalman, torch=False), F64, [(2,), (100,)], 2e4),
        ("reductions 40x50x60", same(reductions, torch=False), F64, [(40, 50, 60)], 2e6),
        (
            "einsum 40x50x60",
            same(einsums, torch=False),
            F64,
            [(40, 50), (50, 60), (40, 60, 30)],
            1e6,
        ),
        (
            "Elman x20 b16",
            same(recurrent, torch=False),
            F32,
            [(32, 32), (8, 32), (32,), (20, 16, 8)],
            3e6,
        ),
        (
            "logistic 2000x30",
            same(logistic_regression, torch=False),
            F64,
            [(30,), (2000, 30), (2000,)],
            4e5,
        ),
        ("convolution by slices 32x1000", same(convolution_line), F64, [(9,), (32, 1000)], 2e6),
        ("joined 10^5", same(joined, torch=False), F64, [(100_000,)], 5e5),
        ("distances 2000x10x4", same(distances), F64, [(10, 4), (2000, 4)], 2e6),
    ]


def _row(program: Program) -> Row:
    name, forms, dtype, shapes, flops = program
    rng = np.random.default_rng(0)
    x = tuple((0.3 * rng.normal(size=shape)).astype(dtype) for shape in shapes)
    return gradient_row("more", f"{name} {dtype}", forms, x if len(x) > 1 else x[0], flops)


def rows() -> Rows:
    """All programs, by name."""
    return {f"more {p[0]} {p[2]}": partial(_row, p) for p in programs()}
