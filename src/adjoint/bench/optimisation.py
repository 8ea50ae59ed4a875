"""Whole optimisations by SciPy, the gradient from each contender."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, Row, Rows

_MOST_STEPS = 50


def rosenbrock(xp: Any) -> Callable[[Any], Any]:
    """The sum that SciPy's rosen computes."""
    return lambda x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def by_hand(x: Any) -> Any:
    """Its value and gradient as SciPy writes them."""
    from scipy.optimize import rosen, rosen_der

    return rosen(x), rosen_der(x)


def _minimise(function: Callable[[Any], Any], x: Any) -> Contender:
    from scipy.optimize import minimize

    def run(n: int) -> float:
        found: Any = None
        for _ in range(n):
            found = minimize(
                function, x, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}
            )
        return float(found.fun)

    return run


def _by_jax(x: Any) -> Contender:
    import jax

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    g = jax.jit(jax.value_and_grad(rosenbrock(jnp)))

    def call(point: Any) -> Any:
        value, gradient = g(point)
        return float(value), np.asarray(gradient)

    return _minimise(call, x)


def _by_autograd(x: Any) -> Contender:
    import autograd
    import autograd.numpy as anp

    return _minimise(autograd.value_and_grad(rosenbrock(anp)), x)


def _by_torch(x: Any) -> Contender:
    import torch

    f = rosenbrock(torch)

    def call(point: Any) -> Any:
        torch.set_num_threads(1)
        p = torch.from_numpy(np.array(point)).requires_grad_()
        value = f(p)
        value.backward()
        assert p.grad is not None
        return float(value.detach()), p.grad.numpy()

    return _minimise(call, x)


def _row(n: int) -> Row:
    x = 1 + 0.3 * np.random.default_rng(0).normal(size=n)
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: _minimise(ad.jit(ad.value_and_grad(rosenbrock(np))), x),
        "numpy": lambda: _minimise(by_hand, x),
        "autograd": lambda: _by_autograd(x),
        "jax jit": lambda: _by_jax(x),
        "torch eager 1": lambda: _by_torch(x),
    }
    # What SciPy does itself is no less for us: a row shows what a user would see.
    return Row("minimise", f"rosenbrock n={n}", contenders, 0.0, 0.0, "float64", 1e-3, 1, 1.0)


def rows() -> Rows:
    """From 2 to 10^5 unknowns."""
    sizes = (2, 100, 10_000, 100_000)
    return {f"minimise rosenbrock n={n}": partial(_row, n) for n in sizes}
