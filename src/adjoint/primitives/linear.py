"""Operations that are linear: the tangent is the operation itself, the rest is transposes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import real_dtype, same_shape, ufunc_rule, without_axes, zeros
from adjoint.primitives.places import add_at

# *** sums ***


def _sum_type(x: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType]:
    return (ArrayType(without_axes(x.shape, axes), x.dtype),)


def kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with some axes set to 1."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def _sum_transpose(y_bar: Any, operands: Any, which: int, axes: tuple[int, ...]) -> Any:
    shape = operands[0].shape
    return broadcast(reshape(y_bar, shape=kept(shape, axes)), shape=shape)


add = Primitive(
    "add",
    "linear",
    ufunc_rule(np.add),
    np.add,
    transpose=lambda y_bar, operands, which: y_bar,
    ufunc=np.add,
    stretches=True,
)
sub = Primitive(
    "sub",
    "linear",
    ufunc_rule(np.subtract),
    np.subtract,
    transpose=lambda y_bar, operands, which: -y_bar if which else y_bar,
    ufunc=np.subtract,
    stretches=True,
)
neg = Primitive(
    "neg",
    "linear",
    ufunc_rule(np.negative),
    np.negative,
    transpose=lambda y_bar, operands, which: -y_bar,
    ufunc=np.negative,
    stretches=True,
)
sum_: Primitive = Primitive(
    "sum",
    "linear",
    _sum_type,
    lambda x, axes: np.add.reduce(x, axis=axes, dtype=x.dtype),
    ("axes",),
    transpose=_sum_transpose,
    doc="add along axes, which must be sorted and non-negative",
)
cumsum = Primitive(
    "cumsum",
    "linear",
    lambda x, axis: (x,),
    lambda x, axis: np.add.accumulate(x, axis=axis, dtype=x.dtype),
    ("axis",),
    transpose=lambda y_bar, operands, which, axis: np.flip(
        np.cumsum(np.flip(y_bar, axis), axis), axis
    ),
)

# *** number systems ***

conj = Primitive(
    "conj",
    "linear",
    ufunc_rule(np.conjugate),
    np.conjugate,
    transpose=lambda y_bar, operands, which: np.conjugate(y_bar),
    ufunc=np.conjugate,
    stretches=True,
    doc="real-linear; its transpose in the pairing Re(sum(a b)) is itself",
)
real = Primitive(
    "real",
    "linear",
    lambda x: (ArrayType(x.shape, real_dtype(x.dtype)),),
    lambda x: np.real(x),
    transpose=lambda y_bar, operands, which: cast(y_bar, dtype=operands[0].dtype),
)
imag = Primitive(
    "imag",
    "linear",
    lambda x: (ArrayType(x.shape, real_dtype(x.dtype)),),
    lambda x: np.imag(x),
    transpose=lambda y_bar, operands, which: cast(y_bar, dtype=operands[0].dtype) * -1j,
)


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        x = x.real  # what astype does, without its warning: the node says it on purpose
    return x.astype(dtype)


def _cast_transpose(y_bar: Any, operands: Any, which: int, dtype: np.dtype[Any]) -> Any:
    source = operands[0].dtype
    if dtype.kind == "c" and source.kind != "c":
        y_bar = np.real(y_bar)
    return y_bar if y_bar.dtype == source else cast(y_bar, dtype=source)


cast: Primitive = Primitive(
    "cast",
    "linear",
    lambda x, dtype: (ArrayType(x.shape, dtype),),
    _cast,
    ("dtype",),
    transpose=_cast_transpose,
    doc="change the dtype; complex to real keeps the real part",
)

# *** shapes ***


def _broadcast_type(x: ArrayType, shape: tuple[int, ...]) -> tuple[ArrayType]:
    if np.broadcast_shapes(x.shape, shape) != shape:
        raise ValueError(f"{x} does not broadcast to {shape}")
    return (ArrayType(shape, x.dtype),)


def _broadcast_transpose(y_bar: Any, operands: Any, which: int, shape: tuple[int, ...]) -> Any:
    source = operands[0].shape
    new = len(shape) - len(source)
    axes = tuple(
        [i for i in range(len(shape)) if i < new or (source[i - new] == 1 and shape[i] != 1)]
    )
    total = sum_(y_bar, axes=axes) if axes else y_bar
    return total if total.shape == source else reshape(total, shape=source)


def _reshape_type(x: ArrayType, shape: tuple[int, ...]) -> tuple[ArrayType]:
    if ArrayType(shape, x.dtype).size != x.size:
        raise ValueError(f"{x} does not reshape to {shape}")
    return (ArrayType(shape, x.dtype),)


def _broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(x, np.ndarray | np.generic) and x.size == 1:
        # One number everywhere, as gradients of sums have it: NumPy's way takes four times as long.
        view: Any = np.ndarray(shape, x.dtype, x, strides=(0,) * len(shape))
        view.flags.writeable = False
        return view
    return np.broadcast_to(x, shape)


broadcast: Primitive = Primitive(
    "broadcast",
    "linear",
    _broadcast_type,
    _broadcast,
    ("shape",),
    transpose=_broadcast_transpose,
    doc="stretch by NumPy's rules: new axes in front, axes of length 1 repeated",
)
reshape: Primitive = Primitive(
    "reshape",
    "linear",
    _reshape_type,
    lambda x, shape: np.asarray(x).reshape(shape) if shape else np.reshape(x, shape),
    ("shape",),
    transpose=lambda y_bar, operands, which, shape: reshape(y_bar, shape=operands[0].shape),
    doc="the same elements in C order under another shape",
)
permute_axes: Primitive = Primitive(
    "permute_axes",
    "linear",
    lambda x, axes: (ArrayType(tuple([x.shape[i] for i in axes]), x.dtype),),
    lambda x, axes: np.transpose(x, axes),
    ("axes",),
    transpose=lambda y_bar, operands, which, axes: permute_axes(
        y_bar, axes=tuple([axes.index(i) for i in range(len(axes))])
    ),
    doc="NumPy's transpose; that word means the adjoint of a linear map here",
)

# *** pieces ***


@lru_cache(maxsize=4096)
def _steps(start: Any, step: Any, shape: Any) -> tuple[slice, ...]:
    """Slices that pick start, start + step, ..., shape[i] of them along axis i."""
    parts = []
    for first, stride, count in zip(start, step, shape, strict=True):
        stop = first + stride * count
        # Going down past 0, a stop of -1 would mean the last element.
        parts.append(slice(first, None if stop < 0 else stop, stride) if count else slice(0, 0))
    return tuple(parts)


def _slice_type(x: ArrayType, start: Any, step: Any, shape: Any) -> tuple[ArrayType]:
    for first, stride, count, extent in zip(start, step, shape, x.shape, strict=True):
        last = first + stride * (count - 1)
        if count and not (0 <= first < extent and 0 <= last < extent):
            raise ValueError(f"the slice {start}, {step}, {shape} leaves {x}")
    return (ArrayType(tuple(shape), x.dtype),)


def _unslice(y: Any, start: Any, step: Any, shape: Any) -> Any:
    full = np.zeros(shape, y.dtype)
    full[_steps(start, step, y.shape)] = y
    return full


def _add_to_slice(full: Any, y: Any, start: Any, step: Any, shape: Any) -> None:
    full[_steps(start, step, y.shape)] += y


def _write_slice(full: Any, y: Any, start: Any, step: Any) -> None:
    full[_steps(start, step, y.shape)] = y


def _set_slice(x: Any, y: Any, start: Any, step: Any) -> Any:
    full = np.array(x)
    _write_slice(full, y, start, step)
    return full


def _set_slice_transpose(z_bar: Any, operands: Any, which: int, start: Any, step: Any) -> Any:
    shape = operands[1].shape
    if which == 0:
        hole = zeros(ArrayType(shape, z_bar.dtype))
        return set_slice(z_bar, hole, start=start, step=step)
    return slice_(z_bar, start=start, step=step, shape=shape)


slice_: Primitive = Primitive(
    "slice",
    "linear",
    _slice_type,
    lambda x, start, step, shape: x[_steps(start, step, shape)],
    ("start", "step", "shape"),
    transpose=lambda y_bar, operands, which, start, step, shape: unslice(
        y_bar, start=start, step=step, shape=operands[0].shape
    ),
    doc="elements start + k step of each axis; steps may be negative",
)
unslice: Primitive = Primitive(
    "unslice",
    "linear",
    lambda y, start, step, shape: (ArrayType(tuple(shape), y.dtype),),
    _unslice,
    ("start", "step", "shape"),
    transpose=lambda x_bar, operands, which, start, step, shape: slice_(
        x_bar, start=start, step=step, shape=operands[0].shape
    ),
    doc="the transpose of slice: an array of zeros with y at the slice's places",
    notes={"adds": _add_to_slice},
)
set_slice: Primitive = Primitive(
    "set_slice",
    "linear",
    lambda x, y, start, step: (x,),
    _set_slice,
    ("start", "step"),
    transpose=_set_slice_transpose,
    doc="x with y written over a slice of it",
    notes={"writes": _write_slice},
)

# Operations on the piece of an array that starts where their first attribute says.
PLACED = frozenset({"slice", "unslice", "set_slice"})


def _concatenate_type(*types: ArrayType, axis: int) -> tuple[ArrayType]:
    shape = list(types[0].shape)
    for other in types[1:]:
        if without_axes(other.shape, (axis,)) != without_axes(types[0].shape, (axis,)):
            raise ValueError(f"cannot join {', '.join(map(str, types))} along axis {axis}")
        shape[axis] += other.shape[axis]
    return (ArrayType(tuple(shape), types[0].dtype),)


def _concatenate_transpose(y_bar: Any, operands: Any, which: int, axis: int) -> Any:
    shape = operands[which].shape
    start = [0] * len(shape)
    start[axis] = sum(other.shape[axis] for other in operands[:which])
    return slice_(y_bar, start=tuple(start), step=(1,) * len(shape), shape=shape)


concatenate = Primitive(
    "concatenate",
    "linear",
    _concatenate_type,
    lambda *xs, axis: np.concatenate(xs, axis=axis),
    ("axis",),
    transpose=_concatenate_transpose,
)

# *** elements by index ***


def _index(ndim: int, axes: tuple[int, ...], indices: tuple[Any, ...]) -> tuple[Any, ...]:
    parts: list[Any] = [slice(None)] * ndim
    for axis, index in zip(axes, indices, strict=True):
        parts[axis] = index
    return tuple(parts)


def gathered_shape(
    shape: tuple[int, ...], indices: tuple[ArrayType, ...], axes: tuple[int, ...]
) -> tuple[int, ...]:
    """The shape of x[indices]: index axes in place if adjacent, in front otherwise."""
    rest = without_axes(shape, axes)
    common = same_shape(indices)
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    at = axes[0] if adjacent else 0
    return rest[:at] + common + rest[at:]


def _add_at(full: Any, y: Any, *indices: Any, axes: Any, shape: Any) -> None:
    add_at(full, y, _index(len(shape), axes, indices))


def _scatter_add(y: Any, *indices: Any, axes: Any, shape: Any) -> Any:
    full = np.zeros(shape, y.dtype)
    _add_at(full, y, *indices, axes=axes, shape=shape)
    return full


def _write_at(full: Any, y: Any, *indices: Any, axes: Any) -> None:
    full[_index(full.ndim, axes, indices)] = y


def _scatter_set(x: Any, y: Any, *indices: Any, axes: Any) -> Any:
    full = np.array(x)
    _write_at(full, y, *indices, axes=axes)
    return full


def _scatter_set_transpose(z_bar: Any, operands: Any, which: int, axes: Any) -> Any:
    y, indices = operands[1], operands[2:]
    if which == 0:
        hole = zeros(ArrayType(y.shape, z_bar.dtype))
        return scatter_set(z_bar, hole, *indices, axes=axes)
    if all(n == 1 for n in indices[0].shape):  # one place is not written twice
        return gather(z_bar, *indices, axes=axes)
    # A place written twice keeps the last value: only that one has a derivative.
    order = np.arange(y.size if isinstance(y, ArrayType) else np.size(y)).reshape(y.shape)
    written = scatter_set(np.broadcast_to(-1, z_bar.shape), order, *indices, axes=axes)
    lasting = gather(written, *indices, axes=axes) == order
    return np.where(lasting, gather(z_bar, *indices, axes=axes), 0)


gather: Primitive = Primitive(
    "gather",
    "linear",
    lambda x, *indices, axes: (ArrayType(gathered_shape(x.shape, indices, axes), x.dtype),),
    lambda x, *indices, axes: x[_index(x.ndim, axes, indices)],
    ("axes",),
    linear_in=(0,),
    transpose=lambda y_bar, operands, which, axes: scatter_add(
        y_bar, *operands[1:], axes=axes, shape=operands[0].shape
    ),
    doc="NumPy's indexing by integer arrays of one shape, one for each of some axes",
)
scatter_add: Primitive = Primitive(
    "scatter_add",
    "linear",
    lambda y, *indices, axes, shape: (ArrayType(tuple(shape), y.dtype),),
    _scatter_add,
    ("axes", "shape"),
    linear_in=(0,),
    transpose=lambda x_bar, operands, which, axes, shape: gather(x_bar, *operands[1:], axes=axes),
    doc="the transpose of gather: zeros with y added at the places; repeats add up",
    notes={"adds": _add_at},
)
scatter_set: Primitive = Primitive(
    "scatter_set",
    "linear",
    lambda x, y, *indices, axes: (x,),
    _scatter_set,
    ("axes",),
    linear_in=(0, 1),
    transpose=_scatter_set_transpose,
    doc="x with y written at the places; of repeats the last stays",
    notes={"writes": _write_at},
)
