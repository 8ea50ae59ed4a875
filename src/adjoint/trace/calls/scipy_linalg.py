"""scipy.linalg on stand-in arrays: systems of equations and factorisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives import scipy_linalg as p
from adjoint.trace.calls.linalg import _floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.views import detached


def matrices(*operands: Any) -> list[Any]:
    """Operands in one floating dtype."""
    return _floating(*[as_operand(x) for x in operands])


def adjoint(a: Any) -> Any:
    """Conjugate and transpose."""
    swapped = np.swapaxes(a, -1, -2)
    return np.conjugate(swapped) if a.dtype.kind == "c" else swapped


def refused(function: str, what: str, wanted: str | None = None) -> UnsupportedError:
    """The error for an option without a rule."""
    return UnsupportedError(
        f"{what} has no rule for arrays under recording",
        function=f"scipy.linalg.{function}",
        source=source_here(),
        wanted=wanted,
        remedy="docs/coverage_scipy.md lists what has one",
    )


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


@scipy_rule("scipy.linalg.solve")
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


@scipy_rule("scipy.linalg.inv")
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


@scipy_rule("scipy.linalg.det")
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant."""
    return np.linalg.det(matrices(a)[0])


@scipy_rule("scipy.linalg.norm")
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """Vector and matrix norms."""
    return np.linalg.norm(matrices(a)[0], ord=ord, axis=axis, keepdims=keepdims)


# *** Cholesky ***


@scipy_rule("scipy.linalg.cholesky")
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The triangular factor, upper unless asked otherwise."""
    return np.linalg.cholesky(matrices(a)[0], upper=not lower)


@scipy_rule("scipy.linalg.cho_factor")
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The factor in its triangle, with the matrix's own elements in the other, as in LAPACK."""
    (a,) = matrices(a)
    factor = np.linalg.cholesky(a, upper=not lower)
    rest = np.triu(a, 1) if lower else np.tril(a, -1)
    return factor + rest, lower


@scipy_rule("scipy.linalg.cho_solve")
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``a x = b`` by the factor of a."""
    c, lower = c_and_lower
    c, b = matrices(c, b)
    flipped = np.conjugate(c) if c.dtype.kind == "c" else c
    if lower:
        return triangular(flipped, triangular(c, b, True), True, True)
    return triangular(c, triangular(flipped, b, False, True), False)


# *** LU ***


def _places(order: Any, function: str) -> Any:
    known = concrete_value(order) if hasattr(order, "recorder") else order
    if known is None:
        raise refused(function, "the order of pivots inside jit")
    return np.asarray(known)


@scipy_rule("scipy.linalg.lu_factor")
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """L and U in one matrix, and the rows that were swapped."""
    packed, order = bind(p.lu, matrices(a), ())
    order = _places(order, "lu_factor")
    swaps = np.empty((*order.shape[:-1], min(packed.shape[-2:])), np.int32)
    for i in np.ndindex(*order.shape[:-1]):
        rows = list(range(order.shape[-1]))
        for k in range(swaps.shape[-1]):
            j = rows.index(order[i][k])
            swaps[i][k] = j
            rows[k], rows[j] = rows[j], rows[k]
    return packed, swaps


@scipy_rule("scipy.linalg.lu_solve")
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``a x = b`` by the factors of a."""
    packed, swaps = lu_and_piv
    packed, b = matrices(packed, b)
    swaps = _places(swaps, "lu_solve")
    if swaps.ndim > 1:
        raise refused("lu_solve", "a stack of factorisations", "one matrix")
    order = np.arange(packed.shape[-1])
    for k, j in enumerate(swaps):
        order[[k, j]] = order[[j, k]]
    if trans == 0:
        inner = triangular(packed, b[order], True, False, unit=True)
        return triangular(packed, inner, False)
    flipped = np.conjugate(packed) if trans == 2 and packed.dtype.kind == "c" else packed
    inner = triangular(flipped, b, False, True)
    return triangular(flipped, inner, True, True, unit=True)[np.argsort(order)]


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
    packed, order = bind(p.lu, [a], ())
    lower, upper = p.lu_parts(packed)
    places = np.argsort(order, axis=-1)
    if permute_l:
        return np.take_along_axis(lower, places[..., None], axis=-2), upper
    if p_indices:
        return places, lower, upper
    eye = np.eye(a.shape[-2], dtype=np.float32 if a.dtype.itemsize == 4 else np.float64)
    return eye[places], lower, upper


# *** QR, eigenvalues, singular values ***


