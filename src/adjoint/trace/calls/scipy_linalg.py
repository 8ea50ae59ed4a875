"""scipy.linalg on stand-in arrays: systems of equations and factorisations."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives import scipy_linalg as p
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.linalg import _floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.views import detached
from adjoint.trace.without_rule import refusing


def matrices(*operands: Any) -> list[Any]:
    """Operands in one floating dtype."""
    return _floating(*[as_operand(x) for x in operands])


def doubles(*operands: Any) -> list[Any]:
    """Operands in one dtype of double precision, where SciPy has no other."""
    return [x.astype(np.result_type(x.dtype, np.float64)) for x in matrices(*operands)]


def adjoint(a: Any) -> Any:
    """Conjugate and transpose."""
    swapped = np.swapaxes(a, -1, -2)
    return np.conjugate(swapped) if a.dtype.kind == "c" else swapped


refused = refusing("scipy.linalg", "docs/coverage_scipy.md lists what has one")


def aligned(a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Both with equal batch axes, the right-hand side as a matrix; whether it was a vector."""
    vector = b.ndim == 1
    if vector:
        b = np.reshape(b, (*b.shape, 1))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = detached(np.broadcast_to(a, batch + a.shape[-2:]))
    return a, detached(np.broadcast_to(b, batch + b.shape[-2:])), vector


def triangular(a: Any, b: Any, lower: bool, transposed: bool = False, unit: bool = False) -> Any:
    """A triangular system; b may be a vector."""
    a, b, vector = aligned(a, b)
    x = bind(p.solve_triangular, (a, b), (bool(lower), bool(transposed), bool(unit)))
    return np.reshape(x, x.shape[:-1]) if vector else x


def turned_as(v: Any, vectors: Any, given: list[Any], *settings: Any) -> Any:
    """Vectors with the signs, or phases, that another driver gives them."""
    (theirs,) = from_values(vectors, (ArrayType(v.shape, v.dtype),), [*given], *settings)
    inner = np.sum(np.conjugate(stop_gradient(v)) * theirs, axis=-2, keepdims=True)
    size = np.abs(inner)
    return v * np.where(size > 0, inner / np.where(size > 0, size, 1), 1).astype(v.dtype)


@scipy_rule("scipy.linalg.solve_triangular")
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """``a x = b``, or with the transpose of a; only one triangle is read."""
    a, b = matrices(a, b)
    kind = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}[trans]
    if kind == 2 and a.dtype.kind == "c":
        a = np.conjugate(a)
    return triangular(a, b, lower, kind > 0, unit_diagonal)


def mirrored(a: Any, lower: bool, hermitian: bool) -> Any:
    """The whole matrix from the triangle that is read."""
    part = np.tril(a) if lower else np.triu(a)
    strict = np.tril(a, -1) if lower else np.triu(a, 1)
    if hermitian and a.dtype.kind == "c":  # imaginary parts of the diagonal are not read
        part = np.where(np.eye(a.shape[-1], dtype=bool), np.real(part), part)
    return part + (adjoint(strict) if hermitian else np.swapaxes(strict, -1, -2))


_KINDS = {
    None: "general", "gen": "general", "banded": "general", "sym": "symmetric",
    "her": "hermitian", "pos": "positive definite",
}  # fmt: skip


def _read(a: Any, assume_a: Any, lower: bool) -> tuple[Any, str]:
    """The matrix as the assumed structure reads it."""
    kind = _KINDS.get(assume_a, assume_a)
    if kind in ("symmetric", "hermitian", "positive definite"):
        return mirrored(a, lower, kind != "symmetric"), "general"
    if kind == "tridiagonal":
        return np.tril(np.triu(a, -1), 1), "general"
    if kind in ("general", "diagonal", "upper triangular", "lower triangular"):
        return a, kind
    raise ValueError(f"{assume_a} is not a recognized matrix structure")


@valued_rule("scipy.linalg.solve")
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """``a x = b``; of symmetric, hermitian and positive matrices one triangle is read."""
    a, b = matrices(a, b)
    a, kind = _read(a, assume_a, lower)
    if kind == "diagonal":
        d = np.diagonal(a, axis1=-2, axis2=-1)
        return b / (d if b.ndim == 1 else d[..., None])
    if kind != "general":
        return triangular(a, b, kind == "lower triangular", transposed)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


@valued_rule("scipy.linalg.inv")
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: Any = None,
    lower: bool = False,
) -> Any:
    """The inverse matrix."""
    (a,) = matrices(a)
    a, kind = _read(a, assume_a, lower)
    if kind == "diagonal":
        a = a * np.eye(a.shape[-1], dtype=a.dtype)
    elif kind != "general":
        a = np.tril(a) if kind == "lower triangular" else np.triu(a)
    return np.linalg.inv(a)


