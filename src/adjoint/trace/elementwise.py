"""Elementwise operations as NumPy applies them: promotion, then broadcasting, then the loop.

This is the hot path of recording, so it is one function with the casts and broadcasts
noted in line. Their payloads are not computed: NumPy does both inside the operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.source import here
from adjoint.graph.types import ArrayType
from adjoint.primitives.infer import loop_dtypes
from adjoint.primitives.linear import broadcast, cast
from adjoint.primitives.special import SciPyFunction
from adjoint.trace import recorder as core
from adjoint.trace.foreign import PYTHON_NUMBERS
from adjoint.trace.layouts import type_of_result
from adjoint.trace.recorder import PLAIN, capture, innermost, leaked, plain
from adjoint.trace.views import is_array

_PYTHON = {bool: np.dtype(bool), int: int, float: float, complex: complex}


def dtype_key(x: Any) -> Any:
    """What decides promotion: a dtype, or ``int``, ``float``, ``complex`` for weak numbers."""
    kind = type(x)
    if kind is core.TracedArray:
        if x.weak:
            return PYTHON_NUMBERS[x.payload.dtype.kind]
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
    counted = primitive.notes.get("integers", ())
    found = _scipy_loop(primitive, keys)
    if found is not None:
        result = found[-1]
        counts = [i for i in counted if found[i].kind in "iu"]
    else:
        counts = [i for i in counted if keys[i] is int or _is_integer(keys[i])]
        measures = [key for i, key in enumerate(keys) if i not in counts]
        result = np.result_type(*(key(1) if type(key) is type else key for key in measures))
        if result.kind not in "fc":
            result = np.dtype(np.float64)
        elif result == np.float16:
            result = np.dtype(np.float32)
    loop = [np.dtype(np.int64) if i in counts else result for i in range(len(keys))]
    return (*loop, result)


def _scipy_loop(primitive: Primitive, keys: tuple[Any, ...]) -> tuple[np.dtype[Any], ...] | None:
    """The dtypes of a row's own loop in SciPy, where it is one of SciPy's ufuncs.

    An integer or a Python number may raise the dtype there: ``eval_laguerre(2, x)`` of float32 is
    float64, and ``jv(2, x)`` is not.
    """
    if not isinstance(primitive.evaluate, SciPyFunction):
        return None
    ufunc = primitive.evaluate.find()
    if not isinstance(ufunc, np.ufunc) or ufunc.nin != len(keys) or ufunc.nout != 1:
        return None
    return scipy_loop(ufunc, keys)


def scipy_loop(ufunc: Any, keys: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes of the loop that a ufunc of SciPy's runs for operands with these keys."""
    if all(type(key) is type for key in keys):
        keys = tuple(np.dtype(key) for key in keys)
    return loop_dtypes(ufunc, keys)


def _is_integer(key: Any) -> bool:
    return isinstance(key, np.dtype) and key.kind in "iub"


@lru_cache(maxsize=4096)
def _complex_or_power(by: Any, keys: tuple[Any, ...]) -> bool:
    """Whether what NumPy's scalars would do is not what its ufuncs do; all else rounds alike."""
    return by is pow or any(np.dtype(key).kind == "c" for key in keys)


def _array_in(operands: Sequence[Any]) -> bool:
    """Whether one is an array, with axes or without: then all goes through NumPy's ufuncs."""
    return any(
        is_array(x) if type(x) is core.TracedArray else type(x) is np.ndarray for x in operands
    )


def _by_scalars(by: Any, lower: list[Any], shapes: list[Any]) -> Any:
    """What NumPy's scalars make of numbers; None where arrays take part, or they do not.

    What ``1j * np.float64(2)`` gives is even a Python number. Powers of Python's numbers may be
    complex: they stay with the ufunc.
    """
    if any(shapes) or (by is pow and all(type(p) in _PYTHON for p in lower)):
        return None
    return by(*[p[()] if type(p) is np.ndarray else p for p in lower])


def _remembered(primitive: Primitive, x: Any, recorder: Any, out: Any) -> Any:
    """A result without derivative as a plain one; of a sign is known whose it is.

    ``sign(x) * f(abs(x))`` may be smooth at 0: its derivative looks for both.
    """
    made = plain(out)
    if primitive.name == "sign" and type(x) is core.TracedArray and x.recorder is recorder:
        value = capture(made) if core.is_plain(made) else made
        recorder.known_constants[id(value)] = recorder.push(primitive, (), (x.number,), value)
    return made


joint_shape = lru_cache(maxsize=4096)(np.broadcast_shapes)


def _of_python(x: Any) -> Any:
    """A plain number that counts as Python's as one."""
    return x.payload.item() if type(x) is core.TracedArray and x.weak else x


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
        return recorder.apply(primitive, [_of_python(x) for x in operands], ())
    if recorder.closed:
        raise leaked(recorder)
    traced = core.TracedArray
    lower: list[Any] = []
    keys: list[Any] = []
    shapes: list[Any] = []
    nested = False
    for x in operands:
        kind = type(x)
        if kind is traced and x.recorder is recorder:
            payload = x.payload
            shapes.append(payload.shape)
            nested = nested or type(payload) is traced
            if x.weak:
                keys.append(dtype_key(x))
                if type(payload) is traced:  # a Python number in every recording around this one
                    if not payload.weak:
                        payload = traced(payload.recorder, payload.number, payload.payload, True)
                elif recorder.concrete:
                    payload = payload.item()
            else:
                keys.append(payload.dtype)
            lower.append(payload)
        elif kind in _PYTHON:
            keys.append(_PYTHON[kind])
            lower.append(x)
            shapes.append(())
        else:
            if kind is traced:
                if x.recorder is PLAIN:
                    x = capture(x)
                else:
                    nested = True
            elif not hasattr(x, "dtype"):
                x = np.asarray(x)
            keys.append(dtype_key(x))
            lower.append(x)
            shapes.append(x.shape)
    types = tuple(keys)
    weak = False
    if recorder.concrete:
        out = None
        if nested:
            out = elementwise(
                primitive, *lower, by=None if by is None or _array_in(operands) else by
            )
        elif by is not None and _complex_or_power(by, types) and not _array_in(operands):
            out = _by_scalars(by, lower, shapes)
        if out is None:
            out = primitive.evaluate(*lower)
        if type(out) is float or type(out) is complex:
            weak = True
            out = np.asarray(out)[()]
        if primitive.structure == "constant" and not recorder.keep_all:
            return _remembered(primitive, operands[0], recorder, out)
        shape = getattr(out, "shape", ())
        loop = loop_of(primitive, types)
    else:
        shape = joint_shape(*shapes)
        loop = loop_of(primitive, types)
        out = type_of_result(primitive, lower, {}, ArrayType(shape, loop[-1]))
    indices = []
    frame = recorder.source or here(3)
    for x, extent, dtype in zip(operands, shapes, loop, strict=False):
        if type(x) is traced and x.recorder is recorder:
            index, kind = x.number, x.payload.dtype
        elif type(x) in _PYTHON:
            indices.append(recorder.number(x, ArrayType(shape, dtype), frame))
            continue
        else:
            if not hasattr(x, "dtype"):
                x = np.asarray(x)
            index, kind = recorder.constant(x), x.dtype
        if kind is not dtype and kind != dtype:
            index = recorder.push(cast, (dtype,), (index,), ArrayType(extent, dtype), frame)
        if extent != shape:
            index = recorder.push(broadcast, (shape,), (index,), ArrayType(shape, dtype), frame)
        indices.append(index)
    index = recorder.push(primitive, (), tuple(indices), out, frame)
    return traced(recorder, index, out, weak)
