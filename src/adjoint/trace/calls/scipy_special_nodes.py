"""Points and weights of Gauss's rules in recorded shapes: eigenvalues of Jacobi's matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.trace.calls.scipy_special import doubled, static
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import no_rule


def _rule(name: str, n: Any, total: Any, diagonal: Any, beside: Any, mu: bool) -> Any:
    """By Golub and Welsch.

    Args:
        name: of the function.
        n: of points.
        total: of the weights.
        diagonal: of Jacobi's matrix, of an index.
        beside: what stands beside the diagonal, of an index from 1.
        mu: whether the total is returned too.
    """
    count = int(static(n, f"scipy.special.{name}", "n"))
    if count < 1:
        raise ValueError("n must be a positive integer.")
    matrix = np.diag(np.stack([diagonal(k) for k in range(count)]))
    if count > 1:
        off = np.stack([beside(k) for k in range(1, count)])
        matrix = matrix + np.diag(off, 1) + np.diag(off, -1)
    points, vectors = np.linalg.eigh(matrix)
    weights = total * vectors[0] ** 2
    return (points, weights, total) if mu else (points, weights)


@scipy_rule("scipy.special.roots_jacobi")
def roots_jacobi(n: Any, alpha: Any, beta: Any, mu: bool = False) -> Any:
    """For the weight (1 - x)^alpha (1 + x)^beta."""
    a, b = doubled(alpha), doubled(beta)
    both = a + b

    def diagonal(k: int) -> Any:
        if k == 0:
            return (b - a) / (both + 2)
        return (b - a) * both / ((2 * k + both) * (2 * k + both + 2))

    def beside(k: int) -> Any:
        inner = 1.0 if k == 1 else k * (k + both) / (2 * k + both - 1)
        return 2 / (2 * k + both) * np.sqrt((k + a) * (k + b) / (2 * k + both + 1) * inner)

    total = 2 ** (both + 1) * sp.beta(a + 1, b + 1)
    return _rule("roots_jacobi", n, total, diagonal, beside, mu)


@scipy_rule("scipy.special.roots_gegenbauer")
def roots_gegenbauer(n: Any, alpha: Any, mu: bool = False) -> Any:
    """For the weight (1 - x^2)^(alpha - 1/2)."""
    return roots_jacobi(n, alpha - 0.5, alpha - 0.5, mu)


@scipy_rule("scipy.special.roots_genlaguerre")
def roots_genlaguerre(n: Any, alpha: Any, mu: bool = False) -> Any:
    """For the weight x^alpha exp(-x)."""
    a = doubled(alpha)
    total = sp.gamma(a + 1)
    return _rule(
        "roots_genlaguerre", n, total, lambda k: 2 * k + a + 1, lambda k: np.sqrt(k * (k + a)), mu
    )


@scipy_rule("scipy.special.roots_sh_jacobi")
def roots_sh_jacobi(n: Any, p1: Any, q1: Any, mu: bool = False) -> Any:
    """For the weight (1 - x)^(p - q) x^(q - 1) from 0 to 1."""
    points, weights, total = roots_jacobi(n, p1 - q1, q1 - 1, True)
    scale = 2.0 ** doubled(p1)
    found = ((points + 1) / 2, weights / scale)
    return (*found, total / scale) if mu else found


def _no_object(name: str) -> None:
    @scipy_rule(f"scipy.special.{name}")
    def rule(*args: Any, **options: Any) -> Any:
        raise no_rule(
            f"scipy.special.{name}", "a polynomial as an object, of a recorded shape,",
            remedy=f"call scipy.special.eval_{name}(n, ..., x): it has derivatives in the shapes",
        )  # fmt: skip


for _name in ("jacobi", "genlaguerre", "gegenbauer", "sh_jacobi"):
    _no_object(_name)
