"""Small helpers that the rules share."""

from __future__ import annotations

import operator
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.elementwise import norm_sqrt
from adjoint.primitives.parts import join_parts
from adjoint.trace import recorder as core
from adjoint.trace.flat import Flat
from adjoint.trace.foreign import refused
from adjoint.trace.views import detached


def is_traced(x: Any) -> bool:
    """Whether x is a stand-in."""
    return type(x) is core.TracedArray


def as_operand(x: Any) -> Any:
    """A stand-in as it is; a list with stand-ins stacked; anything else an array."""
    if type(x) is core.TracedArray or type(x) is np.ndarray:
        return x
    x = with_sequence_as_list(x)
    if isinstance(x, list | tuple) and any_traced(x):
        return np.stack([as_operand(part) for part in x])
    return x if type(x) is core.TracedArray else np.asarray(x)


def real_operand(x: Any, wanted: str) -> Any:
    """An operand that is not complex: its imaginary part would be lost without a word."""
    operand = as_operand(x)
    if operand.dtype.kind == "c":
        raise TypeError(wanted)  # NumPy's class, also outside a recording
    if operand.dtype == object:
        from adjoint.trace.refusals import called_here

        error = refused(operand, called_here())
        if error is not None:
            raise error
    return operand


def any_traced(x: Any) -> bool:
    """Whether a nested sequence holds a stand-in."""
    pending = [x]
    while pending:
        part = pending.pop()
        kind = type(part)
        if kind is core.TracedArray:
            return True
        if kind in SINGLE:
            continue
        if _has_array(kind):
            pending.append(part.__array__())
        elif _is_sequence(kind):
            pending.extend(part)
    return False


# What is most often given to functions, and is no sequence that stand-ins can be in.
SINGLE = frozenset([np.ndarray, np.float64, float, int, complex, bool, type(None), str, range])

_READ_BY_NUMPY = (np.ndarray, np.generic, core.TracedCore, str, bytes, bytearray, memoryview, range)
_NO_SEQUENCE = ("__array__", "__array_interface__", "__array_struct__", "keys", "shape")


@lru_cache(maxsize=256)
def _is_sequence(kind: type) -> bool:
    """Whether NumPy reads what is of a type element by element: a deque, a class of the user's."""
    if issubclass(kind, list | tuple):
        return True
    if issubclass(kind, _READ_BY_NUMPY) or any(hasattr(kind, name) for name in _NO_SEQUENCE):
        return False
    # Of the class itself: enumerations have a metaclass with such methods.
    own = {name for base in kind.__mro__ for name in vars(base)}
    return own.issuperset(("__len__", "__getitem__", "__iter__"))


def with_sequence_as_list(x: Any) -> Any:
    """A deque or a sequence of the user's own as a list, what is an array as one; else as it is."""
    kind = type(x)
    if kind is Flat:
        return x.copy()
    if kind is list or kind is tuple or kind in SINGLE:
        return x
    if _has_array(kind):
        array = x.__array__()  # NumPy would refuse what it gives if that is a stand-in
        return array if type(array) is core.TracedArray else x
    if not _is_sequence(kind) or issubclass(kind, list | tuple):
        return x
    return list(x)


@lru_cache(maxsize=256)
def _has_array(kind: type) -> bool:
    """Whether a class of the user's says by a method of Python's what array it is.

    One that asks to be asked first by NumPy's functions and operators says it in its own way.
    """
    if kind is core.TracedArray or hasattr(kind, "__array_priority__"):
        return False
    method = getattr(kind, "__array__", None)
    return isinstance(method, FunctionType) and not hasattr(kind, "__array_ufunc__")


def axis_index(axis: Any, ndim: int) -> int:
    """An axis counted from the front; raises AxisError as NumPy does."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    place: int = axis % ndim
    return place


def axis_tuple(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes of a reduction, sorted: None means all of them."""
    if axis is None or (ndim == 0 and type(axis) is int and axis in (0, -1)):
        return tuple(range(ndim))  # NumPy lets numbers have one axis to reduce
    if isinstance(axis, tuple | list):
        axes = tuple([axis_index(a, ndim) for a in axis])
        if len(set(axes)) != len(axes):
            raise ValueError("duplicate value in 'axis'")
        return tuple(sorted(axes))
    return (axis_index(axis, ndim),)


def counted_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes whose elements are counted, as for a mean: a number has none, as NumPy has it."""
    if axis is not None and ndim == 0:
        for i in axis if isinstance(axis, tuple | list) else (axis,):
            axis_index(i, ndim)
    return axis_tuple(axis, ndim)


def extent(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements stand along some axes."""
    n = 1
    for axis in axes:
        n *= shape[axis]
    return n


def common_dtype(*operands: Any) -> np.dtype[Any]:
    """NumPy's result type of arrays, stand-ins and Python numbers."""
    from adjoint.trace.elementwise import dtype_key

    keys = [dtype_key(x) for x in operands]
    return np.result_type(*[key(1) if type(key) is type else key for key in keys])


def root(squares: Any) -> Any:
    """Sqrt with slope 0 at 0, of every order: the least subgradient of a length."""
    return norm_sqrt(squares)


def moved_as(value: Any, moving: Any) -> Any:
    """A value with the derivatives of a formula that is equal to it but for rounding."""
    return stop_gradient(value) - (stop_gradient(moving) - moving)  # -0.0 - 0.0 is -0.0


def complex_of(real: Any, imaginary: Any) -> Any:
    """A complex array of its parts, each with its own signs of zero, infinities and NaN."""
    parts = as_operand(real), as_operand(imaginary)
    kind = np.result_type(*[x.dtype for x in parts], np.complex64)
    own = np.zeros(0, kind).real.dtype
    shape = np.broadcast_shapes(*[x.shape for x in parts])
    joined = [np.broadcast_to(x.astype(own), shape) for x in parts]
    return core.bind(join_parts, [detached(x) for x in joined], ())
