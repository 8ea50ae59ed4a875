"""Elementwise operations as NumPy applies them: promotion, then broadcasting, then the loop.

This is the hot path of recording, so it is one function with the casts and broadcasts
noted in line. Their payloads are not computed: NumPy does both inside the operation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.source import here
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import loop_dtypes
from adjoint.primitives.linear import broadcast, cast
from adjoint.trace import recorder as core
from adjoint.trace.recorder import PLAIN, capture, innermost, leaked, plain

_PYTHON = {bool: np.dtype(bool), int: int, float: float, complex: complex}


def dtype_key(x: Any) -> Any:
    """What decides promotion: a dtype, or ``int``, ``float``, ``complex`` for weak numbers."""
    kind = type(x)
    if kind is core.TracedArray:
        if x.weak:
            return complex if x.dtype.kind == "c" else float
        return x.payload.dtype
    weak = _PYTHON.get(kind)
    if weak is not None:
        return weak
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


@lru_cache(maxsize=4096)
def loop_of(primitive: Primitive, keys: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes of an elementwise primitive's loop: operands, then the output."""
    if primitive.ufunc is not None:
        if all(type(key) is type for key in keys):
            keys = tuple(np.dtype(key) for key in keys)
        return loop_dtypes(primitive.ufunc, keys)
    # Functions of scipy.special compute in float32 or float64, whatever comes; some count in
    # one operand, and take another way where that is an integer.
    counts = [
        i for i in primitive.notes.get("integers", ()) if keys[i] is int or _is_integer(keys[i])
    ]
    measures = [key for i, key in enumerate(keys) if i not in counts]
    result = np.result_type(*(key(1) if type(key) is type else key for key in measures))
    if result.kind not in "fc":
        result = np.dtype(np.float64)
    elif result == np.float16:
        result = np.dtype(np.float32)
    loop = [np.dtype(np.int64) if i in counts else result for i in range(len(keys))]
    return (*loop, result)


def _is_integer(key: Any) -> bool:
    return isinstance(key, np.dtype) and key.kind in "iub"


def _value(primitive: Primitive, lower: list[Any], by: Any) -> Any:
    """What an elementwise primitive makes of arrays; ``by`` is what NumPy's scalars would do.

    Their powers and complex operations are not those of ufuncs; all others round alike. What
    ``1j * np.float64(2)`` gives is even a Python number.
    """
    if by is not None and (by is pow or any(map(_is_complex, lower))):
        shapes = [getattr(p, "shape", None) for p in lower]
        # Powers of Python numbers may be complex: they stay with the ufunc.
        numbers = shapes.count(None)
        if shapes.count(()) + numbers == len(shapes) and (by is not pow or numbers < len(shapes)):
            return by(*[p[()] if type(p) is np.ndarray else p for p in lower])
    return primitive.evaluate(*lower)


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c" if hasattr(x, "dtype") else type(x) is complex


def elementwise(primitive: Primitive, *operands: Any, by: Any = None) -> Any:
    """Apply an elementwise primitive with NumPy's promotion and broadcasting.

    Args:
        primitive: what to apply.
        operands: stand-ins, arrays and numbers.
        by: Python's operator, if that was called: NumPy's scalars do not go through ufuncs.
    """
    recorder = innermost(operands)
    if recorder is None:
        return primitive.evaluate(*operands)
    if recorder is PLAIN:
        return recorder.apply(primitive, operands, ())
    if recorder.closed:
        raise leaked(recorder)
    traced = core.TracedArray
    lower: list[Any] = []
    keys: list[Any] = []
    nested = False
    for x in operands:
        if type(x) is traced and x.recorder is recorder:
            payload = x.payload
            if x.weak:
                keys.append(dtype_key(x))
                if type(payload) is not traced and recorder.concrete:
                    payload = payload.item()
            else:
                keys.append(payload.dtype)
            lower.append(payload)
            nested = nested or type(payload) is traced
        else:
            if type(x) is traced and x.recorder is PLAIN:
                x = capture(x)
            keys.append(dtype_key(x))
            lower.append(x)
            nested = nested or type(x) is traced
    if recorder.concrete:
        out = elementwise(primitive, *lower, by=by) if nested else _value(primitive, lower, by)
        weak = type(out) in (float, complex)
        if weak:
            out = np.asarray(out)[()]
        if primitive.structure == "constant" and not recorder.keep_all:
            return plain(out)
        shape = np.shape(out)
    else:
        out, weak = None, False
        shape = np.broadcast_shapes(*[np.shape(p) for p in lower])
    loop = loop_of(primitive, tuple(keys))
    indices = []
    frame = recorder.source or here()
    for x, dtype in zip(operands, loop, strict=False):
        if type(x) is traced and x.recorder is recorder:
            index, kind = x.index, x.payload.dtype
            extent = x.payload.shape
        elif type(x) in _PYTHON:
            indices.append(recorder.number(x, ArrayType(shape, dtype), frame))
            continue
        else:
            if not hasattr(x, "dtype"):
                x = np.asarray(x)
            index, kind, extent = recorder.constant(x), x.dtype, x.shape
        if kind != dtype:
            index = recorder.push(cast, (dtype,), (index,), ArrayType(extent, dtype), frame)
        if extent != shape:
            index = recorder.push(broadcast, (shape,), (index,), ArrayType(shape, dtype), frame)
        indices.append(index)
    if out is None:
        out = ArrayType(shape, loop[-1])
    index = recorder.push(primitive, (), tuple(indices), out, frame)
    return traced(recorder, index, out, weak)
