"""Eigenvalues and vectors of hermitian and of general matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.equal_values import (
    EQUAL,
    WHY,
    AtEqual,
    Limit,
    between,
    diagonal,
    drifting,
    gaps,
    inverses,
    over,
    rounding,
    some_equal,
    steps,
)
from adjoint.primitives.infer import real_dtype
from adjoint.primitives.linalg import _adjoint, _square, _symmetric, solve

# *** symmetric and hermitian eigenvalues ***


def _eigh_jvp(primals: Any, tangents: Any, outputs: Any, uplo: str, driver: str = "") -> Any:
    (a_dot,), (w, v) = tangents, outputs
    inner = _adjoint(v) @ _symmetric(a_dot, uplo) @ v
    gap, apart = gaps(w)
    return np.real(diagonal(inner)), v @ over(inner, gap, apart)


def _eigh_at_equal(a_dot: Any, outputs: Any, uplo: str, driver: str = "") -> Limit:
    w, v = outputs
    places, equal = steps(w)
    inner = _adjoint(v) @ _symmetric(a_dot, uplo) @ v
    poles = [v @ (inner * x) for x in inverses(between(places), gaps(w)[0], equal)]
    return Limit((places + 0 * w, None), *[(None, pole) for pole in poles])


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
    notes={"n_outputs": 2, "at_equal": AtEqual(some_equal, _eigh_at_equal, (1,))},
    reason=WHY,
    convention=EQUAL,
)


def _scipy_eigh(a: Any, uplo: str, driver: str) -> Any:
    import scipy.linalg

    if 0 in a.shape[:-2]:  # which SciPy refuses
        return tuple(np.linalg.eigh(a))
    return tuple(scipy.linalg.eigh(a, lower=uplo == "L", driver=driver))


# SciPy's drivers may give a vector the other sign, and other vectors of equal values.
scipy_eigh: Primitive = Primitive(
    "scipy_eigh",
    "special",
    lambda a, uplo, driver: (_values_type(a), a),
    _scipy_eigh,
    ("uplo", "driver"),
    jvp=_eigh_jvp,
    several=True,
    notes={"n_outputs": 2, "at_equal": AtEqual(some_equal, _eigh_at_equal, (1,))},
    reason=WHY,
    convention=EQUAL,
)
eigvalsh = Primitive(
    "eigvalsh",
    "special",
    lambda a, uplo: (_values_type(a),),
    lambda a, uplo: np.linalg.eigvalsh(a, UPLO=uplo),
    ("uplo",),
    jvp=_eigvalsh_jvp,
    notes={"drift": drifting(0)},
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
    gap, apart = gaps(w)
    return diagonal(inner), _eig_normal(v @ over(inner, gap, apart), v)


def _eig_at_equal(a_dot: Any, outputs: Any) -> Limit:
    w, v = outputs
    places, equal = steps(w)
    inner = solve(v, a_dot.astype(v.dtype) @ v)
    weights = inverses(between(places), gaps(w)[0], equal)
    poles = [_eig_normal(v @ (inner * x), v) for x in weights]
    return Limit((places + 0 * w, None), *[(None, pole) for pole in poles])


def _eig_normal(moved: Any, v: Any) -> Any:
    """The change of columns that keep length 1 and a real largest element: LAPACK's choice."""
    if v.shape[-1] == 0:
        return moved
    along = np.sum(np.conjugate(v) * moved, axis=-2, keepdims=True)
    moved = moved - v * np.real(along)
    at = np.argmax(np.abs(v), axis=-2)[..., None, :]
    turn = np.take_along_axis(moved, at, -2) / np.take_along_axis(v, at, -2)
    return moved - v * (1j * np.imag(turn))


def _eigvals_jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
    (a,), (a_dot,), (values,) = primals, tangents, outputs
    if values.shape[-1] == 0:
        return 0 * values
    w, v = eig(a)
    inner = diagonal(solve(v, a_dot.astype(v.dtype) @ v))
    # The same values in two orders: each is matched with its nearest, and equal ones in turn.
    near = np.argmin(np.abs(values[..., :, None] - w[..., None, :]), axis=-1)
    same = np.abs(values - w) <= 2 * rounding(w)
    near = np.where(same, np.arange(w.shape[-1]), near)
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
    notes={"n_outputs": 2, "at_equal": AtEqual(some_equal, _eig_at_equal, (1,))},
    reason=WHY,
    convention=EQUAL,
    doc="complex in any case",
)
eigvals = Primitive(
    "eigvals",
    "special",
    lambda a: (ArrayType(_square(a).shape[:-1], _complex_dtype(a.dtype)),),
    lambda a: np.linalg.eigvals(a).astype(_complex_dtype(a.dtype)),
    jvp=_eigvals_jvp,
    notes={"drift": drifting(0)},
    reason="an implicit function of the matrix",
)
