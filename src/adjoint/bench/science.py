"""Float64 science: gradients of NumPy functions as scientists write them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adjoint.bench import optimisation, sparse_jacobian
from adjoint.bench.gradients import Forms, gradient_row, same
from adjoint.bench.harness import Row, Rows


def chain(xp: Any) -> Callable[[Any], Any]:
    """Twenty elementwise operations, then a sum."""

    def f(x: Any) -> Any:
        y = x
        for k in range(5):
            y = xp.sin(y) * 1.1 + x * (0.1 * k)
        return xp.sum(xp.tanh(y) + xp.exp(-x * x) * xp.sqrt(1 + y * y))

    return f


def mixture(xp: Any) -> Callable[[Any], Any]:
    """Negative log-likelihood of a mixture of Gaussians with diagonal covariances."""

    def f(p: Any) -> Any:
        logits, means, log_scales, data = p
        z = (data[:, None, :] - means[None]) * xp.exp(-log_scales)[None]
        logs = logits - 0.5 * xp.sum(z * z, axis=2) - xp.sum(log_scales, axis=1)
        peak = xp.max(logs, axis=1, keepdims=True)
        total = xp.log(xp.sum(xp.exp(logs - peak), axis=1)) + peak[:, 0]
        weights = xp.log(xp.sum(xp.exp(logits - xp.max(logits)))) + xp.max(logits)
        return -(xp.sum(total) - data.shape[0] * weights)

    return f


def n_body(xp: Any) -> Callable[[Any], Any]:
    """Softened gravitational energy of points in space."""

    def f(x: Any) -> Any:
        d = x[:, None, :] - x[None, :, :]
        r2 = xp.sum(d * d, axis=2) + 1e-2
        return -0.5 * xp.sum(1.0 / xp.sqrt(r2))

    return f


def stencil(steps: int) -> Callable[[Any], Callable[[Any], Any]]:
    """A five-point heat iteration written as a Python loop."""

    def make(xp: Any) -> Callable[[Any], Any]:
        def f(u: Any) -> Any:
            for _ in range(steps):
                inner = u[1:-1, 1:-1] + 0.1 * (
                    u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
                )
                row = xp.concatenate([u[1:-1, :1], inner, u[1:-1, -1:]], axis=1)
                u = xp.concatenate([u[:1], row, u[-1:]], axis=0)
            return xp.sum(u * u)

        return f

    return make


def _gradient(family: str, name: str, forms: Forms, sizes: Any, flops: float, bar: float) -> Row:
    rng = np.random.default_rng(0)
    x = tuple(s * rng.normal(size=size) for s, size in sizes)
    return gradient_row(family, name, forms, x if len(x) > 1 else x[0], flops, bar)


# name, function, scale and shape of each argument, flops, bar
Function = tuple[str, Forms, list[tuple[float, tuple[int, ...]]], float, float]


def functions() -> list[Function]:
    """All functions and sizes."""
    made: list[Function] = []
    rosenbrock = same(optimisation.rosenbrock, optimisation.by_hand)
    for n in (2, 100, 10_000, 100_000):
        bar = 5.0 if n <= 100 else 1.3
        family = "calls" if n <= 100 else "science"
        made.append((f"{family} rosenbrock n={n}", rosenbrock, [(1.0, (n,))], 12.0 * n, bar))
    for n in (10, 1000, 100_000, 1_000_000, 10_000_000):
        bar = 5.0 if n <= 10 else 1.3
        family = "calls" if n <= 10 else "science"
        made.append((f"{family} chain n={n}", same(chain), [(1.0, (n,))], 250.0 * n, bar))
    shapes = [(1.0, (20,)), (1.0, (20, 10)), (0.1, (20, 10)), (1.0, (1000, 10))]
    made.append(("science mixture 1000x10x20", same(mixture), shapes, 1000 * 20 * 10 * 12.0, 1.3))
    made.append(("science n-body 256", same(n_body), [(1.0, (256, 3))], 256**2 * 40.0, 1.3))
    for size, steps in ((64, 10), (256, 20)):
        flops = size * size * steps * 14.0
        name = f"science stencil {size}^2 x{steps}"
        made.append((name, same(stencil(steps)), [(1.0, (size, size))], flops, 1.3))
    return made


def rows() -> Rows:
    """Gradients of functions, sparse Jacobians, whole optimisations."""
    found: Rows = {}
    for name, forms, sizes, flops, bar in functions():
        family, _, rest = name.partition(" ")
        found[name] = partial(_gradient, family, rest, forms, sizes, flops, bar)
    return {**found, **sparse_jacobian.rows(), **optimisation.rows()}
