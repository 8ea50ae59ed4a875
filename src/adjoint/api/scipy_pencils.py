"""Pairs of unitary factors: Schur's form of two matrices at once, cosines and sines.

SciPy finds unitary L and R, with which ``L^H M R`` has zeros at known places, when the program
runs. A step from there solves for the small turns of L and R that bring the zeros back: linear
equations, whose pseudo-inverse is found with the factors and is held. So each step gains one order
of derivative, and turns that no equation determines (phases, equal values) are the least ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from adjoint.api.scipy_schur import turned_by
from adjoint.graph.types import ArrayType
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_linalg import adjoint, matrices, refused
from adjoint.trace.calls.scipy_values import one_by_one, valued_rule
from adjoint.trace.calls.support import moved_as

_STEPS = 3


class _Found(NamedTuple):
    """What holds for SciPy's factors, on plain arrays.

    Args:
        left: the factor on the left, and ``right`` the other.
        middles: what stands between them, once for each matrix.
        zeros: where real, then imaginary parts of the middles vanish.
    """

    left: Any
    right: Any
    middles: Sequence[Any]
    zeros: Any


def _generators(blocks: Sequence[int], is_complex: bool) -> Any:
    """Antihermitian matrices that span those with these diagonal blocks."""
    n, made = sum(blocks), []
    starts = np.concatenate([[0], np.cumsum(blocks)]).astype(int)
    for first, stop in pairwise(starts):
        for i in range(first, stop):
            for j in range(first, i + 1):
                one = np.zeros((n, n), complex)
                one[i, j], one[j, i] = 1, -1
                made += [one] if i > j else []
                made += [1j * np.abs(one)] if is_complex else []
    return np.array(made, complex).reshape(len(made), n, n)


def _parts(m: Any) -> Any:
    """Matrices along the axis before the last two, as rows of real and imaginary parts."""
    flat = np.reshape(m, (*m.shape[:-3], math.prod(m.shape[-3:])))
    return np.concatenate([np.real(flat), np.imag(flat)], axis=-1)


def _weights(found: _Found, lefts: Any, rights: Any) -> Any:
    """From what is not zero in the middles to the turns that make it so."""
    middles = np.stack(found.middles)
    moved = [-lefts[:, None] @ middles, middles @ rights[:, None]]
    equations = np.where(found.zeros, _parts(np.concatenate(moved)), 0)
    return -np.linalg.pinv(equations.T, rcond=1e-12)


def _facts(*given: Any) -> Any:
    *arrays, find, blocks = given
    found = find(*arrays)
    is_complex = arrays[0].dtype.kind == "c" or np.iscomplexobj(found.left)
    lefts, rights = (_generators(own, is_complex) for own in blocks)
    return [found.left, found.right, *found.middles, _weights(found, lefts, rights)]


def _unitary(
    given: list[Any], find: Callable[..., _Found], blocks: Any, dtype: Any
) -> tuple[list[Any], list[Any]]:
    """SciPy's left and right factors and what stands between, with their derivatives.

    Args:
        given: the square matrices, of one size.
        find: of them as plain arrays; equal for equal settings.
        blocks: sizes of diagonal blocks of the factors.
        dtype: of the factors.

    Returns:
        The factors, and the middles.
    """
    n, wide = given[0].shape[0], np.result_type(dtype, np.float64)
    lefts, rights = (_generators(own, wide.kind == "c") for own in blocks)
    if wide.kind != "c":
        lefts, rights = np.real(lefts), np.real(rights)
    kind = ArrayType((n, n), wide)
    linear = ArrayType((len(lefts) + len(rights), 2 * len(given) * n * n), np.dtype(float))
    types = (*[kind] * (2 + len(given)), linear)
    *start, weights = from_values(_facts, types, given, find, blocks)
    wider = [a.astype(wide) for a in given]
    left, right = start[:2]

    def middles() -> Any:
        return np.stack([adjoint(left) @ a @ right for a in wider])

    for _ in range(_STEPS):
        turns = weights @ _parts(middles())
        left = turned_by(left, np.tensordot(turns[: len(lefts)], lefts, 1))
        right = turned_by(right, np.tensordot(turns[len(lefts) :], rights, 1))
    made = [left, right, *middles()]
    made = [moved_as(x, y).astype(dtype) for x, y in zip(start, made, strict=True)]
    return made[:2], made[2:]


@dataclass(frozen=True)
class _Pencil:
    """How SciPy brings a pair to triangular form: ``qz``, or ``ordqz`` with an order."""

    output: str
    sort: Any = None

    def factors(self, a: Any, b: Any) -> Any:
        """Both forms, what stands for eigenvalues, and the factors."""
        import scipy.linalg

        if self.sort is None:
            s, t, q, z = scipy.linalg.qz(a, b, output=self.output)
            return s, t, None, None, q, z
        return scipy.linalg.ordqz(a, b, sort=self.sort, output=self.output)

    def __call__(self, a: Any, b: Any) -> _Found:
        s, t, _, _, q, z = self.factors(a, b)
        n = len(s)
        below = np.tril(np.ones((n, n), bool), -1)
        pairs = (s != 0) & below
        # Both triangles of the second matrix vanish in blocks; its diagonal has no phase.
        zeros = np.stack([below & ~pairs, below | pairs.T])
        phases = np.stack([below, below | np.eye(n, dtype=bool)])
        is_complex = np.iscomplexobj(q)
        return _Found(q, z, (s, t), np.concatenate([zeros.ravel(), (phases & is_complex).ravel()]))


def _pencil(A: Any, B: Any, output: str, sort: Any = None) -> tuple[Any, Any, Any, Any]:
    a, b = matrices(A, B)
    is_complex = output in ("complex", "c") or a.dtype.kind == "c"
    dtype = np.result_type(a.dtype, np.complex64) if is_complex else a.dtype
    blocks = ((a.shape[0],), (a.shape[0],))
    (q, z), (s, t) = _unitary([a, b], _Pencil(output, sort), blocks, dtype)
    return s, t, q, z


@valued_rule("scipy.linalg.qz", A=2, B=2)
def qz(
    A: Any, B: Any, output: str = "real", lwork: Any = None, sort: Any = None,
    overwrite_a: bool = False, overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """``A = Q S Z^H`` and ``B = Q T Z^H``, both triangular; S may have blocks of two rows."""
    if sort is not None:
        raise refused("qz", "sort", "ordqz")
    return _pencil(A, B, output)


def _quotients(a: Any, b: Any, how: _Pencil) -> Any:
    """What stands for eigenvalues, and where it belongs to blocks of two rows."""
    s, _, alpha, beta, _, _ = how.factors(a, b)
    paired = np.diagonal(s, -1) != 0
    inside = np.concatenate([paired, [False]]) | np.concatenate([[False], paired])
    return alpha, beta, inside[: len(s)]


@valued_rule("scipy.linalg.ordqz", A=2, B=2)
def ordqz(
    A: Any, B: Any, sort: Any = "lhp", output: str = "real", overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """As ``qz``, with eigenvalues ``alpha / beta`` in an order; only quotients are determined."""
    s, t, q, z = _pencil(A, B, output, sort)
    n, wide = s.shape[0], np.result_type(s.dtype, np.complex64)
    kinds = (ArrayType((n,), wide), ArrayType((n,), s.dtype), ArrayType((n,), np.dtype(bool)))
    how = _Pencil(output, sort)
    alpha, beta, inside = from_values(_quotients, kinds, matrices(A, B), how)
    top, bottom = np.diagonal(s).astype(wide), np.diagonal(t)
    if s.dtype.kind != "c":
        top = np.where(inside, _of_blocks(s, t, inside) * beta, top)
        bottom = np.where(inside, beta, bottom)
    return s, t, moved_as(alpha, top), moved_as(beta, bottom), q, z


def _of_blocks(s: Any, t: Any, inside: Any) -> Any:
    """Eigenvalues of blocks of two rows, the one with positive imaginary part first."""
    n = s.shape[0]
    low = np.concatenate([np.diagonal(s, -1), np.zeros(1, s.dtype)])
    other = np.where(low != 0, np.minimum(np.arange(n) + 1, n - 1), np.maximum(np.arange(n) - 1, 0))
    own = np.arange(n)
    m = s / np.where(inside, np.diagonal(t), 1)[None, :]
    half = 0.5 * (m[own, own] + m[other, other])
    square = half**2 - (m[own, own] * m[other, other] - m[own, other] * m[other, own])
    size = np.sqrt(np.where(inside, -square, 1))
    return half + 1j * np.where(low != 0, size, -size)


@dataclass(frozen=True)
class _Angles:
    """How SciPy splits a unitary matrix, as cosines and sines."""

    p: int
    q: int
    swap_sign: bool

    def __call__(self, x: Any) -> _Found:
        import scipy.linalg

        u, cs, vh = scipy.linalg.cossin(x, self.p, self.q, swap_sign=self.swap_sign)
        nothing = (cs == 0).ravel()
        phases = np.ones_like(nothing) & np.iscomplexobj(u)
        return _Found(u, vh.conj().T, (cs,), np.concatenate([nothing, phases]))


@valued_rule("scipy.linalg.cossin")
def cossin(
    X: Any, p: Any = None, q: Any = None, separate: bool = False, swap_sign: bool = False,
    compute_u: bool = True, compute_vh: bool = True,
) -> Any:  # fmt: skip
    """``X = U D V^H``, with blocks in U and V, and cosines and sines in D."""
    if not (p or q):
        corner = [np.atleast_2d(x) for x in X]
        p, q = corner[0].shape[-2:]
        X = np.concatenate([np.concatenate(corner[:2], -1), np.concatenate(corner[2:], -1)], -2)
    p, q = (1 if k is None else int(k) for k in (p, q))
    return _cossin(matrices(X)[0], p, q, separate, swap_sign, compute_u, compute_vh)


@one_by_one(x=2)
def _cossin(
    x: Any, p: int, q: int, separate: bool, swap_sign: bool, compute_u: bool, compute_vh: bool
) -> Any:
    m = x.shape[0]
    blocks = ((p, m - p), (q, m - q))
    (u, v), (cs,) = _unitary([x], _Angles(p, q, bool(swap_sign)), blocks, x.dtype)
    cs, vh = np.real(cs), adjoint(v)
    if separate:
        parts = []
        for factor, size, wanted in ((u, p, compute_u), (vh, q, compute_vh)):
            halves = factor[:size, :size], factor[size:, size:]
            parts.append(halves if wanted else (np.array([[]]),) * 2)
        r = min(p, q, m - p, m - q)
        at = np.arange(r) + min(p, q) - r
        below = np.arange(r) + p + min(m - p, m - q) - r
        sine = cs[below, at]
        return parts[0], np.arctan2(-sine if swap_sign else sine, cs[at, at]), parts[1]
    return u if compute_u else np.array([]), cs, vh if compute_vh else np.array([])
