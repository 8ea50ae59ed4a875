"""Linear algebra: matrices in the last two axes, batches in front, as numpy.linalg does."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import real_dtype


def _square(a: ArrayType) -> ArrayType:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"not a square matrix: {a}")
    return a


def _transposed(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _adjoint(a: Any) -> Any:
    return np.conjugate(_transposed(a)) if a.dtype.kind == "c" else _transposed(a)


def _solve_type(a: ArrayType, b: ArrayType) -> tuple[ArrayType]:
    _square(a)
    if b.shape[:-2] != a.shape[:-2] or b.shape[-2] != a.shape[-1] or a.dtype != b.dtype:
        raise ValueError(f"solve({a}, {b})")
    return (b,)


def _solve_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a, _), (a_dot, b_dot), (x,) = primals, tangents, outputs
    right = b_dot
    if a_dot is not None:
        right = -(a_dot @ x) if right is None else right - a_dot @ x
    return solve(a, right)


solve: Primitive = Primitive(
    "solve",
    "special",
    _solve_type,
    np.linalg.solve,
    linear_in=(1,),
    transpose=lambda x_bar, operands, which: solve(_transposed(operands[0]), x_bar),
    jvp=_solve_jvp,
    reason="linear in the right-hand side only; in the matrix it is an implicit function",
    doc="x with a x = b, b a matrix [..., n, k]",
)
inv = Primitive(
    "inv",
    "special",
    lambda a: (_square(a),),
    np.linalg.inv,
    jvp=lambda primals, tangents, outputs: -(outputs[0] @ tangents[0] @ outputs[0]),
    reason="an implicit function: a x = 1",
)


def _eye(n: int, dtype: Any) -> Any:
    return np.eye(n, dtype=real_dtype(dtype))


def _symmetric(a_dot: Any, uplo: str) -> Any:
    """What a change of the triangle that is read means for the whole matrix."""
    n = a_dot.shape[-1]
    read = np.tril(np.ones((n, n), real_dtype(a_dot.dtype)))
    if uplo == "U":
        read = read.T
    strict = read - _eye(n, a_dot.dtype)
    one = a_dot * strict
    diagonal = np.real(a_dot * _eye(n, a_dot.dtype))
    return one + _adjoint(one) + diagonal


def _cholesky_jvp(primals: Any, tangents: Any, outputs: Any, upper: bool) -> Any:
    """L_dot = L half(L^-1 A_dot L^-H), half() taking the lower part and half the diagonal."""
    (lower,), (a_dot,) = outputs, tangents
    if upper:
        lower, a_dot = _adjoint(lower), _adjoint(a_dot)
    inner = solve(lower, _adjoint(solve(lower, _symmetric(a_dot, "L"))))
    n = lower.shape[-1]
    half = np.tril(np.ones((n, n), real_dtype(lower.dtype))) - 0.5 * _eye(n, lower.dtype)
    result = lower @ (_adjoint(inner) * half)
    return _adjoint(result) if upper else result


def _cholesky(a: Any, upper: bool) -> Any:
    # The keyword came with NumPy 2.0; scipy-free and the same LAPACK call.
    return np.linalg.cholesky(a, upper=upper) if upper else np.linalg.cholesky(a)


cholesky = Primitive(
    "cholesky",
    "special",
    lambda a, upper: (_square(a),),
    _cholesky,
    ("upper",),
    jvp=_cholesky_jvp,
    reason="an implicit function: L L^H = a",
    convention="only the triangle that is read has a derivative",
)


def _small_cofactor(a: Any) -> Any:
    """Of two or three rows: their minors, written out. Also its derivatives are exact."""
    if a.shape[-1] == 2:
        return a[..., ::-1, ::-1] * np.array([[1, -1], [-1, 1]], a.dtype)
    below, above = np.roll(a, -1, -2), np.roll(a, 1, -2)
    return np.roll(below, -1, -1) * np.roll(above, 1, -1) - np.roll(below, 1, -1) * np.roll(
        above, -1, -1
    )


def _det_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    """Jacobi's formula with the cofactors, so that singular matrices are no exception."""
    (a,), (a_dot,) = primals, tangents
    small = a.shape[-1] in (2, 3)
    return np.sum((_small_cofactor(a) if small else cofactor(a)) * a_dot, axis=(-2, -1))


