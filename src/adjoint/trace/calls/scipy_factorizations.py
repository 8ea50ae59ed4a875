"""scipy.linalg on stand-in arrays: QR, eigenvalues, singular values, least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives import eigenvalues
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_linalg import (
    adjoint,
    matrices,
    mirrored,
    refused,
    triangular,
    turned_as,
)
from adjoint.trace.calls.scipy_values import valued_rule, with_digits
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.scipy_gate import scipy_rule


def _pivots(a: Any) -> Any:
    """The order of the columns by their lengths beside those before."""
    import scipy.linalg

    return scipy.linalg.qr(a, mode="r", pivoting=True)[1:]


@valued_rule("scipy.linalg.qr")
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


@valued_rule("scipy.linalg.svd")
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


@valued_rule("scipy.linalg.svdvals")
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Singular values."""
    return np.linalg.svd(matrices(a)[0], compute_uv=False)


@scipy_rule("scipy.linalg.eigh")
def eigh(a: Any, b: Any = None, **options: Any) -> Any:
    """Eigenvalues and vectors of a hermitian matrix, or of a pair with a positive one."""
    chosen = ("eigvals_only", "subset_by_index", "subset_by_value")
    if b is None and not any(options.get(name) for name in chosen):
        uplo = "L" if options.get("lower", True) else "U"
        driver = options.get("driver") or "evr"
        return tuple(bind(eigenvalues.scipy_eigh, tuple(matrices(a)), (uplo, driver)))
    return with_digits("scipy.linalg.eigh", _some_pairs)(a, b, **options)


