"""NumPy's and SciPy's own Python code, run on stand-ins.

Much of NumPy is written in NumPy: ``np.cov`` or ``np.gradient`` are a page of Python around
functions that have rules here, and so is much of SciPy. Such a function is made again from
its code object with other globals, in which whatever makes arrays keeps stand-ins as they
are. Its values are then NumPy's bit for bit, and its derivatives are those of the operations
it is made of. Nothing of theirs is changed: the globals are copies.
"""

from __future__ import annotations

import builtins
import cmath
import importlib
import math
from collections.abc import Callable
from functools import cache
from types import CellType, FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np

from adjoint.trace import lists, making, replacing
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import any_traced, as_operand
from adjoint.trace.scipy_gate import has_rule
from adjoint.trace.tables import implements, own

umath: Any = importlib.import_module("numpy._core._multiarray_umath")

_converter: Any = getattr(umath, "_array_converter", object)
_globals: dict[int, dict[str, Any]] = {}
_functions: dict[Any, Any] = {}
_modules: dict[str, Any] = {}


_PACKAGES = ("numpy", "scipy")


class _Module:
    """One of their modules, as borrowed code sees it."""

    def __init__(self, real: ModuleType) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return seen(getattr(self._real, name))


def _maker(function: Any) -> Callable[..., Any]:
    def make(*args: Any, **options: Any) -> Any:
        if function is own(np.full) and any_traced(args):
            return making.filled(*args, **options)
        return making.result(function(*args, **options))

    return make


def _array(function: Any, settings: dict[str, Any]) -> Callable[..., Any]:
    def array(obj: Any, *args: Any, **options: Any) -> Any:
        if type(obj) is core.TracedArray or any_traced(obj):
            return making.recorded_array(obj, *args, **{**settings, **options})
        made = function(obj, *args, **options)
        return made if made is obj else making.result(made)

    return array


_replaced: dict[int, Any] = {}
_ZEROED = {"empty": np.zeros, "empty_like": np.zeros_like}


def _replacements() -> dict[int, Any]:
    if not _replaced:
        for name, own, ours in replacing.replaced_functions():
            if name in making.ARRAYS:
                made = _array(own, making.ARRAYS[name])
            else:
                # What is recorded must not depend on what memory holds.
                made = _maker(_ZEROED.get(name, own)) if callable(own) else ours
            # Either may stand in NumPy's modules, depending on when they are looked at.
            _replaced[id(own)] = _replaced[id(ours)] = made
        _replaced[id(np.broadcast)] = _Broadcast
        _replaced[id(_converter)] = _Converter
        _replaced[id(math)] = _Math(math)
        _replaced[id(cmath)] = _Math(cmath)
    return _replaced


class _Broadcast:
    """``np.broadcast`` as far as borrowed code uses it."""

    def __init__(self, *arrays: Any) -> None:
        self.shape = np.broadcast_shapes(*[np.shape(x) for x in arrays])
        self.ndim = len(self.shape)


class _Converter:
    """NumPy's helper that makes arrays of arguments and wraps results like them."""

    def __init__(self, *values: Any) -> None:
        self._arrays = tuple([as_operand(x) for x in values])
        self.scalar_input = tuple([np.ndim(x) == 0 for x in self._arrays])

    def __getitem__(self, k: int) -> Any:
        return self._arrays[k]

    def __len__(self) -> int:
        return len(self._arrays)

    def as_arrays(self, **_: Any) -> tuple[Any, ...]:
        """The arguments as arrays."""
        return self._arrays

    def result_type(self, *extra: Any, **_: Any) -> Any:
        """Their common dtype."""
        return np.result_type(*self._arrays, *extra)

    def wrap(self, x: Any, to_scalar: Any = None) -> Any:
        """The result as it is."""
        return x


def substitute(own_function: Any, ours: Any) -> None:
    """Let borrowed code see something else in the place of one of its globals."""
    real = own(own_function)  # while somebody records, another may stand under its name
    _replacements()[id(real)] = ours
    _kept.append(real)


