"""``math.sin(x)`` and ``cmath.exp(z)`` of recorded numbers whose values are known.

Python's own functions of numbers ask for a float, in which a derivative would be lost. While
somebody records, others stand under their names: they are Python's own for plain numbers, and
for recorded ones where values are not known (inside jit, vmap and loops), which refuses them with
the name that NumPy has for it. Where the value is known Python's function is asked first, so that
what it raises is raised and its digits are kept; the derivatives are those of NumPy's.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from adjoint.trace import recorder as core
from adjoint.trace.calls.support import moved_as
from adjoint.trace.making import joined
from adjoint.trace.python_numbers import as_python_number, moves, plain_number
from adjoint.trace.replacing import with_module

_Formula = Callable[..., Any]
_PLAIN = (float, int, bool, complex)


class _Operands:
    """The arguments of a call, to give to Python's function and to a formula."""

    def __init__(self, dtype: type) -> None:
        self.dtype = dtype
        self.moving = False
        self.known = True

    def value(self, x: Any) -> Any:
        """What Python's function is given for an argument."""
        if isinstance(x, list | tuple):
            return [self.value(part) for part in x]
        if type(x) is not core.TracedArray:
            return x
        value = plain_number(x)
        self.moving = self.moving or moves(x)
        self.known = self.known and value is not None
        return x if value is None else value

    def number(self, x: Any) -> Any:
        """What a formula is given for it."""
        if isinstance(x, list | tuple):
            return [self.number(part) for part in x]
        return as_python_number(x, self.dtype) if moves(x) and x.size == 1 else x


def _followed(own: Any, formula: _Formula, dtype: type) -> Any:
    """Python's function, with a formula for recorded numbers."""

    @functools.wraps(own)
    def function(*args: Any, **options: Any) -> Any:
        if all(type(x) in _PLAIN for x in args):
            return own(*args, **options)
        if own.__name__ == "fsum":
            args = tuple([list(x) for x in args])  # it may be an iterator
        operands = _Operands(dtype)
        values = [operands.value(x) for x in args]
        if not (operands.moving and operands.known):
            return own(*args, **options)
        value = own(*values, **options)
        made = _as_python_numbers(formula(*[operands.number(x) for x in args]))
        return _with_value(value, made) if type(value) in (float, complex) else made

    function.adjoint_own = own  # type: ignore[attr-defined]
    return function


def _with_value(value: Any, made: Any) -> Any:
    """What a formula makes, with the digits of Python's function."""
    known = plain_number(made)
    if known == value or known is None or value != value:
        return made
    return as_python_number(moved_as(value, made), type(value))


def _as_python_numbers(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple([_as_python_numbers(part) for part in result])
    if type(result) is core.TracedArray:
        return as_python_number(result, complex if result.dtype.kind == "c" else float)
    return result


def _special(name: str) -> _Formula:
    def formula(x: Any) -> Any:
        import scipy.special  # who uses none of these need not wait for it

        return getattr(scipy.special, name)(x)

    return formula


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _hypot(*sides: Any) -> Any:
    return np.linalg.norm(joined(list(sides)))


def _remainder(x: Any, y: Any) -> Any:
    return x - y * np.rint(x / y)


def _modf(x: Any) -> tuple[Any, Any]:
    whole = np.trunc(x)
    return x - whole, whole


def _frexp(x: Any) -> tuple[Any, int]:
    _, exponent = math.frexp(x._value("math.frexp()", "use np.frexp"))
    return x * 2.0**-exponent, exponent


_SAME = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log10", "sqrt")
_ARCS = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_BOTH: dict[str, _Formula] = {
    **{name: getattr(np, name) for name in _SAME},
    **{"a" + name: getattr(np, "arc" + name) for name in _ARCS},
    "log": _log,
}
_OF_FLOATS: dict[str, _Formula] = {
    **_BOTH,
    **{name: getattr(np, name) for name in ("exp2", "expm1", "log1p", "log2", "cbrt", "fabs")},
    **{name: getattr(np, name) for name in ("degrees", "radians", "fmod", "copysign", "ldexp")},
    **{name: _special(name) for name in ("gamma", "erf", "erfc")},
    "lgamma": _special("gammaln"),
    "atan2": np.arctan2,
    "pow": np.power,
    "hypot": _hypot,
    "dist": lambda p, q: np.linalg.norm(joined(p) - joined(q)),
    "fsum": lambda terms: np.sum(joined(terms)),
    "remainder": _remainder,
    "modf": _modf,
    "frexp": _frexp,
    "fma": lambda x, y, z: x * y + z,  # from Python 3.13 on
}
_OF_COMPLEX: dict[str, _Formula] = {
    **_BOTH,
    "phase": np.angle,
    "polar": lambda z: (np.abs(z), np.angle(z)),
    "rect": lambda r, phi: r * np.cos(phi) + 1j * (r * np.sin(phi)),
}


def _prepare(module: ModuleType, formulas: dict[str, _Formula], dtype: type) -> None:
    there = vars(module)
    ours = {
        name: _followed(there[name], formula, dtype)
        for name, formula in formulas.items()
        if name in there
    }
    with_module(module, ours)


_prepare(math, _OF_FLOATS, float)
_prepare(cmath, _OF_COMPLEX, complex)