@scipy_rule("scipy.linalg.qr")
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Orthogonal times triangular."""
    (a,) = matrices(a)
    if mode not in ("full", "r", "economic"):
        raise refused("qr", f"mode={mode!r}, LAPACK's own storage,", "full, r or economic")
    order = None
    if pivoting:
        import scipy.linalg

        known = concrete_value(a)
        if known is None:
            raise refused("qr", "pivoting=True inside jit")
        order = scipy.linalg.qr(known, mode="r", pivoting=True)[1]
        a = a[:, order]
    q, r = np.linalg.qr(a, mode="reduced" if mode == "economic" else "complete")
    parts = (r,) if mode == "r" else (q, r)
    return parts if order is None else (*parts, order)


@scipy_rule("scipy.linalg.svd")
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Singular values and vectors."""
    result = np.linalg.svd(matrices(a)[0], full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(result) if compute_uv else result


@scipy_rule("scipy.linalg.svdvals")
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Singular values."""
    return np.linalg.svd(matrices(a)[0], compute_uv=False)


@scipy_rule("scipy.linalg.eigh")
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues and vectors of a hermitian matrix, or of a pair with a positive one."""
    if subset_by_value is not None:
        raise refused("eigh", "subset_by_value", "subset_by_index, or all of them")
    back = None
    given = (a, b)
    if b is None:
        (a,) = matrices(a)
    else:
        a, b = matrices(a, b)
        a, back = _reduced(a, b, lower, type)
    options: dict[str, Any] = {"UPLO": "L" if lower or b is not None else "U"}
    if eigvals_only:
        return _subset(np.linalg.eigvalsh(a, **options), subset_by_index)
    w, v = np.linalg.eigh(a, **options)
    if back is not None:
        v = back(v)
    w, v = _subset(w, subset_by_index), _subset(v, subset_by_index)
    known = [concrete_value(as_operand(x)) if x is not None else None for x in (v, *given)]
    if known[0] is not None and v.ndim == 2 and v.size:
        # another driver may give a vector the other sign, or phase
        import scipy.linalg

        theirs = scipy.linalg.eigh(
            known[1], known[2], lower=lower, type=type, subset_by_index=subset_by_index
        )[1]
        inner = np.sum(np.conjugate(known[0]) * theirs, axis=0)
        size = np.abs(inner)
        v = v * np.where(size > 0, inner / np.where(size > 0, size, 1), 1).astype(v.dtype)
    return w, v


def _subset(x: Any, index: Any) -> Any:
    return x if index is None else x[..., int(index[0]) : int(index[1]) + 1]


def _reduced(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """The ordinary problem with the same eigenvalues, and its vectors' way back."""
    a = mirrored(a, lower, hermitian=True)
    factor = np.linalg.cholesky(mirrored(b, lower, hermitian=True))
    conj = np.conjugate(factor) if factor.dtype.kind == "c" else factor
    if kind == 1:
        half = triangular(factor, a, True)
        inner = adjoint(triangular(factor, adjoint(half), True))
    else:
        inner = adjoint(factor) @ a @ factor
    if kind == 3:
        return inner, lambda v: factor @ v
    return inner, lambda v: triangular(conj, v, True, True)


@scipy_rule("scipy.linalg.eigvalsh")
def eigvalsh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues of a hermitian matrix, or of a pair with a positive one."""
    return eigh(
        a,
        b,
        lower=lower,
        eigvals_only=True,
        type=type,
        subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )


@scipy_rule("scipy.linalg.eig")
def eig(a: Any, b: Any = None, left: bool = False, right: bool = True, *_: Any, **__: Any) -> Any:
    """Eigenvalues and right vectors, complex."""
    if b is not None or left:
        raise refused("eig", "a generalised problem, or left=True,", "eig(a), or eigh(a, b)")
    w, v = np.linalg.eig(matrices(a)[0])
    w = w if w.dtype.kind == "c" else w.astype(np.result_type(w.dtype, np.complex64))
    return (w, v) if right else w


@scipy_rule("scipy.linalg.eigvals")
def eigvals(a: Any, b: Any = None, *_: Any, **__: Any) -> Any:
    """Eigenvalues, complex."""
    a, *rest = matrices(a) if b is None else matrices(a, b)
    if rest:
        a = np.linalg.solve(rest[0], a)
    w = np.linalg.eigvals(a)
    return w if w.dtype.kind == "c" else w.astype(np.result_type(w.dtype, np.complex64))


@scipy_rule("scipy.linalg.pinv")
def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse."""
    (a,) = matrices(a)
    if atol:
        raise refused("pinv", "atol", "rtol")
    if rtol is None:
        rtol = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    result = np.linalg.pinv(a, rcond=rtol)
    if not return_rank:
        return result
    s = np.linalg.svd(a, compute_uv=False)
    return result, np.sum(s > rtol * np.max(s))


@scipy_rule("scipy.linalg.lstsq")
def lstsq(a: Any, b: Any, cond: Any = None, *_: Any, **__: Any) -> Any:
    """Least squares: solution, sums of squares, rank, singular values."""
    a, b = matrices(a, b)
    return np.linalg.lstsq(a, b, rcond=np.finfo(a.dtype).eps if cond is None else cond)


@scipy_rule("scipy.linalg.polar")
def polar(a: Any, side: str = "right") -> Any:
    """Unitary times positive."""
    u, s, vh = np.linalg.svd(matrices(a)[0], full_matrices=False)
    if side == "right":
        return u @ vh, (adjoint(vh) * s[..., None, :]) @ vh
    return u @ vh, (u * s[..., None, :]) @ adjoint(u)
