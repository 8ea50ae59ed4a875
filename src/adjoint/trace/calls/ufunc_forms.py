"""The forms in which a ufunc may be called: with options, reduce, accumulate, outer, at, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.calls.folds import (
    as_numpy,
    from_the_first,
    of_segments,
    running_extremes,
    together,
)
from adjoint.trace.calls.support import (
    any_traced,
    as_operand,
    axis_index,
    axis_tuple,
    is_traced,
)
from adjoint.trace.elementwise import dtype_key
from adjoint.trace.making import joined
from adjoint.trace.tables import _methods, find_function, foreign
from adjoint.trace.views import detached, memory_of

_no_value = np._NoValue


def _stored(result: Any, out: Any, name: str, casting: str = "same_kind") -> Any:
    """What ``out=`` does: the result cast and written, and the array it was written into."""
    target = out[0] if isinstance(out, tuple) else out
    if target is None or target is Ellipsis:
        return result
    if not is_traced(target):
        raise foreign(name)
    _check_cast(result, target, name, casting)
    target[...] = result
    return target


def _check_cast(result: Any, target: Any, name: str, casting: str) -> None:
    if not np.can_cast(result.dtype, target.dtype, casting):
        raise TypeError(f"Cannot cast {name} output from {result.dtype} to {target.dtype}")


def _with_options(ufunc: Any, rule: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """``out=``, ``where=``, ``dtype=`` and the other options of a ufunc call."""
    options = dict(options)
    name = f"np.{ufunc.__name__}"
    out = options.pop("out", None)
    where = options.pop("where", True)
    casting = options.get("casting", "same_kind")
    if options.keys() & {"dtype", "signature", "sig", "casting"}:
        inputs = _for_loop(ufunc, inputs, options)
    unknown = sorted(options.keys() - _OF_LOOPS)
    if unknown:
        raise TypeError(f"{ufunc.__name__}() got an unexpected keyword argument {unknown[0]!r}")
    result = rule(*inputs)
    if isinstance(result, tuple):
        targets = out or (None,) * len(result)
        pairs = zip(result, targets, strict=True)
        return tuple([_stored(y, target, name, casting) for y, target in pairs])
    target = out[0] if isinstance(out, tuple) else out
    if where is not True:
        shape = np.broadcast_shapes(result.shape, np.shape(where))
        fresh = target is None or target is Ellipsis
        base = np.zeros(shape, result.dtype) if fresh else detached(target)
        _check_cast(result, base, name, casting)
        result = np.where(where, result.astype(base.dtype), base)
    return _stored(result, target, name, casting)


def _of_cores(rule: Any, inputs: tuple[Any, ...], options: dict[str, Any], name: str) -> Any:
    """The same for a product of vectors or matrices, which has axes for settings as well."""
    options = dict(options)
    out = options.pop("out", None)
    casting = options.pop("casting", "same_kind")
    for ignored in ("order", "subok"):
        options.pop(ignored, None)
    dtype = options.get("dtype")
    if dtype is not None:
        for x in map(as_operand, inputs):
            if not np.can_cast(x.dtype, dtype, casting):
                raise TypeError(f"Cannot cast {name} input from {x.dtype} to {np.dtype(dtype)}")
    return _stored(rule(*inputs, **options), out, name, casting)


# What chooses the loop, and what says how a new array lies in memory.
_OF_LOOPS = {"dtype", "signature", "sig", "casting", "order", "subok"}


def _for_loop(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Operands in the dtypes of the loop that the options ask for: ``dtype`` is its result's."""
    wanted = options.get("signature", options.get("sig"))
    if isinstance(wanted, str) and "->" in wanted:
        given, _, made = wanted.partition("->")
        wanted = tuple([np.dtype(char) for char in given + made])
    elif wanted is None or isinstance(wanted, str):
        kind = options.get("dtype") if wanted is None else wanted
        kind = None if kind is None else np.dtype(kind)
        wanted = (None,) * ufunc.nin + (kind,) * ufunc.nout
    keys = tuple(map(dtype_key, inputs))
    if all(type(key) is type for key in keys):
        keys = tuple(map(np.dtype, keys))
    chosen = {"signature": wanted} if any(kind is not None for kind in wanted) else {}
    casting = options.get("casting", "same_kind")
    loop = ufunc.resolve_dtypes((*keys, *(None,) * ufunc.nout), casting=casting, **chosen)
    return tuple([as_operand(x).astype(kind) for x, kind in zip(inputs, loop, strict=False)])