@valued_rule("scipy.linalg.det")
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant."""
    return np.linalg.det(doubles(a)[0])


@valued_rule("scipy.linalg.norm", always=True)
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """Vector and matrix norms."""
    (x,) = matrices(a)
    if axis is None and not keepdims and x.size and x.dtype.char in "fdFD":
        length = x.ndim == 1 and ord in (None, 2)
        if length or (x.ndim == 2 and ord in (1, np.inf) and min(x.shape) > 1):
            (x,) = doubles(x)  # SciPy's is a Python number there
        size = _far_from_one(x) if length else None
        if size is not None:
            return np.linalg.norm(x / size) * size
    return np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)


def _far_from_one(x: Any) -> Any:
    """The size of known elements whose squares are no numbers any more, where BLAS scales."""
    known = concrete_value(x)
    size = None if known is None else np.max(np.abs(known))
    return size if size is not None and (size > 1e150 or 0 < size < 1e-150) else None


# *** Cholesky ***


@valued_rule("scipy.linalg.cholesky")
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The triangular factor, upper unless asked otherwise."""
    return np.linalg.cholesky(matrices(a)[0], upper=not lower)


@valued_rule("scipy.linalg.cho_factor", always=True)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The factor in its triangle; in the other one what SciPy leaves."""
    (a,) = matrices(a)
    factor = np.linalg.cholesky(a, upper=not lower)
    if _keeps_the_rest():
        factor = factor + (np.triu(a, 1) if lower else np.tril(a, -1))
    return factor, lower


@cache
def _keeps_the_rest() -> bool:
    """Whether the triangle beside the factor has the matrix still: zeros from SciPy 1.18 on."""
    factor, _ = entries["scipy.linalg.cho_factor"].original(np.array([[4.0, 1], [1, 4]]))
    return bool(factor[1, 0] != 0)


@valued_rule("scipy.linalg.cho_solve")
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``a x = b`` by the factor of a."""
    c, lower = c_and_lower
    lower = bool(np.all(lower))  # a stack of factors has an array of equal ones
    c, b = matrices(c, b)
    flipped = np.conjugate(c) if c.dtype.kind == "c" else c
    if lower:
        return triangular(flipped, triangular(c, b, True), True, True)
    return triangular(c, triangular(flipped, b, False, True), False)


# *** LU ***


@scipy_rule("scipy.linalg.lu_factor")
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """L and U in one matrix, and the rows that were swapped."""
    packed, _, swaps = bind(p.lu, matrices(a), ())
    return packed, swaps


def _order_of(swaps: Any) -> Any:
    """The order of the rows after all swaps."""
    rows = np.arange(swaps.shape[-1])
    order: Any = np.zeros_like(swaps) + rows
    for k in range(rows.size):
        j = swaps[..., k : k + 1]
        at_j, at_k = np.take_along_axis(order, j, -1), order[..., k : k + 1]
        order = np.where(rows == k, at_j, np.where(rows == j, at_k, order))
    return order


@valued_rule("scipy.linalg.lu_solve")
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``a x = b`` by the factors of a."""
    packed, b, vector = aligned(*matrices(lu_and_piv[0], b))
    order = np.broadcast_to(_order_of(lu_and_piv[1]), packed.shape[:-1])[..., None]
    if trans == 0:
        inner = triangular(packed, np.take_along_axis(b, order, -2), True, False, unit=True)
        x = triangular(packed, inner, False)
    else:
        flipped = np.conjugate(packed) if trans == 2 and packed.dtype.kind == "c" else packed
        inner = triangular(flipped, b, False, True)
        x = triangular(flipped, inner, True, True, unit=True)
        x = np.take_along_axis(x, np.argsort(order, axis=-2), -2)
    return np.reshape(x, x.shape[:-1]) if vector else x


@scipy_rule("scipy.linalg.lu")
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """``a = P L U``."""
    (a,) = matrices(a)
    packed, order, _ = bind(p.lu, [a], ())
    lower, upper = p.lu_parts(packed)
    places = np.argsort(order, axis=-1)
    if permute_l:
        return np.take_along_axis(lower, places[..., None], axis=-2), upper
    if p_indices:
        return places, lower, upper
    kind = np.float32 if a.dtype.char in "fF" else np.float64
    pick = places[..., :, None] == np.arange(a.shape[-2])
    return pick.astype(kind), lower, upper
