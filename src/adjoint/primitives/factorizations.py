"""Factorisations: QR, eigenvalues, singular values, and the least squares that rest on them.

The factors of a perturbed matrix turn: ``dU = U K`` with K antihermitian, and K holds
differences of eigenvalues (or squares of singular values) in its denominators. Where two of
them are equal the factors are not determined by the matrix; K is 0 there, so functions that
do not depend on the choice have finite derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import real_dtype
from adjoint.primitives.linalg import _adjoint, _eye, _square, _symmetric, solve

_WHY = "an implicit function of the matrix, with a factor that may be chosen"
_EQUAL = "equal values: the factors' rotation within their space counts as 0"


def _diagonal(a: Any) -> Any:
    return np.einsum("...ii->...i", a)


def _gaps(values: Any) -> tuple[Any, Any]:
    """``values[j] - values[i]``, and where that is more than rounding."""
    gap = values[..., None, :] - values[..., :, None]
    eps = 8 * np.finfo(values.dtype).eps
    size = np.abs(values)
    scale = size[..., None, :] + size[..., :, None]
    return gap, np.abs(gap) > eps * scale


def _over(x: Any, denominator: Any, use: Any) -> Any:
    return np.where(use, x, 0) / np.where(use, denominator, 1)


# *** symmetric and hermitian eigenvalues ***


def _eigh_jvp(primals: Any, tangents: Any, outputs: Any, uplo: str) -> Any:
    (a_dot,), (w, v) = tangents, outputs
    inner = _adjoint(v) @ _symmetric(a_dot, uplo) @ v
    gap, apart = _gaps(w)
    return np.real(_diagonal(inner)), v @ _over(inner, gap, apart)


def _eigvalsh_jvp(primals: Any, tangents: Any, outputs: Any, uplo: str) -> Any:
    (a,), (a_dot,) = primals, tangents
    _, v = eigh(a, uplo=uplo)
    return np.real(np.sum(np.conjugate(v) * (_symmetric(a_dot, uplo) @ v), axis=-2))


def _values_type(a: ArrayType) -> ArrayType:
    return ArrayType(_square(a).shape[:-1], real_dtype(a.dtype))


eigh: Primitive = Primitive(
    "eigh",
    "special",
    lambda a, uplo: (_values_type(a), a),
    lambda a, uplo: tuple(np.linalg.eigh(a, UPLO=uplo)),
    ("uplo",),
    jvp=_eigh_jvp,
    several=True,
    notes={"n_outputs": 2},
    reason=_WHY,
    convention=_EQUAL,
)
eigvalsh = Primitive(
    "eigvalsh",
    "special",
    lambda a, uplo: (_values_type(a),),
    lambda a, uplo: np.linalg.eigvalsh(a, UPLO=uplo),
    ("uplo",),
    jvp=_eigvalsh_jvp,
    reason="an implicit function of the matrix",
)

# *** general eigenvalues ***


def _complex_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(dtype, np.complex64)


def _eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    kind = _complex_dtype(a.dtype)
    return w.astype(kind), v.astype(kind)


def _eig_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a_dot,), (w, v) = tangents, outputs
    inner = solve(v, a_dot.astype(v.dtype) @ v)
    gap = w[..., None, :] - w[..., :, None]
    size = np.abs(w)
    apart = np.abs(gap) > 8 * np.finfo(size.dtype).eps * (size[..., None, :] + size[..., :, None])
    moved = v @ _over(inner, gap, apart)
    # Columns have length 1, and their largest element is real: LAPACK's choice.
    along = np.sum(np.conjugate(v) * moved, axis=-2, keepdims=True)
    moved = moved - v * np.real(along)
    at = np.argmax(np.abs(v), axis=-2)[..., None, :]
    turn = np.take_along_axis(moved, at, -2) / np.take_along_axis(v, at, -2)
    return _diagonal(inner), moved - v * (1j * np.imag(turn))


def _eigvals_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a,), (a_dot,), (values,) = primals, tangents, outputs
    w, v = eig(a)
    inner = _diagonal(solve(v, a_dot.astype(v.dtype) @ v))
    # The same values in two orders: each is matched with its nearest.
    near = np.argmin(np.abs(values[..., :, None] - w[..., None, :]), axis=-1)
    return np.take_along_axis(inner, near, -1)


eig: Primitive = Primitive(
    "eig",
    "special",
    lambda a: (
        ArrayType(_square(a).shape[:-1], _complex_dtype(a.dtype)),
        ArrayType(a.shape, _complex_dtype(a.dtype)),
    ),
    _eig,
    jvp=_eig_jvp,
    several=True,
    notes={"n_outputs": 2},
    reason=_WHY,
    convention=_EQUAL,
    doc="complex in any case",
)
eigvals = Primitive(
    "eigvals",
    "special",
    lambda a: (ArrayType(_square(a).shape[:-1], _complex_dtype(a.dtype)),),
    lambda a: np.linalg.eigvals(a).astype(_complex_dtype(a.dtype)),
    jvp=_eigvals_jvp,
    reason="an implicit function of the matrix",
)

# *** singular values ***


def _svd_types(a: ArrayType, full: bool) -> tuple[ArrayType, ...]:
    m, n = a.shape[-2:]
    k, lead = min(m, n), a.shape[:-2]
    return (
        ArrayType((*lead, m, m if full else k), a.dtype),
        ArrayType((*lead, k), real_dtype(a.dtype)),
        ArrayType((*lead, n if full else k, n), a.dtype),
    )


def _reduced_svd_jvp(a_dot: Any, u: Any, s: Any, vh: Any) -> tuple[Any, Any, Any]:
    """Turns K of u and L of v within the first k columns, and the change of s."""
    inner = _adjoint(u) @ a_dot @ _adjoint(vh)
    back = _adjoint(inner)
    row, column = s[..., None, :], s[..., :, None]
    gap, apart = _gaps(s)
    # (s_j - s_i)(s_j + s_i): the difference of the squares without their rounding.
    bottom = gap * (row + column)
    apart = apart & (row + column > 0)
    k = _over(row * inner + column * back, bottom, apart)
    turn = _over(column * inner + row * back, bottom, apart)
    if a_dot.dtype.kind == "c":
        # The phases of a pair of singular vectors: v keeps its own, u takes the change.
        phase = 1j * np.imag(_diagonal(inner))
        phase = _over(phase, s, s > 0)
        k = k + phase[..., None, :] * _eye(s.shape[-1], s.dtype)
    return k, turn, np.real(_diagonal(inner))


def _svd_jvp(primals: Any, tangents: Any, outputs: Any, full: bool) -> Any:
    (a_dot,), (u, s, vh) = tangents, outputs
    k = s.shape[-1]
    u1, v1h = u[..., :, :k], vh[..., :k, :]
    turn_u, turn_v, s_dot = _reduced_svd_jvp(a_dot, u1, s, v1h)
    v1 = _adjoint(v1h)
    positive = s > 0
    scale = np.where(positive, 1, 0) / np.where(positive, s, 1)
    u_dot = u1 @ turn_u
    v_dot = v1 @ turn_v
    m, n = a_dot.shape[-2:]
    if m > k:
        out_of_space = (a_dot @ v1) * scale[..., None, :]
        out_of_space = out_of_space - u1 @ (_adjoint(u1) @ out_of_space)
        u_dot = u_dot + out_of_space
        if full:
            rest = u[..., :, k:]
            u_dot = np.concatenate([u_dot, -u1 @ (_adjoint(out_of_space) @ rest)], axis=-1)
    if n > k:
        out_of_space = (_adjoint(a_dot) @ u1) * scale[..., None, :]
        out_of_space = out_of_space - v1 @ (v1h @ out_of_space)
        v_dot = v_dot + out_of_space
        if full:
            rest = _adjoint(vh[..., k:, :])
            v_dot = np.concatenate([v_dot, -v1 @ (_adjoint(out_of_space) @ rest)], axis=-1)
    return u_dot, s_dot, _adjoint(v_dot)


def _svdvals_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a,), (a_dot,) = primals, tangents
    u, _, vh = svd(a, full=False)
    return np.real(np.sum(np.conjugate(u) * (a_dot @ _adjoint(vh)), axis=-2))


svd: Primitive = Primitive(
    "svd",
    "special",
    _svd_types,
    lambda a, full: tuple(np.linalg.svd(a, full_matrices=full)),
    ("full",),
    jvp=_svd_jvp,
    several=True,
    notes={"n_outputs": 3},
    reason=_WHY,
    convention=_EQUAL + "; so does the rotation among the columns that full matrices add",
)
svdvals = Primitive(
    "svdvals",
    "special",
    lambda a: (_svd_types(a, False)[1],),
    lambda a: np.linalg.svd(a, compute_uv=False),
    jvp=_svdvals_jvp,
    reason="an implicit function of the matrix",
)

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
    reason=_WHY,
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
    turn = _over(less * less * inner + more * less * _adjoint(inner), bottom, apart)
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
