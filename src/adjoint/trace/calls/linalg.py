"""numpy.linalg on stand-in arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import linalg
from adjoint.trace.calls.folds import as_numpy
from adjoint.trace.calls.support import as_operand, axis_tuple, common_dtype, root
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.tables import implements
from adjoint.trace.views import detached


def _floating(*operands: Any) -> list[Any]:
    dtype = common_dtype(*operands)
    if dtype.kind not in "fc":
        dtype = np.dtype(np.float64)
    return [detached(x if x.dtype == dtype else x.astype(dtype)) for x in operands]


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """``x`` with ``a x = b``; b is a vector if it has one axis."""
    a, b = _floating(as_operand(a), as_operand(b))
    vector = b.ndim == 1
    if vector:
        b = np.reshape(b, (*b.shape, 1))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = detached(np.broadcast_to(a, batch + a.shape[-2:]))
    b = detached(np.broadcast_to(b, batch + b.shape[-2:]))
    x = bind(linalg.solve, (a, b), ())
    return np.reshape(x, x.shape[:-1]) if vector else x


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """The inverse matrix."""
    return bind(linalg.inv, _floating(as_operand(a)), ())


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant."""
    return bind(linalg.det, _floating(as_operand(a)), ())


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Sign and logarithm of the determinant."""
    sign, logabsdet = bind(linalg.slogdet, _floating(as_operand(a)), ())
    return SlogdetResult(sign, logabsdet)


SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor."""
    return bind(linalg.cholesky, _floating(as_operand(a)), (upper,))


def _squares(x: Any) -> Any:
    if x.dtype.kind == "c":
        squares = np.real(x) * np.real(x) + np.imag(x) * np.imag(x)
        return as_numpy(lambda known: (known.conj() * known).real, x, squares)
    return x * x


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Vector and matrix norms; the slope at 0 is 0."""
    (x,) = _floating(as_operand(x))
    if axis is None and (
        ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1)
    ):
        known = concrete_value(x) is not None
        flat = x if x.ndim == 1 else np.ravel(x, "K" if known else "C")  # the sum rounds alike
        if x.dtype.kind == "c":
            real, imag = np.real(flat), np.imag(flat)
            total = np.dot(real, real) + np.dot(imag, imag)
        else:
            total = np.dot(flat, flat)
        result = root(total)
        return np.reshape(result, (1,) * x.ndim) if keepdims else result
    axes = axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        given = tuple(range(x.ndim)) if axis is None else tuple(i % x.ndim for i in axis)
        return _matrix_norm(x, ord, given, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return root(np.sum(_squares(x), axis=axis, keepdims=keepdims))
    if ord == np.inf:
        return _greatest(np.abs(x), axis, keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum((x != 0).astype(np.abs(x).dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    size = np.abs(x)
    total = np.sum(size**ord, axis=axis, keepdims=keepdims)
    positive = total > 0
    return np.where(positive, np.where(positive, total, 1) ** (1 / ord), total)


def _greatest(sizes: Any, axis: int, keepdims: bool = False) -> Any:
    """The largest of numbers that are not negative; 0 where there are none."""
    options = {} if sizes.shape[axis] else {"initial": 0}
    return np.max(sizes, axis=axis, keepdims=keepdims, **options)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    row, column = axes
    if ord in (None, "f", "fro"):
        return root(np.sum(_squares(x), axis=axes, keepdims=keepdims))
    if ord in (1, -1, np.inf, -np.inf):
        summed, kept = (row, column) if ord in (1, -1) else (column, row)
        totals = np.sum(np.abs(x), axis=summed, keepdims=True)
        result = (_greatest if ord > 0 else np.min)(totals, axis=kept, keepdims=True)
    elif ord in (2, -2, "nuc"):
        values = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), compute_uv=False)
        if ord == "nuc":
            result = np.sum(values, axis=-1)
        else:
            result = (_greatest if ord == 2 else np.min)(values, axis=-1)
        return np.expand_dims(result, tuple(sorted(axes))) if keepdims else result
    else:
        raise ValueError("Invalid norm order for matrices.")
    return result if keepdims else np.squeeze(result, axes)