def _outer(ufunc: Any, x: Any, y: Any, **options: Any) -> Any:
    x, y = as_operand(x), as_operand(y)
    return ufunc(np.reshape(x, x.shape + (1,) * y.ndim), y, **options)


_REDUCTIONS = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}


def _reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = _no_value,
    where: Any = True,
) -> Any:
    x = as_operand(array)
    if dtype is not None:
        x = x.astype(dtype)
    function = _REDUCTIONS.get(ufunc)
    if function is not None and ufunc not in (np.logical_and, np.logical_or):
        options = {} if initial is _no_value or initial is None else {"initial": initial}
        rule = find_function(function)
        result = rule(x, axis=axis, keepdims=keepdims, where=where, **options)
    elif function is not None:
        result = find_function(function)(x, axis=axis, keepdims=keepdims, where=where)
    else:
        result = _folded(ufunc, x, axis, keepdims, initial, where)
        if ufunc in _ROUNDED_ALIKE and not any_traced((initial, where)):
            options = {"keepdims": keepdims, "initial": initial, "where": where}
            result = as_numpy(lambda known: ufunc.reduce(known, axis, **options), x, result)
    return _stored(result, out, f"np.{ufunc.__name__}.reduce")


def _folded(ufunc: Any, x: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    """One slice after the other, as NumPy does it."""
    if ufunc.nin != 2 or ufunc.nout != 1:
        raise ValueError("reduce only supported for binary functions")
    x = _in_its_loop(ufunc, x)
    axes = axis_tuple(axis, x.ndim)
    result = x
    if initial is None:  # begin with the first element
        initial = _no_value
    elif initial is _no_value and _begins_with_identity(ufunc, where):
        initial = ufunc.identity
    if where is not True:
        if initial is _no_value:
            raise ValueError(f"reduction operation {ufunc.__name__} needs initial= with where=")
        where = np.broadcast_to(where, x.shape)
    elif len(axes) == x.ndim > 1 and not keepdims and memory_of(x).flags.c_contiguous:
        result, axes = x.reshape(-1), (0,)  # NumPy goes through all axes at once
    if not axes and initial is not _no_value:  # nothing stands beside what it begins with
        start = as_operand(initial).astype(x.dtype)
        result = np.where(where, ufunc(start, x), start)
    for i in axes:
        parts = np.moveaxis(result, i, 0)
        n = parts.shape[0]
        if n == 0 and initial is _no_value and ufunc.identity is None:
            raise ValueError(f"zero-size array to {ufunc.__name__}.reduce has no identity")
        total = None if initial is _no_value else as_operand(initial).astype(x.dtype)
        masks = np.moveaxis(where, i, 0) if where is not True else None
        if ufunc in _ASSOCIATIVE and masks is None and n > _SHORT:
            parts, n = together(ufunc, parts), 1
        for k in range(n):
            step = parts[k] if total is None else ufunc(total, parts[k])
            total = step if masks is None else np.where(masks[k], step, total)
        if total is None:
            total = np.full(parts.shape[1:], ufunc.identity, x.dtype)
        result = np.expand_dims(np.broadcast_to(total, parts.shape[1:]).copy(), i)
        where, initial = True, _no_value
    return result if keepdims else np.squeeze(result, axes)


def _in_its_loop(ufunc: Any, x: Any) -> Any:
    """The operand in the dtype in which a ufunc works with what it has made before."""
    loop = ufunc.resolve_dtypes((None, x.dtype, None), reduction=True)[1]
    return x if loop == x.dtype or loop.kind == "O" else x.astype(loop)


def _begins_with_identity(ufunc: Any, where: Any) -> bool:
    """Where that makes a difference: that of SciPy's ufuncs is 0, whatever they compute."""
    if ufunc.identity is None:
        return False
    return where is not True or ufunc not in _UNCHANGED


_ACCUMULATIONS = {np.add: np.cumsum, np.multiply: np.cumprod}
_ASSOCIATIVE = frozenset(
    [np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot]
)
# NumPy's reduce of others (power, arctan2) loses what came before on processors with long vectors.
_ROUNDED_ALIKE = _ASSOCIATIVE | {np.subtract, np.divide}
_UNCHANGED = _ASSOCIATIVE - {np.hypot}  # by their identity: hypot(0, x) is abs(x)
_SHORT = 16  # what is no longer is worked on in NumPy's order also where values are not known


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    x = as_operand(array)
    if x.ndim == 0:
        raise TypeError("cannot accumulate on a scalar")
    function = _ACCUMULATIONS.get(ufunc)
    if function is not None:
        result = find_function(function)(x, axis=axis, dtype=dtype)
        return _stored(result, out, f"np.{ufunc.__name__}.accumulate")
    x = _in_its_loop(ufunc, x if dtype is None else x.astype(dtype))
    axis = axis_index(axis, x.ndim)
    n = x.shape[axis]
    parts = np.moveaxis(x, axis, 0)
    picked = running_extremes(ufunc, parts) if n else None
    if picked is not None:
        parts = picked
    elif ufunc in _ASSOCIATIVE and n > _SHORT:
        parts = from_the_first(ufunc, parts)
    elif n:
        rows = [parts[0]]
        for k in range(1, n):
            rows.append(ufunc(rows[-1], parts[k]))
        parts = as_numpy(lambda known: ufunc.accumulate(known, 0), parts, np.stack(rows))
    result = np.moveaxis(parts, 0, axis)
    if picked is None:  # rows that are put together lie in memory as such
        result, made = np.empty_like(x, dtype=parts.dtype), result
        result[...] = made
    return _stored(result, out, f"np.{ufunc.__name__}.accumulate")


def _reduceat(
    ufunc: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    x = as_operand(array)
    parts = np.moveaxis(x, axis_index(axis, x.ndim), 0)
    starts = np.array(indices, np.intp).reshape(-1)
    lengths = np.maximum(np.diff(starts, append=parts.shape[0]), 1)
    floating = x.dtype.kind in "fc" and dtype in (None, x.dtype)
    joined = of_segments(ufunc, parts, starts, lengths) if floating else None
    if joined is None:
        joined = _reduced_rows(ufunc, parts, starts, lengths, dtype)
    made = as_numpy(lambda known: ufunc.reduceat(known, starts, 0, dtype), parts, joined)
    result = np.moveaxis(made, 0, axis_index(axis, x.ndim))
    return _stored(result, out, f"np.{ufunc.__name__}.reduceat")


def _reduced_rows(ufunc: Any, parts: Any, starts: Any, lengths: Any, dtype: Any) -> Any:
    """Segments of one length are reduced together."""
    groups, order = [], []
    for length in np.unique(lengths):
        (same,) = np.nonzero(lengths == length)
        rows = parts[starts[same][:, None] + np.arange(length)]
        groups.append(_reduce(ufunc, rows, 1, dtype, initial=None))
        order.append(same)
    return np.concatenate(groups)[np.argsort(np.concatenate(order))]


def _of_python(ufunc: Any, *inputs: Any) -> Any:
    """What ``np.frompyfunc`` makes: its function is called for each element, as NumPy does."""
    held = []
    for x in map(as_operand, inputs):
        boxes = np.empty(x.shape, object)
        for place in np.ndindex(x.shape):
            boxes[place] = x[place]
        held.append(boxes)
    made = ufunc(*held)
    results = made if ufunc.nout > 1 else (made,)
    together = [_as_numbers(y) for y in results]
    return tuple(together) if ufunc.nout > 1 else together[0]


def _as_numbers(made: Any) -> Any:
    """An array of recorded numbers in place of one of objects."""
    held = made.tolist() if isinstance(made, np.ndarray) else made
    return joined(held) if any_traced(held) else made


_methods["ufunc of Python's"] = _of_python
_methods["ufunc with options"] = _with_options
_methods["ufunc stored"] = _stored
_methods["ufunc of cores"] = _of_cores
_methods["ufunc.outer"] = _outer
_methods["ufunc.reduce"] = _reduce
_methods["ufunc.accumulate"] = _accumulate
_methods["ufunc.reduceat"] = _reduceat
