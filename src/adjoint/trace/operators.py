"""What Python's operators do on stand-in arrays."""

from __future__ import annotations

import operator as python
from typing import Any

import numpy as np

from adjoint.primitives import elementwise as e
from adjoint.primitives import linear, products
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import as_operand, with_sequence_as_list
from adjoint.trace.elementwise import dtype_key, elementwise, loop_of
from adjoint.trace.foreign import PYTHON_NUMBERS
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import TracedCore, bind
from adjoint.trace.views import is_array

NUMBERS = (bool, int, float, complex)
_OPERANDS = (TracedCore, np.ndarray, np.generic, *NUMBERS)


def fits(x: Any) -> bool:
    """Whether an operator may take this operand; otherwise Python tries the other one."""
    kind = type(x)
    return kind is core.TracedArray or kind in NUMBERS or isinstance(x, _OPERANDS)


# What Python calls between two scalars, which do not go through NumPy's ufuncs.
_SCALAR_OPERATORS = {
    linear.add: python.add,
    linear.sub: python.sub,
    products.mul: python.mul,
    e.div: python.truediv,
    e.power: pow,
    e.absolute: abs,
}


def operator(primitive: Any, swapped: bool = False) -> Any:
    """The method for a binary operator, or for its swapped form."""
    by = _SCALAR_OPERATORS.get(primitive)

    def apply(self: Any, other: Any) -> Any:
        if not fits(other):
            other = with_sequence_as_list(other)
            if not isinstance(other, list | tuple | TracedCore):
                return NotImplemented
            if self.weak and primitive.name in _EQUALITY and isinstance(other, list | tuple):
                return NotImplemented  # Python's numbers equal no list
            other = as_operand(other)
        pair = (other, self) if swapped else (self, other)
        result = elementwise(primitive, *pair, by=by)
        if self.weak and type(result) is core.TracedArray and result.dtype.kind in PYTHON_NUMBERS:
            # Python numbers give Python numbers, which stay weak; not what compares them.
            result.weak = type(other) in NUMBERS or getattr(other, "weak", False)
        elif self.weak and isinstance(result, np.floating) and type(other) in NUMBERS:
            result = result.item()  # a step without derivative
        return result

    return apply


_EQUALITY = ("equal", "not_equal")


def unary(primitive: Any) -> Any:
    """The method for an operator with one operand."""
    by = _SCALAR_OPERATORS.get(primitive)

    def apply(self: Any) -> Any:
        result = elementwise(primitive, self, by=by)
        if self.weak:
            result.weak = True
        return result

    return apply


def power(x: Any, exponent: Any) -> Any:
    """``x ** exponent`` with NumPy's shortcuts for small powers that are Python numbers."""
    if type(x) is core.TracedArray and x.weak and _leaves_the_reals(x, exponent):
        whole = x.astype(complex)
        x = type(x)(whole.recorder, whole.number, whole.payload, True)
    if type(exponent) in (int, float) and type(x) is core.TracedArray:
        result = _number_power(x, exponent)
        if result is not None:
            if x.weak:
                result.weak = True
            return result
    result = elementwise(e.power, x, exponent, by=pow)
    if type(result) is core.TracedArray and x.weak:
        result.weak = type(exponent) in NUMBERS or getattr(exponent, "weak", False)
    return result


def _leaves_the_reals(x: Any, exponent: Any) -> bool:
    """Whether Python's power of its own numbers is complex: a negative one, no whole exponent."""
    if type(exponent) is core.TracedArray:
        exponent = concrete_value(exponent) if exponent.weak else None
    elif type(exponent) is not float:
        return False
    base = concrete_value(x)
    if base is None or exponent is None or x.dtype.kind != "f":
        return False
    return bool(base < 0 and exponent != np.floor(exponent) and np.isfinite(exponent))


# What arrays compute instead of a power, and what numbers do: NumPy rounds complex ones otherwise.
_SHORTCUTS: dict[float, tuple[Any, Any]] = {
    2: (e.square, lambda x: x**2),
    -1: (e.reciprocal, lambda x: x**-1),
    0.5: (e.sqrt, lambda x: x**0.5),
}


def _number_power(x: Any, exponent: float) -> Any:
    dtype = loop_of(e.power, (dtype_key(x), type(exponent)))[-1]
    if dtype.kind not in "fc":
        return None
    if x.dtype != dtype:
        x = x.astype(dtype)
    if exponent == 1:
        return x.copy()
    if exponent in _SHORTCUTS:
        primitive, by = _SHORTCUTS[exponent]
        return elementwise(primitive, x, by=by)
    if not x.shape and is_array(x):
        return None  # its power is not that of a number, to the last bit
    return bind(products.scalar_pow, (x,), (exponent,))