_kept: list[Any] = []  # what is known by its id stays alive


def seen(value: Any) -> Any:
    """A global of theirs as borrowed code sees it."""
    value = own(value) if callable(value) else value
    replaced = _replacements().get(id(value))
    if replaced is not None:
        return replaced
    if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in _PACKAGES:
        if value.__name__ not in _modules:
            _modules[value.__name__] = _Module(value)
        return _modules[value.__name__]
    if (
        isinstance(value, FunctionType)
        and (value.__module__ or "").partition(".")[0] in _PACKAGES
        and not hasattr(value, "_implementation")
        and not has_rule(value)
    ):
        return borrowed(value)
    return lists.readers.get(id(value), value)


def borrowed(function: Any) -> Any:
    """A function of theirs that keeps stand-ins as they are."""
    function = own(function)
    code = getattr(function, "_implementation", function)
    found = _functions.get(code)
    if found is None:
        cells = tuple([CellType() for _ in code.__closure__ or ()])
        found = _functions[code] = FunctionType(
            code.__code__,
            globals_for(code.__globals__),
            code.__name__,
            code.__defaults__,
            cells if code.__closure__ else None,
        )
        found.__kwdefaults__ = code.__kwdefaults__
        found.__dict__.update(code.__dict__)  # a decorator's __wrapped__ tells the signature
        for cell, real in zip(cells, code.__closure__ or (), strict=True):
            cell.cell_contents = seen(real.cell_contents)
    return found


def globals_for(names: dict[str, Any]) -> dict[str, Any]:
    """The names of a module of theirs as borrowed code sees them."""
    made = _globals.get(id(names))
    if made is None:
        made = _globals[id(names)] = {"__builtins__": _builtins()}
        for name, value in list(names.items()):
            if name != "__builtins__":
                made[name] = value if name.startswith("__") else seen(value)
    return made


@cache
def _builtins() -> dict[str, Any]:
    """Python's names: imports give modules as borrowed code sees them, numbers stay recorded."""

    def seen_import(*args: Any, **options: Any) -> Any:
        return seen(builtins.__import__(*args, **options))

    ours = {"__import__": seen_import, "float": _Float, "complex": _Complex, "all": _all}
    return {**vars(builtins), **ours}


def _all(values: Any) -> Any:
    """``all``; for a recorded row one answer, so that a check of it is a single branch."""
    if type(values) is core.TracedArray and values.ndim == 1:
        return np.all(values)
    return builtins.all(values)


class _NumberType(type):
    """A type of Python's numbers whose call leaves recorded numbers recorded."""

    own: type
    dtype: np.dtype[Any]

    def __call__(cls, *args: Any) -> Any:
        if any(type(x) is core.TracedArray and not core.is_plain(x) for x in args):
            return args[0].astype(cls.dtype)
        return cls.own(*args)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.own)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.own)

    def __eq__(cls, other: object) -> bool:
        return other is cls.own or other is cls  # ``type(q) in (int, float)``

    def __hash__(cls) -> int:
        return hash(cls.own)


class _Float(float, metaclass=_NumberType):
    own, dtype = float, np.dtype(float)


class _Complex(complex, metaclass=_NumberType):
    own, dtype = complex, np.dtype(complex)


class _Math:
    """``math`` or ``cmath``, with NumPy's functions of the same names for recorded numbers."""

    _other = MappingProxyType({"pow": "power", "fabs": "abs", "atan2": "arctan2"})

    def __init__(self, own: ModuleType) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._own, name)
        if not callable(real):
            return real

        def call(*args: Any) -> Any:
            if not any_traced(args):
                return real(*args)
            return getattr(np, self._other.get(name, name))(*args)

        return call


def borrow(*functions: Any) -> None:
    """Let NumPy's own code be the rule of these functions."""
    for function in functions:
        implements(function)(_late(function))


def _late(function: Any) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return borrowed(function)(*args, **options)

    call.__name__ = function.__name__
    return call
