"""scipy.linalg on stand-in arrays: reductions of a matrix whose steps are written out here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import when_unknown
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_linalg import adjoint, matrices, mirrored, refused
from adjoint.trace.calls.scipy_values import one_by_one, valued_rule
from adjoint.trace.scipy_gate import scipy_rule


def _reflection(x: Any) -> tuple[Any, Any]:
    """Householder's vector with first element 1, and its factor, as LAPACK takes them."""
    tail = np.sum(np.abs(x[1:]) ** 2)
    nothing = (tail == 0) & (np.imag(x[0]) == 0)
    length = np.sqrt(np.where(nothing, 1.0, np.abs(x[0]) ** 2 + tail))
    beta = np.where(np.real(x[0]) >= 0, -length, length)
    tau = np.where(nothing, 0.0, (beta - x[0]) / beta)
    scale = np.where(nothing, 1.0, x[0] - beta)
    rest = np.where(nothing, 0.0, x[1:] / scale)
    return np.concatenate([np.ones(1, x.dtype), rest]), tau


@valued_rule("scipy.linalg.hessenberg", a=2)
def hessenberg(
    a: Any, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """Zeros below the first subdiagonal, by reflections from both sides."""
    (h,) = matrices(a)
    n = h.shape[0]
    q = np.eye(n, dtype=h.dtype)
    for j in range(n - 1 if h.dtype.kind == "c" else n - 2):  # a complex one ends real
        v, tau = _reflection(h[j + 1 :, j])
        across = np.concatenate([np.zeros(j + 1, h.dtype), v])
        conj = np.conjugate(across)
        h = h - np.conjugate(tau) * across[:, None] * (conj @ h)[None, :]
        h = h - tau * (h @ across)[:, None] * conj[None, :]
        q = q - tau * (q @ across)[:, None] * conj[None, :]
    h = np.triu(h, -1)
    return (h, q) if calc_q else h


def _ldl(a: Any, lower: bool, hermitian: bool) -> Any:
    import scipy.linalg

    return scipy.linalg.ldl(a, lower, hermitian)


@valued_rule("scipy.linalg.ldl", A=2)
def ldl(
    A: Any, lower: bool = True, hermitian: bool = True, overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """``A = L D L^H`` with the order and blocks that SciPy finds, met by two of Newton's steps."""
    (a,) = matrices(A)
    flip = adjoint if hermitian else np.transpose
    n = a.shape[0]
    kind = ArrayType(a.shape, a.dtype)
    order_type = ArrayType((n,), np.dtype(np.int64))
    settings = bool(lower), bool(hermitian)
    outer, middle, order = from_values(_ldl, (kind, kind, order_type), [a], *settings)
    kept = np.eye(n, dtype=bool) | (middle != 0)
    half = np.tril if lower else np.triu
    beside = half(np.ones((n, n), dtype=bool)) & ~kept
    whole = mirrored(a, lower, hermitian)
    whole, factor = whole[order][:, order], outer[order]
    for _ in range(2):  # right to the third order
        seen = np.linalg.solve(factor, flip(np.linalg.solve(factor, flip(whole))))
        blocks = np.where(kept, seen, 0)
        step = np.transpose(
            np.linalg.solve(np.transpose(blocks), np.transpose(np.where(beside, seen, 0)))
        )
        factor = factor + factor @ step
    seen = np.linalg.solve(factor, flip(np.linalg.solve(factor, flip(whole))))
    return factor[np.argsort(order)], np.where(kept, seen, 0), order


def _balance(a: Any, permute: bool, scale: bool) -> Any:
    import scipy.linalg

    _, turn = scipy.linalg.matrix_balance(a, permute, scale)
    return turn, *scipy.linalg.matrix_balance(a, permute, scale, separate=True)[1]


@valued_rule("scipy.linalg.matrix_balance", A=2)
def matrix_balance(
    A: Any, permute: bool = True, scale: bool = True, separate: bool = False,
    overwrite_a: bool = False,
) -> Any:  # fmt: skip
    """A similar matrix: the scales are powers of two and an order, which stay."""
    (a,) = matrices(A)
    types = (
        ArrayType(a.shape, np.dtype(np.float64)), ArrayType(a.shape[:1], np.dtype(np.float64)),
        ArrayType(a.shape[:1], np.dtype(np.int64)),
    )  # fmt: skip
    turn, scales, order = from_values(_balance, types, [a], bool(permute), bool(scale))
    own = turn.astype(a.dtype)
    balanced = np.linalg.solve(own, a @ own)
    return balanced, (scales, order) if separate else turn


@scipy_rule("scipy.linalg.funm")
@one_by_one(A=2)
def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:
    """A function of a matrix by its eigenvalues, which must have as many vectors."""
    (a,) = matrices(A)
    w, v = np.linalg.eig(a)
    made = np.swapaxes(np.linalg.solve(np.swapaxes(v, 0, 1), np.swapaxes(v * func(w), 0, 1)), 0, 1)
    made = np.real(made) if a.dtype.kind != "c" else made
    return made if disp else (made, 0.0)


# *** spaces, where their dimension is not known ***


def _full_rank(s: Any, shape: tuple[int, int], rcond: Any) -> Any:
    """1, once it is seen that no singular value counts as 0."""
    least = np.finfo(s.dtype).eps * max(shape) if rcond is None else rcond
    enough = np.all(stop_gradient(s) > least * np.max(stop_gradient(s)))
    return np.where(enough, 1.0, np.nan).astype(s.dtype)


@when_unknown("scipy.linalg.orth")
@one_by_one(A=2)
def orth(A: Any, rcond: Any = None) -> Any:
    """A basis of the range of a matrix of full rank; NaN of another."""
    (a,) = matrices(A)
    u, s, _ = np.linalg.svd(a, full_matrices=False)
    return u * _full_rank(s, a.shape, rcond)


@when_unknown("scipy.linalg.null_space")
@one_by_one(A=2)
def null_space(
    A: Any, rcond: Any = None, *, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """A basis of the kernel of a matrix of full rank; NaN of another."""
    (a,) = matrices(A)
    if a.shape[0] >= a.shape[1]:  # of full rank it has no kernel, and NaN could not be seen
        raise refused("null_space", "a matrix that is not wide, where its rank is not known,")
    _, s, vh = np.linalg.svd(a, full_matrices=True)
    return adjoint(vh[min(a.shape) :]) * _full_rank(s, a.shape, rcond)


@when_unknown("scipy.linalg.subspace_angles")
@one_by_one(A=2, B=2)
def subspace_angles(A: Any, B: Any) -> Any:
    """The angles between two ranges: by cosines where they are large, by sines elsewhere."""
    one, other = orth(A), orth(B)
    across = adjoint(one) @ other
    cosines = np.linalg.svd(across, compute_uv=False)
    if one.shape[1] >= other.shape[1]:
        rest = other - one @ across
    else:
        rest = one - other @ adjoint(across)
    sines = np.clip(np.linalg.svd(rest, compute_uv=False), -1.0, 1.0)
    small = cosines**2 >= 0.5
    angles = np.where(
        small, np.arcsin(np.where(small, np.flip(sines), 0.0)),
        np.arccos(np.clip(np.where(small, 0.5, cosines), -1.0, 1.0)),
    )  # fmt: skip
    return np.flip(angles)
