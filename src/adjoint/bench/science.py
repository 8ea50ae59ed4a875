"""Float64 science: gradients of NumPy functions as scientists write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, Row


def rosenbrock(xp: Any) -> Callable[[Any], Any]:
    """The sum that SciPy's rosen computes."""
    return lambda x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


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


def _repeat(call: Callable[[], Any]) -> Contender:
    def run(n: int) -> float:
        value: Any = None
        for _ in range(n):
            value = call()
        value, gradient = value
        while isinstance(gradient, list | tuple):
            gradient = gradient[0]
        return float(value) + float(np.sum(np.asarray(gradient)))

    return run


def gradient_row(
    name: str,
    make: Callable[[Any], Callable[[Any], Any]],
    x: Any,
    flops: float,
    bar: float,
    family: str = "science",
) -> Row:
    """value_and_grad of one function, once for each contender."""

    def by_adjoint(threads: int | None = None) -> Contender:
        g = ad.jit(ad.value_and_grad(make(np)), threads=threads)
        return _repeat(lambda: g(x))

    def by_jax() -> Contender:
        import jax

        config: Any = jax.config
        config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        g = jax.jit(jax.value_and_grad(make(jnp)))
        point = jax.tree.map(jnp.asarray, x)

        def call() -> Any:
            value, gradient = g(point)
            return value, jax.tree.map(np.asarray, gradient)

        return _repeat(call)

    def by_autograd() -> Contender:
        import autograd
        import autograd.numpy as anp

        g = autograd.value_and_grad(make(anp))
        return _repeat(lambda: g(x))

    def by_torch(threads: int) -> Contender:
        import torch

        f = make(_TorchNumPy(torch))

        def call() -> Any:
            torch.set_num_threads(threads)
            point = _torch_leaves(torch, x)
            value = f(point)
            value.backward()
            gradient = (
                [p.grad.numpy() for p in point]
                if isinstance(point, tuple)
                else (point.grad.numpy())
            )
            return value.detach(), gradient

        return _repeat(call)

    leaves = x if isinstance(x, tuple) else (x,)
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": by_adjoint,
        "adjoint 1 thread": lambda: by_adjoint(1),
        "autograd": by_autograd,
        "jax jit": by_jax,
        "torch eager 1": lambda: by_torch(1),
        "torch eager 2": lambda: by_torch(2),
    }
    moved = 2.0 * sum(leaf.nbytes for leaf in leaves)
    return Row(family, name, contenders, flops, moved, "float64", 1e-8, 1, bar)


class _TorchNumPy:
    """The few NumPy names these functions use, over torch."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def sum(self, x: Any, axis: int | None = None) -> Any:
        """The sum over an axis or all."""
        return self.torch.sum(x) if axis is None else self.torch.sum(x, dim=axis)

    def max(self, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """The maximum over an axis or all."""
        return self.torch.max(x) if axis is None else self.torch.amax(x, axis, keepdims)

    def concatenate(self, xs: Any, axis: int) -> Any:
        """Joined along an axis."""
        return self.torch.cat(xs, dim=axis)


def _torch_leaves(torch: Any, x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(_torch_leaves(torch, leaf) for leaf in x)
    return torch.from_numpy(x.copy()).requires_grad_()


def rows() -> list[Row]:
    """All functions and sizes."""
    rng = np.random.default_rng(0)
    made = []
    for n in (2, 100, 10_000, 100_000):
        x = rng.normal(1, 0.1, n)
        family = "calls" if n <= 100 else "science"
        made.append(
            gradient_row(
                f"rosenbrock n={n}", rosenbrock, x, 12.0 * n, 5.0 if n <= 100 else 1.3, family
            )
        )
    for n in (10, 1000, 100_000, 1_000_000, 10_000_000):
        bar = 5.0 if n <= 10 else 1.3
        family = "calls" if n <= 10 else "science"
        made.append(gradient_row(f"chain n={n}", chain, rng.normal(size=n), 250.0 * n, bar, family))
    p = (
        rng.normal(size=20),
        rng.normal(size=(20, 10)),
        0.1 * rng.normal(size=(20, 10)),
        rng.normal(size=(1000, 10)),
    )
    made.append(gradient_row("mixture 1000x10x20", mixture, p, 1000 * 20 * 10 * 12.0, 1.3))
    made.append(gradient_row("n-body 256", n_body, rng.normal(size=(256, 3)), 256**2 * 40.0, 1.3))
    for size, steps in ((64, 10), (256, 20)):
        u = rng.normal(size=(size, size))
        made.append(
            gradient_row(
                f"stencil {size}^2 x{steps}", stencil(steps), u, size * size * steps * 14.0, 1.3
            )
        )
    return made
