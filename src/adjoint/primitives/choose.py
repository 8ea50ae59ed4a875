"""Operations that choose: where, extremes, products over axes, orders, truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.conventions import current
from adjoint.primitives.infer import same_shape, without_axes
from adjoint.primitives.linear import broadcast, kept, permute_axes, reshape, slice_

_BOOL = np.dtype(bool)
_INT = np.dtype(np.intp)
_MANY = 1024  # elements from which on guesses cost more than calls of NumPy
_BITS = {np.dtype(np.float64): np.int64, np.dtype(np.float32): np.int32}


def _where_type(condition: ArrayType, x: ArrayType, y: ArrayType) -> tuple[ArrayType]:
    same_shape((condition, x, y))
    if condition.dtype != _BOOL or x.dtype != y.dtype:
        raise ValueError(f"where({condition}, {x}, {y})")
    return (x,)


def _chosen(condition: Any, x: Any, y: Any, out: Any = None) -> Any:
    """np.where; by bits where one side is the number 0, as derivatives have it.

    The result is in ``out``, or in an array of its own.

    A processor guesses what each condition will be, and where it cannot, wrong guesses take
    ten times as long as the choices.
    """
    if type(condition) is np.ndarray and condition.size >= _MANY and x.dtype in _BITS:
        whole = np.broadcast(condition, x, y).shape == condition.shape
        if whole and _is_zero(y):
            return _where_it_holds(condition, x, out)
        if whole and _is_zero(x):
            return _where_it_holds(~condition, y, out)
    return np.where(condition, x, y)[()]


def _where_it_holds(holds: Any, x: Any, out: Any) -> Any:
    """An array where a condition holds, else 0: with integers that are all ones or all zeros."""
    made = np.empty_like(holds, x.dtype) if out is None else out
    bits = made.view(_BITS[made.dtype])
    np.copyto(bits, np.negative(holds.view(np.int8)))
    bits &= np.asarray(x).view(bits.dtype)
    return made


def _is_zero(x: Any) -> bool:
    """Whether all elements are one number, and that is 0 and not -0."""
    x = np.asarray(x)
    return not any(x.strides) and bool(x.flat[0] == 0) and not np.signbit(x.flat[0])


def _where_transpose(z_bar: Any, operands: Any, which: int) -> Any:
    condition = operands[0]
    nothing = np.zeros((), z_bar.dtype)
    if which == 1:
        return np.where(condition, z_bar, nothing)
    return np.where(condition, nothing, z_bar)


where = Primitive(
    "where",
    "linear",
    _where_type,
    _chosen,
    linear_in=(1, 2),
    transpose=_where_transpose,
    stretches=True,
    notes={"takes_out": True},
    convention="the branch not taken gets exactly 0, whatever its partials are",
)


def _shared_type(x: ArrayType, taken: ArrayType, tie: ArrayType) -> tuple[ArrayType]:
    same_shape((x, taken, tie))
    if taken.dtype != _BOOL or tie.dtype != _BOOL or x.dtype.kind not in "fc":
        raise ValueError(f"shared({x}, {taken}, {tie})")
    return (x,)


def _shared(x: Any, taken: Any, tie: Any, out: Any = None) -> Any:
    made = _chosen(taken, x, np.zeros((), x.dtype), out)
    if np.any(tie):  # rarely
        made = np.where(tie, made * made.dtype.type(0.5), made)[()]
    return made


shared: Primitive = Primitive(
    "shared",
    "linear",
    _shared_type,
    _shared,
    linear_in=(0,),
    transpose=lambda y_bar, operands, which: shared(y_bar, operands[1], operands[2]),
    stretches=True,
    notes={"takes_out": True},
    convention="what was not taken gets exactly 0, and ties a half",
    doc="x where it is taken, half of it at ties, else 0: what an extreme hands to an operand",
)

# *** extremes over axes ***


def _reduced(x: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType]:
    if any(x.shape[axis] == 0 for axis in axes):
        raise ValueError(f"an extreme over the empty axes {axes} of {x}")
    return (ArrayType(without_axes(x.shape, axes), x.dtype),)


def _extreme_jvp(primals: Any, tangents: Any, outputs: Any, axes: tuple[int, ...]) -> Any:
    (x,), (t,), (out,) = primals, tangents, outputs
    peak = broadcast(reshape(out, shape=kept(x.shape, axes)), shape=x.shape)
    hits = x == peak
    if current().ties == "first":
        hits = hits & (_count_before(hits, axes) == 0)
        return np.where(hits, t, 0).sum(axis=axes)
    share = hits.sum(axis=axes).astype(x.dtype)
    # No element equals a NaN extreme: its derivative is NaN as the value is.
    return np.where(hits, t, 0).sum(axis=axes) / share


def _count_before(hits: Any, axes: tuple[int, ...]) -> Any:
    """How many hits stand before each place in C order of the reduced axes."""
    rest = tuple(i for i in range(hits.ndim) if i not in axes)
    order = rest + axes
    moved = permute_axes(hits.astype(np.intp), axes=order)
    lead = moved.shape[: len(rest)]
    size = 1
    for n in moved.shape[len(rest) :]:
        size *= n
    flat = reshape(moved, shape=(*lead, size))
    before = np.cumsum(flat, -1) - flat
    back = tuple(order.index(i) for i in range(len(order)))
    return permute_axes(reshape(before, shape=moved.shape), axes=back)


_TIES = "ties share the cotangent (ties)"
_WHY_EXTREME = "depends on which element wins, and on the convention for ties"

max_ = Primitive(
    "max",
    "special",
    _reduced,
    lambda x, axes: np.maximum.reduce(x, axis=axes),
    ("axes",),
    jvp=_extreme_jvp,
    convention=_TIES,
    reason=_WHY_EXTREME,
)
min_ = Primitive(
    "min",
    "special",
    _reduced,
    lambda x, axes: np.minimum.reduce(x, axis=axes),
    ("axes",),
    jvp=_extreme_jvp,
    convention=_TIES,
    reason=_WHY_EXTREME,
)

# *** products over axes ***


def _prod_jvp(primals: Any, tangents: Any, outputs: Any, axes: tuple[int, ...]) -> Any:
    """Multiply neighbours pairwise until one is left: no division, so zeros are harmless."""
    (x,), (t,) = primals, tangents
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    lead = tuple(x.shape[i] for i in rest)
    size = 1
    for i in axes:
        size *= x.shape[i]
    if size == 0:
        return broadcast(np.zeros((), x.dtype), shape=lead)
    p = reshape(permute_axes(x, axes=rest + axes), shape=(*lead, size))
    p_dot = reshape(permute_axes(t, axes=rest + axes), shape=(*lead, size))
    while size > 1:
        half = size // 2
        a, b, c = p[..., :half], p[..., half : 2 * half], p[..., 2 * half :]
        a_dot, b_dot, c_dot = (
            p_dot[..., :half],
            p_dot[..., half : 2 * half],
            p_dot[..., 2 * half :],
        )
        p = np.concatenate([a * b, c], axis=-1)
        p_dot = np.concatenate([a_dot * b + a * b_dot, c_dot], axis=-1)
        size -= half
    return reshape(p_dot, shape=lead)


def _cumprod_jvp(primals: Any, tangents: Any, outputs: Any, axis: int) -> Any:
    """Products of pairs, pairs of pairs and so on; then what stands between is put in."""
    (p,), (p_dot,), (made,) = primals, tangents, outputs

    def part(v: Any, first: int, step: int, count: int) -> Any:
        start = tuple(first if i == axis else 0 for i in range(p.ndim))
        steps = tuple(step if i == axis else 1 for i in range(p.ndim))
        shape = tuple(count if i == axis else m for i, m in enumerate(p.shape))
        return slice_(v, start=start, step=steps, shape=shape)

    levels = []
    while (n := p.shape[axis]) > 1:
        levels.append((p, p_dot))
        a, b = part(p, 0, 2, n // 2), part(p, 1, 2, n // 2)
        a_dot, b_dot = part(p_dot, 0, 2, n // 2), part(p_dot, 1, 2, n // 2)
        p, p_dot = a * b, a_dot * b + a * b_dot
    for depth, (q, q_dot) in reversed(list(enumerate(levels))):
        n = q.shape[axis]
        between = (n - 1) // 2
        before = part(made, (2 << depth) - 1, 2 << depth, between)
        q, last_dot = part(q, 2, 2, between), part(q_dot, 2, 2, between)
        between_dot = part(p_dot, 0, 1, between) * q + before * last_dot
        even = np.concatenate([part(q_dot, 0, 1, 1), between_dot], axis=axis)
        both = np.stack([part(even, 0, 1, n // 2), p_dot], axis=axis + 1)
        shape = tuple(n // 2 * 2 if i == axis else m for i, m in enumerate(p_dot.shape))
        p_dot = reshape(both, shape=shape)
        if n % 2:
            p_dot = np.concatenate([p_dot, part(even, n // 2, 1, 1)], axis=axis)
    return p_dot


prod = Primitive(
    "prod",
    "special",
    lambda x, axes: (ArrayType(without_axes(x.shape, axes), x.dtype),),
    lambda x, axes: np.multiply.reduce(x, axis=axes, dtype=x.dtype),
    ("axes",),
    jvp=_prod_jvp,
    reason="a product of many factors; dividing it by one fails at zeros",
)
cumprod = Primitive(
    "cumprod",
    "special",
    lambda x, axis: (x,),
    lambda x, axis: np.multiply.accumulate(x, axis=axis, dtype=x.dtype),
    ("axis",),
    jvp=_cumprod_jvp,
    reason="products of many factors; dividing them by one fails at zeros",
)

# *** orders and truth: no derivative ***


def _index_type(x: ArrayType, axis: int) -> tuple[ArrayType]:
    if x.shape[axis] == 0:
        raise ValueError(f"an extreme over the empty axis {axis} of {x}")
    return (ArrayType(without_axes(x.shape, (axis,)), _INT),)


argmax = Primitive(
    "argmax", "constant", _index_type, lambda x, axis: np.argmax(x, axis=axis), ("axis",)
)
argmin = Primitive(
    "argmin", "constant", _index_type, lambda x, axis: np.argmin(x, axis=axis), ("axis",)
)
argsort = Primitive(
    "argsort",
    "constant",
    lambda x, axis, kind: (ArrayType(x.shape, _INT),),
    lambda x, axis, kind: np.argsort(x, axis=axis, kind=kind),
    ("axis", "kind"),
)


def _sort_jvp(primals: Any, tangents: Any, outputs: Any, axis: int, kind: Any) -> Any:
    (x,), (t,) = primals, tangents
    return np.take_along_axis(t, np.argsort(x, axis=axis, kind=kind), axis)


sort = Primitive(
    "sort",
    "special",
    lambda x, axis, kind: (x,),
    lambda x, axis, kind: np.sort(x, axis=axis, kind=kind),
    ("axis", "kind"),
    jvp=_sort_jvp,
    convention="of the element that was taken",
    reason="values alone are sorted several times faster than the indices that derivatives need",
)
any_ = Primitive(
    "any",
    "constant",
    lambda x, axes: (ArrayType(without_axes(x.shape, axes), _BOOL),),
    lambda x, axes: np.any(x, axis=axes),
    ("axes",),
)
all_ = Primitive(
    "all",
    "constant",
    lambda x, axes: (ArrayType(without_axes(x.shape, axes), _BOOL),),
    lambda x, axes: np.all(x, axis=axes),
    ("axes",),
)
stop_gradient = Primitive(
    "stop_gradient",
    "constant",
    lambda x: (x,),
    # Another object: of some constants is known what they were computed from.
    lambda x: x.view() if type(x) is np.ndarray else x.copy() if isinstance(x, np.generic) else x,
    doc="the value without its derivative",
)
