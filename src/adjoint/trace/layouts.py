"""How arrays of unknown values lie in memory: as NumPy would have laid out their results.

What is a view and what a copy depends on it: ``x.T.ravel()`` is a copy, and what is written to
it does not reach x. An array that lies in C order has an ``ArrayType`` for its value, any other
a ``LaidOut``. Orders are found by calling NumPy on arrays of two elements along each axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType


class LaidOut(ArrayType):
    """A type whose arrays do not lie in C order."""

    small: Any  # an array of few elements whose axes follow one another as theirs do


def laid_out(kind: ArrayType, small: Any) -> ArrayType:
    """The type of an array that lies as a small one does."""
    if small.flags.c_contiguous:
        return kind if type(kind) is ArrayType else ArrayType(*kind)
    made, few = LaidOut(*kind), _few(kind.shape)
    made.small = small if list(small.shape) == few else _spread(few, small)
    return made


def axes_as_they_lie(known: Any) -> list[int]:
    """Axes by their strides, as NumPy's iterators put them: one without a stride stays behind."""
    strides = [abs(s) if n > 1 else 0 for s, n in zip(known.strides, known.shape, strict=True)]
    order: list[int] = []
    for axis in range(known.ndim):
        place = len(order)
        for i in reversed(range(len(order))):
            if strides[axis] and strides[order[i]]:
                if strides[order[i]] >= strides[axis]:
                    break
                place = i
        order.insert(place, axis)
    return order


def _few(shape: Sequence[int]) -> list[int]:
    return [1 if n == 1 else 2 for n in shape]


def _spread(shape: Sequence[int], like: Any, dtype: Any = None) -> Any:
    """An array whose axes follow one another, or repeat, as those of another."""
    order = axes_as_they_lie(like)
    repeats = [s == 0 and n > 1 for s, n in zip(like.strides, like.shape, strict=True)]
    sizes = [1 if repeats[i] else shape[i] for i in order]
    whole = np.zeros(sizes, np.int8) if dtype is None else np.empty(sizes, dtype)
    turned = whole.transpose(np.argsort(order)) if order else whole
    return np.broadcast_to(turned, shape) if any(repeats) else turned


def apart_as(array: Any, like: Any) -> Any:
    """A copy with gaps between its elements where another array of that shape has them.

    A gap is one element wide: how wide it is changes no digit. Broadcast ones stay as they are.
    """
    if any(s == 0 and n > 1 for s, n in zip(like.strides, like.shape, strict=True)):
        return array
    order = axes_as_they_lie(like)
    sizes, wanted = [1], like.itemsize  # from the fastest axis, whose elements may lie apart
    for axis in reversed(order):
        n, step = like.shape[axis], abs(like.strides[axis])
        if n > 1:
            sizes[-1] += step != wanted
            wanted = step * n
        sizes.append(n)
    whole = np.empty(sizes[::-1], array.dtype)[..., 0]
    parts = [
        slice(n) if like.strides[i] >= 0 else slice(n - 1, None, -1)
        for i, n in ((i, like.shape[i]) for i in order)
    ]
    made = whole[tuple(parts)].transpose(np.argsort(order)) if order else whole
    made[...] = array
    return made


def small_of(x: Any) -> Any:
    """A small array that lies in memory as a value does."""
    x = _beneath(x)
    if type(x) is LaidOut:
        return x.small
    if type(x) is np.ndarray:
        return _spread(_few(x.shape), x)
    return np.zeros(_few(getattr(x, "shape", ())), np.int8)


def _beneath(x: Any) -> Any:
    """The type or array that a stand-in stands for."""
    while hasattr(x, "payload"):
        x = x.payload
    return x


def lying_so(kind: ArrayType) -> Any:
    """An array with no meaning in its values that lies as those of a type do."""
    if type(kind) is LaidOut:
        return _spread(kind.shape, kind.small, kind.dtype)
    return np.empty(kind.shape, kind.dtype)


def _reshaped(x: Any, shape: Any) -> Any:
    try:
        whole = np.reshape(lying_so(x), shape, copy=False)
    except ValueError:  # a copy, in C order
        return np.zeros((), np.int8)
    return _spread(_few(shape), whole)


def _element_by_element(xs: Sequence[Any]) -> Any:
    flags = [["readonly"]] * len(xs) + [["writeonly", "allocate"]]
    return np.nditer([*xs, None], op_flags=flags, op_dtypes=[np.int8] * len(flags)).operands[-1]


def _gathered(x: Any, axes: Any, ranks: Sequence[int]) -> Any:
    index: list[Any] = [slice(None)] * x.ndim
    for axis, rank in zip(axes, ranks, strict=True):
        index[axis] = np.zeros((2,) * rank, np.intp)
    return x[tuple(index)]


_RULES: dict[str, Callable[..., Any]] = {
    "permute_axes": lambda xs, s: xs[0].transpose(s["axes"]),
    "broadcast": lambda xs, s: np.broadcast_to(xs[0], _few(s["shape"])),
    "cast": lambda xs, s: _element_by_element(xs),
    "where": lambda xs, s: _element_by_element(xs),
    "concatenate": lambda xs, s: np.concatenate(xs, s["axis"]),
    "einsum": lambda xs, s: np.einsum(s["subscripts"], *xs, optimize=s["optimize"]),
    **dict.fromkeys(("sum", "prod", "max", "min"), lambda xs, s: xs[0].max(s["axes"])),
    **dict.fromkeys(("sort", "argsort", "cumsum", "cumprod"), lambda xs, s: xs[0].copy("K")),
    **dict.fromkeys(("slice", "scatter_set"), lambda xs, s: xs[0]),
}


_TURNING = {"permute_axes", "gather", "einsum"}  # also what lies in C order


def type_of_result(
    primitive: Primitive, operands: Sequence[Any], settings: dict[str, Any], kind: ArrayType
) -> ArrayType:
    """The type of a primitive's result, with how NumPy would have laid it out.

    Args:
        primitive: with one output.
        operands: types, plain arrays, and stand-ins.
        settings: the primitive's attributes.
        kind: the shape and dtype of the result.
    """
    name = primitive.name
    turning = name in _TURNING and settings.get("axes") != (0,)
    if len(kind.shape) < 2 or not (turning or any(map(_lies_otherwise, operands))):
        return kind
    if name == "reshape":
        return laid_out(kind, _reshaped(_beneath(operands[0]), kind.shape))
    smalls = [small_of(x) for x in operands]
    if name == "gather":
        made = _gathered(smalls[0], settings["axes"], [np.ndim(i) for i in smalls[1:]])
    elif primitive.structure == "elementwise" or primitive.ufunc is not None:
        made = _element_by_element(smalls)
    elif name in _RULES:
        made = _RULES[name](smalls, settings)
    else:
        return kind  # made in C order, whatever of
    return laid_out(kind, made)


def _lies_otherwise(x: Any) -> bool:
    x = _beneath(x)
    return type(x) is LaidOut or (type(x) is np.ndarray and not x.flags.c_contiguous)
