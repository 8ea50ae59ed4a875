"""What NumPy's functions, ufuncs and methods mean on stand-in arrays: three tables.

To add a function, write it with stand-ins in mind in a module of ``trace/calls`` and put
``@implements(np.name)`` above it; ``ndarray`` methods of the same name are found too.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.primitive import primitives
from adjoint.graph.source import source_here

F = TypeVar("F", bound=Callable[..., Any])

_functions: dict[Any, Callable[..., Any]] = {}
_ufuncs: dict[Any, Callable[..., Any]] = {}
_methods: dict[str, Callable[..., Any]] = {}
_refused: dict[Any, str] = {}


def implements(*functions: Any, methods: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Say that a Python function does what these NumPy functions do.

    Args:
        functions: NumPy functions or ufuncs.
        methods: names of ndarray methods that do the same with self as first argument.
    """

    def note(function: F) -> F:
        for known in functions:
            table = _ufuncs if isinstance(known, np.ufunc) else _functions
            table[known] = function
        for name in methods:
            _methods[name] = function
        return function

    return note


def refuse(reason: str, *functions: Any) -> None:
    """Say why functions have no rule, and what to use instead."""
    for function in functions:
        _refused[function] = reason


def method(name: str) -> Callable[..., Any] | None:
    """The rule of an ndarray method."""
    return _methods.get(name)


def supported() -> tuple[dict[Any, Any], dict[Any, Any], dict[str, Any], dict[Any, str]]:
    """The tables, for the coverage page: functions, ufuncs, methods, refusals."""
    return _functions, _ufuncs, _methods, _refused


def _unsupported(function: Any) -> UnsupportedError:
    name = getattr(function, "__name__", str(function))
    module = (getattr(function, "__module__", "") or "numpy").replace("numpy", "np", 1)
    names = [f.__name__ for f in (*_functions, *_ufuncs)]
    near = difflib.get_close_matches(name, names, 1, 0.75)
    remedy = _refused.get(function)
    if remedy is None:
        remedy = f"the nearest supported function is np.{near[0]}; " if near else ""
        remedy += "wrap it with ad.custom_vjp, or keep it outside the differentiated function"
    return UnsupportedError(
        f"{module}.{name} has no rule for arrays under recording",
        function=f"{module}.{name}",
        source=source_here(),
        remedy=remedy,
    )


def find_function(function: Any) -> Callable[..., Any]:
    """The rule of a NumPy function; raises UnsupportedError by name."""
    found = _functions.get(function)
    if found is None:
        raise _unsupported(function)
    return found


def _ufunc_rule(ufunc: Any) -> Callable[..., Any] | None:
    found = _ufuncs.get(ufunc)
    if found is None and not hasattr(np, ufunc.__name__):
        # scipy.special's ufuncs are found by name: SciPy is not imported for them.
        name = ufunc.__name__
        if name in primitives and "scipy" in primitives[name].notes:
            from adjoint.trace.elementwise import elementwise

            primitive = primitives[name]
            found = _ufuncs[ufunc] = lambda *xs: elementwise(primitive, *xs)
    return found


def array_ufunc(ufunc: Any, how: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A call of a ufunc or one of its methods with a stand-in among its operands."""
    if how == "__call__":
        rule = _ufunc_rule(ufunc)
        if rule is None:
            raise _unsupported(ufunc)
        if options:
            return _methods["ufunc with options"](rule, inputs, options)
        return rule(*inputs)
    form = _methods.get(f"ufunc.{how}")
    if form is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__}.{how} has no rule for arrays under recording",
            function=f"np.{ufunc.__name__}.{how}",
            source=source_here(),
            remedy="write it with np.sum, np.cumsum, np.multiply.outer or indexing",
        )
    return form(ufunc, *inputs, **options)
