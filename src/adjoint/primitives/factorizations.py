"""QR, the pseudo-inverse, and least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.equal_values import (
    WHY,
    over,
)
from adjoint.primitives.infer import real_dtype
from adjoint.primitives.linalg import _adjoint, _eye, _symmetric, solve
from adjoint.primitives.singular_values import svd

# *** QR ***


def _qr_types(a: ArrayType, mode: str) -> tuple[ArrayType, ...]:
    m, n = a.shape[-2:]
    inner = m if mode == "complete" else min(m, n)
    lead = a.shape[:-2]
    return ArrayType((*lead, m, inner), a.dtype), ArrayType((*lead, inner, n), a.dtype)


def _qr_jvp(primals: Any, tangents: Any, outputs: Any, mode: str) -> Any:
    (a_dot,), (q, r) = tangents, outputs
    k = min(a_dot.shape[-2:])
    q1, r1 = q[..., :, :k], r[..., :k, :k]
    # x = a_dot r^-1, from the transposed system
    x = _adjoint(solve(_adjoint(r1), _adjoint(a_dot[..., :, :k])))
    inner = _adjoint(q1) @ x
    below = inner * np.tril(np.ones((k, k), real_dtype(a_dot.dtype)), -1)
    turn = below - _adjoint(below)
    if a_dot.dtype.kind == "c":
        turn = turn + 1j * np.imag(inner * _eye(k, a_dot.dtype))
    out_of_space = x - q1 @ inner
    q_dot = out_of_space + q1 @ turn
    r_dot = (inner - turn) @ r1
    if q.shape[-1] > k:
        rest = q[..., :, k:]
        q_dot = np.concatenate([q_dot, -q1 @ (_adjoint(out_of_space) @ rest)], axis=-1)
        r_dot = np.concatenate([r_dot, 0 * r[..., k:, :k]], axis=-2)
    if a_dot.shape[-1] > k:
        right = _adjoint(q) @ (a_dot[..., :, k:] - q_dot @ r[..., :, k:])
        r_dot = np.concatenate([r_dot, right], axis=-1)
    return q_dot, r_dot


qr = Primitive(
    "qr",
    "special",
    _qr_types,
    lambda a, mode: tuple(np.linalg.qr(a, mode=mode)),
    ("mode",),
    jvp=_qr_jvp,
    several=True,
    notes={"n_outputs": 2},
    reason=WHY,
    convention="the first min(m, n) columns must be independent",
)

# *** pseudo-inverse and least squares ***


def _pinv_jvp(primals: Any, tangents: Any, outputs: Any, rcond: Any, hermitian: bool) -> Any:
    (a,), (t,), (p,) = primals, tangents, outputs
    if hermitian:
        a, t = _symmetric(a, "L"), _symmetric(t, "L")
    th, ph = _adjoint(t), _adjoint(p)
    left = p @ (ph @ th)
    right = (th @ ph) @ p
    change = -p @ t @ p + (left - (left @ a) @ p) + (right - p @ (a @ right))
    return change if rcond <= TRUNCATING else change + _pinv_turn(a, t, rcond)


# A cutoff above this leaves out singular values that are more than rounding errors.
TRUNCATING = 1e-8


def _pinv_turn(a: Any, t: Any, rcond: float) -> Any:
    """What the singular directions that are left out add, for values that are not 0.

    With K kept and C cut, ``s_C**2 M + s_K s_C M^H`` over ``s_K**2 (s_K**2 - s_C**2)`` in the
    singular basis, where M is the change of the matrix; equal values never stand on two sides.
    """
    u, s, vh = svd(a, full=False)
    kept = s > rcond * np.max(s, axis=-1, keepdims=True)
    inner = _adjoint(u) @ t @ _adjoint(vh)
    row, column = s[..., None, :], s[..., :, None]
    apart = kept[..., None, :] != kept[..., :, None]
    more, less = np.maximum(row, column), np.minimum(row, column)
    bottom = more * more * (more - less) * (more + less)
    turn = over(less * less * inner + more * less * _adjoint(inner), bottom, apart)
    return _adjoint(u @ turn @ vh)


pinv: Primitive = Primitive(
    "pinv",
    "special",
    lambda a, rcond, hermitian: (ArrayType((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype),),
    lambda a, rcond, hermitian: np.linalg.pinv(a, rcond, hermitian=hermitian),
    ("rcond", "hermitian"),
    jvp=_pinv_jvp,
    reason="an implicit function: the four equations of Moore and Penrose",
    convention="the rank is taken to stay as it is",
)


def _lstsq_types(a: ArrayType, b: ArrayType, rcond: Any) -> tuple[ArrayType, ...]:
    m, n = a.shape
    return (
        ArrayType((n, b.shape[1]), b.dtype),
        ArrayType((b.shape[1],), real_dtype(b.dtype)),
        ArrayType((), np.dtype(np.int32)),
        ArrayType((min(m, n),), real_dtype(b.dtype)),
    )


def _lstsq(a: Any, b: Any, rcond: Any) -> Any:
    x, left, rank, s = np.linalg.lstsq(a, b, rcond)
    if left.size != b.shape[1]:  # NumPy gives none where the rank is not full
        rest = b - a @ x
        left = np.sum(np.real(rest * np.conjugate(rest)), axis=0)
    return x, left, np.int32(rank), s


def _lstsq_jvp(primals: Any, tangents: Any, outputs: Any, rcond: Any) -> Any:
    (a, b), (a_dot, b_dot), (x, *_) = primals, tangents, outputs
    if rcond is None:
        rcond = max(a.shape) * _eps(a)
    p = pinv(a, rcond=rcond if rcond >= 0 else _eps(a), hermitian=False)  # as LAPACK reads it
    rest = b - a @ x
    change = b_dot
    x_dot = left_dot = s_dot = None
    if a_dot is not None:
        change = -(a_dot @ x) if change is None else change - a_dot @ x
        ah_dot = _adjoint(a_dot)
        inner = ah_dot @ (_adjoint(p) @ x)
        x_dot = p @ (_adjoint(p) @ (ah_dot @ rest)) + (inner - p @ (a @ inner))
        u, _, vh = svd(a, full=False)
        s_dot = np.real(np.sum(np.conjugate(u) * (a_dot @ _adjoint(vh)), axis=-2))
    moved = p @ change
    x_dot = moved if x_dot is None else x_dot + moved
    left_dot = 2 * np.sum(np.real(np.conjugate(rest) * change), axis=0)
    return x_dot, left_dot, None, s_dot


def _eps(a: Any) -> float:
    return float(np.finfo(a.dtype).eps)


lstsq = Primitive(
    "lstsq",
    "special",
    _lstsq_types,
    _lstsq,
    ("rcond",),
    jvp=_lstsq_jvp,
    several=True,
    notes={"n_outputs": 4},
    reason="an implicit function: the normal equations",
    convention="the rank is taken to stay as it is",
)
