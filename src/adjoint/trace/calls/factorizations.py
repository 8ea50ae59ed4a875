"""numpy.linalg: factorisations, and what is computed through them."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives import eigenvalues, singular_values
from adjoint.primitives import factorizations as f
from adjoint.trace.borrow import substitute
from adjoint.trace.calls.linalg import _floating, inv, norm
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.indexing import concrete_value, known_value
from adjoint.trace.recorder import bind
from adjoint.trace.tables import implements

QRResult: Any = type(np.linalg.qr(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
EigResult: Any = type(np.linalg.eig(np.eye(1)))
# Up to NumPy 2.4 real eigenvalues of a real matrix are real numbers, later complex ones.
_REAL_WHERE_THEY_CAN_BE = np.linalg.eigvals(np.eye(1)).dtype.kind == "f"


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Orthogonal times triangular."""
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(
            f"the mode {mode!r} gives LAPACK's own storage, which has no derivative",
            function="np.linalg.qr",
            source=source_here(),
            wanted="reduced, complete or r",
        )
    q, r = bind(f.qr, _floating(as_operand(a)), ("reduced" if mode == "r" else mode,))
    return r if mode == "r" else QRResult(q, r)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues and vectors of a hermitian matrix, of which one triangle is read."""
    w, v = bind(eigenvalues.eigh, _floating(as_operand(a)), (UPLO.upper(),))
    return EighResult(w, v)


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of a hermitian matrix."""
    return bind(eigenvalues.eigvalsh, _floating(as_operand(a)), (UPLO.upper(),))


def _real_if_imaginary_is_zero(values: Any, a: Any) -> Any:
    """Real numbers where a real matrix is known to have such eigenvalues."""
    known = concrete_value(values)
    if a.dtype.kind == "c" or known is None or np.any(known.imag != 0):
        return values
    return np.real(values)


_own: Any = getattr(import_module("numpy.linalg._linalg"), "_to_real_if_imag_zero", None)
if _own is not None:  # what np.roots does with complex eigenvalues
    substitute(_own, _real_if_imaginary_is_zero)


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Eigenvalues and vectors; complex where the values are not known."""
    (x,) = _floating(as_operand(a))
    w, v = bind(eigenvalues.eig, (x,), ())
    if _REAL_WHERE_THEY_CAN_BE and (real := _real_if_imaginary_is_zero(w, x)) is not w:
        w, v = real, np.real(v)
    return EigResult(w, v)


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """Eigenvalues; complex where the values are not known."""
    (x,) = _floating(as_operand(a))
    w = bind(eigenvalues.eigvals, (x,), ())
    return _real_if_imaginary_is_zero(w, x) if _REAL_WHERE_THEY_CAN_BE else w


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular values and vectors."""
    (x,) = _floating(as_operand(a))
    if hermitian:
        return _hermitian_svd(x, compute_uv)
    if not compute_uv:
        return bind(singular_values.svdvals, (x,), ())
    return SVDResult(*bind(singular_values.svd, (x,), (bool(full_matrices),)))


def _hermitian_svd(x: Any, compute_uv: bool) -> Any:
    if not compute_uv:
        return np.sort(np.abs(eigvalsh(x)), axis=-1)[..., ::-1]
    w, v = eigh(x)
    order = np.argsort(np.abs(w), axis=-1)[..., ::-1]
    sign = np.take_along_axis(np.sign(w), order, axis=-1)
    size = np.take_along_axis(np.abs(w), order, axis=-1)
    u = np.take_along_axis(v, order[..., None, :], axis=-1)
    vh = np.conjugate(np.swapaxes(u * sign[..., None, :], -2, -1))
    return SVDResult(u, size, vh)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Singular values."""
    return svd(x, compute_uv=False)


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """The pseudo-inverse."""
    (x,) = _floating(as_operand(a))
    if rtol is not np._NoValue and rtol is not None:
        rcond = rtol
    if rcond is None:
        rcond = 1e-15 if rtol is np._NoValue else max(x.shape[-2:]) * np.finfo(x.dtype).eps
    cutoffs = _cutoffs(rcond, "np.linalg.pinv")
    if cutoffs.ndim == 0:
        return bind(f.pinv, (x,), (float(cutoffs), bool(hermitian)))
    # A cutoff is a setting of the primitive, so each matrix goes alone.
    batch, matrix = x.shape[:-2], x.shape[-2:]
    stack = np.reshape(x, (math.prod(batch), *matrix))
    cutoffs = np.ravel(np.broadcast_to(cutoffs, batch))
    made = [pinv(stack[k], cutoff, hermitian) for k, cutoff in enumerate(cutoffs)]
    return np.reshape(np.stack(made) if made else stack, batch + matrix[::-1])


def _cutoffs(rcond: Any, function: str) -> Any:
    """Where singular values are cut off: settings, which have no derivative."""
    known = known_value(rcond)
    if known is None:
        raise UnsupportedError(
            "cutoffs whose values are not known have no rule",
            function=function,
            source=source_here(),
            wanted="numbers for rcond",
        )
    return np.asarray(known)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Least squares: solution, sums of squares, rank, singular values."""
    a, b = _floating(as_operand(a), as_operand(b))
    vector = b.ndim == 1
    if vector:
        b = np.reshape(b, (-1, 1))
    if rcond is not None:
        rcond = float(_cutoffs(rcond, "np.linalg.lstsq"))
    x, left, rank, s = bind(f.lstsq, (a, b), (rcond,))
    m, n = a.shape
    known = concrete_value(rank)
    left_out = known is None or known < min(m, n)
    if left_out and rcond is not None and rcond > f.TRUNCATING:
        x = pinv(a, rcond) @ b  # whose derivative knows how the directions left out turn
    if m <= n or (known is not None and known != n):
        left = np.zeros(0, s.dtype)
    elif known is None:
        # NumPy has no sums where columns depend on others; here the shape must be known.
        left = np.where(rank == n, left, np.nan).astype(left.dtype)
    return (np.reshape(x, (-1,)) if vector else x), left, rank if known is None else known, s


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number."""
    (x,) = _floating(as_operand(x))
    if x.size == 0 and 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if is_traced(p) and (order := concrete_value(p)) is not None:
        p = order.item()  # of matrices there are a few norms, and nothing between them
    if p in (None, 2, -2):
        s = svd(x, compute_uv=False)
        result = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        axes, known = (-2, -1), concrete_value(x)
        infinite: Any = np.False_ if known is None else np.isinf(np.linalg.cond(known, p))
        if infinite.any():  # these have no inverse; the others may have derivatives
            regular = np.where(infinite[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
            return np.where(infinite, np.inf, cond(regular, p)).astype(known.real.dtype)
        result = norm(x, ord=p, axis=axes) * norm(inv(x), ord=p, axis=axes)
    lost = np.isnan(result) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(lost, np.inf, result)


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A matrix multiplied with itself n times, in the order NumPy multiplies."""
    a = as_operand(a)
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    if n < 0:
        a, n = inv(a), -n
    if n <= 3:
        square = a if n == 1 else a @ a
        return square @ a if n == 3 else square
    result = square = None
    while n > 0:
        square = a if square is None else square @ square
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else result @ square
    return result