def _some_pairs(
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
    """Those that are asked for, or those of a pair of matrices."""
    given = matrices(a) if b is None else matrices(a, b)
    if subset_by_value is not None:
        subset_by_index = _indices(given, subset_by_value, lower, type)
    if b is None:
        (a,), back = given, None
    else:
        a, back = _reduced(given[0], given[1], lower, type)
    uplo = "L" if lower or b is not None else "U"
    if eigvals_only:
        return _subset(np.linalg.eigvalsh(a, UPLO=uplo), subset_by_index)
    w, v = np.linalg.eigh(a, UPLO=uplo)
    v = v if back is None else back(v)
    w, v = _subset(w, subset_by_index), _subset(v, subset_by_index)
    index = None if subset_by_index is None else tuple(int(k) for k in subset_by_index)
    return w, turned_as(v, _hermitian_vectors, given, bool(lower), type, index)


def _hermitian_vectors(*given: Any) -> Any:
    import scipy.linalg

    *pair, lower, kind, index = given
    return [scipy.linalg.eigh(*pair, lower=lower, type=kind, subset_by_index=index)[1]]


def _indices(given: list[Any], limits: Any, lower: bool, kind: int) -> list[int]:
    """The places of the eigenvalues within limits; their number must be known."""
    import scipy.linalg

    known = [concrete_value(x) if hasattr(x, "recorder") else x for x in given]
    if any(x is None for x in known):
        raise refused("eigh", "subset_by_value where values are not known", "subset_by_index")
    w = scipy.linalg.eigh(*known, lower=lower, type=kind, eigvals_only=True)
    first, last = np.searchsorted(w, limits, side="right")
    return [int(first), int(last) - 1]


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


@valued_rule("scipy.linalg.eigvalsh")
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
    return _some_pairs(
        a,
        b,
        lower=lower,
        eigvals_only=True,
        type=type,
        subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )


@valued_rule("scipy.linalg.eig")
def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """Eigenvalues, complex, and vectors; of a pair, with an invertible second matrix."""
    if not (left or right):
        return eigvals(a, b, homogeneous_eigvals=homogeneous_eigvals)
    if homogeneous_eigvals and b is not None:
        raise _refused_pair("eig")
    given = matrices(a) if b is None else matrices(a, b)
    a = given[0] if b is None else np.linalg.solve(given[1], given[0])
    w, v = np.linalg.eig(a)
    w = w if w.dtype.kind == "c" else w.astype(np.result_type(w.dtype, np.complex64))
    if b is not None:
        w, order = _paired(w, given)
        v = np.take_along_axis(v, order[..., None, :], -1)
    parts = []
    if left:
        dual = adjoint(np.linalg.inv(v))
        if b is not None:
            dual = np.linalg.solve(adjoint(given[1]), dual)
        parts.append(turned_as(_with_real_largest(dual), _left_vectors, given))
    if right:
        parts.append(v if b is None else turned_as(v, _right_vectors, given))
    return (_over_ones(w) if homogeneous_eigvals else w, *parts)


def _over_ones(w: Any) -> Any:
    """Eigenvalues of one matrix as SciPy's homogeneous pairs."""
    return np.stack([w, np.ones_like(w)])


def _refused_pair(name: str) -> Exception:
    """Numerators and denominators of a pair are scaled by the path of LAPACK's QZ steps."""
    return refused(name, "homogeneous_eigvals=True of a pair of matrices, whose parts only have a "
                   "quotient that is determined,", "homogeneous_eigvals=False")  # fmt: skip


def _with_real_largest(v: Any) -> Any:
    """Columns of length 1 whose largest element is real, as LAPACK scales them."""
    v = v / np.linalg.norm(v, axis=-2, keepdims=True)
    largest = np.take_along_axis(v, np.argmax(np.abs(v), axis=-2)[..., None, :], -2)
    return v * (np.conjugate(largest) / np.abs(largest))


def _left_vectors(*given: Any) -> Any:
    import scipy.linalg

    return [scipy.linalg.eig(*given, left=True, right=False)[1]]


def _right_vectors(*given: Any) -> Any:
    import scipy.linalg

    return [scipy.linalg.eig(*given)[1]]


def _values_and_places(w: Any, *given: Any) -> Any:
    """SciPy's eigenvalues of pairs, and where each of them stands among w."""
    import scipy.linalg
    from scipy.optimize import linear_sum_assignment

    theirs = scipy.linalg.eigvals(*given)
    distances = np.abs(theirs[..., :, None] - w[..., None, :])
    n = w.shape[-1]
    places = [linear_sum_assignment(x)[1] for x in np.reshape(distances, (-1, n, n))]
    return [theirs, np.reshape(places, w.shape)]


def _paired(w: Any, given: list[Any]) -> tuple[Any, Any]:
    """Eigenvalues of a pair of matrices in SciPy's order, and that order."""
    kinds = (ArrayType(w.shape, w.dtype), ArrayType(w.shape, np.dtype(np.intp)))
    theirs, order = from_values(_values_and_places, kinds, [w, *given])
    return moved_as(theirs, np.take_along_axis(w, order, -1)), order


@valued_rule("scipy.linalg.eigvals")
def eigvals(
    a: Any, b: Any = None, *flags: bool, homogeneous_eigvals: bool = False, **_: Any
) -> Any:
    """Eigenvalues, complex."""
    if flags:  # since SciPy 1.18 there is one more of them; this is the last
        homogeneous_eigvals = flags[-1]
    if homogeneous_eigvals and b is not None:
        raise _refused_pair("eigvals")
    given = matrices(a) if b is None else matrices(a, b)
    w = np.linalg.eigvals(given[0] if b is None else np.linalg.solve(given[1], given[0]))
    w = w if w.dtype.kind == "c" else w.astype(np.result_type(w.dtype, np.complex64))
    if b is not None:
        return _paired(w, given)[0]
    return _over_ones(w) if homogeneous_eigvals else w


@valued_rule("scipy.linalg.pinv")
def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse."""
    return _pseudo_inverse(matrices(a)[0], "pinv", atol, rtol, return_rank)


@valued_rule("scipy.linalg.pinvh")
def pinvh(
    a: Any, atol: Any = None, rtol: Any = None, lower: bool = True, return_rank: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The pseudo-inverse of a hermitian matrix, of which one triangle is read."""
    whole = mirrored(matrices(a)[0], lower, hermitian=True)
    return _pseudo_inverse(whole, "pinvh", atol, rtol, return_rank)


def _pseudo_inverse(a: Any, name: str, atol: Any, rtol: Any, return_rank: bool) -> Any:
    if rtol is None:
        rtol = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    if atol:
        known = concrete_value(a)
        if known is None:
            raise refused(name, "atol where values are not known", "rtol")
        rtol = rtol + atol / np.max(np.linalg.svd(known, compute_uv=False))
    result = np.linalg.pinv(a, rcond=rtol, hermitian=name == "pinvh")
    if not return_rank:
        return result
    s = np.linalg.svd(a, compute_uv=False)
    return result, np.sum(s > rtol * np.max(s))


@valued_rule("scipy.linalg.lstsq", a=2, b="1|2")
def lstsq(
    a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, lapack_driver: Any = None,
) -> Any:  # fmt: skip
    """Least squares: solution, sums of squares, rank, singular values."""
    a, b = matrices(a, b)
    x, left, rank, s = np.linalg.lstsq(a, b, np.finfo(a.dtype).eps if cond is None else cond)
    if lapack_driver == "gelsy":
        return x, np.zeros(0, x.dtype), rank, None
    return x, (left[0] if b.ndim == 1 and left.size else left), rank, s


@valued_rule("scipy.linalg.polar")
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
