"""Schur's form of a matrix: SciPy's factors, turned by the equation that they satisfy.

SciPy finds ``A = Z T Z^H`` when the program runs. Each step from there looks for the turn of Z
that takes away what stands below the blocks of T. With ``T = V diag(w) V^-1``, V as triangular as
T, that is a division by differences of eigenvalues. V is held, so a step gains one order of
derivative: after three of them the third order is right, and only last digits have changed.
Where eigenvalues are equal the factors are not determined: their turn counts as 0, and T moves
below its blocks, so that ``Z f(T) Z^H`` has its derivative. Where they have too few vectors there
is none, and it is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.api.custom import custom_jvp
from adjoint.api.solutions import found
from adjoint.graph.types import ArrayType
from adjoint.trace.calls.scipy_linalg import adjoint, matrices, refused
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import moved_as


def _blocks(t: Any) -> Any:
    """Which elements lie in a diagonal block: two rows of a real form may hold a pair."""
    inside = np.eye(t.shape[0], dtype=bool)
    pairs = np.flatnonzero(np.diagonal(t, -1))
    inside[pairs, pairs + 1] = inside[pairs + 1, pairs] = True
    return inside


def _vectors(t: Any, inside: Any) -> tuple[Any, Any]:
    """Eigenvalues in their order along the diagonal, and vectors as triangular as t."""
    n = t.shape[0]
    w, v = np.zeros(n, complex), np.zeros((n, n), complex)
    start = 0
    while start < n:
        stop = start + 2 if start + 1 < n and inside[start + 1, start] else start + 1
        own = slice(start, stop)
        w[own], v[own, own] = np.linalg.eig(t[own, own])
        for j in range(start, stop):
            above = t[:start, :start] - w[j] * np.eye(start)
            v[:start, j] = np.linalg.lstsq(above, -t[:start, own] @ v[own, j], rcond=None)[0]
        start = stop
    return w, v


def _weights(w: Any, inside: Any) -> Any:
    """One over the differences of eigenvalues, below the blocks."""
    gap = w[None, :] - w[:, None]
    size = np.abs(w)
    apart = np.abs(gap) > 8 * np.finfo(float).eps * (size[None, :] + size[:, None])
    kept = apart & ~inside & np.tril(np.ones(gap.shape, bool))
    return np.where(kept, 1 / np.where(kept, gap, 1), 0)


def _facts(t: Any, z: Any) -> Any:
    """What the steps need, as one real array."""
    inside = _blocks(t)
    w, v = _vectors(t, inside)
    size = np.max(np.abs(t), initial=0) * np.max(np.abs(v), initial=0)
    missing = np.abs(t @ v - v * w) > 1e-9 * size
    slope = np.where(np.any(missing), np.nan, 1.0)
    parts = [t, z, v, np.linalg.inv(v), _weights(w, inside), inside, slope * np.ones(t.shape)]
    return np.stack([f(part) for part in parts for f in (np.real, np.imag)])


@custom_jvp
def _sloped(x: Any, slope: Any) -> Any:
    return x


@_sloped.defjvp
def _sloped_rule(primals: Any, tangents: Any) -> Any:
    (x, slope), (x_dot, _) = primals, tangents
    return _sloped(x, slope), x_dot * slope


def turned_by(z: Any, turn: Any) -> Any:
    """Z times an orthogonal matrix that is 1 + turn to the first order (Cayley's)."""
    half, one = 0.5 * turn, np.eye(z.shape[0])
    return z @ np.linalg.solve(one - half, one + half)


def _within(m: Any, t: Any, inside: Any) -> Any:
    """The turn inside real blocks, after which their diagonal elements are equal."""
    n = m.shape[0]
    rows, next_ones = np.arange(n - 1), np.arange(1, n)
    spread = 2 * (t[rows, next_ones] + t[next_ones, rows])
    use = (inside[next_ones, rows] > 0) & (spread != 0)
    gap = m[rows, rows] - m[next_ones, next_ones]
    angle = np.where(use, gap, 0) / np.where(use, spread, 1)
    above = np.concatenate([angle, np.zeros(1)])[:, None] * np.eye(n, k=1)
    return above - above.T


def _step(m: Any, t: Any, v: Any, back: Any, weights: Any, inside: Any) -> Any:
    """The turn that takes away what stands below the blocks of ``m = Z^H A Z``."""
    below = np.tril(np.ones(inside.shape)) * (1 - inside)
    lower = (v @ ((back @ (m * below) @ v) * weights) @ back) * below
    if m.dtype.kind == "c":
        return lower - adjoint(lower)
    turn = np.real(lower) - adjoint(np.real(lower))
    return turn + _within(m + m @ turn - turn @ m, t, inside)


@valued_rule("scipy.linalg.schur", a=2)
def schur(
    a: Any, output: str = "real", lwork: Any = None, overwrite_a: bool = False, sort: Any = None,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """``A = Z T Z^H`` with a triangular T; a real one may have blocks of two rows."""
    import scipy.linalg

    (a,) = matrices(a)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise refused("schur", "anything but one square matrix")
    n, kind = a.shape[0], a.dtype

    def solve(real: Any, imag: Any) -> Any:
        plain = (real + 1j * imag if kind.kind == "c" else real).astype(kind)
        t, z, *count = scipy.linalg.schur(plain, output, sort=sort)
        wide = np.result_type(t, np.float64)
        counted = np.full((1, n, n), count[0] if count else 0)
        return np.concatenate([_facts(t.astype(wide), z.astype(wide)), counted])

    facts = found([], ArrayType((15, n, n), np.dtype(np.float64)), "schur", solve,
                  np.real(a), np.imag(a))  # fmt: skip
    if output in ("complex", "c"):
        kind = np.result_type(kind, np.complex64)
    own = np.result_type(kind, np.float64)
    v, back, weights = (facts[k] + 1j * facts[k + 1] for k in (4, 6, 8))
    t, z = (facts[k] + 1j * facts[k + 1] if own.kind == "c" else facts[k] for k in (0, 2))
    inside, slope = facts[10], facts[12]
    a, turned = _sloped(a.astype(own), slope), z
    for _ in range(3):
        turned = turned_by(turned, _step(adjoint(turned) @ a @ turned, t, v, back, weights, inside))
    moved = adjoint(turned) @ a @ turned
    made = [moved_as(x, y).astype(kind) for x, y in ((t, moved), (z, turned))]
    return (*made, facts[14, 0, 0].astype(np.int64)) if sort is not None else tuple(made)
