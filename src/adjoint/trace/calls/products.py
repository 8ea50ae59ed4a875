"""Products of matrices and tensors."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from adjoint.primitives import products as p
from adjoint.trace.calls.folds import as_numpy
from adjoint.trace.calls.support import as_operand, axis_index, common_dtype, is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.layouts import apart_as
from adjoint.trace.placed import placed_view
from adjoint.trace.recorder import bind
from adjoint.trace.tables import implements
from adjoint.trace.views import as_lies, as_numpy_has_it, detached, memory_of


def _same_dtype(*operands: Any) -> list[Any]:
    dtype = operands[0].dtype
    if any(x.dtype != dtype for x in operands):
        dtype = common_dtype(*operands)
    return [as_numpy_has_it(x if x.dtype == dtype else x.astype(dtype)) for x in operands]


def batched_matmul(x: Any, y: Any) -> Any:
    """``x @ y`` with batch axes broadcast against each other."""
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError("matmul: an operand does not have enough dimensions")
    x, y = _same_dtype(x, y)
    if x.ndim <= 2 and y.ndim <= 2:
        return _matmul(x, y)
    column, row = y.ndim == 1, x.ndim == 1
    if row:
        x = np.reshape(x, (1, *x.shape))
    if column:
        y = np.reshape(y, (*y.shape, 1))
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x = detached(np.broadcast_to(x, batch + x.shape[-2:]))
    y = detached(np.broadcast_to(y, batch + y.shape[-2:]))
    z = _matmul(x, y)
    if row:
        z = np.reshape(z, z.shape[:-2] + z.shape[-1:])
    return np.reshape(z, z.shape[:-1]) if column else z


def _matmul(x: Any, y: Any) -> Any:
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] != inner:
        raise ValueError(
            f"matmul: the inner sizes differ: {x.shape} @ {y.shape} ({x.shape[-1]} and {inner})"
        )
    return bind(p.matmul, (x, y), ())


def _copied_for_blas(x: Any, other: Any) -> Any:
    """x, copied where NumPy's dot copies it for BLAS: matmul sums such operands in other order."""
    memory = memory_of(x)
    if memory.flags.forc or x.dtype.kind not in "fc":
        return x
    if x.ndim == 2 and min(x.shape) > 1 and (other.ndim == 1 or 1 in other.shape):
        return _in_order(x)
    size, steps = memory.itemsize, memory.strides
    odd = any(s < 0 or s % size or (s == 0 and n > 1) for s, n in zip(steps, x.shape, strict=True))
    scattered = x.ndim == 2 and size not in steps and min(x.shape) > 1
    return _in_order(x) if odd or scattered else x


def _in_order(x: Any) -> Any:
    """A copy in C order, also of what stands for a view."""
    made = x.copy()
    if not is_traced(made):
        return made
    made.payload = as_lies(made.payload, np.empty(x.shape, np.int8), apart_as)
    return made


def _dot(x: Any, y: Any) -> Any:
    x, y = _same_dtype(x, y)
    return _matmul(_copied_for_blas(x, y), _copied_for_blas(y, x))