def _cofactor(a: Any) -> Any:
    """det(a) a^-T through the singular values, division-free: finite when a is singular."""
    n = a.shape[-1]
    if n == 0:
        return np.zeros_like(a)
    if n == 1:
        return np.ones_like(a)
    u, s, vh = np.linalg.svd(a)
    without = np.ones_like(s)
    for i in range(n):
        without[..., i] = np.prod(np.delete(s, i, axis=-1), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    inner = (np.conj(u) * without[..., None, :]) @ np.conj(vh)
    return (np.asarray(sign)[..., None, None] * inner).astype(a.dtype)


def _cofactor_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    return cofactor_slope(primals[0], tangents[0])


def _cofactor_slope(a: Any, t: Any) -> Any:
    """How the cofactors move: between singular vectors by products of all values but two."""
    n = a.shape[-1]
    if n < 2:
        return np.zeros_like(t)
    u, s, vh = np.linalg.svd(a)
    rest = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
    ones = np.ones_like(rest[..., :1])
    before = np.cumprod(np.concatenate([ones, rest[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, rest[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    without = np.where(np.eye(n, dtype=bool), 0, before * after)
    moved = _adjoint(u) @ t @ _adjoint(vh)
    whole = without @ np.diagonal(moved, axis1=-2, axis2=-1)[..., None]
    inner = np.eye(n) * whole - without * _transposed(moved)
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return (sign * (np.conj(u) @ inner @ np.conj(vh))).astype(a.dtype)


def _cofactor_slope_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    """Of d cof(a) = (tr(x) - x) cof(a) with x = a^-T t^T, for a invertible."""
    (a, t), (a_dot, t_dot) = primals, tangents
    made = None if t_dot is None else cofactor_slope(a, t_dot)
    if a_dot is None:
        return made
    x, y = (solve(_transposed(a), _transposed(d)) for d in (t, a_dot))
    share = _trace_less(x) @ cofactor_slope(a, a_dot) - _trace_less(y @ x) @ cofactor(a)
    return share if made is None else made + share


def _trace_less(x: Any) -> Any:
    unit = np.eye(x.shape[-1], dtype=x.dtype)
    return np.einsum("...ii->...", x)[..., None, None] * unit - x


def _cofactor_slope_type(a: ArrayType, t: ArrayType) -> tuple[ArrayType]:
    if a != t:
        raise ValueError(f"cofactor_slope({a}, {t})")
    return (_square(a),)


def _slogdet_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a,), (a_dot,), (sign, _) = primals, tangents, outputs
    # The determinant is a product: its logarithm moves by tr(a^-1 a_dot).
    moved = np.einsum("...ii->...", solve(a, a_dot))
    if a.dtype.kind == "c":
        turned = np.imag(moved).astype(a.dtype) * 1j
        return turned * sign, np.real(moved)
    return None, moved


det = Primitive(
    "det",
    "special",
    lambda a: (ArrayType(_square(a).shape[:-2], a.dtype),),
    np.linalg.det,
    jvp=_det_jvp,
    reason="a polynomial of high degree, computed by elimination",
)
cofactor = Primitive(
    "cofactor",
    "special",
    lambda a: (_square(a),),
    _cofactor,
    jvp=_cofactor_jvp,
    reason="a polynomial of high degree, computed through singular values",
    doc="the derivative of det: det(a) a^-T, finite for singular a",
)
cofactor_slope: Primitive = Primitive(
    "cofactor_slope",
    "special",
    _cofactor_slope_type,
    _cofactor_slope,
    linear_in=(1,),
    # The second derivative of det is symmetric in its two directions.
    transpose=lambda y_bar, operands, which: cofactor_slope(operands[0], y_bar),
    jvp=_cofactor_slope_jvp,
    reason="linear in the direction only; in the matrix it is a polynomial of high degree",
    doc="the derivative of the cofactors along a direction, finite for singular a",
    convention="the third derivative of det needs an invertible matrix",
)
slogdet = Primitive(
    "slogdet",
    "special",
    lambda a: (
        ArrayType(_square(a).shape[:-2], a.dtype),
        ArrayType(a.shape[:-2], real_dtype(a.dtype)),
    ),
    np.linalg.slogdet,
    jvp=_slogdet_jvp,
    several=True,
    notes={"n_outputs": 2},
    reason="computed by elimination; two outputs",
)
