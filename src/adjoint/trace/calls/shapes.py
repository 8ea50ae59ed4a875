"""Shapes: reshape, transpose, join, split, repeat. Results that NumPy gives as views are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from adjoint.errors import ConcreteValueError, UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives import linear
from adjoint.trace.calls.support import (
    as_operand,
    axis_index,
    axis_tuple,
    common_dtype,
    counted_axes,
    is_traced,
)
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import is_plain
from adjoint.trace.refusals import FIELDS
from adjoint.trace.tables import implements
from adjoint.trace.views import as_view, detached, lying_as, memory_of, of_its_kind, order_of_axes


def _shares(x: Any, result: Any, read: Any) -> bool:
    """Whether NumPy gives a view: seen on the arrays, or on arrays that lie as they would."""
    source, made = concrete_value(x), concrete_value(result)
    known = source is not None and made is not None
    if not known and memory_of(x).flags.c_contiguous:
        return True
    if not known or (x.tie is not None and not is_plain(x)):  # its own array may be a copy
        source = memory_of(x)
        made = read(source)
    return isinstance(made, np.ndarray) and np.may_share_memory(source, made)


def view(x: Any, result: Any, read: Any, write: Any) -> Any:
    """Tie a result to x if both are stand-ins and NumPy would share memory."""
    if is_traced(x) and is_traced(result) and _shares(x, result, read):
        return as_view(result, x, read, write)
    return result


def _shape(args: tuple[Any, ...]) -> tuple[int, ...]:
    if len(args) == 1 and (isinstance(args[0], tuple | list) or np.ndim(args[0]) == 1):
        args = tuple(args[0])
    return tuple([int(n.__index__()) for n in args])


@implements(np.reshape)
def reshape(
    a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    """The same elements under another shape."""
    x = as_operand(a)
    wanted = _shape((shape if shape is not None else newshape,))
    if wanted.count(-1) == 1:
        known = 1
        for n in wanted:
            known *= n if n != -1 else 1
        if known == 0 or x.size % known:
            raise ValueError(f"cannot reshape array of size {x.size} into shape {wanted}")
        wanted = tuple([x.size // known if n == -1 else n for n in wanted])
    size = 1
    for n in wanted:
        size *= n
    if size != x.size or any(n < 0 for n in wanted):
        raise ValueError(f"cannot reshape array of size {x.size} into shape {wanted}")
    if copy:
        x = x.copy("K")
    if order == "F" or (order == "A" and order_of_axes(x, order)[:1] > [0]):
        return transpose(reshape(transpose(x), wanted[::-1]))
    before = x.shape
    result = linear.reshape(detached(x) if is_traced(x) else x, shape=wanted)
    return view(
        x,
        result,
        lambda base: linear.reshape(base, shape=wanted),
        lambda base, new: linear.reshape(new, shape=before),
    )


@implements(methods=("reshape",))
def reshape_method(x: Any, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    """``x.reshape(2, 3)`` or ``x.reshape((2, 3))``."""
    return reshape(x, _shape(shape), order, copy=copy)


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """Axes in another order."""
    x = as_operand(a)
    order = (
        tuple(range(x.ndim))[::-1] if axes is None else tuple(axis_index(i, x.ndim) for i in axes)
    )
    if sorted(order) != list(range(x.ndim)):
        raise ValueError("axes don't match array")
    back = tuple([order.index(i) for i in range(x.ndim)])
    return view(
        x,
        linear.permute_axes(detached(x) if is_traced(x) else x, axes=order),
        lambda base: linear.permute_axes(base, axes=order),
        lambda base, new: linear.permute_axes(new, axes=back),
    )


@implements(methods=("transpose",))
def transpose_method(x: Any, *axes: Any) -> Any:
    """``x.transpose(1, 0)`` or ``x.transpose((1, 0))`` or ``x.transpose()``."""
    if len(axes) == 1 and not isinstance(axes[0], int | np.integer):
        return transpose(x, axes[0])
    return transpose(x, axes or None)


@implements(np.swapaxes, methods=("swapaxes",))
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    order = list(range(np.ndim(a)))
    i, j = axis_index(axis1, len(order)), axis_index(axis2, len(order))
    order[i], order[j] = order[j], order[i]
    return transpose(a, order)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved, the others in their order."""
    ndim = np.ndim(a)
    sources = [source] if np.ndim(source) == 0 else list(source)
    targets = [destination] if np.ndim(destination) == 0 else list(destination)
    froms = [axis_index(i, ndim) for i in sources]
    tos = [axis_index(i, ndim) for i in targets]
    order = [i for i in range(ndim) if i not in froms]
    for to, origin in sorted(zip(tos, froms, strict=True)):
        order.insert(to, origin)
    return transpose(a, order)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """An axis rolled back to a place."""
    ndim = np.ndim(a)
    axis = axis_index(axis, ndim)
    start = start + ndim if start < 0 else start
    order = [i for i in range(ndim) if i != axis]
    order.insert(start - 1 if axis < start else start, axis)
    return transpose(a, order)


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """New axes of length 1."""
    x = as_operand(a)
    new = [axis] if np.ndim(axis) == 0 else list(axis)
    ndim = x.ndim + len(new)
    places = {axis_index(i, ndim) for i in new}
    rest = iter(x.shape)
    return reshape(x, tuple(1 if i in places else next(rest) for i in range(ndim)))


