"""Riccati's algebraic equations: SciPy's solution, moved by the equation that it satisfies."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api.solutions import found, solution, start_type
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule


def _given(name: str, e: Any, s: Any, *operands: Any) -> list[Any]:
    made = [x if holds_traced([x]) else np.asarray(x, float) for x in operands]
    if e is not None or s is not None or any(x.dtype.kind == "c" or x.ndim != 2 for x in made):
        raise no_rule(f"scipy.linalg.{name}", "e=, s=, a complex or a batched matrix",
                      "real a, b, q and r of two axes")  # fmt: skip
    return made


@scipy_rule("scipy.linalg.solve_continuous_are")
def solve_continuous_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """The stabilising X of ``X A + A^T X - X B R^-1 B^T X + Q = 0``."""
    import scipy.linalg

    a, b, q, r = _given("solve_continuous_are", e, s, a, b, q, r)
    turned = np.swapaxes(a, 0, 1)
    inner = b @ np.linalg.solve(r, np.swapaxes(b, 0, 1))
    x = found([], start_type(a), "solve_continuous_are", scipy.linalg.solve_continuous_are,
              a, b, q, r)  # fmt: skip
    return solution(lambda x: x @ a + turned @ x - x @ inner @ x + q, x)


@scipy_rule("scipy.linalg.solve_discrete_are")
def solve_discrete_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """The stabilising X of ``A^T X A - X - A^T X B (R + B^T X B)^-1 B^T X A + Q = 0``."""
    import scipy.linalg

    a, b, q, r = _given("solve_discrete_are", e, s, a, b, q, r)
    turned, across = np.swapaxes(a, 0, 1), np.swapaxes(b, 0, 1)

    def residual(x: Any) -> Any:
        gain = np.linalg.solve(r + across @ x @ b, across @ x @ a)
        return turned @ x @ a - x - turned @ x @ b @ gain + q

    x = found([], start_type(a), "solve_discrete_are", scipy.linalg.solve_discrete_are, a, b, q, r)
    return solution(residual, x)
