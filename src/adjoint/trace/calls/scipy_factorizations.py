"""scipy.linalg on stand-in arrays: QR, eigenvalues, singular values, least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_linalg import adjoint, matrices, mirrored, refused, triangular
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import concrete_value
from adjoint.trace.scipy_gate import scipy_rule


def _pivots(a: Any) -> Any:
    """The order of the columns by their lengths beside those before."""
    import scipy.linalg

    return scipy.linalg.qr(a, mode="r", pivoting=True)[1:]


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
        kind = ArrayType(a.shape[-1:], np.dtype(np.int32))
        (order,) = from_values(_pivots, (kind,), [a])
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
    (a,) = matrices(a)
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    return tuple(np.linalg.svd(a, full_matrices=full_matrices))


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
    """Unitary times positive.

    The values are SciPy's, by singular values. The derivative is that of the root of ``a* a``:
    a function of the matrix also where singular values are equal.
    """
    import scipy.linalg

    (a,) = matrices(a)
    right = side == "right"
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    whole = (adjoint(vh) * s[..., None, :]) @ vh if right else (u * s[..., None, :]) @ adjoint(u)
    if a.shape[-1 if right else -2] > a.shape[-2 if right else -1]:  # the root is singular
        return u @ vh, whole
    root = scipy.linalg.sqrtm(adjoint(a) @ a if right else a @ adjoint(a))
    inverse = np.linalg.pinv(root)
    turn = a @ inverse if right else inverse @ a
    return moved_as(u @ vh, turn), moved_as(whole, root)
