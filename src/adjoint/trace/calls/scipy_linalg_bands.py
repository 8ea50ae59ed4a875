"""scipy.linalg on stand-in arrays: banded matrices by their whole, and SciPy's own code."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives.bands import solve_banded as solve_banded_system
from adjoint.primitives.bands import turned
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.scipy_linalg import adjoint, matrices, refused, triangular, turned_as
from adjoint.trace.calls.scipy_values import one_by_one, valued_rule
from adjoint.trace.indexing import known_parts, known_value
from adjoint.trace.recorder import bind

borrow_names(
    "scipy.linalg",
    "diagsvd orthogonal_procrustes expm_cond fiedler fiedler_companion clarkson_woodruff_transform",
)


def _columns(ab: Any, b: Any, below: int, above: int) -> Any:
    """The solution of a banded system, of one vector or of several."""
    given = (ab, b[..., None] if b.ndim < ab.ndim else b)
    x = bind(solve_banded_system, given, (below, above))
    return np.reshape(x, b.shape)


@valued_rule("scipy.linalg.solve_banded")
def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """A banded system."""
    below, above = l_and_u
    ab, b = matrices(ab, b)
    return _columns(ab, b, int(below), int(above))


@valued_rule("scipy.linalg.solveh_banded")
def solveh_banded(
    ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, lower: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """A hermitian positive banded system: the other half of its diagonals is put in place."""
    ab, b = matrices(ab, b)
    width = ab.shape[-2] - 1
    ab = _hermitian(ab, lower)
    conj = np.conjugate(ab) if ab.dtype.kind == "c" else ab
    if lower:
        other = turned(conj, width, 0)
        whole = np.concatenate([other[..., :-1, :], ab], axis=-2)
    else:
        other = turned(conj, 0, width)
        whole = np.concatenate([ab, other[..., 1:, :]], axis=-2)
    return _columns(whole, b, width, width)


def _hermitian(ab: Any, lower: bool) -> Any:
    """Bands of a hermitian matrix: imaginary parts of the diagonal are not read."""
    if ab.dtype.kind != "c":
        return ab
    diagonal = np.arange(ab.shape[-2])[:, None] == (0 if lower else ab.shape[-2] - 1)
    return np.where(diagonal, np.real(ab), ab)


def _triangle(ab: Any, lower: bool) -> Any:
    """The triangular matrix whose diagonals are the rows of ab."""
    rows, n = ab.shape
    total: Any = 0.0
    for i in range(rows):
        k = i if lower else rows - 1 - i
        if lower:
            total = total + np.diag(ab[i, : n - k], -k)
        else:
            total = total + np.diag(ab[i, k:], k)
    return total


def _whole(ab: Any, lower: bool) -> Any:
    """The hermitian matrix that is kept as the diagonals of one triangle."""
    ab = _hermitian(ab, lower)
    half = _triangle(ab, lower)
    diagonal = ab[0] if lower else ab[ab.shape[0] - 1]
    return half + adjoint(half) - np.diag(diagonal)


def _bands(c: Any, count: int, lower: bool) -> Any:
    """The diagonals of a triangle as rows, with zeros where there is no element."""
    n = c.shape[0]
    made = []
    for i in range(count):
        k = i if lower else count - 1 - i
        row = np.diagonal(c, -k if lower else k)
        none = np.zeros(k, c.dtype)
        made.append(np.concatenate([row, none] if lower else [none, row])[:n])
    return np.stack(made)


@valued_rule("scipy.linalg.cholesky_banded", ab=2)
def cholesky_banded(
    ab: Any, overwrite_ab: bool = False, lower: bool = False, check_finite: bool = True
) -> Any:
    """The factor of a banded matrix, in bands."""
    (ab,) = matrices(ab)
    factor = np.linalg.cholesky(_whole(ab, lower))
    rows, n = ab.shape
    outside = np.arange(rows)[:, None] + np.arange(n) >= n  # what no band reaches stays
    made = _bands(factor if lower else adjoint(factor), rows, lower)
    return np.where(outside if lower else outside[::-1, ::-1], ab, made)


@valued_rule("scipy.linalg.cho_solve_banded")
def cho_solve_banded(
    cb_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """A system by the banded factor of its matrix."""
    cb, lower = cb_and_lower
    return _by_banded_factor(*matrices(cb, b), lower)


@one_by_one(cb=2, b="1|2")
def _by_banded_factor(cb: Any, b: Any, lower: bool) -> Any:
    factor = _triangle(cb, lower)
    factor = factor if lower else adjoint(factor)
    return triangular(adjoint(factor), triangular(factor, b, True), False)


def _chosen(select: Any, select_range: Any, values: Any, vectors: Any) -> tuple[Any, Any]:
    if select in ("a", "all", 0):
        return values, vectors
    if select in ("i", "index", 2):
        part = slice(int(select_range[0]), int(select_range[1]) + 1)
        return values[part], None if vectors is None else vectors[:, part]
    raise ValueError(f"invalid argument for select: {select!r}")


def _by_index(name: str, values: Any, select: Any, select_range: Any) -> tuple[Any, Any]:
    """The same choice by places: those of values between two numbers must be known."""
    if select not in ("v", "value", 1):
        pair = None if select_range is None else tuple(int(k) for k in select_range)
        return select, pair
    known, ends = known_value(values), known_parts(list(select_range))
    if known is None or any(end is None for end in ends):
        what = "select='v', a number of values that the values decide, inside jit or vmap,"
        raise refused(name, what, "select='i'")
    first, last = np.searchsorted(known, ends, side="right")
    return "i", (int(first), int(last) - 1)


def _tridiagonal_vectors(d: Any, e: Any, select: Any, select_range: Any) -> Any:
    import scipy.linalg

    return [scipy.linalg.eigh_tridiagonal(d, e, select=select, select_range=select_range)[1]]


def _banded_vectors(ab: Any, lower: bool, select: Any, select_range: Any) -> Any:
    import scipy.linalg

    return [scipy.linalg.eig_banded(ab, lower, select=select, select_range=select_range)[1]]


@valued_rule("scipy.linalg.eigh_tridiagonal", d=1, e=1)
def eigh_tridiagonal(
    d: Any, e: Any, eigvals_only: bool = False, select: Any = "a", select_range: Any = None,
    *_: Any, **__: Any,
) -> Any:  # fmt: skip
    """Eigenvalues and vectors of a real symmetric tridiagonal matrix."""
    d, e = matrices(d, e)
    whole = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
    if eigvals_only:
        values = np.linalg.eigvalsh(whole)
        how = _by_index("eigh_tridiagonal", values, select, select_range)
        return _chosen(*how, values, None)[0]
    pairs = np.linalg.eigh(whole)
    how = _by_index("eigh_tridiagonal", pairs[0], select, select_range)
    w, v = _chosen(*how, *pairs)
    return w, turned_as(v, _tridiagonal_vectors, [d, e], *how) if w.size else v


@valued_rule("scipy.linalg.eigvalsh_tridiagonal", d=1, e=1)
def eigvalsh_tridiagonal(
    d: Any, e: Any, select: Any = "a", select_range: Any = None, *_: Any, **__: Any
) -> Any:
    """Eigenvalues of a real symmetric tridiagonal matrix."""
    return eigh_tridiagonal(d, e, True, select, select_range)


@valued_rule("scipy.linalg.eig_banded", a_band=2)
def eig_banded(
    a_band: Any, lower: bool = False, eigvals_only: bool = False, overwrite_a_band: bool = False,
    select: Any = "a", select_range: Any = None, *_: Any, **__: Any,
) -> Any:  # fmt: skip
    """Eigenvalues and vectors of a hermitian banded matrix."""
    (ab,) = matrices(a_band)
    whole = _whole(ab, lower)
    if eigvals_only:
        values = np.linalg.eigvalsh(whole)
        how = _by_index("eig_banded", values, select, select_range)
        return _chosen(*how, values, None)[0]
    pairs = np.linalg.eigh(whole)
    how = _by_index("eig_banded", pairs[0], select, select_range)
    w, v = _chosen(*how, *pairs)
    return w, turned_as(v, _banded_vectors, [ab], bool(lower), *how) if w.size else v


@valued_rule("scipy.linalg.eigvals_banded", a_band=2)
def eigvals_banded(
    a_band: Any, lower: bool = False, overwrite_a_band: bool = False, select: Any = "a",
    select_range: Any = None, *_: Any, **__: Any,
) -> Any:  # fmt: skip
    """Eigenvalues of a hermitian banded matrix."""
    return eig_banded(a_band, lower, True, False, select, select_range)


@valued_rule("scipy.linalg.signm")
def signm(A: Any, disp: Any = None) -> Any:
    """The matrix sign: ``A (A A)^(-1/2)``, for A without eigenvalues on the imaginary axis."""
    import scipy.linalg

    (a,) = matrices(A)
    return np.linalg.solve(scipy.linalg.sqrtm(a @ a), a)


@valued_rule("scipy.linalg.qr_multiply")
def qr_multiply(
    a: Any, c: Any, mode: str = "right", pivoting: bool = False, conjugate: bool = False,
    overwrite_a: bool = False, overwrite_c: bool = False,
) -> Any:  # fmt: skip
    """The factor Q times a matrix, and R."""
    a, c = matrices(a, c)
    if pivoting:
        raise refused("qr_multiply", "pivoting=True", "pivoting=False")
    q, r = np.linalg.qr(a, mode="reduced")
    q = np.conjugate(q) if conjugate else q
    return (c @ q if mode == "right" else q @ c), r


@valued_rule("scipy.linalg.rq")
def rq(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full",
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """``a = R Q``, by the QR factors of the matrix turned over."""
    (a,) = matrices(a)
    kind: Any = "reduced" if mode == "economic" else "complete"
    q, r = np.linalg.qr(adjoint(np.flip(a, (-2, -1))), kind)
    r, q = np.flip(adjoint(r), (-2, -1)), np.flip(adjoint(q), (-2, -1))
    return r if mode == "r" else (r, q)
