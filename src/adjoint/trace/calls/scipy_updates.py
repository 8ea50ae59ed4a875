"""scipy.linalg on stand-in arrays: factors of changed matrices, and other forms of factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_linalg import adjoint, matrices
from adjoint.trace.calls.scipy_values import valued_rule

# *** QR of a matrix with changed rows and columns ***


def _refactored(a: Any, function: Callable[..., Any], given: list[Any], *settings: Any) -> Any:
    """QR factors of a matrix, with the signs and the further columns that SciPy chooses.

    Args:
        a: the changed matrix.
        function: gives SciPy's factors for given arrays and settings.
        given: the arrays.
        settings: what else it takes.
    """
    m, n = a.shape
    whole = given[0].shape[0] == given[0].shape[1]
    k = m if whole else min(m, n)
    kinds = (ArrayType((m, k), a.dtype), ArrayType((k, n), a.dtype))
    theirs, _ = from_values(function, kinds, given, *settings)
    q, r = np.linalg.qr(a, mode="complete" if whole else "reduced")
    (fixed,) = from_values(_first, (kinds[0],), [q])
    turn = adjoint(fixed) @ theirs
    return q @ turn, adjoint(turn) @ r


def _first(x: Any) -> Any:
    return [x]


def _inserted(q: Any, r: Any, u: Any, k: int, which: str) -> Any:
    import scipy.linalg

    return scipy.linalg.qr_insert(q, r, u, k, which)


def _deleted(q: Any, r: Any, k: int, p: int, which: str) -> Any:
    import scipy.linalg

    return scipy.linalg.qr_delete(q, r, k, p, which)


def _updated(q: Any, r: Any, u: Any, v: Any) -> Any:
    import scipy.linalg

    return scipy.linalg.qr_update(q, r, u, v)


@valued_rule("scipy.linalg.qr_insert", Q=2, R=2, u="1|2", k=0)
def qr_insert(
    Q: Any, R: Any, u: Any, k: Any, which: str = "row", rcond: Any = None,
    overwrite_qru: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """The factors once rows or columns are put in before place k."""
    q, r, u = matrices(Q, R, u)
    axis, k = int(which == "col"), int(k)
    a = q @ r
    more = np.reshape(u, (-1, a.shape[1]) if axis == 0 else (a.shape[0], -1))
    k = k + a.shape[axis] if k < 0 else k
    before, after = (a[:k], a[k:]) if axis == 0 else (a[:, :k], a[:, k:])
    a = np.concatenate([before, more, after], axis=axis)
    return _refactored(a, _inserted, [q, r, u], k, which)


@valued_rule("scipy.linalg.qr_delete", Q=2, R=2, k=0)
def qr_delete(
    Q: Any, R: Any, k: Any, p: int = 1, which: str = "row", overwrite_qr: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The factors once p rows or columns are taken out from place k on."""
    q, r = matrices(Q, R)
    axis, k = int(which == "col"), int(k)
    a = q @ r
    first = k + a.shape[axis] if k < 0 else k
    a = np.delete(a, np.arange(first, first + p), axis=axis)
    return _refactored(a, _deleted, [q, r], k, int(p), which)


@valued_rule("scipy.linalg.qr_update", Q=2, R=2, u="1|2", v="1|2")
def qr_update(
    Q: Any, R: Any, u: Any, v: Any, overwrite_qruv: bool = False, check_finite: bool = True
) -> Any:
    """The factors of ``Q R + u v^H``."""
    q, r, u, v = matrices(Q, R, u, v)
    left, right = (x[:, None] if x.ndim == 1 else x for x in (u, v))
    return _refactored(q @ r + left @ adjoint(right), _updated, [q, r, u, v])


# *** real and complex forms ***


def _pairs(w: Any) -> Any:
    """What joins the vectors of conjugate eigenvalues, and the places of imaginary parts."""
    n = w.shape[-1]
    flat = np.reshape(w, (-1, n))
    join, places = np.zeros((len(flat), n, n), complex), np.zeros((len(flat), n, n))
    for own, one, place in zip(flat, join, places, strict=True):
        one[np.arange(n), np.arange(n)] = 1
        index = np.flatnonzero(own.imag)
        if index.size % 2:
            raise ValueError("expected complex-conjugate pairs of eigenvalues")
        j, k = index[::2], index[1::2]
        one[j, j], one[j, k], one[k, j], one[k, k] = 0.5j, 0.5, -0.5j, 0.5
        place[j, k] = place[k, j] = 1
    shape = (*w.shape, n)
    return [np.reshape(join, shape), np.reshape(places, shape)]


@valued_rule("scipy.linalg.cdf2rdf")
def cdf2rdf(w: Any, v: Any) -> Any:
    """Eigenvalues and vectors of a real matrix, complex ones as blocks of two real rows."""
    (w,), (v,) = matrices(w), matrices(v)
    shape = (*w.shape, w.shape[-1])
    kinds = (ArrayType(shape, np.dtype(complex)), ArrayType(shape, np.dtype(float)))
    join, places = from_values(_pairs, kinds, [w])
    real = np.real(w)
    values = real[..., None] * np.eye(w.shape[-1]) + np.imag(w)[..., None] * places
    return values.astype(real.dtype), np.real(v @ join)


@valued_rule("scipy.linalg.rsf2csf", T=2, Z=2)
def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> Any:
    """Schur's complex form from the real one: blocks of two rows are turned one by one."""
    t, z = (x.astype(np.result_type(x.dtype, np.complex64)) for x in matrices(T, Z))
    n, least = t.shape[0], np.finfo(t.dtype).eps
    one = np.eye(n, dtype=t.dtype)
    for m in range(n - 1, 0, -1):
        own = slice(m - 1, m + 1)
        block = t[own, own]
        low = block[1, 0]
        split = np.abs(low) > least * (np.abs(block[0, 0]) + np.abs(block[1, 1]))
        safe = np.where(split, block, np.array([[1, 0], [1, 0]], t.dtype))
        first = np.linalg.eigvals(safe)[0] - safe[1, 1]
        size = np.sqrt(np.abs(first) ** 2 + np.abs(safe[1, 0]) ** 2)
        c = np.where(split, first / size, 1)
        s = np.where(split, safe[1, 0] / size, 0)
        turn = one.copy()
        turn[own, own] = np.stack([np.stack([np.conjugate(c), s]), np.stack([-s, c])])
        t = turn @ t @ adjoint(turn)
        z = z @ adjoint(turn)
    return np.triu(t), z