@implements(np.squeeze, methods=("squeeze",))
def squeeze(a: Any, axis: Any = None) -> Any:
    """Axes of length 1 taken out."""
    x = as_operand(a)
    if axis is None:
        return reshape(x, tuple(n for n in x.shape if n != 1))
    axes = axis_tuple(axis, x.ndim)
    if any(x.shape[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


@implements(np.ravel, methods=("ravel",))
def ravel(a: Any, order: str = "C") -> Any:
    """All elements along one axis."""
    x = as_operand(a)
    axes = order_of_axes(x, order)
    if axes != sorted(axes):
        x = transpose(x, axes)
    flat = reshape(x, (-1,) if x.size else (0,))
    # Unlike reshape, ravel copies whatever does not lie in memory in that order.
    return flat.copy() if is_traced(flat) and not memory_of(x).flags.c_contiguous else flat


@implements(methods=("flatten",))
def flatten(a: Any, order: str = "C") -> Any:
    """A copy with all elements along one axis."""
    return detached(ravel(a, order))


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """Stretched to a shape, read-only."""
    x = as_operand(array)
    wanted = (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)
    if x.shape == wanted:
        return view(x, detached(x), detached, None) if is_traced(x) else x
    if np.broadcast_shapes(x.shape, wanted) != wanted:
        raise ValueError(f"cannot broadcast an array of shape {x.shape} to {wanted}")
    result = linear.broadcast(x, shape=wanted)
    return view(x, result, lambda base: linear.broadcast(base, shape=wanted), None)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """All stretched to their common shape."""
    shape = np.broadcast_shapes(*[np.shape(x) for x in args])
    return tuple(broadcast_to(x, shape) for x in args)


@implements(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    """At least one axis."""
    made = tuple(reshape(x, (1,)) if np.ndim(x) == 0 else x for x in arrays)
    return made[0] if len(made) == 1 else made


@implements(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    """At least two axes, new ones in front."""
    made = tuple(
        reshape(x, (1,) * (2 - np.ndim(x)) + np.shape(x)) if np.ndim(x) < 2 else x for x in arrays
    )
    return made[0] if len(made) == 1 else made


@implements(np.concatenate, np.concat)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Arrays joined along an axis."""
    parts = [as_operand(x) for x in arrays]
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    wanted = np.dtype(dtype) if dtype is not None else common_dtype(*parts)
    parts = [x if x.dtype == wanted else x.astype(wanted) for x in parts]
    axis = axis_index(axis, parts[0].ndim)
    result = linear.concatenate(*parts, axis=axis)
    if out is not None:
        out[...] = result
        return out
    return result


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Arrays joined along a new axis."""
    parts = [as_operand(x) for x in arrays]
    shapes = {x.shape for x in parts}
    if len(shapes) > 1:
        raise ValueError("all input arrays must have the same shape")
    return concatenate([expand_dims(x, axis) for x in parts], axis, out, dtype=dtype)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Rows joined."""
    return concatenate([atleast_2d(as_operand(x)) for x in tup], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Columns joined."""
    parts = [atleast_1d(as_operand(x)) for x in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Vectors as columns."""
    parts = [as_operand(x) for x in tup]
    return concatenate([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in parts], 1)


def _cuts(x: Any, pieces: Any, axis: int, equal: bool) -> list[int]:
    n = x.shape[axis]
    if np.ndim(pieces) > 0:
        return [0, *(min(n, i if i >= 0 else max(0, n + i)) for i in pieces), n]
    size, extra = divmod(n, pieces)
    if equal and extra:
        raise ValueError("array split does not result in an equal division")
    cuts = [0]
    for k in range(pieces):
        cuts.append(cuts[-1] + size + (k < extra))
    return cuts


def _split(x: Any, pieces: Any, axis: int, equal: bool) -> list[Any]:
    axis = axis_index(axis, x.ndim)
    cuts = _cuts(x, pieces, axis, equal)
    lead = (slice(None),) * axis
    return [x[(*lead, slice(a, b))] for a, b in pairwise(cuts)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut into pieces, equal ones if a number is given."""
    return _split(ary, indices_or_sections, axis, equal=True)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut into pieces, as equal as can be."""
    return _split(ary, indices_or_sections, axis, equal=False)


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """The parts along an axis."""
    moved = moveaxis(x, axis, 0)
    return tuple(moved[i] for i in range(moved.shape[0]))


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """Axes turned around."""
    axes = counted_axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along axes, those pushed out coming in again."""
    if axis is None:
        return reshape(roll(ravel(a), shift, 0), a.shape)
    moves = [(shift, axis)]
    if not isinstance(shift, int) or not isinstance(axis, int):
        shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
        moves = list(zip(shifts.tolist(), axes.tolist(), strict=True))
    x = a
    for step, where in moves:
        i = axis_index(where, x.ndim)
        n = x.shape[i]
        cut = (-step) % n if n else 0
        if cut:
            lead = (slice(None),) * i
            x = concatenate([x[(*lead, slice(cut, None))], x[(*lead, slice(0, cut))]], i)
    return lying_as(x.copy(), a)


def known(x: Any, name: str) -> Any:
    """The values of an array that a function's shape depends on."""
    found = concrete_value(x) if is_traced(x) else np.asarray(x)
    if found is None:
        raise ConcreteValueError(
            "the size of the result depends on values that are not known while recording",
            function=f"np.{name}",
            source=source_here(),
            remedy="use np.where with a fixed size, or call it outside jit and vmap",
        )
    return found


@implements(np.repeat, methods=("repeat",))
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element several times."""
    x = as_operand(a)
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        x, axis = ravel(x), 0
    if is_traced(repeats):
        repeats = known(repeats, "repeat")
    axis = axis_index(axis, x.ndim)
    order = np.repeat(np.arange(x.shape[axis]), repeats)
    return np.take(x, order, axis=axis)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """The whole array several times."""
    x = as_operand(A)
    counts = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    counts = (1,) * (x.ndim - len(counts)) + counts
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    paired = [n for pair in zip([1] * len(shape), shape, strict=True) for n in pair]
    wide = [n for pair in zip(counts, shape, strict=True) for n in pair]
    stretched = broadcast_to(reshape(x, tuple(paired)), tuple(wide))
    return detached(reshape(stretched, tuple(c * n for c, n in zip(counts, shape, strict=True))))


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """A numeric dtype; others, which cannot carry derivatives, are refused."""
    is_class = isinstance(dtype, type) and issubclass(dtype, np.dtype)
    wanted: np.dtype[Any] = dtype() if is_class else np.dtype(dtype)
    if wanted.kind not in "biufc":
        raise UnsupportedError(
            f"an array under recording cannot become {wanted}",
            function="astype",
            source=source_here(),
            wanted="a boolean, integer, floating or complex dtype",
            remedy=FIELDS if wanted.names else "keep lists, or whole arrays of numbers",
        )
    return wanted


@implements(methods=("astype",))
def astype(
    x: Any,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Any:
    """Another dtype."""
    wanted = as_dtype(dtype)
    if x.dtype == wanted:
        return x if not copy and not x.weak else x.copy(order)
    if x.dtype.kind == "c" and wanted.kind == "f":
        import warnings

        warnings.warn(
            "Casting complex values to real discards the imaginary part",
            np.exceptions.ComplexWarning,
            stacklevel=2,
        )
    result = linear.cast(x, dtype=wanted)
    if order == "K":
        return result if x.shape else of_its_kind(result, x)
    return result.copy("F" if order_of_axes(x, order) != list(range(x.ndim)) else "C")


@implements(np.astype)
def astype_function(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """Another dtype."""
    return astype(x, dtype, copy=copy)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """The same value, tied to nothing."""
    return a.copy(order)


@implements(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return as_operand(a).ndim  # type: ignore[no-any-return]


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """The shape."""
    return as_operand(a).shape  # type: ignore[no-any-return]


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """The number of elements."""
    x = as_operand(a)
    return x.size if axis is None else x.shape[axis]  # type: ignore[no-any-return]


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """NumPy's promotion."""
    made = [common_dtype(x) if is_traced(x) and not x.weak else x for x in arrays_and_dtypes]
    return np.result_type(*[float(1) if is_traced(x) else x for x in made])


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex."""
    return x.dtype.kind == "c"  # type: ignore[no-any-return]


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex."""
    return x.dtype.kind != "c"  # type: ignore[no-any-return]


@implements(np.block)
def block(arrays: Any) -> Any:
    """Nested lists of blocks, joined from the inside out."""
    if not isinstance(arrays, list):
        return as_operand(arrays)
    depth, probe = 0, arrays
    while isinstance(probe, list):
        depth, probe = depth + 1, probe[0]
    return _block(arrays, depth)


def _block(arrays: Any, depth: int) -> Any:
    # Blocks nest only as deep as arrays have axes, so recursion is bounded.
    if depth == 0:
        return as_operand(arrays)
    parts = [_block(part, depth - 1) for part in arrays]
    ndim = max(depth, *(np.ndim(part) for part in parts))
    parts = [reshape(p, (1,) * (ndim - np.ndim(p)) + np.shape(p)) for p in parts]
    return concatenate(parts, axis=-depth)