@implements(np.dot, methods=("dot",))
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """NumPy's dot: last axis of a against the last but one of b."""
    x, y = as_operand(a), as_operand(b)
    if x.ndim == 0 or y.ndim == 0:
        result = np.multiply(x, y)
    elif x.ndim <= 2 and y.ndim <= 2:
        result = _dot(x, y)
    else:
        made = tensordot(x, y, axes=((x.ndim - 1,), (max(0, y.ndim - 2),)))
        result = _one_by_one(np.dot, x, y, made)
    if out is not None:
        out[...] = result
        return out
    return result


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """The inner product of all elements, the first conjugated."""
    a, b = as_operand(a), as_operand(b)
    left = np.conjugate(a) if a.dtype.kind == "c" else a
    return dot(np.reshape(left, (-1,)), np.reshape(b, (-1,)))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Products over the last axes."""
    x, y = as_operand(a), as_operand(b)
    if x.ndim == 0 or y.ndim == 0:
        return np.multiply(x, y)
    made = tensordot(x, y, axes=((x.ndim - 1,), (y.ndim - 1,)))
    return made if x.ndim <= 2 and y.ndim <= 2 else _one_by_one(np.inner, x, y, made)


def _one_by_one(product: Any, x: Any, y: Any, made: Any) -> Any:
    """Products of more than two axes, which NumPy adds up one inner product after another."""
    other = concrete_value(y) if is_traced(y) else y
    if other is None or made.size > _MOST:
        return made
    return as_numpy(lambda known: product(known, other), x, made)


_MOST = 1 << 14  # elements of a product beyond which digits are not worth computing twice


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """All products of two vectors' elements."""
    result = np.ravel(as_operand(a))[:, None] * np.ravel(as_operand(b))[None, :]
    if out is not None:
        out[...] = result
        return out
    return result


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Products summed over given axes: one matrix product, as NumPy does it."""
    x, y = as_operand(a), as_operand(b)
    if np.ndim(axes) == 0:
        n = int(axes)
        left, right = list(range(x.ndim - n, x.ndim)), list(range(n))
    else:
        left, right = ([i] if np.ndim(i) == 0 else list(i) for i in axes)
    left = [axis_index(i, x.ndim) for i in left]
    right = [axis_index(i, y.ndim) for i in right]
    if [x.shape[i] for i in left] != [y.shape[i] for i in right]:
        raise ValueError("shape-mismatch for sum")
    free_x = [i for i in range(x.ndim) if i not in left]
    free_y = [i for i in range(y.ndim) if i not in right]
    shape = tuple([x.shape[i] for i in free_x] + [y.shape[i] for i in free_y])
    rows = columns = inner = 1
    for i in free_x:
        rows *= x.shape[i]
    for i in free_y:
        columns *= y.shape[i]
    for i in left:
        inner *= x.shape[i]
    matrix = np.reshape(np.transpose(x, free_x + left), (rows, inner))
    other = np.reshape(np.transpose(y, right + free_y), (inner, columns))
    return np.reshape(_dot(matrix, other), shape)


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    """Einstein summation, ellipses and implicit outputs included."""
    subscripts, xs = _parse_einsum(operands)
    labels, _, kept = subscripts.partition("->")
    if set(labels) == set(kept) and is_traced(xs[0]) and not options and out is None:
        return placed_view(  # elements in another order, or of a diagonal
            xs[0],
            lambda array: np.einsum(subscripts, array),
            lambda base: bind(p.einsum, (base,), (subscripts, bool(optimize))),
        )
    xs = _same_dtype(*xs)
    result = bind(p.einsum, xs, (subscripts, bool(optimize)))
    if out is not None:
        out[...] = result
        return out
    return result


def _parse_einsum(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Bring every form of the call to explicit letters without ellipsis."""
    if isinstance(operands[0], str):
        text = operands[0].replace(" ", "")
        xs = [as_operand(x) for x in operands[1:]]
    else:
        xs, texts = [], []
        rest = list(operands)
        while len(rest) >= 2:
            xs.append(as_operand(rest.pop(0)))
            texts.append(_letters(rest.pop(0)))
        text = ",".join(texts) + (f"->{_letters(rest[0])}" if rest else "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(xs):
        raise ValueError("einsum: the number of operands and of subscripts differ")
    used = set(text)
    free = [c for c in ascii_letters if c not in used]
    widest = 0
    for labels, x in zip(inputs, xs, strict=True):
        if "..." in labels:
            widest = max(widest, x.ndim - len(labels) + 3)
    dots = "".join(free[:widest])
    expanded = []
    for k, (labels, x) in enumerate(zip(inputs, xs, strict=True)):
        if "..." in labels:
            n = x.ndim - len(labels) + 3
            labels = labels.replace("...", dots[widest - n :])
        if len(labels) != x.ndim:
            raise ValueError("einsum: an operand has not as many axes as its subscripts")
        expanded.append(labels)
        xs[k] = x
    if arrow:
        output = right.replace("...", dots)
    else:
        joined = "".join(expanded)
        output = dots + "".join(
            sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots)
        )
    return _stretch_ones(expanded, output, xs)


def _stretch_ones(inputs: list[str], output: str, xs: list[Any]) -> tuple[str, list[Any]]:
    """Axes of length 1 that meet a longer one are dropped: the label goes with them."""
    extent: dict[str, int] = {}
    for labels, x in zip(inputs, xs, strict=True):
        for label, n in zip(labels, x.shape, strict=True):
            extent[label] = max(extent.get(label, n), n) if n != 0 else 0
    made = []
    for k, (labels, x) in enumerate(zip(inputs, xs, strict=True)):
        ones = [
            i
            for i, (c, n) in enumerate(zip(labels, x.shape, strict=True))
            if n == 1 and extent[c] != 1
        ]
        if ones:
            xs[k] = np.squeeze(x, tuple(ones))
            labels = "".join(c for i, c in enumerate(labels) if i not in ones)
        made.append(labels)
    return ",".join(made) + "->" + output, xs


def _letters(labels: Any) -> str:
    return "".join("..." if c is Ellipsis else ascii_letters[c] for c in labels)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product."""
    x, y = as_operand(a), as_operand(b)
    ndim = max(x.ndim, y.ndim)
    shape_x = (1,) * (ndim - x.ndim) + x.shape
    shape_y = (1,) * (ndim - y.ndim) + y.shape
    wide = np.reshape(x, tuple(n for m in shape_x for n in (m, 1)))
    tall = np.reshape(y, tuple(n for m in shape_y for n in (1, m)))
    product = wide * tall
    return np.reshape(product, tuple(m * n for m, n in zip(shape_x, shape_y, strict=True)))
