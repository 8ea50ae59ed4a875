"""Sparse Jacobians of residuals on a grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.bench.harness import Contender, Row, Rows


def residual(xp: Any) -> Callable[[Any], Any]:
    """Three neighbours meet in each equation: a nonlinear diffusion on a line."""

    def f(u: Any) -> Any:
        p = xp.concatenate([xp.zeros(1), u, xp.zeros(1)])
        flux = (p[1:] - p[:-1]) * (1.0 + 0.5 * (p[1:] + p[:-1]) ** 2)
        return flux[1:] - flux[:-1] - 0.01 * xp.exp(u)

    return f


def _repeat(call: Callable[[], Any]) -> Contender:
    def run(n: int) -> float:
        matrix: Any = None
        for _ in range(n):
            matrix = call()
        return float(matrix.sum()) + float(abs(matrix).sum())

    return run


def _by_adjoint(u: Any, jitted: bool) -> Contender:
    f = residual(np)
    jacobian = ad.jacobian(ad.jit(f) if jitted else f, mode="sparse")
    return _repeat(lambda: jacobian(u))


def _by_jax(u: Any) -> Contender:
    """The three colours known beforehand, their products in one jitted call."""
    import jax

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    f = residual(jnp)
    point, n = jnp.asarray(u), len(u)
    seeds = np.zeros((3, n))
    seeds[np.arange(n) % 3, np.arange(n)] = 1
    push = jax.jit(jax.vmap(lambda v: jax.jvp(f, (point,), (v,))[1]))
    return _repeat(lambda: _banded(np.asarray(push(seeds))))


def _banded(flat: Any) -> Any:
    from scipy import sparse

    n = flat.shape[1]
    rows = np.repeat(np.arange(n), 3)
    columns = rows + np.tile([-1, 0, 1], n)
    inside = (columns >= 0) & (columns < n)
    rows, columns = rows[inside], columns[inside]
    return sparse.csr_array((flat[columns % 3, rows], (rows, columns)), shape=(n, n))


def _by_hand(u: Any) -> Contender:
    """The three diagonals written out."""
    from scipy import sparse

    def call() -> Any:
        p = np.concatenate([np.zeros(1), u, np.zeros(1)])
        d, s = p[1:] - p[:-1], p[1:] + p[:-1]
        k = 1.0 + 0.5 * s**2
        right, left = k + d * s, -k + d * s
        middle = left[1:] - right[:-1] - 0.01 * np.exp(u)
        return sparse.diags_array(
            [-left[1:-1], middle, right[1:-1]], offsets=[-1, 0, 1], format="csr"
        )

    return _repeat(call)


def _row(n: int) -> Row:
    u = np.random.default_rng(0).normal(size=n)
    contenders: dict[str, Callable[[], Contender]] = {
        "adjoint": lambda: _by_adjoint(u, True),
        "adjoint, recorded anew": lambda: _by_adjoint(u, False),
        "numpy": lambda: _by_hand(u),
        "jax jit": lambda: _by_jax(u),
    }
    return Row(
        "jacobian", f"sparse n={n}", contenders, 3 * 20.0 * n, 8.0 * 5 * n, "float64", 1e-8, 1, 1.0
    )


def rows() -> Rows:
    """Small and large."""
    return {f"jacobian sparse n={n}": partial(_row, n) for n in (1000, 100_000)}
