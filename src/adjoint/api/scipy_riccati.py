"""Riccati's algebraic equations: SciPy's solution, moved by the equation that it satisfies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.api.solutions import found, solution, start_type
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.scipy_gate import holds_traced


def _given(name: str, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> list[Any]:
    """The six matrices of the equation; SciPy's defaults are an identity and zeros."""
    e = np.eye(np.shape(a)[-1]) if e is None else e
    s = np.zeros(np.shape(b)) if s is None else s
    made = [np.atleast_2d(x if holds_traced([x]) else np.asarray(x)) for x in (a, b, q, r, e, s)]
    return [x if x.dtype.kind in "fc" else x * 1.0 for x in made]


def _solved(name: str, given: list[Any], residual: Callable[[Any], Any], **options: Any) -> Any:
    """SciPy's solution, a complex one as its two parts: the unknowns of an equation are real."""
    import scipy.linalg

    solve = getattr(scipy.linalg, name)
    if not any(x.dtype.kind == "c" for x in given):
        at = found([], start_type(given[0]), name, lambda *v: solve(*v, **options), *given)
        return solution(residual, at)

    def parts(x: Any) -> Any:
        return np.stack([np.real(x), np.imag(x)])

    # SciPy is given real parts and imaginary ones, for what it is given must be real too.
    halves = [parts(x + 0j) for x in given]
    at = found([], start_type(halves[0]), name,
               lambda *v: parts(solve(*(x[0] + 1j * x[1] for x in v), **options)),
               *halves)  # fmt: skip
    x = solution(lambda x: parts(residual(x[0] + 1j * x[1])), at)
    return x[0] + 1j * x[1]


def _turned(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, 0, 1))


@valued_rule("scipy.linalg.solve_continuous_are", a=2, b=2, q=2, r=2, e=2, s=2)
def solve_continuous_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """The stabilising X of ``E^H X A + A^H X E - (E^H X B + S) R^-1 (B^H X E + S^H) + Q = 0``."""
    given = _given("solve_continuous_are", a, b, q, r, e, s)
    a, b, q, r, e, s = given

    def residual(x: Any) -> Any:
        gain = np.linalg.solve(r, _turned(b) @ x @ e + _turned(s))
        return _turned(e) @ x @ a + _turned(a) @ x @ e - (_turned(e) @ x @ b + s) @ gain + q

    return _solved("solve_continuous_are", given, residual, balanced=balanced)


@valued_rule("scipy.linalg.solve_discrete_are", a=2, b=2, q=2, r=2, e=2, s=2)
def solve_discrete_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """The stabilising X of the equation in discrete time.

    ``A^H X A - E^H X E - (A^H X B + S) (R + B^H X B)^-1 (B^H X A + S^H) + Q = 0``.
    """
    given = _given("solve_discrete_are", a, b, q, r, e, s)
    a, b, q, r, e, s = given

    def residual(x: Any) -> Any:
        gain = np.linalg.solve(r + _turned(b) @ x @ b, _turned(b) @ x @ a + _turned(s))
        moved = _turned(a) @ x @ a - _turned(e) @ x @ e
        return moved - (_turned(a) @ x @ b + s) @ gain + q

    return _solved("solve_discrete_are", given, residual, balanced=balanced)
